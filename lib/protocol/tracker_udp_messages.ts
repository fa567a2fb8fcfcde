/**
 * Datagrams between peers and UDP trackers (BEP 15, 41), both ways.
 *
 *   request   | connection id 8 | action 4 | transaction id 4 | … |
 *   reply     | action 4 | transaction id 4 | … |
 *
 * A client first asks for a connection id, which reaches the client only if its source address is not forged.
 */
import { ProtocolError } from "../errors.ts";
import {
  concatBytes,
  equalBytes,
  fromByteString,
  fromUtf8,
  joinBytes,
  readUint16,
  readUint32,
  toUtf8,
  writeUint16,
  writeUint32,
} from "./bytes.ts";
import { COMPACT_LENGTH, fromCompactList, type IpFamily, isDialable, toCompact } from "./endpoint.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashBytes, infoHashFromBytes } from "./info_hash.ts";
import { PEER_ID_LENGTH } from "./peer_id.ts";
import {
  type AnnounceEvent,
  type AnnounceReply,
  type AnnounceRequest,
  compactPeers,
  type ScrapeCounts,
  type TrackerFailure,
  trackerText,
  UNKNOWN_LEFT,
} from "./tracker_messages.ts";

/** The number for each kind of datagram. */
export const UdpAction = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;

/** Length of a connection id, in bytes. */
export const CONNECTION_ID_LENGTH = 8;

/** The constant in place of the connection id in a request for one. */
const PROTOCOL_ID = Uint8Array.of(0x00, 0x00, 0x04, 0x17, 0x27, 0x10, 0x19, 0x80);

const REQUEST_HEADER_LENGTH = 16;
const REPLY_HEADER_LENGTH = 8;
const ANNOUNCE_LENGTH = 98;
const ANNOUNCE_REPLY_LENGTH = 20;
const SCRAPE_ENTRY_LENGTH = 12;
/** Events by their number. BEP 15 ends at 3; libtorrent and others use 4 for the event of BEP 21. */
const EVENTS: readonly (AnnounceEvent | undefined)[] = [
  undefined,
  "completed",
  "started",
  "stopped",
  "paused",
];
const OPTION_END = 0, OPTION_NOTHING = 1, OPTION_URL_DATA = 2;

/** A client's datagram. `connectionId` has 8 bytes, borrowed from the datagram. */
export type UdpRequest =
  & { readonly transactionId: number }
  & (
    | { readonly action: typeof UdpAction.connect }
    | {
      readonly action: typeof UdpAction.announce;
      readonly connectionId: Uint8Array;
      readonly announce: AnnounceRequest;
      /** Path and query of the announce URL (BEP 41); empty when the client did not send them. */
      readonly urlData: string;
    }
    | {
      readonly action: typeof UdpAction.scrape;
      readonly connectionId: Uint8Array;
      readonly infoHashes: readonly InfoHash[];
    }
  );

/** Reads a client's datagram. Errors: `ProtocolError`. */
export function parseUdpRequest(datagram: Uint8Array): UdpRequest {
  if (datagram.length < REQUEST_HEADER_LENGTH) throw tooShort(datagram, REQUEST_HEADER_LENGTH);
  const action = readUint32(datagram, 8);
  const transactionId = readUint32(datagram, 12);
  const connectionId = datagram.subarray(0, CONNECTION_ID_LENGTH);
  switch (action) {
    case UdpAction.connect:
      if (!equalBytes(connectionId, PROTOCOL_ID)) {
        throw new ProtocolError("Expected the protocol id of BEP 15");
      }
      return { action, transactionId };
    case UdpAction.announce:
      return { action, transactionId, connectionId, ...parseAnnounce(datagram) };
    case UdpAction.scrape:
      return { action, transactionId, connectionId, infoHashes: parseScrape(datagram) };
    default:
      throw new ProtocolError(`Expected a request, got action ${action}`);
  }
}

function parseAnnounce(datagram: Uint8Array): { announce: AnnounceRequest; urlData: string } {
  if (datagram.length < ANNOUNCE_LENGTH) throw tooShort(datagram, ANNOUNCE_LENGTH);
  const port = readUint16(datagram, 96);
  if (port === 0) throw new ProtocolError("Expected a port from 1 to 65535, got 0");
  const event = EVENTS[readUint32(datagram, 80)];
  const numwant = readUint32(datagram, 92) | 0;
  const [claimed] = fromCompactList(datagram.subarray(84, 90), 4, 1);
  const announce: AnnounceRequest = {
    infoHash: infoHashFromBytes(datagram.subarray(16, 36)),
    peerId: datagram.slice(36, 36 + PEER_ID_LENGTH),
    downloaded: readUint64(datagram, 56),
    left: readUint64(datagram, 64),
    uploaded: readUint64(datagram, 72),
    ...(event === undefined ? {} : { event }),
    claimedAddresses: claimed.address === "0.0.0.0" ? [] : [claimed.address],
    key: readUint32(datagram, 88),
    ...(numwant < 0 ? {} : { numwant }),
    port,
    compact: true,
    noPeerId: true,
    supportsCrypto: false,
  };
  return { announce, urlData: parseUrlData(datagram.subarray(ANNOUNCE_LENGTH)) };
}

