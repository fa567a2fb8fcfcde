import { messageOf, TrackerError } from "../errors.ts";
import { familyOf, formatEndpoint, inZoneOf, scopeOf } from "../protocol/endpoint.ts";
import { printable } from "../protocol/printable.ts";
import { withoutSecrets } from "../protocol/secrets.ts";
import type { AnnounceReply, AnnounceRequest } from "../protocol/tracker_messages.ts";
import { ANNOUNCING } from "../settings.ts";
import { addressesOf } from "./host_addresses.ts";
import { announceOverHttp } from "./http_tracker_client.ts";
import { distanceOf, type Hop, trackerRefusal } from "./request_rules.ts";
import { announceOverUdp } from "./udp_tracker_client.ts";

/** How long to wait for a tracker, and where it must not be. */
export interface AnnounceLimits {
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
export async function announceToTracker(
  announceUrl: string,
  request: AnnounceRequest,
  signal: AbortSignal,
  { timeoutMs = ANNOUNCING.timeoutMs, isBlocked = () => false }: AnnounceLimits = {},
): Promise<AnnounceReply> {
  const ending = new AbortController();
  const timer = setTimeout(
    () => ending.abort(new TrackerError(`No answer within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const anyEnd = AbortSignal.any([signal, ending.signal]);
  try {
    const url = URL.parse(announceUrl);
    if (url === null) throw new TrackerError("Expected an announce URL");
    const addresses = await addressesOf(url.hostname, anyEnd);
    const targets = [4, 6].flatMap((family) => addresses.find((each) => familyOf(each) === family) ?? []);
    if (targets.length === 0) throw new TrackerError("Expected a host with an address");
    const announces = targets.map((target) =>
      announceTo({ url, address: target }, request, isBlocked, anyEnd)
    );
    return await gather(announces, ending);
  } catch (error) {
    if (signal.aborted) throw new TrackerError("Stopped before it answered");
    throw asTrackerError(error);
  } finally {
    clearTimeout(timer);
  }
}

async function announceTo(
  hop: Hop,
  request: AnnounceRequest,
  isBlocked: (address: string) => boolean,
  signal: AbortSignal,
): Promise<AnnounceReply> {
  const { url, address } = hop;
  const announceOver = ANNOUNCERS[url.protocol];
  if (announceOver === undefined) throw new TrackerError("Expected an announce URL of http, https or udp");
  const refusal = isBlocked(address) ? "Expected an address that is not blocked" : trackerRefusal(hop);
  if (refusal !== undefined) throw new TrackerError(refusal);
  const reply = await announceOver(hop, request, isBlocked, signal);
  if ("failureReason" in reply) throw new TrackerError(reply.failureReason, reply.retryInMs);
  // What it says of loopback is of its own machine.
  const isHere = distanceOf(address) === "machine";
  const peers = reply.peers.filter(({ endpoint }) => isHere || scopeOf(endpoint.address) !== "loopback")
    .map((peer) => {
      const { address: theirs, port } = peer.endpoint;
      return { ...peer, endpoint: { address: inZoneOf(address, theirs), port } };
    });
  return { ...reply, peers };
}

const ANNOUNCERS: Record<string, typeof announceOverHttp> = {
  "http:": announceOverHttp,
  "https:": announceOverHttp,
  "udp:": (hop, request, _isBlocked, signal) => announceOverUdp(hop, request, signal),
};

/** The first answer, and what the other attempts add to it within a short time. Rejects when all do. */
async function gather(
  attempts: readonly Promise<AnnounceReply>[],
  ending: AbortController,
): Promise<AnnounceReply> {
  const replies: AnnounceReply[] = [];
  for (const attempt of attempts) attempt.then((reply) => replies.push(reply), () => {});
  try {
    await Promise.any(attempts);
  } catch (error) {
    throw (error as AggregateError).errors[0];
  }
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
  return new TrackerError(withoutSecrets(printable(messageOf(cause))).slice(0, 300));
}
