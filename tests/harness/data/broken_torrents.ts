/** Torrents that are broken, hostile or odd, each with what must become of it. Made here; none is from the wild. */
import { type Encodable, encode } from "../../../lib/protocol/bencode.ts";
import { concatBytes, toUtf8 } from "../../../lib/protocol/bytes.ts";

type Members = Record<string, Encodable | undefined>;

/** A torrent of `age.txt`, 50,000 bytes, with other members in its info dictionary or around it. */
export function torrent(info: Members = {}, outer: Members = {}): Uint8Array<ArrayBuffer> {
  const plain = { length: 50_000, name: "age.txt", "piece length": 16_384, pieces: new Uint8Array(4 * 20) };
  return encode({ announce: "http://127.0.0.1:1/announce", info: { ...plain, ...info }, ...outer });
}

/** The same of the named files, each of 50,000 bytes. */
export function folderTorrent(...paths: readonly Encodable[]): Uint8Array<ArrayBuffer> {
  return filesTorrent(...paths.map((path) => ({ length: 50_000, path })));
}

/** The same of any file dictionaries; hashes for as many bytes as plain `length` members say. */
function filesTorrent(...files: readonly Members[]): Uint8Array<ArrayBuffer> {
  const total = files.reduce((sum, { length }) => sum + (typeof length === "number" ? length : 0), 0);
  // Some say lengths whose hashes no memory would hold; they are refused for other reasons.
  const pieces = new Uint8Array(20 * Math.min(Math.max(0, Math.ceil(total / 16_384)), 1_000));
  return torrent({ length: undefined, files: files as Encodable, name: "album", pieces });
}

const raw = toUtf8;
const INFO = "4:infod6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces20:01234567890123456789e";

/** A torrent that must be refused. */
interface BrokenTorrent {
  readonly what: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the error says. */
  readonly why: RegExp;
}

const broken = (why: RegExp, cases: Record<string, Uint8Array<ArrayBuffer>>): BrokenTorrent[] =>
  Object.entries(cases).map(([what, bytes]) => ({ what, bytes, why }));

const malformed = (why: string) => new RegExp(`Malformed bencoding at byte \\d+: .*${why}`);

const NOT_BENCODED = broken(malformed(""), {
  "an empty file": raw(""),
  "a text": raw("hello"),
  "a web page": raw("<!DOCTYPE html><title>404</title>"),
  "a byte order mark in front": concatBytes(raw("\uFEFF"), torrent()),
  "a zip file": Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0),
  "zeros": new Uint8Array(1_000),
  "deep lists": raw("l".repeat(100_000)),
  "deep lists inside": raw(`d${INFO}4:deep${"l".repeat(200)}${"e".repeat(200)}e`),
  "deep dictionaries": raw("d1:a".repeat(100_000)),
  "lists and dictionaries by turns": raw("ld1:a".repeat(50_000)),
  "deep lists in info": raw(`d4:infod1:a${"l".repeat(101)}${"e".repeat(101)}ee`),
  "a string longer than the file": raw("d4:info9999999999:abce"),
  "a string length of many digits": raw(`d4:info${"9".repeat(400)}:abce`),
  "a string length beyond 2^32": raw("d4:info4294967300:abce"),
  "a string length beyond 2^64": raw("d4:info18446744073709551620:abce"),
  "a string length with a sign": raw("d4:info-4:abcde"),
  "a string length with a plus": raw("d4:info+4:abcde"),
  "a string length with a leading zero": raw("d4:info04:abcde"),
  "a string length without a colon": raw("d4:info4abcde"),
  "a string length in hexadecimal": raw("d4:info0x4:abcde"),
  "a number without digits": raw(`d${INFO}1:xiee`),
  "a number of a sign alone": raw(`d${INFO}1:xi-ee`),
  "a number with a plus": raw(`d${INFO}1:xi+5ee`),
  "a number with a space": raw(`d${INFO}1:xi 5ee`),
  "a number with a leading zero": raw(`d${INFO}1:xi03ee`),
  "a negative number with a leading zero": raw(`d${INFO}1:xi-03ee`),
  "minus zero": raw(`d${INFO}1:xi-0ee`),
  "a fraction": raw(`d${INFO}1:xi1.5ee`),
  "an exponent": raw(`d${INFO}1:xi1e5ee`),
  "a number without an end": raw(`d${INFO}1:xi5`),
  "a number of a million digits": raw(`d${INFO}1:xi${"1".repeat(1_000_000)}ee`),
  "a key that is a number": raw(`d${INFO}i5e1:xe`),
  "a key that is a list": raw(`d${INFO}lee1:xe`),
  "a key without a value": raw(`d${INFO}1:xe`),
  "a doubled key": raw(`d1:xi1e1:xi1e${INFO}e`),
  "a doubled key in info": raw(`d${INFO.replace("4:name1:a", "4:name1:a4:name1:b")}e`),
  "two infos": raw(`d${INFO}${INFO}e`),
  "a __proto__ key": raw(`d9:__proto__de${INFO}e`),
  "a __proto__ key in info": raw("d4:infod9:__proto__d6:lengthi5eeee"),
  "no end": raw(`d${INFO}`),
  "a length beyond 2^53": raw("d4:infod6:lengthi9007199254740993e4:name1:aee"),
  "a length beyond 2^64": raw("d4:infod6:lengthi18446744073709551617e4:name1:aee"),
  "a length below -2^63": raw("d4:infod6:lengthi-9223372036854775809e4:name1:aee"),
});