/** Joins the URL data of the options behind an announce (BEP 41); each option holds at most 255 bytes. */
function parseUrlData(options: Uint8Array): string {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < options.length && options[at] !== OPTION_END;) {
    if (options[at] === OPTION_NOTHING) {
      at++;
      continue;
    }
    const end = at + 2 + options[at + 1];
    // This form also refuses NaN, which `end` is where the length of the last option is missing.
    if (!(end <= options.length)) throw new ProtocolError("Expected an option to end within its datagram");
    if (options[at] === OPTION_URL_DATA) parts.push(options.subarray(at + 2, end));
    at = end;
  }
  return fromUtf8(joinBytes(parts));
}

function parseScrape(datagram: Uint8Array): InfoHash[] {
  const infoHashes: InfoHash[] = [];
  for (let at = REQUEST_HEADER_LENGTH; at + INFO_HASH_LENGTH <= datagram.length; at += INFO_HASH_LENGTH) {
    infoHashes.push(infoHashFromBytes(datagram.subarray(at, at + INFO_HASH_LENGTH)));
  }
  if (infoHashes.length === 0) throw tooShort(datagram, REQUEST_HEADER_LENGTH + INFO_HASH_LENGTH);
  return infoHashes;
}

/** The request for a connection id: 16 bytes. */
export function encodeUdpConnect(transactionId: number): Uint8Array<ArrayBuffer> {
  return request(PROTOCOL_ID, UdpAction.connect, transactionId, REQUEST_HEADER_LENGTH);
}

/** The datagram of an announce. `urlData` is the URL's path and query (BEP 41); an empty text is not sent. */
export function encodeUdpAnnounce(
  connectionId: Uint8Array,
  transactionId: number,
  announce: AnnounceRequest,
  urlData: string,
): Uint8Array<ArrayBuffer> {
  const datagram = request(connectionId, UdpAction.announce, transactionId, ANNOUNCE_LENGTH);
  datagram.set(infoHashBytes(announce.infoHash), 16);
  datagram.set(announce.peerId, 36);
  writeUint64(datagram, 56, announce.downloaded);
  writeUint64(datagram, 64, announce.left ?? UNKNOWN_LEFT);
  writeUint64(datagram, 72, announce.uploaded);
  writeUint32(datagram, 80, EVENTS.indexOf(announce.event));
  const claimed = announce.claimedAddresses.find((address) => !address.includes(":"));
  if (claimed !== undefined) datagram.set(toCompact({ address: claimed, port: 0 }).subarray(0, 4), 84);
  writeUint32(datagram, 88, announce.key ?? 0);
  writeUint32(datagram, 92, announce.numwant ?? -1);
  writeUint16(datagram, 96, announce.port);
  return concatBytes(datagram, ...encodeUrlData(urlData));
}

function encodeUrlData(urlData: string): Uint8Array[] {
  const bytes = toUtf8(urlData);
  const options: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    options.push(Uint8Array.of(OPTION_URL_DATA, part.length), part);
  }
  return options;
}

/** The request for the counts of some info-hashes. */
export function encodeUdpScrape(
  connectionId: Uint8Array,
  transactionId: number,
  infoHashes: readonly InfoHash[],
): Uint8Array<ArrayBuffer> {
  const header = request(connectionId, UdpAction.scrape, transactionId, REQUEST_HEADER_LENGTH);
  return concatBytes(header, ...infoHashes.map(infoHashBytes));
}

/** The reply with a connection id: 16 bytes, as many as the request has. */
export function encodeUdpConnectReply(
  transactionId: number,
  connectionId: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return concatBytes(reply(UdpAction.connect, transactionId), connectionId);
}

/** Number of peers that fit into one datagram on any network, for `encodeUdpAnnounceReply`. */
export function maxUdpPeers(family: IpFamily): number {
  return Math.floor((1200 - ANNOUNCE_REPLY_LENGTH) / COMPACT_LENGTH[family]);
}

/** The reply to an announce, with peers of the client's own family only: the format has no room for others. */
export function encodeUdpAnnounceReply(
  transactionId: number,
  announced: AnnounceReply,
  family: IpFamily,
): Uint8Array<ArrayBuffer> {
  const numbers = new Uint8Array(ANNOUNCE_REPLY_LENGTH - REPLY_HEADER_LENGTH);
  writeUint32(numbers, 0, announced.intervalSeconds);
  writeUint32(numbers, 4, announced.incomplete ?? 0);
  writeUint32(numbers, 8, announced.complete ?? 0);
  const peers = fromByteString(compactPeers(announced.peers, family, maxUdpPeers(family)));
  return concatBytes(reply(UdpAction.announce, transactionId), numbers, peers);
}

