import { messageOf, ProtocolError, TrackerError } from "../../errors.ts";
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
import { firstOf, inTurn } from "./attempts.ts";
import { announceOverHttp, scrapeOverHttp } from "./http_tracker_client.ts";
import { distanceOf, type Hop, trackerRefusal } from "../http/request_rules.ts";
import { announceOverUdp, scrapeOverUdp } from "./udp_tracker_client.ts";

/** How long to wait for a tracker, and at which addresses it must not be. */
interface TrackerLimits {
  readonly timeoutMs?: number;
  /** Whether the user has blocked a canonical address. */
  isBlocked?(address: string): boolean;
}

/**
 * Announces once to a tracker by `http:`, `https:` or `udp:`, and only where `request_rules.ts` allows it.
 *
 * Where a host name stands for IPv4 and IPv6 addresses, we announce by both families, so that the tracker learns both
 * of our addresses (BEP 7). One answer is enough; the peers of both are merged. Several addresses of one family are
 * tried in turn until one answers.
 *
 * Errors: `TrackerError`, safe to print, for every failure, also when `signal` aborts or after `timeoutMs`.
 * Nothing is left open.
 */
export function announceToTracker(
  announceUrl: string,
  request: AnnounceRequest,
  signal: AbortSignal,
  limits: TrackerLimits = {},
): Promise<AnnounceReply> {
  return withTracker(announceUrl, signal, limits, (families, ending, signal) => {
    const announces = families.map((hops) =>
      askInTurn(hops, limits, signal, async (client, hop, signal) => {
        const reply = answerIn(await client.announce(hop, request, limits.isBlocked ?? nobody, signal));
        const { reportIntervalSeconds, ...rest } = { ...reply, peers: peersFrom(hop.address, reply) };
        // A tracker of the internet that claims to be of our kind learns nothing of this machine.
        return scopeOf(hop.address) === "global" ? rest : { ...rest, reportIntervalSeconds };
      })
    );
    return gather(announces, ending);
  });
}

/**
 * Asks a tracker, named by its announce URL, how many peers of a torrent it knows (BEP 15, 48).
 *
 * Errors: as for `announceToTracker`; also where an HTTP tracker has no scrape URL.
 */
export function scrapeTracker(
  announceUrl: string,
  infoHash: InfoHash,
  signal: AbortSignal,
  limits: TrackerLimits = {},
): Promise<ScrapeCounts> {
  return withTracker(announceUrl, signal, limits, async (families, ending, signal) => {
    const scrapes = families.map((hops) =>
      askInTurn(
        hops,
        limits,
        signal,
        async (client, hop, signal) =>
          answerIn(await client.scrape(hop, infoHash, limits.isBlocked ?? nobody, signal)),
      )
    );
    try {
      return await firstOf(scrapes);
    } finally {
      ending.abort();
      await Promise.allSettled(scrapes);
    }
  });
}

/** Asks a tracker within the time limit; `ask` gets the addresses of its host, one list for each family. */
async function withTracker<Answer>(
  announceUrl: string,
  signal: AbortSignal,
  { timeoutMs = ANNOUNCING.timeoutMs }: TrackerLimits,
  ask: (families: Hop[][], ending: AbortController, signal: AbortSignal) => Promise<Answer>,
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
    const families = [4, 6].map((family) =>
      addresses.filter((address) => familyOf(address) === family).slice(0, ANNOUNCING.maxAddresses)
        .map((address) => ({ url, address }))
    ).filter((hops) => hops.length > 0);
    if (families.length === 0) throw new TrackerError("Expected a host with an address");
    return await ask(families, ending, anyEnd);
  } catch (error) {
    if (signal.aborted) throw new TrackerError("Stopped before it answered");
    throw asTrackerError(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks a tracker at one address after another until one answers. Errors: `TrackerError`. */
function askInTurn<Answer>(
  hops: readonly Hop[],
  limits: TrackerLimits,
  signal: AbortSignal,
  ask: (client: Client, hop: Hop, signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const attempt = async (hop: Hop, signal: AbortSignal) => {
    try {
      return await ask(clientFor(hop, limits), hop, signal);
    } catch (error) {
      throw asTrackerError(error);
    }
  };
  return inTurn(hops, attempt, signal, ANNOUNCING.nextAddressMs);
}

/** The functions to ask one kind of tracker. */
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

/** The client for a tracker's URL. Errors: `TrackerError` where the tracker must not be asked. */
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

/** The peers in a tracker's reply that are valid here: loopback addresses are those of the tracker's own machine. */
function peersFrom(address: string, { peers }: AnnounceReply): AnnouncedPeer[] {
  const isHere = distanceOf(address) === "machine";
  return peers.filter(({ endpoint }) => isHere || scopeOf(endpoint.address) !== "loopback")
    .map((peer) => {
      const { address: theirs, port } = peer.endpoint;
      return { ...peer, endpoint: { address: inZoneOf(address, theirs), port } };
    });
}

/** The first reply, with the peers that other attempts add within a short time. Rejects when all attempts do. */
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

/**
 * Turns any error into a `TrackerError` without the URL, which runtime errors name and which may contain a passkey. A
 * tracker whose answer is malformed is in reach, and may answer well for other torrents; any other error of the runtime
 * means that it is out of reach.
 */
function asTrackerError(error: unknown): TrackerError {
  if (error instanceof TrackerError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const isOutage = !(error instanceof ProtocolError);
  return new TrackerError(withoutSecrets(printable(messageOf(cause))).slice(0, 300), { isOutage });
}
