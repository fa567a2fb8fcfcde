import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { decode, type Encodable, encode } from "../../lib/protocol/bencode.ts";
import { concatBytes, toByteString, toUtf8 } from "../../lib/protocol/bytes.ts";
import { toCompact } from "../../lib/protocol/endpoint.ts";
import { infoHashFromBytes } from "../../lib/protocol/info_hash.ts";
import {
  decodeAnnounceReply,
  decodeScrapeReply,
  encodeAnnounceQuery,
  encodeAnnounceReply,
  encodeFailure,
  encodeScrapeQuery,
  encodeScrapeReply,
  parseAnnounceQuery,
  parseScrapeQuery,
  scrapeUrlOf,
} from "../../lib/protocol/tracker_http_messages.ts";
import type { AnnounceReply, AnnounceRequest } from "../../lib/protocol/tracker_messages.ts";

const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const infoHash = infoHashFromBytes(allBytes.slice(0, 20));
const peerId = allBytes.slice(236);
const query = `info_hash=${"%00".repeat(20)}&peer_id=${
  "a".repeat(20)
}&port=6881&uploaded=0&downloaded=0&left=0`;

const request: AnnounceRequest = {
  infoHash,
  peerId,
  port: 6881,
  uploaded: 1,
  downloaded: 2,
  left: 3,
  event: "started",
  numwant: 50,
  key: 0x0badcafe,
  compact: true,
  noPeerId: true,
  supportsCrypto: true,
  trackerId: Uint8Array.of(0, 38, 255),
  claimedAddresses: ["10.0.0.5", "fd00::5"],
};

const reply: AnnounceReply = {
  intervalSeconds: 30,
  minIntervalSeconds: 10,
  complete: 1,
  incomplete: 2,
  downloaded: 3,
  warning: "careful",
  trackerId: Uint8Array.of(255, 0),
  peers: [
    { endpoint: { address: "10.0.0.5", port: 6881 }, peerId: toByteString(peerId) },
    { endpoint: { address: "fd00::5", port: 6882 }, peerId: toByteString(peerId) },
  ],
};

Deno.test("parseAnnounceQuery reads what encodeAnnounceQuery writes", () => {
  assert.deepEqual(parseAnnounceQuery(encodeAnnounceQuery(request)), request);
});

Deno.test("encodeAnnounceQuery escapes everything but unreserved characters", () => {
  const everyByte = encodeAnnounceQuery({ ...request, trackerId: allBytes });
  assert.match(everyByte, /^[0-9A-Za-z._~%&=_-]*$/);
  assert.deepEqual(parseAnnounceQuery(everyByte).trackerId, allBytes);
});

Deno.test("encodeAnnounceQuery does not pass for a seed while the length is unknown", () => {
  assert.match(encodeAnnounceQuery({ ...request, left: undefined }), /&left=16384&/);
});

Deno.test("parseAnnounceQuery keeps bytes that are not UTF-8, and a plus sign", () => {
  const parsed = parseAnnounceQuery(
    `info_hash=%ff%FE${"+".repeat(18)}&peer_id=${"%80".repeat(20)}&port=1&left=1`,
  );
  assert.equal(parsed.infoHash, `fffe${"2b".repeat(18)}`);
  assert.deepEqual(parsed.peerId, new Uint8Array(20).fill(0x80));
});

Deno.test("parseAnnounceQuery takes what is missing for nothing said", () => {
  const parsed = parseAnnounceQuery(`info_hash=${"a".repeat(20)}&peer_id=${"b".repeat(20)}&port=1`);
  assert.equal(parsed.left, undefined);
  assert.equal(parsed.event, undefined);
  assert.equal(parsed.numwant, undefined);
  assert.equal(parsed.compact, false);
  assert.deepEqual(parsed.claimedAddresses, []);
});

Deno.test("parseAnnounceQuery ignores values it cannot use", () => {
  const parsed = parseAnnounceQuery(
    `${query}&numwant=-1&key=not+hex&event=resumed&ip=tracker.example&ipv6=fe80::1%25eth0&ipv4=10.0.0.5:99&x&=&&`,
  );
  assert.equal(parsed.numwant, undefined);
  assert.equal(parsed.key, undefined);
  assert.equal(parsed.event, undefined);
  assert.deepEqual(parsed.claimedAddresses, ["10.0.0.5"]);
});

Deno.test("parseAnnounceQuery leaves alone what is malformed where nothing depends on it", () => {
  const { infoHash } = parseAnnounceQuery(query);
  for (
    const text of [
      "unread=%zz",
      "unread=100%",
      "%=%",
      "a=\u00e9",
      "a=b c",
      "event=%",
      "trackerid=%z",
      "key=%",
    ]
  ) {
    const parsed = parseAnnounceQuery(`${text}&${query}`);
    assert.deepEqual([parsed.infoHash, parsed.event, parsed.trackerId, parsed.key], [
      infoHash,
      undefined,
      undefined,
      undefined,
    ]);
    assert.equal(parseScrapeQuery(`${text}&${query}`, 9).length, 1);
  }
});

