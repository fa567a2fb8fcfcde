/** What hostile peers do, as a table: each is tried against a seeder and a download, plain and encrypted. */
import assert from "node:assert/strict";
import { encode } from "../../lib/protocol/bencode.ts";
import { writeUint32 } from "../../lib/protocol/bytes.ts";
import { toCompactList } from "../../lib/protocol/endpoint.ts";
import {
  encodeDontHave,
  encodePeerList,
  encodeTrackerList,
  OUR_EXTENSIONS,
} from "../../lib/protocol/extension_messages.ts";
import { infoHashFromBytes } from "../../lib/protocol/info_hash.ts";
import { encodeMetadataData, encodeMetadataRequest } from "../../lib/protocol/metadata_messages.ts";
import {
  encodeAboutBlock,
  encodeAboutPiece,
  encodeBitfield,
  encodeExtended,
  encodeKeepAlive,
  encodePlain,
  MessageId,
  type MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { BROADCAST, CONNECTIONS, TRANSFER } from "../../lib/settings.ts";
import { randomBytes } from "../harness/data/random.ts";
import { ourIdOf } from "../harness/sessions/remote_peers.ts";
import { type Attack, METAINFO } from "./arena.ts";
import type { Attacker } from "./attacker.ts";

const PIECES = METAINFO.layout.pieceCount;
const FLOOD = /got a flood/;
const NO_SUCH_BLOCK = /block that does not exist/;
const OTHER_TORRENT = infoHashFromBytes(new Uint8Array(20).fill(9));
const HIGHEST = 0xffffffff;

const plain = encodePlain;
const request = (index: number, begin: number, length: number) =>
  encodeAboutBlock(MessageId.request, index, begin, length);
const bitfieldOf = (...bytes: number[]) => encodeBitfield(Uint8Array.from(bytes));
const extension = (name: keyof typeof OUR_EXTENSIONS, payload: Uint8Array) =>
  encodeExtended(OUR_EXTENSIONS[name], payload);
const introduction = (members: Parameters<typeof encode>[0]) => encodeExtended(0, encode(members));

/** A message of any id and length, its payload zeros. */
function message(id: number, payloadLength: number): Uint8Array {
  const bytes = new Uint8Array(5 + payloadLength);
  writeUint32(bytes, 0, 1 + payloadLength);
  bytes[4] = id;
  return bytes;
}

/** A block of zeros, which is what no piece of the torrent holds. */
function wrongBlock(index: number, begin: number, length = BLOCK_LENGTH): Uint8Array {
  const bytes = new Uint8Array(PIECE_HEADER_LENGTH + length);
  writePieceHeader(bytes, 0, index, begin, length);
  return bytes;
}

/** Endpoints in 127.0.0.0/8, so that whoever believes in them stays on this machine. */
function strangers(count: number, from = 0): { address: string; port: number }[] {
  return Array.from({ length: count }, (_, i) => {
    const number = from + i;
    return { address: `127.${1 + (number >> 14)}.${number >> 6 & 255}.${1 + (number & 63)}`, port: 9 };
  });
}

/** Claims to have everything and to give it. */
const posesAsSeed = (attacker: Attacker) => attacker.send(plain(MessageId.haveAll), plain(MessageId.unchoke));

/** Asks again and again for the same block, and patiently as long as the other side has not got it. */
async function asksForOne(attacker: Attacker, { id, index }: MessageReader): Promise<void> {
  const again = request(index, 0, BLOCK_LENGTH);
  if (id === MessageId.unchoke) await attacker.send(request(0, 0, BLOCK_LENGTH));
  else if (id === MessageId.piece) await attacker.send(...new Array(8).fill(again));
  else if (id === MessageId.reject) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await attacker.send(again);
  }
}

const HANDSHAKES: readonly Attack[] = [
  {
    name: "asks for another torrent",
    handshake: { asksFor: OTHER_TORRENT, encryptsFor: OTHER_TORRENT },
    droppedFor: /Expected an info-hash of ours/,
  },
  {
    name: "asks for another torrent than the one it encrypts for",
    handshake: { asksFor: OTHER_TORRENT },
    droppedFor: /Expected an info-hash of ours/,
  },
  {
    name: "bears our own peer id",
    handshake: { peerId: ourIdOf(50) },
    against: "seeder",
    droppedFor: /ourselves/,
  },
  {
    name: "bears our own peer id",
    handshake: { peerId: ourIdOf(51) },
    against: "download",
    droppedFor: /ourselves/,
  },
  {
    name: "bears the peer id of the honest peer",
    handshake: { peerId: ourIdOf(51) },
    against: "seeder",
    act: (attacker) => attacker.send(encodePlain(MessageId.interested)),
  },
  {
    name: "bears the peer id of the honest peer",
    handshake: { peerId: ourIdOf(50) },
    against: "download",
    act: (attacker) => attacker.send(encodePlain(MessageId.haveNone)),
  },
  { name: "sets all reserved bits", handshake: { reserved: 0xff } },
  { name: "shakes hands and falls silent" },
  {
    name: "uses the Fast extension without having offered it",
    handshake: { reserved: 0 },
    act: (attacker) => attacker.send(plain(MessageId.haveAll)),
    droppedFor: /without the Fast extension/,
  },
];

