import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import { toByteString } from "../../lib/protocol/bytes.ts";
import {
  decodeAnnounceReply,
  decodeScrapeReply,
  encodeAnnounceQuery,
  encodeAnnounceReply,
  encodeScrapeReply,
  parseAnnounceQuery,
  parseScrapeQuery,
} from "../../lib/protocol/tracker_http_messages.ts";
import {
  encodeUdpAnnounce,
  encodeUdpAnnounceReply,
  parseUdpAnnounceReply,
  parseUdpConnectReply,
  parseUdpRequest,
  parseUdpScrapeReply,
} from "../../lib/protocol/tracker_udp_messages.ts";
import { seededRandom } from "../helpers/random.ts";
import { announceOf, SERVED } from "../helpers/tracker.ts";

const ROUNDS = 2000;
const peers = [{ endpoint: { address: "10.0.0.5", port: 1 }, peerId: "a".repeat(20) }];
const reply = { intervalSeconds: 30, complete: 1, incomplete: 2, peers };

/** Feeds damaged copies of `samples` to `decoder`, which must return or throw `ProtocolError`. */
function damage(seed: number, samples: Uint8Array[], decoder: (bytes: Uint8Array) => unknown): void {
  const random = seededRandom(seed);
  const pick = (count: number) => Math.floor(random() * count);
  for (let round = 0; round < ROUNDS; round++) {
    let bytes = samples[pick(samples.length)].slice();
    for (let changes = pick(6); changes >= 0; changes--) {
      const at = pick(bytes.length);
      if (pick(4) === 0) bytes = bytes.slice(0, at);
      else if (pick(4) === 0) bytes.copyWithin(at, pick(bytes.length));
      else if (at < bytes.length) bytes[at] = pick(256);
    }
    try {
      decoder(bytes);
    } catch (error) {
      assert(error instanceof ProtocolError, `${error} for ${toByteString(bytes)}`);
    }
  }
}

Deno.test("parseAnnounceQuery and parseScrapeQuery survive damaged queries", () => {
  const query = encodeAnnounceQuery(
    announceOf("a", { event: "started", claimedAddresses: ["10.0.0.5", "fd00::1"] }),
  );
  const sample = new TextEncoder().encode(query);
  damage(1, [sample], (bytes) => parseAnnounceQuery(toByteString(bytes)));
  damage(2, [sample], (bytes) => parseScrapeQuery(toByteString(bytes), 9));
});

Deno.test("decodeAnnounceReply and decodeScrapeReply survive damaged replies", () => {
  const samples = [
    encodeAnnounceReply(reply, { compact: true, noPeerId: true }),
    encodeAnnounceReply(reply, { compact: false, noPeerId: false }),
    encode({ "failure reason": "no", "retry in": "never" }),
    encodeScrapeReply(new Map([[SERVED, { complete: 1, incomplete: 2, downloaded: 3 }]])),
  ];
  damage(3, samples, (bytes) => decodeAnnounceReply(bytes, 9));
  damage(4, samples, decodeScrapeReply);
});

Deno.test("parseUdpRequest and the readers of UDP replies survive damaged datagrams", () => {
  const samples = [
    encodeUdpAnnounce(new Uint8Array(8), 1, announceOf("a"), "/announce"),
    encodeUdpAnnounceReply(1, reply, 4),
    new Uint8Array(40),
  ];
  damage(5, samples, parseUdpRequest);
  damage(6, samples, (bytes) => parseUdpAnnounceReply(bytes, 6, 9));
  damage(7, samples, parseUdpConnectReply);
  damage(8, samples, parseUdpScrapeReply);
});