Deno.test("parseAnnounceQuery cuts amounts beyond 2^53", () => {
  const parsed = parseAnnounceQuery(query.replace("left=0", "left=18446744073709551615"));
  assert.equal(parsed.left, Number.MAX_SAFE_INTEGER);
});

Deno.test("parseAnnounceQuery refuses malformed queries", () => {
  const malformed = [
    "",
    query.replace("%00", ""),
    query.replace("%00", "%0"),
    query.replace("%00", "%zz"),
    query.replace("port=6881", "port=%zz"),
    query.replace("%00", "\u00e9"),
    query.replace("%00", "\u{1f600}"),
    query.replace("aa", "a"),
    query.replace("port=6881", "port=0"),
    query.replace("port=6881", "port=65536"),
    query.replace("port=6881", "port=1e3"),
    query.replace("port=6881", "port="),
  ];
  for (const text of malformed) assert.throws(() => parseAnnounceQuery(text), ProtocolError, text);
});

Deno.test("decodeAnnounceReply reads what encodeAnnounceReply writes, with peers as dictionaries", () => {
  const body = encodeAnnounceReply(reply, { compact: false, noPeerId: false });
  assert.deepEqual(decodeAnnounceReply(body, 10), reply);
});

Deno.test("decodeAnnounceReply reads what encodeAnnounceReply writes, compact or without ids", () => {
  const peers = reply.peers.map(({ endpoint }) => ({ endpoint }));
  for (const form of [{ compact: true, noPeerId: false }, { compact: false, noPeerId: true }]) {
    assert.deepEqual(decodeAnnounceReply(encodeAnnounceReply(reply, form), 10), { ...reply, peers });
  }
});

Deno.test("encodeAnnounceReply writes the compact lists of BEP 23 and BEP 7", () => {
  const body = decode(encodeAnnounceReply(reply, { compact: true, noPeerId: true })) as Record<
    string,
    Uint8Array
  >;
  assert.deepEqual([...body.peers], [10, 0, 0, 5, 0x1a, 0xe1]);
  assert.deepEqual([...body.peers6], [0xfd, ...new Array(14).fill(0), 5, 0x1a, 0xe2]);
});

Deno.test("encodeAnnounceReply writes compact replies byte for byte as the library would", () => {
  const { trackerId, warning, peers } = reply;
  const [v4, v6] = peers.map(({ endpoint }) => toCompact(endpoint));
  const counts = { complete: 3, incomplete: 0, downloaded: 2 ** 40 };
  for (
    const [given, members] of [
      [{ peers }, { peers: v4, peers6: v6 }],
      [{ peers: [], ...counts }, { peers: new Uint8Array(), ...counts }],
      [{ peers, ...counts, trackerId, warning, minIntervalSeconds: 10 }, {
        peers: v4,
        peers6: v6,
        ...counts,
        "tracker id": trackerId,
        "warning message": warning,
        "min interval": 10,
      }],
    ] as const
  ) {
    assert.deepEqual(
      encodeAnnounceReply({ intervalSeconds: 30, ...given } as AnnounceReply, {
        compact: true,
        noPeerId: true,
      }),
      encode({ interval: 30, ...members }),
    );
  }
});

Deno.test("decodeAnnounceReply reads a failure, safe to print", () => {
  const body = encode({ "failure reason": "go\x1b[2J away", "retry in": 5 });
  assert.deepEqual(decodeAnnounceReply(body, 10), { failureReason: "go\uFFFD[2J away", retryInMs: 300_000 });
  const long = decodeAnnounceReply(encode({ "failure reason": "x".repeat(5000) }), 10);
  assert.equal("failureReason" in long && long.failureReason.length, 300);
});

Deno.test("encodeFailure writes a retry in minutes or never", () => {
  for (const [retryInMs, expected] of [[90_000, 120_000], [Infinity, Infinity], [undefined, undefined]]) {
    const failure = { failureReason: "no", ...(retryInMs === undefined ? {} : { retryInMs }) };
    const read = decodeAnnounceReply(encodeFailure(failure), 10);
    assert.equal("failureReason" in read && read.retryInMs, expected);
  }
});

Deno.test("decodeAnnounceReply takes no more peers than the limit, and none that cannot be dialled", () => {
  const read = (members: Record<string, Encodable>, limit: number) => {
    const read = decodeAnnounceReply(encode({ interval: 1, ...members }), limit);
    return "peers" in read ? read.peers.map(({ endpoint }) => `${endpoint.address} ${endpoint.port}`) : [];
  };
  const compact = Uint8Array.from({ length: 600 }, () => 1);
  assert.equal(read({ peers: compact, peers6: compact }, 7).length, 7);
  assert.deepEqual(read({ peers: Uint8Array.of(10, 0, 0, 1, 0, 0, 224, 0, 0, 1, 0, 9, 10, 0, 0, 1) }, 9), []);
  const dictionaries = [
    { ip: "10.0.0.1", port: 1 },
    { ip: "host.example", port: 1 },
    { ip: "10.0.0.2", port: -1 },
    { ip: "10.0.0.2", port: 70_000 },
    { ip: "10.0.0.2" },
    { ip: 5, port: 5 },
    "text",
    [],
    { ip: "::ffff:10.0.0.3", port: 3, "peer id": "short" },
  ];
  assert.deepEqual(read({ peers: dictionaries }, 9), ["10.0.0.1 1", "10.0.0.3 3"]);
});

