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

/** How long to wait for a tracker, and where it must not be. */
interface TrackerLimits {
  readonly timeoutMs?: number;
  /** Whether the user wants nothing to do with a canonical address. */
  isBlocked?(address: string): boolean;
}

/**
 * Announces once to a tracker: `http:`, `https:` or `udp:`, nothing else, and only where `request_rules.ts` lets us.
 *
 * A host name that stands for IPv4 and IPv6 addresses is announced to by each of the two, so that the tracker
 * learns both of ours (BEP 7); one answer is enough, and the peers of both are merged. Of several addresses of a family
 * each has its turn until one answers.
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
  return withTracker(announceUrl, signal, limits, (families, ending, signal) => {
    const announces = families.map((hops) =>
      askInTurn(hops, limits, signal, async (client, hop, signal) => {
        const reply = answerIn(await client.announce(hop, request, limits.isBlocked ?? nobody, signal));
        return { ...reply, peers: peersFrom(hop.address, reply) };
      })
    );
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

/** Asks a tracker within the limits of time; `ask` gets its host's addresses, each family for itself. */
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

/** Asks at one address after another until one answers. Errors: `TrackerError`. */
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

/**
 * Runtime errors name the whole URL, which may contain a passkey. A tracker that answers nonsense can be reached, and
 * may have better answers for other torrents; all other errors of the runtime mean that it cannot.
 */
function asTrackerError(error: unknown): TrackerError {
  if (error instanceof TrackerError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const isOutage = !(error instanceof ProtocolError);
  return new TrackerError(withoutSecrets(printable(messageOf(cause))).slice(0, 300), { isOutage });
}
