import { encodeDontHave, parseDontHave } from "../../protocol/extension_messages.ts";
import type { Extension } from "./extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** Pieces that were there and are there no more (BEP 54 `lt_donthave`), both ways. */
export class DontHaveExtension implements Extension {
  readonly name = "lt_donthave";
  readonly #senders = new Map<RemotePeer, (payload: Uint8Array) => void>();
  readonly #pieceLost: (peer: RemotePeer, index: number) => void;

  /** `pieceLost` hears that a peer has a piece no more; it may throw `ProtocolError`. */
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

  /** Tells a peer that we have a piece no more, if it understands that. */
  tellLoss(peer: RemotePeer, index: number): void {
    this.#senders.get(peer)?.(encodeDontHave(index));
  }
}
