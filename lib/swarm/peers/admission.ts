/**
 * Who may be connected: one connection each, not to ourselves, within the limits, nobody who is banned. Where there
 * are too many, a newcomer gets the place of who says nothing, else of one of a crowd from one address, else of who
 * has the lowest priority for both sides (BEP 40).
 */
import { compareBytes } from "../../protocol/bytes.ts";
import { peerPriority } from "../../protocol/peer_priority.ts";
import { CONNECTIONS } from "../../settings.ts";
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

/** Decides about a new connection among those that are up. Peer ids: 20 bytes; `now` in ms. */
export function admit(
  facts: PeerFacts,
  connected: Iterable<RemotePeer>,
  ownPeerId: Uint8Array,
  now: number,
): Admission {
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
  const displaced = speechlessOf(peers, now) ?? crowdedOf(peers, sameAddress) ?? leastOf(peers, facts);
  if (displaced === undefined) return refuse("too many connections");
  return { refusal: undefined, twin, displaced };
}
/** Of those who have not said a word since their handshake, the one that is connected longest. */
function speechlessOf(peers: readonly RemotePeer[], now: number): RemotePeer | undefined {
  return peers.find((peer) =>
    !peer.hasToldPieces && peer.extended === undefined && now - peer.connectedAt >= CONNECTIONS.speechlessMs
  );
}

/** Of the address with the most connections, the last one, if that are more than the newcomer's address then has. */
function crowdedOf(peers: readonly RemotePeer[], sameAddress: number): RemotePeer | undefined {
  const byAddress = Map.groupBy(
    peers.filter((peer) => !peer.isWebSeed),
    ({ facts }) => facts.endpoint.address,
  );
  let largest: readonly RemotePeer[] = [];
  for (const crowd of byAddress.values()) if (crowd.length > largest.length) largest = crowd;
  return largest.length > sameAddress + 1 ? largest.at(-1) : undefined;
}

/** The peer of the lowest priority, if that is lower than the newcomer's. */
function leastOf(peers: readonly RemotePeer[], facts: PeerFacts): RemotePeer | undefined {
  let least: RemotePeer | undefined;
  let lowest = priorityOf(facts);
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
