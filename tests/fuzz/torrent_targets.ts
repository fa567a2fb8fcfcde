/** Decoders of what a user hands us: torrents, magnet links, addresses and the names in them. */
import assert from "node:assert/strict";
import { type Arbitrary, fc } from "../harness/data/fast_check.ts";
import { isThere } from "../harness/processes/require_tool.ts";
import { MetainfoError, ProtocolError } from "../../lib/errors.ts";
import { IpFilter } from "../../lib/net/addresses/ip_filter.ts";
import { parseAnnounceAddress } from "../../lib/protocol/announce_address.ts";
import { decode, decodePrefix, type Encodable, encode } from "../../lib/protocol/bencode.ts";
import { concatBytes, fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { infoHashOf } from "../../lib/protocol/info_hash.ts";
import { formatMagnet, parseMagnet } from "../../lib/protocol/magnet.ts";
import {
  encodeInfo,
  encodeMetainfo,
  parseInfo,
  parseMetainfo,
  replaceAnnounce,
} from "../../lib/protocol/metainfo.ts";
import { printable } from "../../lib/protocol/printable.ts";
import { safePaths } from "../../lib/protocol/safe_path.ts";
import { MAGNET_LIMITS, METAINFO_LIMITS } from "../../lib/settings.ts";
import { mutateBencode, mutateBytes } from "./mutators.ts";
import { bytes, INFO_HASH, type Target } from "./target.ts";

/** Values of all shapes; none where fast-check is not there, which all targets need. */
function samples<T>(arbitrary: () => Arbitrary<T>): T[] {
  return isThere("fast-check") ? fc.sample(arbitrary(), { numRuns: 100, seed: 1 }) : [];
}

const encodables = () =>
  fc.letrec<{ value: Encodable }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeInteger(),
      fc.uint8Array({ maxLength: 30 }),
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.array(tie("value"), { maxLength: 5 }),
      // The decoder refuses keys the library cannot tell apart, so the good ones are plain.
      fc.dictionary(fc.stringMatching(/^[a-z ]{1,8}$/), tie("value"), { maxKeys: 5 }),
    ),
  })).value;

const texts = samples(() => fc.string({ unit: "binary", maxLength: 60 })).map(toUtf8);
const INFOS = [
  encodeInfo("notes.txt", [{ path: [], length: 20_000 }], 16_384, bytes(40, 7), false),
  encodeInfo(
    "folder",
    [{ path: ["a", "b.txt"], length: 10_000 }, { path: ["A", "B.TXT"], length: 0 }, {
      path: ["c"],
      length: 9_000,
    }],
    16_384,
    bytes(40, 7),
    true,
  ),
  encode({
    files: [
      { attr: "p", length: 5, path: [".pad", "5"] },
      { attr: "l", path: ["link"], "symlink path": ["a"] },
      { length: 5, path: ["a"], "path.utf-8": ["ä"] },
    ],
    "meta version": 2,
    name: "x",
    "name.utf-8": "ä",
    "piece length": 16_384,
    pieces: bytes(20, 1),
  }),
];

const METAINFOS = INFOS.map((info, position) =>
  encodeMetainfo(info, {
    announceTiers: [["http://10.0.0.5:6969/announce"], ["10.0.0.6", "udp://10.0.0.7:6969"]].slice(position),
    webSeeds: ["http://10.0.0.5/"],
    comment: "größe",
    createdBy: "fuzz",
    creationDate: 1_700_000_000,
  })
);

