/**
 * Requests to HTTP trackers and their replies (BEP 3, 7, 21, 23, 31, 48), both ways.
 *
 * The URL classes cannot read these queries: info-hashes and peer ids are bytes, not UTF-8, and the classes would
 * replace bytes that are not text.
 */
import { ProtocolError } from "../errors.ts";
import {
  type BencodeDictionary,
  bytesIn,
  checkBencode,
  decode,
  decodePrefix,
  dictionaryIn,
  type Encodable,
  encode,
  encodeMembers,
  isDictionary,
  listIn,
  MESSAGE_LIMITS,
  numberIn,
} from "./bencode.ts";
import { fromByteString, fromUtf8, toByteString, toUtf8 } from "./bytes.ts";
import {
  canonicalAddress,
  COMPACT_LENGTH,
  familyOf,
  fromCompactList,
  isDialable,
  withoutZone,
} from "./endpoint.ts";
import { readReport, reportParameters } from "./host_report.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashBytes, infoHashFromBytes } from "./info_hash.ts";
import { PEER_ID_LENGTH } from "./peer_id.ts";
import {
  ANNOUNCE_EVENTS,
  type AnnouncedPeer,
  type AnnounceEvent,
  type AnnounceReply,
  type AnnounceRequest,
  compactPeers,
  type ScrapeCounts,
  type TrackerFailure,
  trackerText,
  UNKNOWN_LEFT,
} from "./tracker_messages.ts";

/** The interval of a reply that names none: the half hour that most trackers use. */
const USUAL_INTERVAL_SECONDS = 1800;
const PERCENT = 0x25;

/** The query string (without `?`) of an announce. */
export function encodeAnnounceQuery(request: AnnounceRequest): string {
  const parts = [
    `info_hash=${percentEncode(infoHashBytes(request.infoHash))}`,
    `peer_id=${percentEncode(request.peerId)}`,
    `port=${request.port}`,
    `uploaded=${request.uploaded}`,
    `downloaded=${request.downloaded}`,
    `left=${request.left ?? UNKNOWN_LEFT}`,
    `compact=${request.compact ? 1 : 0}`,
  ];
  if (request.noPeerId) parts.push("no_peer_id=1");
  if (request.supportsCrypto) parts.push("supportcrypto=1");
  if (request.event !== undefined) parts.push(`event=${request.event}`);
  if (request.numwant !== undefined) parts.push(`numwant=${request.numwant}`);
  if (request.key !== undefined) parts.push(`key=${request.key.toString(16).padStart(8, "0")}`);
  if (request.trackerId !== undefined) parts.push(`trackerid=${percentEncode(request.trackerId)}`);
  for (const address of request.claimedAddresses) {
    parts.push(`ipv${familyOf(address)}=${percentEncode(address)}`);
  }
  for (const [name, value] of request.report === undefined ? [] : reportParameters(request.report)) {
    parts.push(`${name}=${percentEncode(toUtf8(value))}`);
  }
  return parts.join("&");
}

/** Reads an announce from a raw query string. Errors: `ProtocolError`, whose text is fit for a `failure reason`. */
export function parseAnnounceQuery(query: string): AnnounceRequest {
  const parameters = parseQuery(query);
  const text = (name: string): string | undefined => {
    const value = parameters.get(name);
    const bytes = value?.includes("%") ? percentDecode(value) : undefined;
    return bytes === undefined ? value : toByteString(bytes);
  };
  const port = wholeNumber(text("port"));
  if (port === undefined || port < 1 || port > 65535) {
    throw new ProtocolError("Expected port, a number from 1 to 65535");
  }
  const event = text("event");
  const numwant = wholeNumber(text("numwant"));
  const key = text("key");
  const trackerId = percentDecode(parameters.get("trackerid") ?? "");
  const report = readReport(
    (name) => {
      const value = parameters.get(name);
      const bytes = value === undefined ? undefined : percentDecode(value);
      return bytes === undefined ? undefined : fromUtf8(bytes);
    },
    (name) => wholeNumber(parameters.get(name)),
  );
  const claimed = ["ip", "ipv4", "ipv6"].flatMap((name) => claimedAddress(text(name)) ?? []);
  return {
    infoHash: infoHashFromBytes(exactBytes(parameters.get("info_hash"), "info_hash", INFO_HASH_LENGTH)),
    peerId: exactBytes(parameters.get("peer_id"), "peer_id", PEER_ID_LENGTH),
    port,
    uploaded: wholeNumber(text("uploaded")) ?? 0,
    downloaded: wholeNumber(text("downloaded")) ?? 0,
    left: wholeNumber(text("left")),
    ...(isAnnounceEvent(event) ? { event } : {}),
    ...(numwant === undefined ? {} : { numwant }),
    ...(key !== undefined && /^[0-9a-f]{1,8}$/i.test(key) ? { key: parseInt(key, 16) } : {}),
    compact: text("compact") === "1",
    noPeerId: text("no_peer_id") === "1",
    supportsCrypto: text("supportcrypto") === "1",
    ...(parameters.has("trackerid") && trackerId !== undefined ? { trackerId } : {}),
    claimedAddresses: [...new Set(claimed)],
    ...(report === undefined ? {} : { report }),
  };
}

