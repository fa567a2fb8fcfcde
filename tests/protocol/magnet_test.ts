import assert from "node:assert/strict";
import { MetainfoError } from "../../lib/errors.ts";
import { formatMagnet, isMagnet, type Magnet, parseMagnet } from "../../lib/protocol/magnet.ts";
import { parseInfoHash } from "../../lib/protocol/info_hash.ts";
import { MAGNET_LIMITS } from "../../lib/settings.ts";

const HEX = "0123456789abcdef0123456789abcdef01234567";
const infoHash = parseInfoHash(HEX)!;
const parse = (text: string) => parseMagnet(text, MAGNET_LIMITS);
const refused = (text: string, message: RegExp) =>
  assert.throws(() => parse(text), (error) => error instanceof MetainfoError && message.test(error.message));

Deno.test("parseMagnet reads the info-hash in hex of either case", () => {
  assert.equal(parse(`magnet:?xt=urn:btih:${HEX}`).infoHash, infoHash);
  assert.equal(parse(`MAGNET:?xt=URN:BTIH:${HEX.toUpperCase()}`).infoHash, infoHash);
});

Deno.test("parseMagnet reads the info-hash in base32 of either case", () => {
  // Made with Python's base64.b32encode.
  const base32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH";
  assert.equal(parse(`magnet:?xt=urn:btih:${base32}`).infoHash, infoHash);
  assert.equal(parse(`magnet:?xt=urn:btih:${base32.toLowerCase()}`).infoHash, infoHash);
});

Deno.test("parseMagnet reads everything else a link can say", () => {
  const link = `magnet:?xt=urn:btih:${HEX}&dn=Some+%C3%84ge%20of%26on&tr=http%3A%2F%2Ft.example%2Fannounce` +
    `&tr.1=udp://t2.example:80&x.pe=10.0.0.5:6881&x.pe=[fd00::5]:6882&x.pe=host.example:1` +
    `&ws=http://w.example/a%2520b&so=0,2,4,6-8&unknown=1`;
  assert.deepEqual(parse(link), {
    infoHash,
    name: "Some Äge of&on",
    trackers: ["http://t.example/announce", "udp://t2.example:80"],
    peers: ["10.0.0.5:6881", "[fd00::5]:6882", "host.example:1"],
    webSeeds: ["http://w.example/a%20b"],
    selectOnly: [{ first: 0, last: 0 }, { first: 2, last: 2 }, { first: 4, last: 4 }, { first: 6, last: 8 }],
    warnings: [],
  });
});

Deno.test("parseMagnet takes a v1 info-hash beside one of v2, and refuses v2 alone", () => {
  const v2 = "xt=urn:btmh:1220" + "ab".repeat(32);
  assert.equal(parse(`magnet:?${v2}&xt=urn:btih:${HEX}`).infoHash, infoHash);
  refused(`magnet:?${v2}`, /v2 only/);
});

Deno.test("parseMagnet names a repeated tracker once", () => {
  assert.deepEqual(parse(`magnet:?xt=urn:btih:${HEX}&tr=a&tr=b&tr=a&tr=`).trackers, ["a", "b"]);
});

Deno.test("parseMagnet refuses what is malformed", () => {
  refused("http://example.org/", /"magnet:\?" at the start/);
  refused("magnet:xt=urn:btih:" + HEX, /at the start/);
  refused("magnet:?dn=name", /got none/);
  refused("magnet:?xt=urn:sha1:" + HEX, /got none/);
  refused("magnet:?xt=urn:btih:" + HEX.slice(1), /40 hex digits/);
  refused("magnet:?xt=urn:btih:" + "1".repeat(32), /40 hex digits/);
  refused(`magnet:?xt=urn:btih:${HEX}&xt=urn:btih:${"f".repeat(40)}`, /one info-hash, got 2/);
});

Deno.test("parseMagnet leaves out what cannot be used, with a warning, and uses the rest", () => {
  const link =
    `magnet:?xt=urn:btih:${HEX}&xt=urn:btih:nonsense&tr=t.example&x.pe=10.0.0.5:6881&so=1,4-5&ws=http://w/`;
  const whole = parse(link);
  assert.match(whole.warnings.join(), /info-hash of 40 hex digits or 32 of base32, got "nonsense"$/);
  const same = (more: string, warning: RegExp) => {
    const { warnings, ...magnet } = parse(link + more);
    assert.deepEqual({ ...magnet, warnings: whole.warnings }, whole, more);
    assert.equal(warnings.length, 2);
    assert.match(warnings[1], warning);
  };
  for (const peer of ["10.0.0.5", "10.0.0.5:0", "10.0.0.5:65536", "a b:1", "fd00::5:1", ":1", "h:1/x"]) {
    same(`&x.pe=${encodeURIComponent(peer)}`, /host:port, got/);
  }
  for (const files of ["x", "1-", "-1", "5-4", "1.5", "99999999999", "%1b[2J"]) {
    same(`&so=${files}`, /number or a range, got/);
  }
  same("&so=x,,y", /got "x" and 2 more/);
  for (const webSeed of ["ftp://h/x", "nonsense"]) same(`&ws=${webSeed}`, /http or https, got/);
  assert.deepEqual(parse(`magnet:?xt=urn:btih:${HEX}&so=x`).selectOnly, []);
});

Deno.test("parseMagnet takes a # as a character of a name, and reads what follows", () => {
  const read = parse(
    `magnet:?dn=Track #1&xt=urn:btih:${HEX}#top&amp;tr=t.example&x.pe=10.0.0.5:6881#x&so=1#x`,
  );
  assert.equal(read.name, "Track #1");
  assert.deepEqual([read.infoHash, read.trackers, read.peers], [infoHash, ["t.example"], ["10.0.0.5:6881"]]);
  assert.deepEqual([read.selectOnly, read.warnings], [[{ first: 1, last: 1 }], []]);
});

Deno.test("parseMagnet takes no more than its limits allow", () => {
  const many = Array.from({ length: MAGNET_LIMITS.entries + 1 }, (_, i) => i);
  const trackers = parse(`magnet:?xt=urn:btih:${HEX}` + many.map((i) => `&tr=t${i}`).join(""));
  assert.equal(trackers.trackers.length, MAGNET_LIMITS.entries);
  assert.match(trackers.warnings[0], /at most \d+ of announce addresses/);
  const files = parse(`magnet:?xt=urn:btih:${HEX}&so=${many.join(",")}`);
  assert.equal(files.selectOnly.length, MAGNET_LIMITS.entries);
  assert.match(files.warnings[0], /at most \d+ of files/);
  refused(`magnet:?xt=urn:btih:${HEX}&dn=${"x".repeat(MAGNET_LIMITS.characters)}`, /characters/);
});

Deno.test("formatMagnet writes what parseMagnet reads", () => {
  const magnet: Magnet = {
    infoHash,
    name: "a & b=ü#?",
    trackers: ["http://t.example/announce?x=1&y=2", "10.0.0.5"],
    peers: ["10.0.0.5:6881", "[fd00::5]:6882"],
    webSeeds: ["http://w.example/a%20b/"],
    selectOnly: [{ first: 1, last: 1 }, { first: 3, last: 9 }],
  };
  assert.deepEqual(parse(formatMagnet(magnet)), { ...magnet, warnings: [] });
  assert.equal(formatMagnet({ infoHash }), `magnet:?xt=urn:btih:${HEX}`);
});

Deno.test("isMagnet tells links from paths", () => {
  assert.ok(isMagnet("Magnet:?xt=nonsense"));
  assert.ok(!isMagnet("magnet.torrent"));
});
