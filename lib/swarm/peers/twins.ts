/**
 * Decides about two connections with the same peer id. A peer can choose its id freely, so the address counts, too:
 *
 *   same address   Both connections lead to one peer, and one of them must go. When both sides dialled at once, both
 *                  must keep the same one. Peers of our own kind agree on it by the ids. With other clients, both
 *                  connections live until the other side had time to close one of them.
 *   other address  The connections may lead to one peer with two addresses, or one to a peer and one to a thief of its
 *                  id. Both live, unless the peer says over each of them that it also has the address of the other.
 */
import { compareBytes } from "../../protocol/bytes.ts";
import { withoutZone } from "../../protocol/endpoint.ts";
import { isOurKind } from "../../protocol/peer_id.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { PeerFacts, RemotePeer } from "./remote_peer.ts";

/** Why one of two connections to the same peer ends. */
export const MADE_TWICE = "the connection was made twice";

/** The decision about a new connection and one that is up already, both to the same peer at the same address. */
type TwinVerdict = "refuse the new one" | "replace the old one" | "keep both for now";

/** Whether a connection has the same peer id as another one. */
export function isTwin(facts: PeerFacts, other: RemotePeer): boolean {
  return !other.isWebSeed && compareBytes(facts.peerId, other.facts.peerId) === 0;
}

/** Whether two connections lead to the same address. */
export function isSameAddress(facts: PeerFacts, other: RemotePeer): boolean {
  return facts.endpoint.address === other.facts.endpoint.address;
}

/** Decides about a new connection to the peer of `twin` at the same address, at `now` (ms). */
export function meetTwin(
  facts: PeerFacts,
  twin: RemotePeer,
  ownPeerId: Uint8Array,
  now: number,
): TwinVerdict {
  // A peer that connects anew has lost its old connection, if that has been silent for a while.
  const lastSignAt = Math.max(twin.heardAt, twin.lastSentAt);
  if (now - lastSignAt >= CONNECTIONS.silentTwinMs) return "replace the old one";
  if (facts.isIncoming === twin.facts.isIncoming) return "refuse the new one";
  if (isOurKind(facts.peerId)) {
    return isSpare(facts, ownPeerId) ? "refuse the new one" : "replace the old one";
  }
  return now - twin.connectedAt < CONNECTIONS.twinTrialMs ? "keep both for now" : "refuse the new one";
}

/**
 * Whether to give a connection up, of two that were dialled from both sides: it is the one that the higher id
 * dialled.
 */
function isSpare({ isIncoming, peerId }: PeerFacts, ownPeerId: Uint8Array): boolean {
  const weAreLower = compareBytes(ownPeerId, peerId) < 0;
  return isIncoming === weAreLower;
}

/** Which of two connections with the same peer id to close at `now` (ms), and why; undefined when both may live. */
export function spareOf(
  older: RemotePeer,
  newer: RemotePeer,
  ownPeerId: Uint8Array,
  now: number,
): { readonly peer: RemotePeer; readonly reason: string } | undefined {
  if (isSameAddress(newer.facts, older)) {
    if (now - newer.connectedAt < CONNECTIONS.twinTrialMs) return undefined;
    const [dead] = [[older, newer], [newer, older]].find(([one, other]) =>
      one.heardAt <= newer.connectedAt && other.heardAt > newer.connectedAt
    ) ?? [];
    const peer = dead ?? (isSpare(older.facts, ownPeerId) ? older : newer);
    return { peer, reason: MADE_TWICE };
  }
  if (isSameHost(older, newer)) {
    // Only one side decides: else each might close the connection that the other keeps.
    if (compareBytes(ownPeerId, newer.facts.peerId) > 0) return undefined;
    return { peer: newer, reason: MADE_TWICE };
  }
  const isOlderDead = older.outstanding > 0 && newer.heardAt > older.heardAt &&
    now - older.heardAt >= CONNECTIONS.deadTwinMs;
  return isOlderDead ? { peer: older, reason: "it went on at another address" } : undefined;
}

/** Whether two connections with the same peer id lead to one host: to the same address, or as it says over both. */
export function isSameHost(a: RemotePeer, b: RemotePeer): boolean {
  return isSameAddress(a.facts, b) || (claims(a, b) && claims(b, a));
}

function claims({ extended }: RemotePeer, { facts }: RemotePeer): boolean {
  return extended?.addresses?.includes(withoutZone(facts.endpoint.address)) ?? false;
}