function isAnnounceEvent(text: string | undefined): text is AnnounceEvent {
  return ANNOUNCE_EVENTS.includes(text as AnnounceEvent);
}

/** The address in an `ip` parameter; the port that BEP 7 allows in `ipv4` and `ipv6` is ignored. */
function claimedAddress(text: string | undefined): string | undefined {
  if (text === undefined || text.includes("%")) return undefined;
  return canonicalAddress(text) ?? canonicalAddress(text.replace(/:\d+$/, ""));
}

/** The body of an announce reply, with compact peers or with dictionaries, which have no peer ids when `noPeerId`. */
export function encodeAnnounceReply(
  reply: AnnounceReply,
  form: Pick<AnnounceRequest, "compact" | "noPeerId">,
): Uint8Array<ArrayBuffer> {
  if (form.compact) return encodeCompactReply(reply);
  return encode({
    interval: reply.intervalSeconds,
    "min interval": reply.minIntervalSeconds,
    complete: reply.complete,
    incomplete: reply.incomplete,
    downloaded: reply.downloaded,
    "warning message": reply.warning,
    "report interval": reply.reportIntervalSeconds,
    "tracker id": reply.trackerId,
    peers: dictionaryPeers(reply.peers, form.noPeerId),
  });
}

/** Writes the members in the order of their keys (BEP 3). The library would take as long as the rest of an announce. */
function encodeCompactReply(reply: AnnounceReply): Uint8Array<ArrayBuffer> {
  const v4 = compactPeers(reply.peers, 4);
  const hasOthers = v4.length < reply.peers.length * COMPACT_LENGTH[4];
  const number = (key: string, value: number | undefined) =>
    value === undefined ? "" : `${key.length}:${key}i${value}e`;
  const string = (key: string, value: string | undefined) =>
    value === undefined ? "" : `${key.length}:${key}${value.length}:${value}`;
  const bytes = (value: Uint8Array | undefined) => value && toByteString(value);
  return fromByteString(
    "d" +
      number("complete", reply.complete) +
      number("downloaded", reply.downloaded) +
      number("incomplete", reply.incomplete) +
      number("interval", reply.intervalSeconds) +
      number("min interval", reply.minIntervalSeconds) +
      string("peers", v4) +
      string("peers6", hasOthers ? compactPeers(reply.peers, 6) : undefined) +
      number("report interval", reply.reportIntervalSeconds) +
      string("tracker id", bytes(reply.trackerId)) +
      string("warning message", reply.warning && toByteString(toUtf8(reply.warning))) +
      "e",
  );
}

function dictionaryPeers(peers: readonly AnnouncedPeer[], noPeerId: boolean): Encodable[] {
  return peers.map(({ endpoint, peerId }) => ({
    ip: withoutZone(endpoint.address),
    port: endpoint.port,
    "peer id": noPeerId || peerId === undefined ? undefined : fromByteString(peerId),
  }));
}

/** The body of a refusal (BEP 3; BEP 31 wants whole minutes or "never"). */
export function encodeFailure(failure: TrackerFailure): Uint8Array<ArrayBuffer> {
  const { failureReason, retryInMs } = failure;
  const minutes = retryInMs === undefined ? undefined : Math.ceil(retryInMs / 60_000);
  return encode({
    "failure reason": failureReason,
    "retry in": minutes === Infinity ? "never" : minutes,
  });
}

