import assert from "node:assert/strict";
import { MetainfoError } from "../../lib/errors.ts";
import { type Encodable, encode } from "../../lib/protocol/bencode.ts";
import { concatBytes, fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { infoHashOf, sha1 } from "../../lib/protocol/info_hash.ts";
import {
  encodeInfo,
  encodeMetainfo,
  parseInfo,
  parseMetainfo,
  pieceHash,
  readMetainfo,
  replaceAnnounce,
} from "../../lib/protocol/metainfo.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";

type Members = Record<string, Encodable | undefined>;

const PIECE_LENGTH = 16384;
const hashes = (count: number) => new Uint8Array(20 * count).fill(7);

/** An info dictionary of one file of two pieces, with some members replaced; undefined leaves one out. */
const infoWith = (members: Members = {}): Members => ({
  length: 20_000,
  name: "notes.txt",
  "piece length": PIECE_LENGTH,
  pieces: hashes(2),
  ...members,
});

/** The same for a torrent of several files. */
const folderWith = (files: Encodable, members: Members = {}): Members =>
  infoWith({ length: undefined, files, ...members });
const torrent = (info: Members, outer: Members = {}) => encode({ announce: "10.0.0.5", info, ...outer });
const parse = (info: Members, outer: Members = {}) => parseMetainfo(torrent(info, outer), METAINFO_LIMITS);
const refused = (bytes: Uint8Array, label: string) =>
  assert.throws(() => parseMetainfo(bytes, METAINFO_LIMITS), (error) => {
    assert.ok(error instanceof MetainfoError, `${label}: ${error}`);
    assert.ok(error.message.length < 1_000);
    return true;
  }, label);
const refusedInfo = (info: Members, label = JSON.stringify(info)) => refused(torrent(info), label);

Deno.test("parseMetainfo reads a torrent of one file", () => {
  const info = infoWith({ pieces: concatBytes(sha1(toUtf8("a")), sha1(toUtf8("b"))), private: 1 });
  const metainfo = parse(info, { comment: "größe", "created by": "x", "creation date": 1_700_000_000 });
  assert.equal(metainfo.name, "notes.txt");
  assert.deepEqual(metainfo.files, [{ path: ["notes.txt"], length: 20_000, isPadding: false }]);
  assert.equal(metainfo.layout.pieceCount, 2);
  assert.deepEqual(pieceHash(metainfo, 1), sha1(toUtf8("b")));
  assert.equal(metainfo.infoHash, infoHashOf(encode(info)));
  assert.deepEqual(metainfo.rawInfo, encode(info));
  assert.deepEqual([metainfo.isPrivate, metainfo.infoHashV2], [true, null]);
  assert.deepEqual([metainfo.comment, metainfo.createdBy, metainfo.creationDate], [
    "größe",
    "x",
    1_700_000_000,
  ]);
  assert.deepEqual(metainfo.announceTiers, [["10.0.0.5"]]);
});

Deno.test("parseMetainfo reads a torrent of several files, empty and padding ones among them", () => {
  const metainfo = parse(folderWith([
    { length: 10_000, path: ["a", "b.txt"] },
    { length: 0, path: ["empty"] },
    { length: 6_384, path: [".pad", "6384"], attr: "p" },
    { length: 3_616, path: ["c"], attr: "x" },
  ], { name: "folder" }));
  assert.deepEqual(metainfo.files, [
    { path: ["folder", "a", "b.txt"], length: 10_000, isPadding: false },
    { path: ["folder", "empty"], length: 0, isPadding: false },
    { path: ["folder", ".pad", "6384"], length: 6_384, isPadding: true },
    { path: ["folder", "c"], length: 3_616, isPadding: false },
  ]);
});

Deno.test("parseMetainfo leaves symbolic links out and refuses a torrent of nothing else", () => {
  const link = { path: ["link"], attr: "l", "symlink path": ["..", "..", "etc", "passwd"] };
  const metainfo = parse(folderWith([link, { length: 20_000, path: ["a"] }], { name: "t" }));
  assert.deepEqual(metainfo.files.map((file) => file.path), [["t", "a"]]);
  refusedInfo(folderWith([link], { pieces: hashes(0) }), "links only");
});

Deno.test("parseMetainfo takes the info-hash over the bytes as they stand, keys sorted or not", () => {
  const sorted = encode(infoWith());
  const body = fromUtf8(encode(infoWith({ pieces: "a".repeat(40) })));
  const unsorted = toUtf8(body.replace("d6:lengthi20000e", "d").replace(/e$/, "6:lengthi20000ee"));
  const metainfo = parseMetainfo(
    concatBytes(toUtf8("d4:info"), unsorted, toUtf8("8:announce1:xe")),
    METAINFO_LIMITS,
  );
  assert.equal(metainfo.infoHash, infoHashOf(unsorted));
  assert.deepEqual(metainfo.rawInfo, unsorted);
  assert.equal(metainfo.layout.totalLength, 20_000);
  assert.notEqual(metainfo.infoHash, infoHashOf(sorted));
});

Deno.test("parseMetainfo keeps the info dictionary's bytes when the file's bytes change", () => {
  const bytes = torrent(infoWith());
  const metainfo = parseMetainfo(bytes, METAINFO_LIMITS);
  bytes.fill(0);
  assert.equal(infoHashOf(metainfo.rawInfo), metainfo.infoHash);
});

Deno.test("parseMetainfo prefers the UTF-8 variants of names", () => {
  const latin1 = Uint8Array.of(0x67, 0xf6);
  const metainfo = parse(folderWith(
    [{ length: 20_000, path: [latin1], "path.utf-8": ["gö"] }],
    { name: latin1, "name.utf-8": "gö" },
  ));
  assert.deepEqual(metainfo.files[0].path, ["gö", "gö"]);
  assert.equal(parse(infoWith({ name: latin1 })).name, "g_");
  assert.equal(parse(infoWith({ name: "a", "name.utf-8": latin1 })).name, "a");
});

Deno.test("parseMetainfo reads the announce list tier by tier, and the single address without one", () => {
  const tiers = [["udp://10.0.0.5:6969", "10.0.0.6"], ["10.0.0.7"]];
  assert.deepEqual(parse(infoWith(), { "announce-list": tiers }).announceTiers, tiers);
  assert.deepEqual(parse(infoWith(), { "announce-list": [[], [" "]] }).announceTiers, [["10.0.0.5"]]);
  assert.deepEqual(parse(infoWith(), { "announce-list": ["10.0.0.6", [1, "10.0.0.7"]] }).announceTiers, [
    ["10.0.0.6"],
    ["10.0.0.7"],
  ]);
  assert.deepEqual(parse(infoWith(), { announce: undefined }).announceTiers, []);
});

Deno.test("parseMetainfo reads web seeds as one text or a list", () => {
  assert.deepEqual(parse(infoWith(), { "url-list": "http://h/" }).webSeeds, ["http://h/"]);
  assert.deepEqual(parse(infoWith(), { "url-list": ["http://h/", "", 1] }).webSeeds, ["http://h/"]);
  assert.deepEqual(parse(infoWith(), { "url-list": "" }).webSeeds, []);
  assert.deepEqual(parse(infoWith()).webSeeds, []);
});

Deno.test("parseMetainfo ignores members around the info dictionary that have the wrong type", () => {
  const outer = {
    announce: 1,
    "announce-list": "x",
    comment: [1],
    "created by": {},
    "creation date": "x",
    "url-list": 1,
  };
  const metainfo = parse(infoWith(), outer);
  assert.deepEqual([metainfo.announceTiers, metainfo.webSeeds, metainfo.comment], [[], [], ""]);
  assert.equal(metainfo.creationDate, undefined);
});

Deno.test("parseMetainfo takes only a creation date that can be written", () => {
  for (const date of [-1, 253_402_300_800, Number.MAX_SAFE_INTEGER]) {
    assert.equal(parse(infoWith(), { "creation date": date }).creationDate, undefined);
  }
  assert.equal(parse(infoWith(), { "creation date": 253_402_300_799 }).creationDate, 253_402_300_799);
});

Deno.test("parseMetainfo reads a hybrid torrent as v1 and tells its v2 info-hash", () => {
  const metainfo = parse(infoWith({ "meta version": 2, "file tree": {} }), { "piece layers": {} });
  assert.match(metainfo.infoHashV2!, /^[0-9a-f]{64}$/);
});

Deno.test("parseMetainfo refuses a torrent of v2 only and says so", () => {
  const info = infoWith({ "meta version": 2, "file tree": {}, pieces: undefined, length: undefined });
  assert.throws(() => parse(info), /got one of v2 only/);
});

Deno.test("parseMetainfo refuses files that are no torrents", () => {
  const good = torrent(infoWith());
  const cases: [string, Uint8Array][] = [
    ["empty", new Uint8Array(0)],
    ["html", toUtf8("<!DOCTYPE html>")],
    ["a number", toUtf8("i1e")],
    ["a list", toUtf8("le")],
    ["no info", toUtf8("d8:announce1:xe")],
    ["info is a string", toUtf8("d4:info1:xe")],
    ["info is a list", toUtf8("d4:infolee")],
    ["info is a number", toUtf8("d4:infoi1ee")],
    ["info is empty", toUtf8("d4:infodee")],
    ["trailing bytes", concatBytes(good, toUtf8("x"))],
    ["something behind a trailing newline", concatBytes(good, toUtf8("\n."))],
    ["a byte order mark in front", concatBytes(toUtf8("\uFEFF"), good)],
    ["info twice", toUtf8("d4:infode4:infodee")],
    ["__proto__", toUtf8("d4:infod9:__proto__i1eee")],
    ["constructor alone", toUtf8("d4:infod11:constructori1eee")],
    ["i-0e", toUtf8("d4:infod6:lengthi-0eee")],
    ["deep lists", toUtf8(`d4:info${"l".repeat(200_000)}`)],
    ["deep dictionaries", toUtf8(`d4:info${"d1:a".repeat(200_000)}`)],
    ["deep outside info", toUtf8(`d1:a${"l".repeat(101)}${"e".repeat(101)}4:infodee`)],
    ["a lying string length", toUtf8("d4:infod4:name999999999999:xee")],
  ];
  for (let end = 0; end < good.length; end += 7) cases.push([`cut at ${end}`, good.subarray(0, end)]);
  for (const [label, bytes] of cases) refused(bytes, label);
});

Deno.test("parseMetainfo refuses wrong piece hashes", () => {
  for (const length of [1, 19, 21, 39, 41]) refusedInfo(infoWith({ pieces: new Uint8Array(length) }));
  for (const count of [0, 1, 3]) refusedInfo(infoWith({ pieces: hashes(count) }));
  for (const pieces of [undefined, 1, ["x"], {}]) refusedInfo(infoWith({ pieces }));
});

Deno.test("parseMetainfo refuses an implausible piece length", () => {
  const { minPieceLength, maxPieceLength } = METAINFO_LIMITS;
  for (
    const length of [
      undefined,
      0,
      -1,
      1,
      minPieceLength - 1,
      maxPieceLength + 1,
      Number.MAX_SAFE_INTEGER,
      "16384",
    ]
  ) {
    refusedInfo(infoWith({ "piece length": length }), `piece length ${length}`);
  }
});

Deno.test("parseMetainfo refuses wrong file lengths", () => {
  for (const length of [undefined, -1, "5", [1]]) refusedInfo(infoWith({ length }), `length ${length}`);
  refused(toUtf8("d4:infod6:lengthi9007199254740992e4:name1:aee"), "2^53");
  refusedInfo(infoWith({ length: Number.MAX_SAFE_INTEGER }));
  const half = { length: Number.MAX_SAFE_INTEGER, path: ["a"] };
  assert.throws(() => parse(folderWith([half, { ...half, path: ["b"] }])), /2\^53/);
  refusedInfo(folderWith([{ path: ["a"] }]));
  refusedInfo(folderWith([{ length: 30_000, path: ["a"] }, { length: -10_000, path: ["b"] }]));
});

Deno.test("parseMetainfo refuses wrong lists of files", () => {
  for (const files of [[], [1], ["x"], [[]], [{}], [{ length: 20_000 }]]) refusedInfo(folderWith(files));
  for (const path of ["a", 1, [], [1], [["a"]], ["a", ""], {}]) {
    refusedInfo(folderWith([{ length: 20_000, path }]));
  }
  refusedInfo(folderWith([{ length: 10_000, path: ["a"] }, { length: 10_000, path: ["a", "b"] }]));
});

Deno.test("parseMetainfo refuses unsafe names in both places they can stand", () => {
  for (
    const name of [
      "",
      ".",
      "..",
      "/etc",
      "../x",
      "a/../b",
      "..\\x",
      "C:\\x",
      "C:/x",
      "\\\\server\\x",
      "\\\\?\\C:\\x",
    ]
  ) {
    refusedInfo(infoWith({ name }), `name ${name}`);
    refusedInfo(folderWith([{ length: 20_000, path: ["a"] }], { name }), `folder ${name}`);
    refusedInfo(folderWith([{ length: 20_000, path: ["a", name] }]), `path ${name}`);
    refusedInfo(folderWith([{ length: 20_000, path: ["a"], "path.utf-8": [name] }]), `path.utf-8 ${name}`);
    refusedInfo(infoWith({ "name.utf-8": name }), `name.utf-8 ${name}`);
  }
  for (const name of [undefined, 1, ["a"]]) refusedInfo(infoWith({ name }), `name ${name}`);
});

Deno.test("parseMetainfo keeps every limit it is given and names it", () => {
  const bytes = torrent(infoWith());
  const within = (limits: Partial<typeof METAINFO_LIMITS>) => () =>
    parseMetainfo(bytes, { ...METAINFO_LIMITS, ...limits });
  assert.throws(within({ fileBytes: bytes.length - 1 }), /at most \d+ bytes/);
  assert.throws(within({ pieces: 1 }), /at most 1 pieces/);
  assert.throws(within({ bencode: { depth: 1, values: 100 } }), /deeper than 1/);
  assert.throws(within({ bencode: { depth: 100, values: 3 } }), /more than 3 values/);
  const folder = torrent(folderWith([{ length: 10_000, path: ["a"] }, { length: 10_000, path: ["b"] }]));
  assert.throws(() => parseMetainfo(folder, { ...METAINFO_LIMITS, files: 1 }), /1 to 1 files/);
});

Deno.test("parseInfo reads an info dictionary alone", () => {
  const info = encode(infoWith());
  const metainfo = parseInfo(info, METAINFO_LIMITS);
  assert.equal(metainfo.infoHash, infoHashOf(info));
  assert.deepEqual(metainfo.announceTiers, []);
  assert.throws(() => parseInfo(concatBytes(info, toUtf8("x")), METAINFO_LIMITS), MetainfoError);
});

Deno.test("parseMetainfo reads what encodeInfo and encodeMetainfo wrote", () => {
  const single = encodeInfo("größe.txt", [{ path: [], length: 20_000 }], PIECE_LENGTH, hashes(2), true);
  const extras = {
    announceTiers: [["10.0.0.5"], ["10.0.0.6"]],
    webSeeds: ["http://h/"],
    comment: "c",
    createdBy: "b",
    creationDate: 1,
  };
  const metainfo = parseMetainfo(encodeMetainfo(single, extras), METAINFO_LIMITS);
  assert.deepEqual([metainfo.name, metainfo.isPrivate], ["größe.txt", true]);
  const { announceTiers, webSeeds, comment, createdBy, creationDate } = metainfo;
  assert.deepEqual({ announceTiers, webSeeds, comment, createdBy, creationDate }, extras);
  const several = encodeInfo("t", [{ path: ["a", "b"], length: 20_000 }], PIECE_LENGTH, hashes(2), false);
  const folder = parseMetainfo(encodeMetainfo(several, { announceTiers: [] }), METAINFO_LIMITS);
  assert.deepEqual([folder.files[0].path, folder.isPrivate, folder.announceTiers], [
    ["t", "a", "b"],
    false,
    [],
  ]);
});

Deno.test("encodeMetainfo writes announce-list only where there is more than one address", () => {
  const info = encodeInfo("a", [{ path: [], length: 1 }], PIECE_LENGTH, hashes(1), false);
  const text = (announceTiers: string[][]) => fromUtf8(encodeMetainfo(info, { announceTiers }));
  assert.ok(text([["x"]]).startsWith("d8:announce1:x4:info"));
  assert.ok(text([["x"], ["y"]]).includes("13:announce-listll1:xel1:yee"));
  assert.ok(text([["x", "y"]]).includes("13:announce-listll1:x1:yee"));
});

Deno.test("replaceAnnounce changes the announce addresses and not one other byte", () => {
  const odd = toUtf8(
    `d4:infod6:lengthi1e12:piece lengthi16384e4:name1:a6:pieces20:${
      "h".repeat(20)
    }e1:zd1:bi1e1:ai2ee8:announce1:xe`,
  );
  const changed = replaceAnnounce(odd, [["10.0.0.5"]], METAINFO_LIMITS);
  const info = `d6:lengthi1e12:piece lengthi16384e4:name1:a6:pieces20:${"h".repeat(20)}e`;
  assert.equal(fromUtf8(changed), `d8:announce8:10.0.0.54:info${info}1:zd1:bi1e1:ai2eee`);
  assert.equal(parseMetainfo(changed, METAINFO_LIMITS).infoHash, sha1(toUtf8(info)).toHex());
  assert.deepEqual(
    parseMetainfo(replaceAnnounce(odd, [], METAINFO_LIMITS), METAINFO_LIMITS).announceTiers,
    [],
  );
  assert.throws(() => replaceAnnounce(toUtf8("d4:infodee"), [], METAINFO_LIMITS), MetainfoError);
});

Deno.test("parseMetainfo takes white space behind the end, which changes nothing", () => {
  const bytes = torrent(infoWith({}));
  const { infoHash } = parseMetainfo(bytes, METAINFO_LIMITS);
  for (const text of ["\n", "\r\n", " \t\n\v\f "]) {
    const longer = concatBytes(bytes, toUtf8(text));
    assert.equal(parseMetainfo(longer, METAINFO_LIMITS).infoHash, infoHash);
    assert.deepEqual(replaceAnnounce(longer, [["10.0.0.5"]], METAINFO_LIMITS), bytes);
  }
  refused(concatBytes(bytes, toUtf8("\n\n.")), "something else behind white space");
});

Deno.test("parseMetainfo names equal web seeds once", () => {
  const { webSeeds } = parse(infoWith({}), {
    "url-list": ["http://h/a", "HTTP://h:80/a", "http://h/a", "http://h/a/"],
  });
  assert.deepEqual(webSeeds, ["http://h/a", "http://h/a/"]);
});

Deno.test("readMetainfo pauses at least every few hundred files and thousand values", () => {
  const files = Array.from({ length: 20_000 }, (_, i) => ({ length: 0, path: [`d${i % 9}`, `${i}`] }));
  const bytes = torrent(folderWith(files, { pieces: new Uint8Array() }));
  const steps = readMetainfo(bytes, METAINFO_LIMITS);
  let pauses = 0;
  while (!steps.next().done) pauses++;
  assert.ok(pauses > 4 * 20_000 / 256, `${pauses} pauses`);
});

Deno.test("parseMetainfo refuses too many names in paths before it builds any", () => {
  const path = Array.from({ length: 60 }, (_, depth) => `d${depth}`);
  const files = Array.from({ length: 200 }, (_, i) => ({ length: 0, path: [...path, `${i}`] }));
  // The first file is bad too: it is told only when it is read.
  const bytes = torrent(folderWith([{ length: -1, path: ["bad"] }, ...files]));
  const limits = { ...METAINFO_LIMITS, fileValues: 10_000 };
  assert.throws(() => parseMetainfo(bytes, limits), /at most 10000 values in the list of files, got 12804/);
});
