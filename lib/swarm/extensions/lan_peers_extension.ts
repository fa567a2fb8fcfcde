import { parsePeerList } from "../../protocol/extension_messages.ts";
import { BROADCAST } from "../../settings.ts";
import { type Extension, type ExtensionsContext, usableFrom } from "./extension.ts";
import { type Listener, PeerBroadcast } from "./peer_broadcast.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** The extension `lan_peers`: peers of our kind send each other the lists of their embedded trackers. */
export class LanPeersExtension implements Extension {
  readonly name = "lan_peers";
  /** Our embedded tracker's list. */
  readonly broadcast = new PeerBroadcast();
  readonly #context: ExtensionsContext;
  readonly #listeners = new Map<RemotePeer, Listener>();

  constructor(context: ExtensionsContext) {
    this.#context = context;
  }

  /** Whether the peer gets our list over this connection. */
  isListener(peer: RemotePeer): boolean {
    return this.#listeners.has(peer);
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (this.#listeners.has(peer)) return;
    const { endpoint: { address }, localAddress } = peer.facts;
    const listener = { address, localAddress, send };
    this.#listeners.set(peer, listener);
    this.broadcast.join(listener);
  }

  /** Takes another tracker's list. We never pass it on. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    if (!peer.broadcasts.take(now)) return;
    const { roster, knownPeersChanged } = this.#context;
    const { added, dropped } = parsePeerList(payload, BROADCAST.maxEndpoints);
    const { address } = peer.facts.endpoint;
    let changes = roster.known.remove(usableFrom(peer, dropped), "broadcast", address);
    for (const { endpoint, isSeed } of added) {
      const usable = usableFrom(peer, [endpoint]);
      changes += roster.hear(usable, "broadcast", now, address);
      for (const each of usable) roster.known.rumoured(each, { isSeed });
    }
    if (changes > 0) knownPeersChanged("broadcast");
  }

  peerLeft(peer: RemotePeer): void {
    const listener = this.#listeners.get(peer);
    if (listener !== undefined) this.broadcast.leave(listener);
    this.#listeners.delete(peer);
  }
}