const FRAMES: readonly Attack[] = [
  {
    name: "announces a message of 4 GiB",
    act: (attacker) => attacker.send(new Uint8Array(4).fill(0xff)),
    droppedFor: /Expected a message of at most/,
  },
  {
    name: "announces a message just above the limit",
    act: (attacker) => attacker.send(message(99, TRANSFER.maxMessageBytes).subarray(0, 9)),
    droppedFor: /Expected a message of at most/,
  },
  {
    name: "sends the longest message there may be, but for its last byte",
    act: (attacker) => attacker.send(message(99, TRANSFER.maxMessageBytes - 1).subarray(0, -1)),
  },
  {
    name: "sends noise",
    act: (attacker) => attacker.send(randomBytes(50_000, 3)),
    droppedFor: /broke the protocol/,
  },
  {
    name: "floods us with empty messages",
    act: (attacker) => attacker.flood(1_000_000, encodeKeepAlive()),
    droppedFor: FLOOD,
  },
  {
    name: "sends every message id that nobody knows",
    act: (attacker) => attacker.send(...Array.from({ length: 235 }, (_, i) => message(21 + i, i))),
  },
  {
    name: "floods us with messages that nobody knows",
    act: (attacker) => attacker.flood(100_000, message(99, 10)),
    droppedFor: FLOOD,
  },
  {
    name: "sends a choke with a payload",
    act: (attacker) => attacker.send(message(MessageId.choke, 1)),
    droppedFor: /Expected 0 bytes in message 0/,
  },
  {
    name: "tells a DHT port, which we do not use",
    act: (attacker) => attacker.send(Uint8Array.of(0, 0, 0, 3, MessageId.port, 0, 1)),
  },
];

const PIECE_NEWS: readonly Attack[] = [
  {
    name: "sends a bitfield that is too long",
    act: (attacker) => attacker.send(bitfieldOf(0, 0, 0, 0, 0)),
    droppedFor: /Expected a bitfield that fits/,
  },
  {
    name: "sends a bitfield that is too short",
    act: (attacker) => attacker.send(bitfieldOf(0xff, 0xff, 0xff)),
    droppedFor: /Expected a bitfield that fits/,
  },
  {
    name: "sends two bitfields",
    act: (attacker) => attacker.send(bitfieldOf(0, 0, 0, 1), bitfieldOf(1, 0, 0, 1)),
  },
  {
    name: "floods us with claims to have everything",
    act: (attacker) => attacker.flood(1_000_000, plain(MessageId.haveAll)),
    droppedFor: FLOOD,
  },
  {
    name: "has a piece that does not exist",
    act: (attacker) => attacker.send(encodeAboutPiece(MessageId.have, PIECES)),
    droppedFor: /Expected a piece that exists/,
  },
  {
    name: "tells the same piece for ever",
    act: (attacker) => attacker.flood(1_000_000, encodeAboutPiece(MessageId.have, 3)),
    droppedFor: FLOOD,
  },
  {
    name: "loses a piece that does not exist",
    act: (attacker) => attacker.send(extension("lt_donthave", encodeDontHave(HIGHEST))),
    droppedFor: /Expected a piece that exists/,
  },
  {
    name: "has a piece and has it no more, for ever",
    act: (attacker) =>
      attacker.flood(
        100_000,
        encodeAboutPiece(MessageId.have, 3),
        extension("lt_donthave", encodeDontHave(3)),
      ),
    droppedFor: FLOOD,
  },
];

