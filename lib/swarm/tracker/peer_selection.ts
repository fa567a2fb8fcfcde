import { type Endpoint, toCompactText } from "../../protocol/endpoint.ts";
import type { AnnouncedPeer } from "../../protocol/tracker_messages.ts";
import type { TrackedPeer } from "./tracked_peer.ts";

/** The peer that asks the tracker for others. */
export interface Asker {
  readonly endpoint: Endpoint;
  /** The compact form of the endpoint, as text. */
  readonly compact: string;
  /** 20 characters, one a byte. */
  readonly peerId: string;
  /** Whether it asked over loopback, as another process of this machine does. */
  readonly isLocal: boolean;
}

/** The peers named to one asker: each endpoint once, never the asker itself, at addresses that the asker can reach. */
export class PeerSelection {
  /** Peers selected so far. */
  readonly peers: AnnouncedPeer[] = [];
  readonly #asker: Asker;
  /** Endpoints, in their compact form. */
  readonly #taken: Set<string>;
  readonly #ownAddressFor: (remoteAddress: string) => string | undefined;
  /** Address of this machine for the asker, once it was needed: finding it costs more than all the rest. */
  #ownAddress: { readonly known: string | undefined } | undefined;

  /** `ownAddressFor` gives the address of this machine that a remote can reach; undefined when there is none. */
  constructor(asker: Asker, ownAddressFor: (remoteAddress: string) => string | undefined) {
    this.#asker = asker;
    this.#taken = new Set([asker.compact]);
    this.#ownAddressFor = ownAddressFor;
  }

  /**
   * Names a listed peer. A peer that announced over loopback is another process of this machine, so an asker elsewhere
   * gets this machine's address.
   */
  add(peer: TrackedPeer): void {
    if (peer.hasId(this.#asker.peerId)) return;
    if (peer.isLocal && !this.#asker.isLocal) this.addOnThisMachine(peer.endpoint.port, peer.peerId);
    else this.#take(peer.compact, peer);
  }

  /** Names a process of this machine. */
  addOnThisMachine(port: number, peerId: string): void {
    this.#ownAddress ??= { known: this.#ownAddressFor(this.#asker.endpoint.address) };
    const address = this.#ownAddress.known;
    if (address === undefined) return;
    const endpoint = { address, port };
    this.#take(toCompactText(endpoint), { endpoint, peerId });
  }

  #take(compact: string, peer: AnnouncedPeer): void {
    if (this.#taken.has(compact)) return;
    this.#taken.add(compact);
    this.peers.push(peer);
  }
}