/**
 * Reads the body of an announce reply, with at most `maxPeers` peers of all kinds together. Peers that cannot be
 * dialled, or that have a host name as their address, are left out.
 *
 * Errors: `ProtocolError` when the body is no such reply.
 */
export function decodeAnnounceReply(body: Uint8Array, maxPeers: number): AnnounceReply | TrackerFailure {
  const reply = dictionaryAt(body);
  const failure = failureIn(reply);
  if (failure !== undefined) return failure;
  const warning = bytesIn(reply, "warning message");
  const trackerId = bytesIn(reply, "tracker id");
  const reportIntervalSeconds = numberIn(reply, "report interval");
  const counts = {
    minIntervalSeconds: numberIn(reply, "min interval"),
    complete: numberIn(reply, "complete"),
    incomplete: numberIn(reply, "incomplete"),
    downloaded: numberIn(reply, "downloaded"),
  };
  return {
    intervalSeconds: numberIn(reply, "interval") ?? USUAL_INTERVAL_SECONDS,
    ...counts,
    ...(warning === undefined ? {} : { warning: trackerText(warning) }),
    ...(trackerId === undefined ? {} : { trackerId }),
    ...(reportIntervalSeconds === undefined ? {} : { reportIntervalSeconds }),
    peers: peersIn(reply, maxPeers),
  };
}

/** The dictionary at the start of a reply. Some trackers add a newline or more, and other clients accept that. */
function dictionaryAt(body: Uint8Array): BencodeDictionary {
  const { value } = decodePrefix(body);
  if (!isDictionary(value)) throw new ProtocolError("Expected a dictionary as tracker reply");
  return value;
}

function peersIn(reply: BencodeDictionary, maxPeers: number): AnnouncedPeer[] {
  const peers: AnnouncedPeer[] = [];
  for (const entry of listIn(reply, "peers") ?? []) {
    const peer = isDictionary(entry) ? dictionaryPeer(entry) : undefined;
    if (peer !== undefined) peers.push(peer);
  }
  for (const [key, family] of [["peers", 4], ["peers6", 6]] as const) {
    const list = bytesIn(reply, key);
    if (list === undefined) continue;
    for (const endpoint of fromCompactList(list, family, maxPeers)) peers.push({ endpoint });
  }
  return peers.filter(({ endpoint }) => isDialable(endpoint)).slice(0, maxPeers);
}

function dictionaryPeer(entry: BencodeDictionary): AnnouncedPeer | undefined {
  const ip = bytesIn(entry, "ip");
  const address = ip === undefined ? undefined : canonicalAddress(toByteString(ip));
  const port = numberIn(entry, "port");
  if (address === undefined || port === undefined) return undefined;
  const peerId = bytesIn(entry, "peer id");
  return {
    endpoint: { address, port },
    ...(peerId?.length === PEER_ID_LENGTH ? { peerId: toByteString(peerId) } : {}),
  };
}

function failureIn(reply: BencodeDictionary): TrackerFailure | undefined {
  const reason = bytesIn(reply, "failure reason");
  if (reason === undefined) return undefined;
  const retryIn = reply["retry in"];
  const minutes = retryIn instanceof Uint8Array
    ? (fromUtf8(retryIn) === "never" ? Infinity : NaN)
    : Number(retryIn);
  return {
    failureReason: trackerText(reason),
    ...(minutes > 0 ? { retryInMs: minutes * 60_000 } : {}),
  };
}

/** The scrape URL that belongs to an announce URL; undefined when the tracker has none (BEP 48). */
export function scrapeUrlOf(announceUrl: URL): URL | undefined {
  const path = announceUrl.pathname.replace(/\/announce([^/]*)$/, "/scrape$1");
  if (path === announceUrl.pathname) return undefined;
  const url = new URL(announceUrl);
  url.pathname = path;
  return url;
}

/** The query string (without `?`) of a scrape. */
export function encodeScrapeQuery(infoHashes: readonly InfoHash[]): string {
  return infoHashes.map((infoHash) => `info_hash=${percentEncode(infoHashBytes(infoHash))}`).join("&");
}

/** The info-hashes of a scrape query, at most `limit`. Errors: `ProtocolError` when one is malformed. */
export function parseScrapeQuery(query: string, limit: number): InfoHash[] {
  return parametersIn(query).filter(([name]) => name === "info_hash").slice(0, limit)
    .map(([name, value]) => infoHashFromBytes(exactBytes(value, name, INFO_HASH_LENGTH)));
}

