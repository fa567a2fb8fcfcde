/** The extension protocol of one swarm (BEP 10): extended handshakes, and what each extension's messages do. */
import { type Endpoint, inZoneOf, scopeOf } from "../protocol/endpoint.ts";
import {
  encodeDontHave,
  encodeExtendedHandshake,
  EXTENDED_HANDSHAKE_ID,
  mergeHandshakes,
  OUR_EXTENSIONS,
  type OwnHandshake,
  parseDontHave,
  parseExtendedHandshake,
  parsePeerList,
} from "../protocol/extension_messages.ts";
import { encodeExtended } from "../protocol/peer_messages.ts";
import { BROADCAST, TRANSFER } from "../settings.ts";
import { type Listener, PeerBroadcast } from "./peer_broadcast.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** What `Extensions` needs of its swarm. */
export interface ExtensionsContext {
  readonly self: Omit<OwnHandshake, "maxQueuedRequests" | "isUploadOnly">;
  /** Whether peers are told that we want nothing more. */
  isUploadOnly(): boolean;
  /** A peer has a piece no more. Errors: `ProtocolError`. */
  pieceLost(peer: RemotePeer, index: number): void;
  /** A connected peer turned out to listen here. */
  listensAt(peer: RemotePeer, endpoint: Endpoint): void;
  /** The list of a remote's embedded tracker changed. */
  listReceived(added: readonly Endpoint[], dropped: readonly Endpoint[]): void;
}

/** Everything that is said in extended messages. */
export class Extensions {
  /** The embedded tracker's list, pushed to peers of our kind. */
  readonly broadcast = new PeerBroadcast();
  readonly #context: ExtensionsContext;
  readonly #listeners = new Map<RemotePeer, Listener>();

  constructor(context: ExtensionsContext) {
    this.#context = context;
  }

  /** Sends our extended handshake to a peer that understands it; again when something in it changed. */
  introduce(peer: RemotePeer): void {
    if (!peer.facts.supportsExtensions) return;
    const own = {
      ...this.#context.self,
      maxQueuedRequests: TRANSFER.maxQueuedRequests,
      isUploadOnly: this.#context.isUploadOnly(),
    };
    peer.sender.send(encodeExtended(EXTENDED_HANDSHAKE_ID, encodeExtendedHandshake(own)));
  }

  /** Tells a peer that we have a piece no more, if it understands that (BEP 54). */
  tellLoss(peer: RemotePeer, index: number): void {
    const id = peer.extended?.extensions.get("lt_donthave");
    if (id !== undefined) peer.sender.send(encodeExtended(id, encodeDontHave(index)));
  }

  /** Whether the peer gets the embedded tracker's list over this connection. */
  isListener(peer: RemotePeer): boolean {
    return this.#listeners.has(peer);
  }

  /** Takes one extended message; `payload` is borrowed. Errors: `ProtocolError`. Unknown ids are ignored. */
  received(peer: RemotePeer, extendedId: number, payload: Uint8Array, now: number): void {
    switch (extendedId) {
      case EXTENDED_HANDSHAKE_ID:
        return this.#handshakeReceived(peer, payload);
      case OUR_EXTENSIONS.lan_peers:
        return this.#peerListReceived(peer, payload, now);
      case OUR_EXTENSIONS.lt_donthave:
        return this.#context.pieceLost(peer, parseDontHave(payload));
    }
  }

  /** The connection is gone. */
  peerLeft(peer: RemotePeer): void {
    const listener = this.#listeners.get(peer);
    if (listener !== undefined) this.broadcast.leave(listener);
    this.#listeners.delete(peer);
  }

  #handshakeReceived(peer: RemotePeer, payload: Uint8Array): void {
    const handshake = mergeHandshakes(peer.extended, parseExtendedHandshake(payload));
    peer.extended = handshake;
    if (peer.listens === undefined && handshake.listenPort !== undefined) {
      this.#context.listensAt(peer, { address: peer.facts.endpoint.address, port: handshake.listenPort });
    }
    const id = handshake.extensions.get("lan_peers");
    if (id === undefined || this.#listeners.has(peer)) return;
    const listener: Listener = {
      address: peer.facts.endpoint.address,
      localAddress: peer.facts.localAddress,
      send: (list) => peer.sender.send(encodeExtended(id, list)),
    };
    this.#listeners.set(peer, listener);
    this.broadcast.join(listener);
  }

  /** What another tracker broadcasts goes no further than to us. Loopback addresses count only on one machine. */
  #peerListReceived(peer: RemotePeer, payload: Uint8Array, now: number): void {
    if (!peer.mayBroadcast(now)) return;
    const { added, dropped } = parsePeerList(payload, BROADCAST.maxEndpoints);
    const { endpoint: remote, localAddress } = peer.facts;
    const sharesMachine = scopeOf(remote.address) === "loopback";
    const inZone = ({ address, port }: Endpoint) => ({ address: inZoneOf(remote.address, address), port });
    const { listenPort } = this.#context.self;
    const usable = added.map(({ endpoint }) => inZone(endpoint)).filter(({ address, port }) =>
      (sharesMachine || scopeOf(address) !== "loopback") && !(address === localAddress && port === listenPort)
    );
    this.#context.listReceived(usable, dropped.map(inZone));
  }
}
