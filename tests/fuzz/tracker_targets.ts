/** Decoders of what trackers, their clients and neighbours send. */
import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { fromUtf8, toByteString, toUtf8 } from "../../lib/protocol/bytes.ts";
import { encodeLsd, LSD_MAX_INFO_HASHES, parseLsd } from "../../lib/protocol/lsd_message.ts";
import { printable } from "../../lib/protocol/printable.ts";
import {
  encodeReachAnswer,
  encodeReachQuery,
  parseReachAnswer,
  parseReachQuery,
} from "../../lib/protocol/reach_messages.ts";
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
import { mutateBencode, mutateBytes } from "./mutators.ts";
import { bytes, ENDPOINTS, INFO_HASH, PEER_ID, type Target } from "./target.ts";

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

export const TRACKER_TARGETS: readonly Target[] = [
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
    name: "questions how a machine is reached",
    seeds: [toUtf8(encodeReachQuery({ ports: [6881, 6969], torrent: INFO_HASH }))],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const { ports } = parseReachQuery(fromUtf8(input));
      assert.ok(ports.length <= 4 && ports.every((port) => port > 0 && port < 65536));
    },
  },
  {
    name: "answers how a machine is reached",
    seeds: [
      encodeReachAnswer({ ports: new Map([[6881, "open"], [6969, "silent"]]), isAnnounced: true, time: 5 }),
    ],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const { ports, time } = parseReachAnswer(input, [6881, 6969]);
      assert.ok(ports.size <= 2 && Number.isSafeInteger(time) && time >= 0);
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
];
