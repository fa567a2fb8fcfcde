import { ProtocolError } from "../../errors.ts";
import { announcePort } from "../../protocol/announce_address.ts";
import { type Endpoint, familyOf } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type {
  AnnounceReply,
  AnnounceRequest,
  ScrapeCounts,
  TrackerFailure,
} from "../../protocol/tracker_messages.ts";
import {
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
  parseUdpAnnounceReply,
  parseUdpConnectReply,
  parseUdpScrapeReply,
  UdpAction,
  udpReplyHeader,
} from "../../protocol/tracker_udp_messages.ts";
import { ANNOUNCING } from "../../settings.ts";
import type { Hop } from "../http/request_rules.ts";

/** Longest reply in bytes: no datagram is longer. */
const MAX_REPLY_LENGTH = 65_536;

/** Sends a request that was encoded with a connection id and a transaction id, and returns the answer to it. */
type Ask = (
  action: number,
  encode: (connectionId: Uint8Array, transactionId: number) => Uint8Array,
) => Promise<Uint8Array>;

/**
 * Announces to the UDP tracker at `address` (BEP 15), from a socket of its own that is closed afterwards.
 *
 * An unanswered datagram is sent again after 1, 3 and 7 s: with the 15 s of BEP 15, meant for loaded public trackers,
 * the caller's deadline would be over before the second attempt.
 *
 * Errors: `ProtocolError`; any error of the socket; the signal's reason when `signal` aborts.
 */
export function announceOverUdp(
  hop: Hop,
  request: AnnounceRequest,
  signal: AbortSignal,
): Promise<AnnounceReply | TrackerFailure> {
  const { url, address } = hop;
  const urlData = `${url.pathname}${url.search}`;
  return connected(hop, signal, async (ask) => {
    const reply = await ask(
      UdpAction.announce,
      (connectionId, id) => encodeUdpAnnounce(connectionId, id, request, urlData),
    );
    return parseUdpAnnounceReply(reply, familyOf(address), ANNOUNCING.maxPeers);
  });
}

/** Asks for the counts of one info-hash. All else is as in `announceOverUdp`. */
export function scrapeOverUdp(
  hop: Hop,
  infoHash: InfoHash,
  signal: AbortSignal,
): Promise<ScrapeCounts | TrackerFailure> {
  return connected(hop, signal, async (ask) => {
    const reply = parseUdpScrapeReply(
      await ask(UdpAction.scrape, (connectionId, id) => encodeUdpScrape(connectionId, id, [infoHash])),
    );
    if (!Array.isArray(reply)) return reply;
    if (reply.length === 0) throw new ProtocolError("Expected counts of the torrent, got none");
    return reply[0];
  });
}

/** Gets a connection id from a tracker and then calls `talk`. */
async function connected<Reply>(
  { url, address }: Hop,
  signal: AbortSignal,
  talk: (ask: Ask) => Promise<Reply>,
): Promise<Reply | TrackerFailure> {
  signal.throwIfAborted();
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname: familyOf(address) === 4 ? "0.0.0.0" : "::",
    port: 0,
  });
  const close = () => socket.close();
  signal.addEventListener("abort", close);
  try {
    const tracker = { address, port: announcePort(url) };
    const connectId = randomUint32();
    const connectionId = parseUdpConnectReply(
      await exchange(socket, tracker, encodeUdpConnect(connectId), connectId, UdpAction.connect),
    );
    if ("failureReason" in connectionId) return connectionId;
    return await talk((action, encode) => {
      const id = randomUint32();
      return exchange(socket, tracker, encode(connectionId, id), id, action);
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) socket.close();
  }
}

/** Sends a datagram repeatedly until the tracker answers it. Rejects when the socket is closed. */
async function exchange(
  socket: Deno.DatagramConn,
  tracker: Endpoint,
  datagram: Uint8Array,
  transactionId: number,
  action: number,
): Promise<Uint8Array> {
  const to: Deno.NetAddr = { transport: "udp", hostname: tracker.address, port: tracker.port };
  const { promise: sendFailed, reject } = Promise.withResolvers<never>();
  const send = () => void socket.send(datagram, to).catch(reject);
  send();
  const timers = ANNOUNCING.udpRetransmitMs.map((afterMs) => setTimeout(send, afterMs));
  try {
    return await Promise.race([receiveAnswer(socket, transactionId, action), sendFailed]);
  } finally {
    timers.forEach(clearTimeout);
  }
}

/**
 * The next datagram that answers this transaction; all others are ignored. A tracker with several addresses may answer
 * from another one than we asked. Only the tracker knows the 32 random bits of the transaction.
 */
async function receiveAnswer(
  socket: Deno.DatagramConn,
  transactionId: number,
  action: number,
): Promise<Uint8Array> {
  const buffer = new Uint8Array(MAX_REPLY_LENGTH);
  while (true) {
    const [datagram] = await socket.receive(buffer);
    const header = udpReplyHeader(datagram);
    if (header?.transactionId !== transactionId) continue;
    if (header.action === action || header.action === UdpAction.error) return datagram;
  }
}

function randomUint32(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
