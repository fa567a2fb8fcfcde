/**
 * Decides whether a new connection is welcome: one connection to each peer (see `twins.ts`), within the limits.
 *
 * When there are too many connections, one is closed for the newcomer: that of a peer that says nothing, else one of a
 * crowd from one address, else that of the peer with the lowest priority for both sides (BEP 40). A peer that exchanges
 * data with us stays.
 */
import { peerPriority } from "../../protocol/peer_priority.ts";
import { CONNECTIONS } from "../../settings.ts";
import type { PeerFacts, RemotePeer } from "./remote_peer.ts";
import { isSameAddress, isTwin, meetTwin } from "./twins.ts";

/** The decision about a connection whose handshake is complete. */
interface Admission {
  /** Why the connection is refused; undefined when it is welcome. */
  readonly refusal: string | undefined;
  /**
   * The older connection to the same peer, when only one of the two may live. The new one replaces it unless refused.
   */
  readonly twin: RemotePeer | undefined;
  /** The peer whose connection is closed to make room. */
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

/** Whether a peer is, or lately was, one that we upload to or download from. */
export function exchangesData(peer: RemotePeer, now: number): boolean {
  return peer.isWebSeed || !peer.weChoke || peer.isSource || peer.upload.bytesPerSecond(now) > 0 ||
    peer.download.bytesPerSecond(now) > 0;
}

/** The peer that is connected longest among those that have said nothing since their handshake. */
function speechlessOf(peers: readonly RemotePeer[], now: number): RemotePeer | undefined {
  return peers.find((peer) =>
    !peer.hasToldPieces && peer.extended === undefined && now - peer.connectedAt >= CONNECTIONS.speechlessMs
  );
}

/**
 * The idle peer that came last from the address with the most connections. Undefined unless that address has more
 * connections than the newcomer's address would then have.
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

/** The peer with the lowest priority, if that is lower than the newcomer's. */
function leastOf(peers: readonly RemotePeer[], facts: PeerFacts): RemotePeer | undefined {
  let least: RemotePeer | undefined;
  let lowest = priorityOf(facts);
  for (const peer of peers) {
    const priority = priorityOf(peer.facts);
    if (priority < lowest) [least, lowest] = [peer, priority];
  }
  return least;
}

/** The priority of a connection (BEP 40). Our port would count only for a peer at our own address, and is left out. */
function priorityOf({ localAddress, endpoint }: PeerFacts): number {
  return peerPriority({ address: localAddress, port: 0 }, endpoint);
}