const BEHIND_THE_END = broken(/Expected the end after \d+ bytes, got more/, {
  "an end too many": raw(`d${INFO}ee`),
  "bytes behind the end": concatBytes(torrent(), raw("\n0")),
  "a zero byte behind the end": concatBytes(torrent(), raw("\0")),
  "a second torrent behind the first": concatBytes(torrent(), torrent()),
});

const NO_INFO = [
  ...broken(/Expected an info dictionary, got (none|something else)/, {
    "a number": raw("i5e"),
    "a list": raw("le"),
    "a string": raw("4:spam"),
    "no info": raw("d4:spam4:eggse"),
    "an empty dictionary": raw("de"),
    "an info that is a text": raw("d4:info4:spame"),
    "an info that is a list": raw("d4:infolee"),
    "an info that is a number": raw("d4:infoi5ee"),
    "an info of another case": raw(`d${INFO.replace("info", "INFO")}e`),
  }),
];

const WRONG_PIECES = [
  ...broken(/Expected piece hashes, got none/, {
    "an empty info": raw("d4:infodee"),
    "no pieces": torrent({ pieces: undefined }),
    "pieces that are a list": torrent({ pieces: [1, 2] }),
    "pieces that are a number": torrent({ pieces: 80 }),
    "pieces that are a dictionary": torrent({ pieces: {} }),
  }),
  ...broken(/Expected piece hashes of 20 bytes each, got \d+ bytes/, {
    "pieces that are no multiple of 20": torrent({ pieces: new Uint8Array(79) }),
    "one byte of pieces": torrent({ pieces: new Uint8Array(1) }),
    "pieces of 32 bytes": torrent({ pieces: new Uint8Array(32 * 4) }),
  }),
  ...broken(/Expected \d+ piece hashes for \d+ bytes, got \d+/, {
    "empty pieces": torrent({ pieces: new Uint8Array() }),
    "a piece too few": torrent({ pieces: new Uint8Array(60) }),
    "a piece too many": torrent({ pieces: new Uint8Array(100) }),
    "pieces for no bytes": torrent({ length: 0 }),
    "a length that fits no number of hashes": torrent({ length: 2 ** 50 }),
    "the largest length there is": torrent({ length: Number.MAX_SAFE_INTEGER }),
  }),
  ...broken(/Expected a piece length of 1024 to 134217728 bytes, got/, {
    "no piece length": torrent({ "piece length": undefined }),
    "a piece length of 0": torrent({ "piece length": 0 }),
    "a piece length of -1": torrent({ "piece length": -1 }),
    "a negative piece length": torrent({ "piece length": -16_384 }),
    "a tiny piece length": torrent({ "piece length": 1, pieces: new Uint8Array(50_000 * 20) }),
    "a huge piece length": torrent({ "piece length": 2 ** 40, pieces: new Uint8Array(20) }),
    "a piece length beyond 2^31": torrent({ "piece length": 2 ** 31, pieces: new Uint8Array(20) }),
    "a piece length that is a text": torrent({ "piece length": "16384" }),
    "a piece length that is a list": torrent({ "piece length": [16_384] }),
  }),
];