/** The reply to a scrape; `counts` are in the order of the request. */
export function encodeUdpScrapeReply(
  transactionId: number,
  counts: readonly ScrapeCounts[],
): Uint8Array<ArrayBuffer> {
  const entries = new Uint8Array(counts.length * SCRAPE_ENTRY_LENGTH);
  counts.forEach(({ complete, downloaded, incomplete }, position) => {
    const at = position * SCRAPE_ENTRY_LENGTH;
    writeUint32(entries, at, complete);
    writeUint32(entries, at + 4, downloaded);
    writeUint32(entries, at + 8, incomplete);
  });
  return concatBytes(reply(UdpAction.scrape, transactionId), entries);
}

/** The reply that refuses a request. */
export function encodeUdpError(transactionId: number, reason: string): Uint8Array<ArrayBuffer> {
  return concatBytes(reply(UdpAction.error, transactionId), toUtf8(reason));
}

/** Action and transaction id of a tracker's datagram; undefined when it is too short for both. */
export function udpReplyHeader(datagram: Uint8Array): { action: number; transactionId: number } | undefined {
  if (datagram.length < REPLY_HEADER_LENGTH) return undefined;
  return { action: readUint32(datagram, 0), transactionId: readUint32(datagram, 4) };
}

/** Reads a reply with a connection id, or a refusal. Errors: `ProtocolError`. */
export function parseUdpConnectReply(datagram: Uint8Array): Uint8Array | TrackerFailure {
  const failure = expectReply(datagram, UdpAction.connect, REPLY_HEADER_LENGTH + CONNECTION_ID_LENGTH);
  return failure ?? datagram.slice(REPLY_HEADER_LENGTH, REPLY_HEADER_LENGTH + CONNECTION_ID_LENGTH);
}

/** Reads an announce reply with at most `maxPeers` peers that can be dialled, or a refusal. Errors: `ProtocolError`. */
export function parseUdpAnnounceReply(
  datagram: Uint8Array,
  family: IpFamily,
  maxPeers: number,
): AnnounceReply | TrackerFailure {
  const failure = expectReply(datagram, UdpAction.announce, ANNOUNCE_REPLY_LENGTH);
  if (failure !== undefined) return failure;
  return {
    intervalSeconds: readUint32(datagram, 8),
    incomplete: readUint32(datagram, 12),
    complete: readUint32(datagram, 16),
    peers: fromCompactList(datagram.subarray(ANNOUNCE_REPLY_LENGTH), family, maxPeers)
      .filter(isDialable)
      .map((endpoint) => ({ endpoint })),
  };
}

/** Reads a reply with counts, in the order of the request, or a refusal. Errors: `ProtocolError`. */
export function parseUdpScrapeReply(datagram: Uint8Array): ScrapeCounts[] | TrackerFailure {
  const failure = expectReply(datagram, UdpAction.scrape, REPLY_HEADER_LENGTH);
  if (failure !== undefined) return failure;
  const counts: ScrapeCounts[] = [];
  for (let at = REPLY_HEADER_LENGTH; at + SCRAPE_ENTRY_LENGTH <= datagram.length; at += SCRAPE_ENTRY_LENGTH) {
    counts.push({
      complete: readUint32(datagram, at),
      downloaded: readUint32(datagram, at + 4),
      incomplete: readUint32(datagram, at + 8),
    });
  }
  return counts;
}

/** The refusal in a datagram; undefined for the expected reply. Errors: `ProtocolError` for any other datagram. */
function expectReply(datagram: Uint8Array, action: number, length: number): TrackerFailure | undefined {
  const got = udpReplyHeader(datagram)?.action;
  if (got === UdpAction.error) {
    return { failureReason: trackerText(datagram.subarray(REPLY_HEADER_LENGTH)) };
  }
  if (got !== action) throw new ProtocolError(`Expected action ${action}, got ${got ?? "none"}`);
  if (datagram.length < length) throw tooShort(datagram, length);
}

function request(
  connectionId: Uint8Array,
  action: number,
  transactionId: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const datagram = new Uint8Array(length);
  datagram.set(connectionId);
  writeUint32(datagram, 8, action);
  writeUint32(datagram, 12, transactionId);
  return datagram;
}

function reply(action: number, transactionId: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(REPLY_HEADER_LENGTH);
  writeUint32(header, 0, action);
  writeUint32(header, 4, transactionId);
  return header;
}

/** Reads an amount and cuts it at 2^53 - 1: amounts are only compared with zero or shown. */
function readUint64(bytes: Uint8Array, offset: number): number {
  const value = readUint32(bytes, offset) * 2 ** 32 + readUint32(bytes, offset + 4);
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}

function writeUint64(bytes: Uint8Array, offset: number, value: number): void {
  writeUint32(bytes, offset, Math.floor(value / 2 ** 32));
  writeUint32(bytes, offset + 4, value);
}

function tooShort(datagram: Uint8Array, length: number): ProtocolError {
  return new ProtocolError(`Expected a datagram of at least ${length} bytes, got ${datagram.length}`);
}
