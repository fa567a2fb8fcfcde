/**
 * Who may be connected: one connection each (see `twins.ts`), not to ourselves, within the limits, nobody who is banned.
 * Where there are too many, a newcomer gets the place of a peer that says nothing, else of one of a crowd from one
 * address, else of the peer with the lowest priority for both sides (BEP 40); never of one that exchanges data.
 */
import { peerPriority } from "../../protocol/peer_priority.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { PeerFacts, RemotePeer } from "./remote_peer.ts";
import { isSameAddress, isTwin, meetTwin } from "./twins.ts";

/** What is decided about a connection whose handshake is complete. */
export interface Admission {
  /** Why it is refused; undefined when it is welcome. */
  readonly refusal: string | undefined;
  /** The connection to the same peer that is up already, where only one may live; replaced when the new one is welcome. */
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
  const atSameAddress = peers.filter((peer) => isSameAddress(facts, peer));
  let replaced: RemotePeer | undefined;
  for (const twin of atSameAddress.filter((peer) => isTwin(facts, peer))) {
    const verdict = meetTwin(facts, twin, ownPeerId, now);
    if (verdict === "refuse the new one") return { refusal: "it is connected already", twin };
    if (verdict === "replace the old one") replaced = twin;
  }
  if (replaced !== undefined) return { refusal: undefined, twin: replaced };
  const answer = (refusal: string | undefined) => ({ refusal, twin: undefined });
  if (atSameAddress.length >= CONNECTIONS.perAddress) return answer("too many connections from its address");
  if (peers.length < CONNECTIONS.perTorrent) return answer(undefined);
  const idle = peers.filter((peer) => !exchangesData(peer, now));
  const displaced = speechlessOf(idle, now) ?? crowdedOf(peers, idle, atSameAddress.length) ??
    leastOf(idle, facts);
  if (displaced === undefined) return answer("too many connections");
  return { refusal: undefined, twin: undefined, displaced };
}

/** Whether a peer has a place among those we give to or take from, or had one lately. */
function exchangesData(peer: RemotePeer, now: number): boolean {
  return peer.isWebSeed || !peer.weChoke || peer.isSource || peer.upload.bytesPerSecond(now) > 0 ||
    peer.download.bytesPerSecond(now) > 0;
}

/** Of those who have not said a word since their handshake, the one that is connected longest. */
function speechlessOf(peers: readonly RemotePeer[], now: number): RemotePeer | undefined {
  return peers.find((peer) =>
    !peer.hasToldPieces && peer.extended === undefined && now - peer.connectedAt >= CONNECTIONS.speechlessMs
  );
}

/**
 * Of the address with the most connections, the last one that is idle, if those are more than the newcomer's address
 * then has.
 */
function crowdedOf(
  peers: readonly RemotePeer[],
  idle: readonly RemotePeer[],
  sameAddress: number,
): RemotePeer | undefined {
  const addressOf = ({ facts }: RemotePeer) => facts.endpoint.address;
  const sizes = new Map<string, number>();
  for (const peer of peers) sizes.set(addressOf(peer), (sizes.get(addressOf(peer)) ?? 0) + 1);
  let crowded: RemotePeer | undefined;
  let size = sameAddress + 1;
  for (const peer of idle) {
    const crowd = sizes.get(addressOf(peer))!;
    if (crowd > size || (crowd === size && crowded !== undefined)) [crowded, size] = [peer, crowd];
  }
  return crowded;
}

/** The peer of the lowest priority, if that is lower than the newcomer's. */
function leastOf(peers: readonly RemotePeer[], facts: PeerFacts): RemotePeer | undefined {
  let least: RemotePeer | undefined;
  let lowest = priorityOf(facts);
  for (const peer of peers) {
    const priority = priorityOf(peer.facts);
    if (priority < lowest) [least, lowest] = [peer, priority];
  }
  return least;
}

/** BEP 40. Our port counts only for a remote on our own address, and is left out then. */
function priorityOf({ localAddress, endpoint }: PeerFacts): number {
  return peerPriority({ address: localAddress, port: 0 }, endpoint);
}
