/**
 * Who may be connected: one connection each, not to ourselves, within the limits, nobody who is banned. Where there
 * are too many, those stay that have the highest priority for both sides (BEP 40).
 */
import { compareBytes } from "../protocol/bytes.ts";
import { peerPriority } from "../protocol/peer_priority.ts";
import { CONNECTIONS } from "../settings.ts";
import type { PeerFacts, RemotePeer } from "./remote_peer.ts";

/** What is decided about a connection whose handshake is complete. */
export interface Admission {
  /** Why it is refused; undefined when it is welcome. */
  readonly refusal: string | undefined;
  /** The peer that is connected already with the same peer id; replaced when the new one is welcome. */
  readonly twin: RemotePeer | undefined;
  /** The peer that makes room for it, as there are too many. */
  readonly displaced?: RemotePeer;
}

/** Decides about a new connection among those that are up. Peer ids: 20 bytes. */
export function admit(facts: PeerFacts, connected: Iterable<RemotePeer>, ownPeerId: Uint8Array): Admission {
  const peers = [...connected];
  let twin: RemotePeer | undefined;
  let sameAddress = 0;
  for (const peer of peers) {
    if (peer.facts.endpoint.address === facts.endpoint.address) sameAddress++;
    if (compareBytes(peer.facts.peerId, facts.peerId) === 0) twin = peer;
  }
  const refuse = (refusal: string | undefined) => ({ refusal, twin });
  if (twin !== undefined) {
    return refuse(replaces(facts, twin, ownPeerId) ? undefined : "it is connected already");
  }
  if (sameAddress >= CONNECTIONS.perAddress) return refuse("too many connections from its address");
  if (peers.length < CONNECTIONS.perTorrent) return refuse(undefined);
  const displaced = leastOf(peers);
  if (displaced === undefined || priorityOf(facts) <= priorityOf(displaced.facts)) {
    return refuse("too many connections");
  }
  return { refusal: undefined, twin, displaced };
}

/** The peer of the lowest priority. */
function leastOf(peers: readonly RemotePeer[]): RemotePeer | undefined {
  let least: RemotePeer | undefined;
  let lowest = Infinity;
  for (const peer of peers) {
    const priority = peer.isWebSeed ? Infinity : priorityOf(peer.facts);
    if (priority < lowest) [least, lowest] = [peer, priority];
  }
  return least;
}

/** BEP 40. Our port counts only for a remote on our own address, and is left out then. */
function priorityOf({ localAddress, endpoint }: PeerFacts): number {
  return peerPriority({ address: localAddress, port: 0 }, endpoint);
}

/**
 * Of two connections made at the same time in opposite directions, both sides keep the one that the lower peer
 * id dialled, so that exactly one is left.
 */
function replaces(facts: PeerFacts, twin: RemotePeer, ownPeerId: Uint8Array): boolean {
  if (facts.isIncoming === twin.facts.isIncoming) return false;
  const weAreLower = compareBytes(ownPeerId, facts.peerId) < 0;
  return facts.isIncoming !== weAreLower;
}
