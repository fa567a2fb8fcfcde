import { encodeDontHave, parseDontHave } from "../../protocol/extension_messages.ts";
import type { Extension } from "./extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** Tells peers which pieces we have lost, and hears which ones they have lost (BEP 54 `lt_donthave`). */
export class DontHaveExtension implements Extension {
  readonly name = "lt_donthave";
  readonly #senders = new Map<RemotePeer, (payload: Uint8Array) => void>();
  readonly #pieceLost: (peer: RemotePeer, index: number) => void;

  /** `pieceLost` hears that a peer no longer has a piece; it may throw `ProtocolError`. */
  constructor(pieceLost: (peer: RemotePeer, index: number) => void) {
    this.#pieceLost = pieceLost;
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    this.#senders.set(peer, send);
  }

  received(peer: RemotePeer, payload: Uint8Array): void {
    this.#pieceLost(peer, parseDontHave(payload));
  }

  peerLeft(peer: RemotePeer): void {
    this.#senders.delete(peer);
  }

  /** Tells a peer that we no longer have a piece, if it supports the extension. */
  tellLoss(peer: RemotePeer, index: number): void {
    this.#senders.get(peer)?.(encodeDontHave(index));
  }
}
