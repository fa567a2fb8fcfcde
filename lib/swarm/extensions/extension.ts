/** What every extension of the extension protocol (BEP 10) is to `Extensions`. */
import { type Endpoint, inZoneOf, scopeOf, zoneOf } from "../../protocol/endpoint.ts";
import type { ExtensionName } from "../../protocol/extension_messages.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Choices } from "../policy.ts";
import type { PeerSource } from "../ports.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import type { Roster } from "../peers/roster.ts";

/** One extension in one swarm: whom it talks to, and what its messages do. `now` in ms. */
export interface Extension {
  readonly name: ExtensionName;
  /** A remote's handshake named it: `send` sends it one payload. Told again when the handshake comes again. */
  offered(peer: RemotePeer, send: (payload: Uint8Array) => void, now: number): void;
  /** A payload came; borrowed. Errors: `ProtocolError`. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void;
  /** The connection is gone, whether the remote knew this extension or not; or the remote took the extension back. */
  peerLeft(peer: RemotePeer, now: number): void;
  /** Called every `TICK_MS`, where something waits for time to pass. */
  tick?(now: number): void;
  /** Whether the user wants it at this moment; undefined: always. */
  isOn?(): boolean;
}

/** What extensions need of their swarm. */
export interface ExtensionsContext {
  readonly surroundings: Surroundings;
  readonly policy: Pick<Choices, "peerExchange">;
  readonly roster: Roster;
  /** Whether peers are told that we want nothing more (BEP 21); undefined: no word of it. */
  isUploadOnly(): boolean | undefined;
  /** The peers known changed by what one of this source told. */
  knownPeersChanged(source: PeerSource): void;
}

/**
 * Endpoints a remote told us of, as they are good here: loopback addresses count only on one machine, link-local ones
 * in the zone of the link to the remote.
 */
export function usableFrom({ facts }: RemotePeer, endpoints: readonly Endpoint[]): Endpoint[] {
  const teller = facts.endpoint.address;
  return endpoints.filter(({ address }) => isNear(teller) || !isNear(address))
    .map(({ address, port }) => ({ address: inZoneOf(teller, address), port }));
}

/** Whether an address of ours means the same to a remote: the other side of `usableFrom`. */
export function meansSameTo({ facts }: RemotePeer, { address }: Endpoint): boolean {
  const listener = facts.endpoint.address;
  const zone = zoneOf(address);
  return (isNear(listener) || !isNear(address)) && (zone === undefined || zone === zoneOf(listener));
}

const isNear = (address: string) => scopeOf(address) === "loopback";