const WRONG_FILES = [
  ...broken(/Expected a length of 0 or more for each file, got/, {
    "no length": torrent({ length: undefined }),
    "a negative length": torrent({ length: -1 }),
    "a very negative length": torrent({ length: -Number.MAX_SAFE_INTEGER }),
    "a length that is a text": torrent({ length: "50000" }),
    "a file without a length": filesTorrent({ path: ["a"] }),
    "a file of negative length": filesTorrent({ length: 60_000, path: ["a"] }, {
      length: -10_000,
      path: ["b"],
    }),
    "a padding file of negative length": filesTorrent({ length: 60_000, path: ["a"] }, {
      attr: "p",
      length: -10_000,
      path: [".pad", "0"],
    }),
  }),
  ...broken(/Expected less than 2\^53 bytes in all files, got more/, {
    "lengths beyond 2^53 together": filesTorrent(
      { length: 2 ** 53 - 1, path: ["a"] },
      { length: 2 ** 53 - 1, path: ["b"] },
    ),
    "padding beyond 2^53": torrent({
      length: undefined,
      files: [{ length: 50_000, path: ["a"] }, { attr: "p", length: 2 ** 53 - 1, path: [".pad", "x"] }],
    }),
  }),
  ...broken(/Expected 1 to 200000 files, got 0/, {
    "an empty list of files": torrent({ length: undefined, files: [] }),
  }),
  ...broken(/Expected a dictionary for each file, got something else/, {
    "files that are texts": torrent({ length: undefined, files: ["a", "b"] }),
    "files that are numbers": torrent({ length: undefined, files: [1] }),
    "files that are lists": torrent({ length: undefined, files: [["a"]] }),
  }),
  ...broken(/Expected a path for each file, got none/, {
    "a file without a path": filesTorrent({ length: 50_000 }),
    "an empty path": folderTorrent([]),
    "a path that is a text": folderTorrent("a"),
    "a path that is a number": folderTorrent(5),
    "a path that is a dictionary": folderTorrent({ a: "b" }),
  }),
  ...broken(/Expected names in a path, got something else/, {
    "a path of numbers": folderTorrent([1, 2]),
    "a path of lists": folderTorrent([["a"]]),
  }),
  ...broken(/Expected files, got symbolic links only/, {
    "only symbolic links": filesTorrent({ attr: "l", length: 0, path: ["a"], "symlink path": ["..", "b"] }),
  }),
  ...broken(/Expected a file or a folder, got both under/, {
    "a file that is a folder too": folderTorrent(["a"], ["a", "b"]),
    "a folder that is a file too": folderTorrent(["a", "b"], ["a"]),
    "a file that is a folder where case is ignored": folderTorrent(["A", "b"], ["a"]),
    "a file that is a folder in another composition": folderTorrent(["\u00e9", "b"], ["e\u0301"]),
  }),
  ...broken(/Expected a path of 1 to 100 names, got 201/, {
    "a path of 200 folders": folderTorrent(Array(200).fill("a")),
  }),
  ...broken(/Expected a name, got none/, {
    "no name": torrent({ name: undefined }),
    "a name that is a number": torrent({ name: 5 }),
    "a name that is a list": torrent({ name: ["a"] }),
  }),
];

/** Names that lead out of the folder on some system, or are none. */
const ESCAPING_NAMES: readonly string[] = [
  ...["", ".", "..", "../evil", "../../etc/passwd", "/etc/passwd", "/", "//server/share", "a/b", "a/", "./a"],
  ...[
    "a/../../b",
    "..\\evil",
    "a\\..\\..\\b",
    "a\\..",
    ".\\a",
    "\\evil",
    "\\\\server\\share",
    "\\\\?\\C:\\x",
  ],
  ...["\\\\.\\PhysicalDrive0", "C:\\evil", "c:/evil", "C:\\..\\x", "\\..", "..\\", "..\\..", "a\\."],
];

const ESCAPING = broken(
  /Expected a file name inside the torrent, got "/,
  Object.fromEntries(ESCAPING_NAMES.flatMap((name) => [
    [`the name ${name}`, torrent({ name })],
    [`the folder ${name}`, folderWith({ name })],
    [`the file ${name}`, folderTorrent(["a", name])],
    [`the folder ${name} in a path`, folderTorrent([name, "a"])],
    [`the name.utf-8 ${name}`, torrent({ "name.utf-8": name })],
    [`the path.utf-8 ${name}`, filesTorrent({ length: 50_000, path: ["a"], "path.utf-8": ["b", name] })],
    [
      `a padding file ${name}`,
      filesTorrent({ length: 50_000, path: ["a"] }, { attr: "p", length: 1, path: [name] }),
    ],
  ])),
);

const V2 = broken(/Expected a v1 or hybrid torrent, got one of v2 only/, {
  "v2 only": torrent({ pieces: undefined, length: undefined, "meta version": 2, "file tree": {} }),
  "v2 with a root of the wrong size": torrent({
    pieces: undefined,
    "meta version": 2,
    "file tree": { a: { "": { length: 5, "pieces root": new Uint8Array(31) } } },
  }, { "piece layers": {} }),
  "v2 with a layer of another root": torrent({
    pieces: undefined,
    "meta version": 2,
    "file tree": { a: { "": { length: 50_000, "pieces root": new Uint8Array(32) } } },
  }, { "piece layers": { x: "y" } }),
});

function folderWith(info: Members): Uint8Array<ArrayBuffer> {
  const pieces = new Uint8Array(4 * 20);
  return torrent({ length: undefined, files: [{ length: 50_000, path: ["a"] }], pieces, ...info });
}

/** Every one of them must be refused, with this error. */
export const BROKEN_TORRENTS: readonly BrokenTorrent[] = [
  ...NOT_BENCODED,
  ...BEHIND_THE_END,
  ...NO_INFO,
  ...WRONG_PIECES,
  ...WRONG_FILES,
  ...V2,
];

/** The same with names that lead out of the folder: in every place where a name can stand. */
export const ESCAPING_TORRENTS: readonly BrokenTorrent[] = ESCAPING;
