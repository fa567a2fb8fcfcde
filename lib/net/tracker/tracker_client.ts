import { messageOf, TrackerError } from "../../errors.ts";
import { familyOf, formatEndpoint, inZoneOf, scopeOf } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { printable } from "../../protocol/printable.ts";
import { withoutSecrets } from "../../protocol/secrets.ts";
import type {
  AnnouncedPeer,
  AnnounceReply,
  AnnounceRequest,
  ScrapeCounts,
  TrackerFailure,
} from "../../protocol/tracker_messages.ts";
import { ANNOUNCING } from "../../settings.ts";
import { addressesOf } from "../addresses/host_addresses.ts";
import { announceOverHttp, scrapeOverHttp } from "./http_tracker_client.ts";
import { distanceOf, type Hop, trackerRefusal } from "../http/request_rules.ts";
import { announceOverUdp, scrapeOverUdp } from "./udp_tracker_client.ts";

/** How long to wait for a tracker, and where it must not be. */
export interface TrackerLimits {
  readonly timeoutMs?: number;
  /** Whether the user wants nothing to do with a canonical address. */
  isBlocked?(address: string): boolean;
}

/**
 * Announces once to a tracker: `http:`, `https:` or `udp:`, nothing else, and only where `request_rules.ts` lets us.
 *
 * A host name that stands for IPv4 and IPv6 addresses is announced to by each of the two, so that the tracker
 * learns both of ours (BEP 7); one answer is enough, and the peers of both are merged.
 *
 * Errors: `TrackerError` whatever goes wrong, safe to print; also when `signal` aborts, or after `timeoutMs`.
 * Nothing is left open.
 */
export function announceToTracker(
  announceUrl: string,
  request: AnnounceRequest,
  signal: AbortSignal,
  limits: TrackerLimits = {},
): Promise<AnnounceReply> {
  return withTracker(announceUrl, signal, limits, (hops, ending, signal) => {
    const announces = hops.map(async (hop) => {
      const client = clientFor(hop, limits);
      const reply = answerIn(await client.announce(hop, request, limits.isBlocked ?? nobody, signal));
      return { ...reply, peers: peersFrom(hop.address, reply) };
    });
    return gather(announces, ending);
  });
}

/**
 * Asks a tracker, named by its announce URL, how many peers it knows of a torrent (BEP 15, 48).
 *
 * Errors: as `announceToTracker`; also where an HTTP tracker has no address for such questions.
 */
export function scrapeTracker(
  announceUrl: string,
  infoHash: InfoHash,
  signal: AbortSignal,
  limits: TrackerLimits = {},
): Promise<ScrapeCounts> {
  return withTracker(announceUrl, signal, limits, async (hops, ending, signal) => {
    const scrapes = hops.map(async (hop) => {
      const client = clientFor(hop, limits);
      return answerIn(await client.scrape(hop, infoHash, limits.isBlocked ?? nobody, signal));
    });
    try {
      return await firstOf(scrapes);
    } finally {
      ending.abort();
      await Promise.allSettled(scrapes);
    }
  });
}

/** Asks a tracker at one address of each family that its host has, within the limits of time. */
async function withTracker<Answer>(
  announceUrl: string,
  signal: AbortSignal,
  { timeoutMs = ANNOUNCING.timeoutMs }: TrackerLimits,
  ask: (hops: Hop[], ending: AbortController, signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const ending = new AbortController();
  const timer = setTimeout(
    () => ending.abort(new TrackerError(`No answer within ${timeoutMs / 1000} s`, { isOutage: true })),
    timeoutMs,
  );
  const anyEnd = AbortSignal.any([signal, ending.signal]);
  try {
    const url = URL.parse(announceUrl);
    if (url === null) throw new TrackerError("Expected an announce URL");
    const addresses = await addressesOf(url.hostname, anyEnd);
    const targets = [4, 6].flatMap((family) => addresses.find((each) => familyOf(each) === family) ?? []);
    if (targets.length === 0) throw new TrackerError("Expected a host with an address");
    return await ask(targets.map((address) => ({ url, address })), ending, anyEnd);
  } catch (error) {
    if (signal.aborted) throw new TrackerError("Stopped before it answered");
    throw asTrackerError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** How one kind of tracker is spoken with. */
interface Client {
  announce: typeof announceOverHttp;
  scrape: typeof scrapeOverHttp;
}

const HTTP_CLIENT: Client = { announce: announceOverHttp, scrape: scrapeOverHttp };
const CLIENTS: Record<string, Client> = {
  "http:": HTTP_CLIENT,
  "https:": HTTP_CLIENT,
  "udp:": {
    announce: (hop, request, _isBlocked, signal) => announceOverUdp(hop, request, signal),
    scrape: (hop, infoHash, _isBlocked, signal) => scrapeOverUdp(hop, infoHash, signal),
  },
};

/** Errors: `TrackerError` where a tracker must not be asked. */
function clientFor(hop: Hop, { isBlocked = nobody }: TrackerLimits): Client {
  const client = CLIENTS[hop.url.protocol];
  if (client === undefined) throw new TrackerError("Expected an announce URL of http, https or udp");
  const refusal = isBlocked(hop.address) ? "Expected an address that is not blocked" : trackerRefusal(hop);
  if (refusal !== undefined) throw new TrackerError(refusal);
  return client;
}

const nobody = () => false;

function answerIn<Answer extends object>(reply: Answer | TrackerFailure): Answer {
  if (!("failureReason" in reply)) return reply;
  const { failureReason, retryInMs } = reply;
  throw new TrackerError(failureReason, retryInMs === undefined ? {} : { retryInMs });
}

/** The peers that a tracker at `address` names, as they are good here: what it says of loopback is of its own machine. */
function peersFrom(address: string, { peers }: AnnounceReply): AnnouncedPeer[] {
  const isHere = distanceOf(address) === "machine";
  return peers.filter(({ endpoint }) => isHere || scopeOf(endpoint.address) !== "loopback")
    .map((peer) => {
      const { address: theirs, port } = peer.endpoint;
      return { ...peer, endpoint: { address: inZoneOf(address, theirs), port } };
    });
}

/** The first answer; what the first attempt rejects with when all do. */
async function firstOf<Answer>(attempts: readonly Promise<Answer>[]): Promise<Answer> {
  try {
    return await Promise.any(attempts);
  } catch (error) {
    throw (error as AggregateError).errors[0];
  }
}

/** The first answer, and what the other attempts add to it within a short time. Rejects when all do. */
async function gather(
  attempts: readonly Promise<AnnounceReply>[],
  ending: AbortController,
): Promise<AnnounceReply> {
  const replies: AnnounceReply[] = [];
  for (const attempt of attempts) attempt.then((reply) => replies.push(reply), () => {});
  await firstOf(attempts);
  const timer = setTimeout(() => ending.abort(), ANNOUNCING.otherFamilyMs);
  await Promise.allSettled(attempts);
  clearTimeout(timer);
  const peers = new Map(
    replies.flatMap((reply) => reply.peers).map((peer) => [formatEndpoint(peer.endpoint), peer]),
  );
  return { ...replies[0], peers: [...peers.values()].slice(0, ANNOUNCING.maxPeers) };
}

/** Runtime errors name the whole URL, which may contain a passkey. */
function asTrackerError(error: unknown): TrackerError {
  if (error instanceof TrackerError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return new TrackerError(withoutSecrets(printable(messageOf(cause))).slice(0, 300), { isOutage: true });
}