/** Requests, cancels and blocks of what does not exist. */
const OUT_OF_RANGE: readonly Attack[] = [
  ...([
    ["a piece that does not exist", PIECES, 0, BLOCK_LENGTH],
    ["the highest piece there could be", HIGHEST, 0, BLOCK_LENGTH],
    ["no bytes", 0, 0, 0],
    ["more than 128 KiB", 0, 0, TRANSFER.maxRequestBytes + 1],
    ["4 GiB", 0, 0, HIGHEST],
    ["what goes past the end of a piece", 0, BLOCK_LENGTH, BLOCK_LENGTH + 1],
    ["what begins past the end of a piece", 0, HIGHEST, HIGHEST],
  ] as const).map(([what, index, begin, length]): Attack => ({
    name: `requests ${what}`,
    act: (attacker) => attacker.send(request(index, begin, length)),
    droppedFor: NO_SUCH_BLOCK,
  })),
  ...([
    ["of a piece that does not exist", PIECES, 0, BLOCK_LENGTH],
    ["past the end of a piece", 0, 2 * BLOCK_LENGTH, BLOCK_LENGTH],
    ["between two blocks", 0, 1, BLOCK_LENGTH],
    ["of no bytes", 0, 0, 0],
    ["that is too long", 0, 0, 2 * BLOCK_LENGTH],
  ] as const).map(([what, index, begin, length]): Attack => ({
    name: `sends a block ${what}`,
    act: (attacker) => attacker.send(wrongBlock(index, begin, length)),
    droppedFor: NO_SUCH_BLOCK,
  })),
  {
    name: "cancels, rejects, suggests and allows what does not exist",
    act: (attacker) =>
      attacker.send(
        encodeAboutBlock(MessageId.cancel, HIGHEST, HIGHEST, HIGHEST),
        encodeAboutBlock(MessageId.reject, HIGHEST, HIGHEST, HIGHEST),
        encodeAboutPiece(MessageId.suggest, HIGHEST),
        encodeAboutPiece(MessageId.allowedFast, HIGHEST),
      ),
  },
];

const REQUESTS: readonly Attack[] = [
  {
    name: "requests a million blocks while it is choked",
    act: (attacker) => attacker.flood(1_000_000, request(0, 0, BLOCK_LENGTH)),
    droppedFor: FLOOD,
  },
  {
    name: "requests a million blocks with an upload slot, and reads nothing",
    isDeaf: true,
    act: async (attacker) => {
      await attacker.send(plain(MessageId.interested));
      await attacker.flood(1_000_000, request(0, 0, BLOCK_LENGTH), request(0, BLOCK_LENGTH, BLOCK_LENGTH));
    },
    droppedFor: FLOOD,
  },
  {
    name: "takes the same block for ever",
    act: (attacker) => attacker.send(plain(MessageId.interested)),
    hear: asksForOne,
    droppedFor: /requested everything \d times over/,
  },
  {
    name: "cancels for ever what it did not request",
    act: (attacker) => attacker.flood(1_000_000, encodeAboutBlock(MessageId.cancel, 0, 0, BLOCK_LENGTH)),
    droppedFor: FLOOD,
  },
  {
    name: "never reads what it asked for",
    isDeaf: true,
    act: async (attacker) => {
      await attacker.send(plain(MessageId.interested));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await attacker.send(...new Array(1_000).fill(request(0, 0, BLOCK_LENGTH)));
    },
  },
];

const CHOKES: readonly Attack[] = [
  {
    name: "chokes and unchokes us for ever",
    act: async (attacker) => {
      await attacker.send(plain(MessageId.haveAll));
      await attacker.flood(1_000_000, plain(MessageId.unchoke), plain(MessageId.choke));
    },
    droppedFor: FLOOD,
  },
  {
    name: "gains and loses interest for ever",
    act: (attacker) => attacker.flood(1_000_000, plain(MessageId.interested), plain(MessageId.notInterested)),
    droppedFor: FLOOD,
  },
  {
    name: "allows us every piece for ever",
    act: (attacker) => attacker.flood(50_000, encodeAboutPiece(MessageId.allowedFast, 3)),
  },
  {
    name: "suggests pieces for ever",
    act: (attacker) => attacker.flood(50_000, encodeAboutPiece(MessageId.suggest, 3)),
  },
];

const BLOCKS: readonly Attack[] = [
  {
    name: "sends blocks that nobody asked for",
    act: (attacker) => attacker.flood(2_000, wrongBlock(5, 0), wrongBlock(5, BLOCK_LENGTH)),
    droppedFor: /sent blocks nobody asked for/,
  },
  {
    name: "poses as a seed and sends nothing",
    against: "download",
    act: posesAsSeed,
  },
  {
    name: "poses as a seed and rejects every request",
    against: "download",
    act: posesAsSeed,
    hear: (attacker, { id, index, begin, length }) => {
      if (id === MessageId.request) {
        return attacker.send(encodeAboutBlock(MessageId.reject, index, begin, length));
      }
    },
  },
  {
    name: "poses as a seed and sends wrong data",
    against: "download",
    act: posesAsSeed,
    hear: (attacker, { id, index, begin, length }) => {
      if (id === MessageId.request) return attacker.send(wrongBlock(index, begin, length));
    },
    droppedFor: /it sent wrong data/,
  },
  {
    name: "poses as a seed and sends half blocks",
    against: "download",
    act: posesAsSeed,
    hear: (attacker, { id, index, begin, length }) => {
      if (id === MessageId.request) return attacker.send(wrongBlock(index, begin, length / 2));
    },
    droppedFor: NO_SUCH_BLOCK,
  },
];

