/** The interface that `Extensions` needs of each extension of the extension protocol (BEP 10). */
import { type Endpoint, inZoneOf, scopeOf, zoneOf } from "../../protocol/endpoint.ts";
import type { ExtensionName } from "../../protocol/extension_messages.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Choices } from "../policy.ts";
import type { PeerSource } from "../ports.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import type { Roster } from "../peers/roster.ts";

/** One extension in one swarm. `now` in ms. */
export interface Extension {
  readonly name: ExtensionName;
  /**
   * A peer's handshake named the extension; `send` sends one payload to the peer. Called again for each new
   * handshake.
   */
  offered(peer: RemotePeer, send: (payload: Uint8Array) => void, now: number): void;
  /** A payload came; it is borrowed. Errors: `ProtocolError`. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void;
  /** The connection is gone, whether the peer knew this extension or not; or the peer took the extension back. */
  peerLeft(peer: RemotePeer, now: number): void;
  /** Does what waits for time to pass. Called every `TICK_MS`. */
  tick?(now: number): void;
  /** Whether the user wants the extension at this moment. An extension without this method is always on. */
  isOn?(): boolean;
}

/** What extensions need of their swarm. */
export interface ExtensionsContext {
  readonly surroundings: Surroundings;
  readonly policy: Pick<Choices, "peerExchange">;
  readonly roster: Roster;
  /** Whether our handshake says that we want nothing more (BEP 21); undefined leaves it unsaid. */
  isUploadOnly(): boolean | undefined;
  /** Hears that other peers are known than before, and where we heard of them. */
  knownPeersChanged(source: PeerSource): void;
}

/**
 * Turns endpoints that a remote peer told us into those that we can use: loopback addresses are dropped unless the peer
 * is on our machine, and link-local addresses get the zone of the link to the peer.
 */
export function usableFrom({ facts }: RemotePeer, endpoints: readonly Endpoint[]): Endpoint[] {
  const teller = facts.endpoint.address;
  return endpoints.filter(({ address }) => isNear(teller) || !isNear(address))
    .map(({ address, port }) => ({ address: inZoneOf(teller, address), port }));
}

/** Whether a remote peer can use an endpoint as we know it: the other side of `usableFrom`. */
export function meansSameTo({ facts }: RemotePeer, { address }: Endpoint): boolean {
  const listener = facts.endpoint.address;
  const zone = zoneOf(address);
  return (isNear(listener) || !isNear(address)) && (zone === undefined || zone === zoneOf(listener));
}

const isNear = (address: string) => scopeOf(address) === "loopback";