Deno.test("decodeAnnounceReply refuses what is no tracker reply", () => {
  const nested = toUtf8("d5:peers" + "l".repeat(50_000));
  for (
    const body of ["", "<html>", "le", "i5e", "d8:interval", " d8:intervali1ee"].map(toUtf8).concat(nested)
  ) {
    assert.throws(() => decodeAnnounceReply(body, 10), ProtocolError);
  }
});

Deno.test("decodeAnnounceReply leaves hostile intervals as they are and bears wrong types", () => {
  const body = encode({ interval: -5, complete: "many", peers: 3, peers6: [], "tracker id": 1 });
  assert.deepEqual(decodeAnnounceReply(body, 10), {
    intervalSeconds: -5,
    minIntervalSeconds: undefined,
    complete: undefined,
    incomplete: undefined,
    downloaded: undefined,
    peers: [],
  });
});

Deno.test("decodeScrapeReply reads what encodeScrapeReply writes, keys being bytes", () => {
  const hashes = [0, 0x65, 0x80, 0xc3, 0xff].map((byte) => infoHashFromBytes(new Uint8Array(20).fill(byte)));
  const counts = new Map(hashes.map((hash, at) => [hash, { complete: at, incomplete: 2, downloaded: 3 }]));
  assert.deepEqual(decodeScrapeReply(encodeScrapeReply(counts)), counts);
  const withPartialSeeds = new Map([[hashes[0], {
    complete: 1,
    incomplete: 4,
    downloaders: 3,
    downloaded: 5,
  }]]);
  const body = encodeScrapeReply(withPartialSeeds);
  assert.match(toByteString(body), /d8:completei1e10:downloadedi5e11:downloadersi3e10:incompletei4ee/);
  assert.deepEqual(decodeScrapeReply(body), withPartialSeeds);
});

Deno.test("decodeScrapeReply takes the lone entry of a tracker that mangles info-hashes", () => {
  const asked = infoHashFromBytes(new Uint8Array(20).fill(0xc3));
  const entry = { complete: 1, incomplete: 2, downloaded: 3 };
  const mangled = "\u00c3".repeat(20);
  const read = (files: Encodable) => decodeScrapeReply(encode({ files }), asked);
  assert.deepEqual(read({ [mangled]: entry }), new Map([[asked, entry]]));
  for (const files of [{ [mangled]: entry, other: entry }, { [mangled]: 5 }, {}]) {
    assert.deepEqual(read(files), new Map());
  }
  assert.deepEqual(decodeScrapeReply(encode({ files: { [mangled]: entry } })), new Map());
});

Deno.test("decodeAnnounceReply and decodeScrapeReply take replies with bytes behind them", () => {
  const asked = infoHashFromBytes(new Uint8Array(20));
  const counts = new Map([[asked, { complete: 1, incomplete: 2, downloaded: 3 }]]);
  for (const rest of ["\n", "\r\n", "\0\0", "<!-- took 3 ms -->", "de"].map(toUtf8)) {
    const announced = concatBytes(encodeAnnounceReply(reply, { compact: false, noPeerId: false }), rest);
    assert.deepEqual(decodeAnnounceReply(announced, 10), reply);
    assert.deepEqual(decodeScrapeReply(concatBytes(encodeScrapeReply(counts), rest)), counts);
    const failure = { failureReason: "no" };
    assert.deepEqual(decodeAnnounceReply(concatBytes(encodeFailure(failure), rest), 10), failure);
  }
});

Deno.test("decodeScrapeReply refuses what is no scrape reply", () => {
  for (const body of ["de", "i1e", "d5:filesi1ee"]) {
    assert.throws(() => decodeScrapeReply(toUtf8(body)), ProtocolError);
  }
  assert.deepEqual(decodeScrapeReply(encodeFailure({ failureReason: "no" })), { failureReason: "no" });
});

Deno.test("parseScrapeQuery reads what encodeScrapeQuery writes, up to its limit", () => {
  const hashes = [1, 2, 255].map((byte) => infoHashFromBytes(new Uint8Array(20).fill(byte)));
  assert.deepEqual(parseScrapeQuery(encodeScrapeQuery(hashes), 9), hashes);
  assert.deepEqual(parseScrapeQuery(encodeScrapeQuery(hashes), 2), hashes.slice(0, 2));
  assert.deepEqual(parseScrapeQuery("", 2), []);
  assert.throws(() => parseScrapeQuery("info_hash=abc", 2), ProtocolError);
});

Deno.test("scrapeUrlOf follows the convention of BEP 48", () => {
  const scrape = (url: string) => scrapeUrlOf(new URL(url))?.href;
  assert.equal(scrape("http://t/announce"), "http://t/scrape");
  assert.equal(scrape("http://t/x/announce.php?k=1"), "http://t/x/scrape.php?k=1");
  assert.equal(scrape("http://t/a"), undefined);
  assert.equal(scrape("http://t/announce/x"), undefined);
});