/** The body of a scrape reply. Its keys are info-hashes, which are not text. */
export function encodeScrapeReply(counts: ReadonlyMap<InfoHash, ScrapeCounts>): Uint8Array<ArrayBuffer> {
  const files = new Map<string, Uint8Array>();
  for (const [infoHash, { complete, incomplete, downloaders, downloaded }] of counts) {
    files.set(
      toByteString(infoHashBytes(infoHash)),
      encode({ complete, incomplete, downloaders, downloaded }),
    );
  }
  return encodeMembers(new Map([["files", encodeMembers(files)]]));
}

/**
 * Reads the body of a scrape reply.
 *
 * Some trackers write the bytes of an info-hash as if they were text, and so mangle the key. Where the request was for
 * the single info-hash `asked`, a single entry belongs to it, whatever its key.
 *
 * Errors: `ProtocolError` when the body is no such reply.
 */
export function decodeScrapeReply(
  body: Uint8Array,
  asked?: InfoHash,
): Map<InfoHash, ScrapeCounts> | TrackerFailure {
  const reply = dictionaryAt(body);
  const failure = failureIn(reply);
  if (failure !== undefined) return failure;
  if (dictionaryIn(reply, "files") === undefined) throw new ProtocolError("Expected files in a scrape reply");
  const counts = new Map<InfoHash, ScrapeCounts>();
  const files =
    checkBencode(checkBencode(body, MESSAGE_LIMITS).members.get("files")!, MESSAGE_LIMITS).members;
  for (const [key, encoded] of files) {
    const lone = files.size === 1 ? asked : undefined;
    const infoHash = lone ??
      (key.length === INFO_HASH_LENGTH ? infoHashFromBytes(fromByteString(key)) : undefined);
    const entry = decode(encoded);
    if (infoHash === undefined || !isDictionary(entry)) continue;
    const downloaders = numberIn(entry, "downloaders");
    counts.set(infoHash, {
      complete: numberIn(entry, "complete") ?? 0,
      incomplete: numberIn(entry, "incomplete") ?? 0,
      ...(downloaders === undefined ? {} : { downloaders }),
      downloaded: numberIn(entry, "downloaded") ?? 0,
    });
  }
  return counts;
}

/** The first value of each parameter, by name, still encoded. */
function parseQuery(query: string): Map<string, string> {
  return new Map(parametersIn(query).reverse());
}

/** All names and values in order, still encoded. */
function parametersIn(query: string): [name: string, value: string][] {
  const parameters: [string, string][] = [];
  for (const part of query.split("&")) {
    const equals = part.indexOf("=");
    if (equals > 0) parameters.push([part.slice(0, equals), part.slice(equals + 1)]);
  }
  return parameters;
}

/**
 * The bytes that a percent-encoded value stands for; undefined when the value is malformed. `+` stands for itself:
 * BEP 3 refers to RFC 1738, where it needs no escape; a space is written as %20.
 */
function percentDecode(value: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(value.length);
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    let code = value.charCodeAt(at);
    if (code < 0x21 || code > 0x7e) return undefined;
    if (code === PERCENT) {
      code = hexDigit(value.charCodeAt(++at)) << 4 | hexDigit(value.charCodeAt(++at));
      if (code < 0) return undefined;
    }
    bytes[length++] = code;
  }
  return bytes.subarray(0, length);
}

/** The value of the hexadecimal digit with this character code; -1 for another character, or none (NaN). */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function percentEncode(value: Uint8Array | string): string {
  const text = typeof value === "string" ? value : toByteString(value);
  return text.replace(
    /[^0-9A-Za-z._~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function exactBytes(text: string | undefined, name: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = text === undefined ? undefined : percentDecode(text);
  if (text !== undefined && bytes === undefined) {
    throw new ProtocolError(`Expected ${name} to be percent-encoded, got another character or escape`);
  }
  if (bytes?.length !== length) {
    throw new ProtocolError(`Expected ${name} of ${length} bytes, got ${bytes?.length ?? "none"}`);
  }
  return bytes;
}

/** A whole number in decimal digits, cut at 2^53 - 1; undefined for any other text, also for a negative number. */
function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}
