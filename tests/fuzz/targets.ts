/** Every decoder of bytes from outside, with good input to start from and what it promises. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MetainfoError, ProtocolError } from "../../lib/errors.ts";
import { parseAnnounceAddress } from "../../lib/protocol/announce_address.ts";
import { decode, decodePrefix, type Encodable, encode } from "../../lib/protocol/bencode.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { concatBytes, fromUtf8, toByteString, toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  canonicalAddress,
  formatEndpoint,
  fromCompactList,
  parseEndpoint,
  scopeOf,
  toCompactList,
} from "../../lib/protocol/endpoint.ts";
import {
  encodeExtendedHandshake,
  encodePeerList,
  parseExtendedHandshake,
  parsePeerList,
} from "../../lib/protocol/extension_messages.ts";
import { encodeHandshake, parseHandshake } from "../../lib/protocol/handshake.ts";
import { type InfoHash, infoHashOf } from "../../lib/protocol/info_hash.ts";
import { encodeLsd, LSD_MAX_INFO_HASHES, parseLsd } from "../../lib/protocol/lsd_message.ts";
import { formatMagnet, parseMagnet } from "../../lib/protocol/magnet.ts";
import {
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  parseMetadataMessage,
} from "../../lib/protocol/metadata_messages.ts";
import {
  encodeInfo,
  encodeMetainfo,
  parseInfo,
  parseMetainfo,
  replaceAnnounce,
} from "../../lib/protocol/metainfo.ts";
import { MseHandshake, skeyHash } from "../../lib/protocol/mse.ts";
import { clientNameOf } from "../../lib/protocol/peer_id.ts";
import {
  encodeAboutBlock,
  encodeAboutPiece,
  encodeBitfield,
  encodeExtended,
  encodeKeepAlive,
  encodePlain,
  encodePort,
  MessageId,
  MessageReader,
} from "../../lib/protocol/peer_messages.ts";
import { encodePex, parsePex } from "../../lib/protocol/pex_messages.ts";
import { printable } from "../../lib/protocol/printable.ts";
import { safePaths } from "../../lib/protocol/safe_path.ts";
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
} from "../../lib/protocol/tracker_http_messages.ts";
import type { AnnounceReply, AnnounceRequest } from "../../lib/protocol/tracker_messages.ts";
import {
  encodeUdpAnnounce,
  encodeUdpAnnounceReply,
  encodeUdpConnect,
  encodeUdpConnectReply,
  encodeUdpError,
  encodeUdpScrape,
  encodeUdpScrapeReply,
  parseUdpAnnounceReply,
  parseUdpConnectReply,
  parseUdpRequest,
  parseUdpScrapeReply,
} from "../../lib/protocol/tracker_udp_messages.ts";
import { MAGNET_LIMITS, METAINFO_LIMITS } from "../../lib/settings.ts";
import { mutateBencode, mutateBytes, type Mutator, type Random } from "./mutators.ts";

/** One decoder under test. */
export interface Target {
  readonly name: string;
  /** Input the decoder accepts, or nearly so. */
  readonly seeds: readonly Uint8Array[];
  readonly mutate: Mutator;
  /** What it may throw; undefined: nothing. */
  readonly error?: typeof ProtocolError | typeof MetainfoError;
  /** Decodes the input and asserts what holds for every value that comes out. */
  readonly run: (input: Uint8Array, random: Random) => void;
}

/** Values of all shapes, from fast-check. */
function samples<T>(arbitrary: fc.Arbitrary<T>): T[] {
  return fc.sample(arbitrary, { numRuns: 100, seed: 1 });
}