const NESTED = new TextEncoder().encode("l".repeat(20_000) + "e".repeat(20_000));

const EXTENSIONS: readonly Attack[] = [
  {
    name: "introduces itself at great length",
    act: (attacker) =>
      attacker.send(introduction({
        m: Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`x${i}`, i])),
        v: "\x1b[2J".repeat(10_000),
      })),
  },
  {
    name: "introduces itself with lies",
    act: (attacker) =>
      attacker.send(introduction({
        m: { lan_peers: -1, ut_metadata: 1e9, ut_pex: 0, lt_donthave: 300 },
        metadata_size: 2 ** 52,
        reqq: -5,
        p: 70_000,
        lan_tracker: -1,
        v: 7,
      })),
  },
  {
    name: "tells trackers that are none, again and again",
    act: async (attacker) => {
      await attacker.send(introduction({ m: { lan_trackers: 6 }, lan_tracker: 9 }));
      const list = encodeTrackerList([1, 2, 3].map((end) => ({ address: `10.66.66.${end}`, port: 6_969 })));
      await attacker.flood(100_000, extension("lan_trackers", list));
    },
    droppedFor: FLOOD,
  },
  {
    name: "introduces itself in a nest of lists",
    act: (attacker) => attacker.send(encodeExtended(0, NESTED)),
    droppedFor: /broke the protocol/,
  },
  {
    name: "introduces itself in something else than bencode",
    act: (attacker) => attacker.send(encodeExtended(0, randomBytes(1_000, 1))),
    droppedFor: /broke the protocol/,
  },
  {
    name: "introduces itself for ever",
    act: (attacker) => attacker.flood(100_000, introduction({ m: { ut_pex: 1 }, v: "x" })),
    droppedFor: FLOOD,
  },
  {
    name: "asks for metadata for ever",
    act: async (attacker) => {
      await attacker.send(introduction({ m: { ut_metadata: 3 } }));
      await attacker.flood(100_000, extension("ut_metadata", encodeMetadataRequest(0)));
    },
    droppedFor: FLOOD,
  },
  {
    name: "asks for metadata that is not there, and sends some that is wrong",
    act: (attacker) =>
      attacker.send(
        introduction({ m: { ut_metadata: 3 }, metadata_size: METAINFO.rawInfo.length }),
        extension("ut_metadata", encodeMetadataRequest(2 ** 40)),
        extension("ut_metadata", encodeMetadataData(0, METAINFO.rawInfo.map((byte) => byte ^ 1))),
      ),
  },
  {
    name: "exchanges ten thousand peers at once",
    act: (attacker) =>
      attacker.send(
        introduction({ m: { ut_pex: 3 } }),
        extension("ut_pex", encode({ added: toCompactList(strangers(10_000), 4) })),
      ),
    after: ({ known }) => assert(known.length < 100, `${known.length} endpoints`),
  },
  {
    name: "exchanges peers for ever",
    act: async (attacker) => {
      await attacker.send(introduction({ m: { ut_pex: 3 } }));
      await attacker.flood(100_000, extension("ut_pex", encode({ added: toCompactList(strangers(50), 4) })));
    },
    droppedFor: FLOOD,
  },
  {
    name: "exchanges peers in half endpoints",
    act: (attacker) =>
      attacker.send(
        introduction({ m: { ut_pex: 3 } }),
        extension("ut_pex", encode({ added: new Uint8Array(7) })),
      ),
    droppedFor: /Expected endpoints of 6 bytes/,
  },
  {
    name: "broadcasts a hundred thousand addresses, our own, multicast ones and port 0 among them",
    act: async (attacker, { victim }) => {
      const useless = [
        victim.endpoint,
        { address: "224.0.0.1", port: 9 },
        { address: "255.255.255.255", port: 9 },
        { address: "0.0.0.0", port: 9 },
        { address: "127.77.77.77", port: 0 },
      ];
      for (let from = 0; from < 100_000; from += BROADCAST.maxEndpoints) {
        const named = [...useless, ...strangers(BROADCAST.maxEndpoints, from)];
        const added = named.map((endpoint) => ({ endpoint, isSeed: false }));
        await attacker.send(extension("lan_peers", encodePeerList({ added, dropped: [] })));
      }
    },
    after: ({ known }) => {
      assert(known.length <= CONNECTIONS.knownPerTeller + 2, `${known.length} endpoints`);
      assert(!known.some((name) => /^(224|255|0)\.|:0$/.test(name)), known.join());
    },
  },
];

/** All attacks that are one connection's. */
export const ATTACKS: readonly Attack[] = [
  ...HANDSHAKES,
  ...FRAMES,
  ...PIECE_NEWS,
  ...OUT_OF_RANGE,
  ...REQUESTS,
  ...CHOKES,
  ...BLOCKS,
  ...EXTENSIONS,
];