/** Nothing that ever reaches a file system may mean another place there. */
function assertSafe(path: readonly string[]): void {
  assert.ok(path.length > 0);
  for (const name of path) {
    assert.doesNotMatch(name, /^$|^\.\.?$|[/\\:*?"<>|]|[. ]$|^ /);
    assert.equal(printable(name), name);
    assert.ok(toUtf8(name).length <= 255);
  }
}

export const TORRENT_TARGETS: readonly Target[] = [
  {
    name: "bencode",
    seeds: [...samples(encodables).map((value) => encode(value)), ...METAINFOS],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      encode(decode(input) as Encodable);
    },
  },
  {
    name: "bencode prefix",
    seeds: samples(encodables).map((value) => concatBytes(encode(value), toUtf8("rest"))),
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const { end } = decodePrefix(input);
      assert.ok(end > 0 && end <= input.length);
    },
  },
  {
    name: "metainfo",
    seeds: METAINFOS,
    mutate: mutateBencode,
    error: MetainfoError,
    run(input) {
      const metainfo = parseMetainfo(input, METAINFO_LIMITS);
      for (const { path, length } of metainfo.files) {
        assertSafe(path);
        assert.ok(Number.isSafeInteger(length) && length >= 0);
      }
      assert.equal(metainfo.pieceHashes.length, 20 * metainfo.layout.pieceCount);
      assert.equal(metainfo.infoHash, infoHashOf(metainfo.rawInfo));
      const changed = parseMetainfo(replaceAnnounce(input, [["10.0.0.5"]], METAINFO_LIMITS), METAINFO_LIMITS);
      assert.equal(changed.infoHash, metainfo.infoHash);
    },
  },
  {
    name: "info dictionary",
    seeds: INFOS,
    mutate: mutateBencode,
    error: MetainfoError,
    run(input) {
      for (const { path } of parseInfo(input, METAINFO_LIMITS).files) assertSafe(path);
    },
  },
  {
    name: "magnet",
    seeds: [
      formatMagnet({ infoHash: INFO_HASH }),
      formatMagnet({
        infoHash: INFO_HASH,
        name: "größe",
        trackers: ["10.0.0.5"],
        peers: ["10.0.0.5:1", "[fd00::5]:1"],
      }),
      `magnet:?xt=urn:btih:${"A".repeat(32)}&so=0,2-4&ws=http%3A%2F%2Fh%2F&tr.1=udp%3A%2F%2Fh`,
    ].map(toUtf8),
    mutate: mutateBytes,
    error: MetainfoError,
    run(input) {
      const magnet = parseMagnet(fromUtf8(input), MAGNET_LIMITS);
      assert.match(magnet.infoHash, /^[0-9a-f]{40}$/);
      assert.equal(
        parseMagnet(formatMagnet(magnet), { characters: 2 ** 20, entries: 200 }).infoHash,
        magnet.infoHash,
      );
    },
  },
  {
    name: "announce address",
    seeds: [
      "10.0.0.5",
      "10.0.0.5:6969",
      "host",
      "[fd00::5]:1",
      "fd00::5",
      "http://10.0.0.5:6969/announce",
      "udp://h:1",
      "https://h/a?b",
    ].map(toUtf8),
    mutate: mutateBytes,
    run(input) {
      const url = parseAnnounceAddress(fromUtf8(input));
      if (url === undefined) return;
      assert.match(url.protocol, /^(http|https|udp):$/);
      assert.deepEqual([url.username, url.password], ["", ""]);
      assert.notEqual(url.port, "0");
      assert.equal(parseAnnounceAddress(url.href)?.href, url.href);
    },
  },
  {
    name: "safe path names",
    seeds: [
      ...texts,
      ...["notes.txt", "..", "a\\b", "C:\\x", "con.txt", "a. ", "e\u0301", `${"ä".repeat(200)}.txt`].map(
        toUtf8,
      ),
    ],
    mutate: mutateBytes,
    error: MetainfoError,
    run(input) {
      const names = fromUtf8(input).split("/", 8);
      const paths = safePaths([["t", ...names], ["t", ...names], ["t", names[0].toUpperCase()]]);
      for (const path of paths) assertSafe(path);
      assert.equal(new Set(paths.map((path) => path.join("/").toLowerCase())).size, paths.length);
    },
  },
  {
    name: "address filter",
    seeds: [
      "# list\n10.0.0.1\n10.1.0.0/16\nfd00::/8\n10.2.0.1 - 10.2.0.9\n",
      "001.002.003.004 - 001.002.003.255 , 000 , some name\n9.0.0.0 - 9.0.0.9 , 200 , allowed\r\n",
      "name: with colon:1.2.3.4-1.2.3.9\nin IPv6:fd00::1-fd00::ff\n",
    ].map(toUtf8),
    mutate: mutateBytes,
    run(input) {
      const text = fromUtf8(input);
      const filter = new IpFilter(text);
      const lines = text.split(/\r\n|\n|\r/).length;
      assert.ok(filter.size + filter.malformedLines.length <= lines);
      for (const address of ["10.0.0.1", "1.2.3.4", "255.255.255.255", "fd00::1", "fe80::1%eth0"]) {
        filter.has(address);
      }
    },
  },
  {
    name: "printable",
    seeds: texts,
    mutate: mutateBytes,
    run(input) {
      const text = printable(fromUtf8(input));
      assert.equal(printable(text), text);
      assert.doesNotMatch(text, /[\p{Cc}\p{Bidi_Control}\p{Surrogate}]/u);
    },
  },
];