const encodables = fc.letrec<{ value: Encodable }>((tie) => ({
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

const texts = samples(fc.string({ unit: "binary", maxLength: 60 })).map(toUtf8);
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);

const INFO_HASH = infoHashOf(toUtf8("fuzz"));
const PEER_ID = toUtf8("-PD0100-abcdefghijkl");
const ENDPOINTS = [
  { address: "10.0.0.5", port: 6881 },
  { address: "192.168.1.2", port: 1 },
  { address: "fd00::5", port: 6881 },
];

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

const ANNOUNCE: AnnounceRequest = {
  infoHash: INFO_HASH,
  peerId: PEER_ID,
  port: 6881,
  uploaded: 1,
  downloaded: 2 ** 40,
  left: undefined,
  event: "started",
  numwant: 50,
  key: 0xdeadbeef,
  compact: true,
  noPeerId: false,
  supportsCrypto: true,
  trackerId: toUtf8("id"),
  claimedAddresses: ["10.0.0.5", "fd00::5"],
};

const REPLY: AnnounceReply = {
  intervalSeconds: 30,
  minIntervalSeconds: 10,
  complete: 1,
  incomplete: 2,
  downloaded: 3,
  warning: "slow",
  trackerId: toUtf8("id"),
  peers: ENDPOINTS.map((endpoint) => ({ endpoint, peerId: toByteString(PEER_ID) })),
};

const MESSAGES = [
  encodeKeepAlive(),
  encodePlain(MessageId.unchoke),
  encodePlain(MessageId.haveAll),
  encodeAboutPiece(MessageId.have, 5),
  encodeAboutPiece(MessageId.allowedFast, 5),
  encodeAboutBlock(MessageId.request, 1, 0x4000, 0x4000),
  encodeAboutBlock(MessageId.reject, 1, 0, 0x4000),
  encodeBitfield(bytes(20, 0xff)),
  encodeExtended(0, encode({ m: { ut_pex: 1 } })),
  encodePort(6881),
  Uint8Array.of(0, 0, 0, 12, MessageId.piece, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3),
];
const MAX_MESSAGE_LENGTH = 1 << 17;

/** Nothing that ever reaches a file system may mean another place there. */
function assertSafe(path: readonly string[]): void {
  assert.ok(path.length > 0);
  for (const name of path) {
    assert.doesNotMatch(name, /^$|^\.\.?$|[/\\:*?"<>|]|[. ]$|^ /);
    assert.equal(printable(name), name);
    assert.ok(toUtf8(name).length <= 255);
  }
}

/** Runs one side of an encrypted handshake over `input`, cut anywhere. */
function runMse(handshake: MseHandshake, input: Uint8Array, random: Random): void {
  for (let at = 0; at < input.length && handshake.result === undefined;) {
    const end = at + 1 + Math.floor(random() * input.length);
    handshake.advance(input.subarray(at, end));
    at = end;
  }
}

const mseSide = (key: number) => ({
  privateKey: bytes(20, key),
  firstPad: bytes(30, key),
  secondPadLength: 7,
});
const initiator = () => MseHandshake.initiate(INFO_HASH, ["rc4", "plaintext"], mseSide(3), bytes(68, 1));
const MSE_LOOKUP = new Map<string, InfoHash>([[skeyHash(INFO_HASH), INFO_HASH]]);
const acceptor = () => MseHandshake.accept((hash) => MSE_LOOKUP.get(hash), ["rc4"], mseSide(5));

/** What each side sends in a good handshake between the two. */
function mseTranscript(): { fromInitiator: Uint8Array; fromAcceptor: Uint8Array } {
  const [a, b] = [initiator(), acceptor()];
  const sentByA = [a.advance(new Uint8Array())];
  const sentByB = [b.advance(sentByA[0])];
  sentByA.push(a.advance(sentByB[0]));
  sentByB.push(b.advance(sentByA[1]));
  return { fromInitiator: concatBytes(...sentByA), fromAcceptor: concatBytes(...sentByB) };
}
const MSE = mseTranscript();

export const TARGETS: readonly Target[] = [
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
    name: "printable",
    seeds: texts,
    mutate: mutateBytes,
    run(input) {
      const text = printable(fromUtf8(input));
      assert.equal(printable(text), text);
      assert.doesNotMatch(text, /[\p{Cc}\p{Bidi_Control}\p{Surrogate}]/u);
    },
  },
  {
    name: "handshake",
    seeds: [encodeHandshake(INFO_HASH, PEER_ID)],
    mutate: mutateBytes,
    run(input) {
      const handshake = parseHandshake(input);
      if (handshake === undefined) return;
      assert.equal(handshake.peerId.length, 20);
      assert.equal(printable(clientNameOf(handshake.peerId)), clientNameOf(handshake.peerId));
    },
  },
  {
    name: "peer messages",
    seeds: [...MESSAGES, concatBytes(...MESSAGES)],
    mutate: mutateBytes,
    error: ProtocolError,
    run: runMessageReader,
  },
  {
    name: "bitfield",
    seeds: [bytes(0, 0), bytes(1, 0x80), bytes(13, 0xf0)],
    mutate: mutateBytes,
    run(input, random) {
      const bitfield = Bitfield.fromBytes(input, Math.max(0, input.length * 8 - Math.floor(random() * 10)));
      if (bitfield === undefined) return;
      assert.equal([...bitfield].length, bitfield.count);
      assert.deepEqual(bitfield.toBytes(), input.slice());
    },
  },
  {
    name: "compact endpoints",
    seeds: [toCompactList(ENDPOINTS.slice(0, 2), 4), toCompactList(ENDPOINTS.slice(2), 6), bytes(40, 0xff)],
    mutate: mutateBytes,
    run(input, random) {
      const family = random() < 0.5 ? 4 : 6;
      for (const { address, port } of fromCompactList(input, family, 50)) {
        assert.equal(canonicalAddress(address), address);
        assert.ok(port >= 0 && port <= 65535);
        scopeOf(address);
      }
    },
  },
  {
    name: "endpoint text",
    seeds: ["10.0.0.5:6881", "[fd00::5]:1", "[fe80::1%eth0]:65535", "[::ffff:10.0.0.5]:80"].map(toUtf8),
    mutate: mutateBytes,
    run(input) {
      const endpoint = parseEndpoint(fromUtf8(input));
      if (endpoint === undefined) return;
      assert.deepEqual(parseEndpoint(formatEndpoint(endpoint)), endpoint);
      scopeOf(endpoint.address);
    },
  },
  {
    name: "extended handshake",
    seeds: [
      encodeExtendedHandshake({
        client: "peer",
        listenPort: 6881,
        maxQueuedRequests: 500,
        trackerPort: 6969,
      }),
      encode({
        m: { ut_metadata: 3, ut_pex: 1 },
        metadata_size: 31235,
        p: 6881,
        v: "µTorrent",
        yourip: bytes(4, 1),
      }),
    ],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      parseExtendedHandshake(input);
    },
  },
  {
    name: "peer list",
    seeds: [
      encodePeerList({
        added: ENDPOINTS.map((endpoint) => ({ endpoint, isSeed: true })),
        dropped: ENDPOINTS,
      }),
      encodePeerList({ added: [], dropped: [] }),
    ],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const { added, dropped } = parsePeerList(input, 10);
      assert.ok(added.length <= 20 && dropped.length <= 20);
    },
  },
  {
    name: "peer exchange",
    seeds: [encodePex({ added: ENDPOINTS.map((endpoint) => ({ endpoint, flags: 2 })), dropped: ENDPOINTS })],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const { added, dropped } = parsePex(input, 10);
      assert.ok(added.length <= 20 && dropped.length <= 20);
    },
  },
  {
    name: "metadata message",
    seeds: [encodeMetadataRequest(1), encodeMetadataReject(2), encodeMetadataData(0, INFOS[0])],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      parseMetadataMessage(input);
    },
  },
  {
    name: "HTTP announce query",
    seeds: [
      toUtf8(encodeAnnounceQuery(ANNOUNCE)),
      toUtf8(
        `info_hash=${"%ff".repeat(20)}&peer_id=${"a".repeat(20)}&port=1&left=0&ip=[fd00::5]:1&event=stopped`,
      ),
    ],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const request = parseAnnounceQuery(fromUtf8(input));
      assert.match(request.infoHash, /^[0-9a-f]{40}$/);
      assert.ok(request.port > 0 && request.port < 65536);
    },
  },
  {
    name: "HTTP scrape query",
    seeds: [toUtf8(encodeScrapeQuery([INFO_HASH, INFO_HASH]))],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      assert.ok(parseScrapeQuery(fromUtf8(input), 3).length <= 3);
    },
  },
  {
    name: "HTTP announce reply",
    seeds: [
      encodeAnnounceReply(REPLY, { compact: true, noPeerId: false }),
      encodeAnnounceReply(REPLY, { compact: false, noPeerId: false }),
      encodeFailure({ failureReason: "no", retryInMs: 60_000 }),
    ],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const reply = decodeAnnounceReply(input, 2);
      if ("failureReason" in reply) assert.equal(printable(reply.failureReason), reply.failureReason);
      else assert.ok(reply.peers.length <= 2);
    },
  },
  {
    name: "HTTP scrape reply",
    seeds: [encodeScrapeReply(new Map([[INFO_HASH, { complete: 1, incomplete: 2, downloaded: 3 }]]))],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      decodeScrapeReply(input);
    },
  },
  {
    name: "UDP tracker request",
    seeds: [
      encodeUdpConnect(7),
      encodeUdpAnnounce(bytes(8, 1), 7, ANNOUNCE, "/announce?key=1"),
      encodeUdpScrape(bytes(8, 1), 7, [INFO_HASH, INFO_HASH]),
    ],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      parseUdpRequest(input);
    },
  },
  {
    name: "UDP tracker reply",
    seeds: [
      encodeUdpConnectReply(7, bytes(8, 1)),
      encodeUdpAnnounceReply(7, REPLY, 4),
      encodeUdpAnnounceReply(7, REPLY, 6),
      encodeUdpScrapeReply(7, [{ complete: 1, incomplete: 2, downloaded: 3 }]),
      encodeUdpError(7, "no"),
    ],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input, random) {
      const lot = random();
      if (lot < 0.3) parseUdpConnectReply(input);
      else if (lot < 0.6) parseUdpScrapeReply(input);
      else parseUdpAnnounceReply(input, lot < 0.8 ? 4 : 6, 10);
    },
  },
  {
    name: "local discovery",
    seeds: [
      encodeLsd({ infoHashes: [INFO_HASH], port: 6881, cookie: "0123456789abcdef" }, 4),
      encodeLsd({ infoHashes: new Array(LSD_MAX_INFO_HASHES).fill(INFO_HASH), port: 1, cookie: "" }, 6),
    ],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const { infoHashes, port, cookie } = parseLsd(input);
      assert.ok(infoHashes.length > 0);
      assert.ok(port > 0 && port < 65536);
      assert.match(cookie, /^[ -~]*$/);
    },
  },
  {
    name: "encryption, accepting",
    seeds: [MSE.fromInitiator],
    mutate: mutateBytes,
    error: ProtocolError,
    run: (input, random) => runMse(acceptor(), input, random),
  },
  {
    name: "encryption, connecting",
    seeds: [MSE.fromAcceptor],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input, random) {
      const handshake = initiator();
      handshake.advance(new Uint8Array());
      runMse(handshake, input, random);
    },
  },
];

/** Feeds a message stream as a socket would, in reads of any size, and keeps what is incomplete as a connection does. */
function runMessageReader(input: Uint8Array, random: Random): void {
  const reader = new MessageReader(MAX_MESSAGE_LENGTH);
  let start = 0;
  for (let end = 0; end < input.length;) {
    end = Math.min(input.length, end + 1 + Math.floor(random() * input.length));
    const view = input.subarray(start);
    reader.begins(view, end - start);
    while (reader.next()) assert.ok(reader.payload.length <= MAX_MESSAGE_LENGTH);
    assert.ok(reader.consumed <= end - start);
    assert.ok(reader.wanted > end - start - reader.consumed);
    start += reader.consumed;
  }
}
