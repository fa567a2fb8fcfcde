/** Decoders of what remote peers send. */
import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { concatBytes, fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  canonicalAddress,
  formatEndpoint,
  fromCompactList,
  isDialable,
  parseEndpoint,
  scopeOf,
  toCompactList,
} from "../../lib/protocol/endpoint.ts";
import {
  encodeDontHave,
  encodeExtendedHandshake,
  encodePeerList,
  encodeTrackerList,
  parseDontHave,
  parseExtendedHandshake,
  parsePeerList,
  parseTrackerList,
} from "../../lib/protocol/extension_messages.ts";
import { encodeHandshake, parseHandshake } from "../../lib/protocol/handshake.ts";
import {
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  parseMetadataMessage,
} from "../../lib/protocol/metadata_messages.ts";
import { clientNameOf } from "../../lib/protocol/peer_id.ts";
import {
  encodeAboutBlock,
  encodeAboutPiece,
  encodeBitfield,
  encodeExtended,
  encodeKeepAlive,
  encodePlain,
  MessageId,
  MessageReader,
} from "../../lib/protocol/peer_messages.ts";
import { encodePex, parsePex } from "../../lib/protocol/pex_messages.ts";
import { printable } from "../../lib/protocol/printable.ts";
import { readShareCode } from "../../lib/protocol/share_code.ts";
import {
  encodeShareAnswer,
  encodeShareQuestion,
  MAX_SHARES,
  parseShareMessage,
} from "../../lib/protocol/share_messages.ts";
import { SUCCESSION } from "../../lib/settings.ts";
import { mutateBencode, mutateBytes, type Random } from "./mutators.ts";
import { bytes, ENDPOINTS, INFO_HASH, PEER_ID, type Target } from "./target.ts";

const SHARE = {
  infoHash: INFO_HASH,
  name: "film.mp4",
  length: 5_000_000_000,
  files: 2,
  trackers: ["http://10.0.0.5:6969/announce"],
  isListed: true,
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
  Uint8Array.of(0, 0, 0, 3, MessageId.port, 0x1a, 0xe1),
  Uint8Array.of(0, 0, 0, 12, MessageId.piece, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3),
];
const MAX_MESSAGE_LENGTH = 1 << 17;

export const PEER_TARGETS: readonly Target[] = [
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
    name: "messages about shares",
    seeds: [encodeShareQuestion(), encodeShareAnswer("pc-17", [SHARE, { ...SHARE, isListed: false }])],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const message = parseShareMessage(input);
      if (message?.type !== "answer") return;
      assert(message.shares.length <= MAX_SHARES);
      for (const { name, length, files, trackers } of message.shares) {
        assert.equal(printable(name), name);
        assert(Number.isSafeInteger(length) && length >= 0 && Number.isSafeInteger(files) && files >= 0);
        assert(trackers.every((tracker) => !/[?@]/.test(tracker)));
      }
      const again = parseShareMessage(encodeShareAnswer(message.host, message.shares));
      assert(again?.type === "answer");
      assert.deepEqual(
        again.shares.map(({ infoHash }) => infoHash),
        message.shares.map(({ infoHash }) => infoHash),
      );
    },
  },
  {
    name: "lists of trackers",
    seeds: [encodeTrackerList([{ address: "10.0.0.7", port: 6969 }, { address: "fd00::7", port: 7000 }])],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const trackers = parseTrackerList(input, SUCCESSION.count);
      assert(trackers.length <= SUCCESSION.count && trackers.every(isDialable));
      const again = parseTrackerList(encodeTrackerList(trackers), SUCCESSION.count);
      assert.equal(again.length, trackers.length);
    },
  },
  {
    name: "share codes",
    seeds: ["seminar drink school resource", "ABAN-abil,able abou act add"].map(toUtf8),
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      try {
        const { text, lookupHash } = readShareCode(fromUtf8(input));
        assert.deepEqual(readShareCode(text), { text, lookupHash });
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        throw new ProtocolError(error.message);
      }
    },
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
        extensions: ["lan_peers", "ut_metadata", "ut_pex"],
        client: "peer",
        listenPort: 6881,
        maxQueuedRequests: 500,
        trackerPort: 6969,
        metadataLength: 31_235,
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
    name: "donthave",
    seeds: [encodeDontHave(0), encodeDontHave(2 ** 32 - 1)],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const index = parseDontHave(input);
      assert.ok(index >= 0 && index < 2 ** 32);
    },
  },
  {
    name: "metadata message",
    seeds: [encodeMetadataRequest(1), encodeMetadataReject(2), encodeMetadataData(0, bytes(300, 7))],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      parseMetadataMessage(input);
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
