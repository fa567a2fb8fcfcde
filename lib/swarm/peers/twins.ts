/**
 * Connections that bear the same peer id. An id is anybody's to use, so it counts only together with the address:
 *
 *   same address   The two lead to one peer, and one of them must go. When both sides dialled at the same time, both
 *                  must keep the same one. Our own kind agrees on it by the ids. What others do is not known, so both
 *                  connections live until the other side had time to close one of them.
 *   other address  The two may lead to one peer with two addresses, or to a thief of the id. Both live, unless each
 *                  side says over each connection that it is the same host at the other address.
 */
import { compareBytes } from "../../protocol/bytes.ts";
import { withoutZone } from "../../protocol/endpoint.ts";
import { isOurKind } from "../../protocol/peer_id.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { PeerFacts, RemotePeer } from "./remote_peer.ts";

/** What becomes of a connection that is new, and of one that is up already, to the same peer at the same address. */
export type TwinVerdict = "refuse the new one" | "replace the old one" | "keep both for now";

/** Whether a connection bears the id of another one. */
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
  // Nobody connects anew to whom it is connected, but for somebody whose old connection is dead.
  const lastSignAt = Math.max(twin.heardAt, twin.lastSentAt);
  if (now - lastSignAt >= CONNECTIONS.silentTwinMs) return "replace the old one";
  if (facts.isIncoming === twin.facts.isIncoming) return "refuse the new one";
  if (isOurKind(facts.peerId)) {
    return isSpare(facts, ownPeerId) ? "refuse the new one" : "replace the old one";
  }
  return now - twin.connectedAt < CONNECTIONS.twinTrialMs ? "keep both for now" : "refuse the new one";
}

/** Whether a connection is the one to be given up of two that were dialled from both sides: the higher id dialled it. */
function isSpare({ isIncoming, peerId }: PeerFacts, ownPeerId: Uint8Array): boolean {
  const weAreLower = compareBytes(ownPeerId, peerId) < 0;
  return isIncoming === weAreLower;
}

/** Of two connections with the same peer id, the one to be closed at `now` (ms), and why; undefined when none is. */
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
    return { peer, reason: "the connection was made twice" };
  }
  if (isSameHost(older, newer)) {
    // One side decides, or each might close the one that the other keeps.
    if (compareBytes(ownPeerId, newer.facts.peerId) > 0) return undefined;
    return { peer: newer, reason: "the connection was made twice" };
  }
  const isOlderDead = older.outstanding > 0 && newer.heardAt > older.heardAt &&
    now - older.heardAt >= CONNECTIONS.deadTwinMs;
  return isOlderDead ? { peer: older, reason: "it went on at another address" } : undefined;
}

/** Whether two connections with the same peer id lead to one host, as it says itself over both. */
export function isSameHost(a: RemotePeer, b: RemotePeer): boolean {
  return isSameAddress(a.facts, b) || (claims(a, b) && claims(b, a));
}

function claims({ extended }: RemotePeer, { facts }: RemotePeer): boolean {
  return extended?.addresses?.includes(withoutZone(facts.endpoint.address)) ?? false;
}
