/** Who may be connected: one connection each, not to ourselves, within the limits, nobody who is banned. */
import { compareBytes } from "../protocol/bytes.ts";
import { CONNECTIONS } from "../settings.ts";
import type { PeerFacts, RemotePeer } from "./remote_peer.ts";

/** What is decided about a connection whose handshake is complete. */
export interface Admission {
  /** Why it is refused; undefined when it is welcome. */
  readonly refusal: string | undefined;
  /** The peer that is connected already with the same peer id; replaced when the new one is welcome. */
  readonly twin: RemotePeer | undefined;
}

/** Decides about a new connection among those that are up. Peer ids: 20 bytes. */
export function admit(facts: PeerFacts, connected: Iterable<RemotePeer>, ownPeerId: Uint8Array): Admission {
  let twin: RemotePeer | undefined;
  let count = 0;
  let sameAddress = 0;
  for (const peer of connected) {
    count++;
    if (peer.facts.endpoint.address === facts.endpoint.address) sameAddress++;
    if (compareBytes(peer.facts.peerId, facts.peerId) === 0) twin = peer;
  }
  const refuse = (refusal: string | undefined) => ({ refusal, twin });
  if (twin !== undefined) {
    return refuse(replaces(facts, twin, ownPeerId) ? undefined : "it is connected already");
  }
  if (count >= CONNECTIONS.perTorrent) return refuse("too many connections");
  return refuse(sameAddress >= CONNECTIONS.perAddress ? "too many connections from its address" : undefined);
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
