/**
 * Keeps track of which pieces the remote peers have, and how many of them we want.
 *
 * Invariant: `wantedPieces` of every connected peer is the number of pieces it has that we want and have not stored.
 */
import { ProtocolError } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { encodeBitfield, encodePlain, MessageId } from "../../protocol/peer_messages.ts";
import type { NearFirst } from "./near_first.ts";
import type { PieceOrder } from "./piece_order.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** Keeps the peers' bitfields, our interest and the picker's availability in step. */
export class PeerPieces {
  readonly #stored: Bitfield;
  #wanted: Bitfield;
  readonly #picker: Pick<PieceOrder, "peerHas" | "peerLost">;
  readonly #near: Pick<NearFirst, "count" | "farHas" | "farLeft">;

  /** `stored`: the pieces that we have; its owner keeps it up to date. `wanted`: the pieces we want, stored or not. */
  constructor(
    stored: Bitfield,
    wanted: Bitfield,
    picker: Pick<PieceOrder, "peerHas" | "peerLost">,
    near: Pick<NearFirst, "count" | "farHas" | "farLeft">,
  ) {
    this.#near = near;
    this.#stored = stored;
    this.#wanted = wanted;
    this.#picker = picker;
  }

  /** Wants other pieces from now on. `peers`: all connected peers. */
  select(wanted: Bitfield, peers: Iterable<RemotePeer>): void {
    this.#wanted = wanted;
    for (const peer of peers) peer.wantedPieces = this.#lackingIn(peer.have);
  }

  /** The number of these pieces that we want and have not stored. */
  #lackingIn(pieces: Bitfield): number {
    const lacking = this.#wanted.without(this.#stored);
    return lacking.count - lacking.without(pieces).count;
  }

  #isLacking(index: number): boolean {
    return this.#wanted.has(index) && !this.#stored.has(index);
  }

  /** Tells a peer which pieces we have, as the first message after the handshake; none if `hidesAll`. */
  introduce({ facts, sender }: RemotePeer, hidesAll: boolean): void {
    const stored = hidesAll ? new Bitfield(0) : this.#stored;
    if (facts.supportsFast && this.#stored.isFull && !hidesAll) sender.send(encodePlain(MessageId.haveAll));
    else if (facts.supportsFast && stored.count === 0) sender.send(encodePlain(MessageId.haveNone));
    else if (stored.count > 0) sender.send(encodeBitfield(stored.toBytes()));
  }

  /** The peer has one more piece (BEP 3 "have"); false when we knew that. Errors: `ProtocolError`. */
  haveReceived(peer: RemotePeer, index: number): boolean {
    if (index >= peer.have.length) throw new ProtocolError(`Expected a piece that exists, got ${index}`);
    peer.hasToldPieces = true;
    return this.#has(peer, index);
  }

  /**
   * The peer tells all its pieces (BEP 3 "bitfield", BEP 6 "have all", "have none"); undefined stands for a malformed
   * message. Returns how many pieces we did not know of. Errors: `ProtocolError`.
   *
   * A peer may do so more than once, as aria2 does when it has got many pieces at once.
   */
  bitfieldReceived(peer: RemotePeer, bitfield: Bitfield | undefined): number {
    if (bitfield === undefined) throw new ProtocolError("Expected a bitfield that fits the torrent");
    const known = peer.have.count;
    if (bitfield.isFull && !peer.hasToldPieces) {
      // The picker does not count peers that have everything from the start: they raise all pieces alike.
      peer.have.addAll(bitfield);
      if (peer.isFar) this.#near.farHas(peer, 0);
      peer.wantedPieces = this.#lackingIn(peer.have);
    } else {
      for (const index of bitfield) this.#has(peer, index);
    }
    peer.hasToldPieces = true;
    return peer.have.count - known;
  }

  /** The peer no longer has a piece (BEP 54). Errors: `ProtocolError`. */
  lossReceived(peer: RemotePeer, index: number): void {
    if (index >= peer.have.length) throw new ProtocolError(`Expected a piece that exists, got ${index}`);
    if (!peer.have.has(index)) return;
    if (!peer.isCounted) {
      peer.isCounted = true;
      for (const each of peer.have) this.#counted(peer, each);
    }
    peer.have.delete(index);
    this.#uncounted(peer, index);
    if (this.#isLacking(index)) peer.wantedPieces--;
  }

  #has(peer: RemotePeer, index: number): boolean {
    if (!peer.have.add(index)) return false;
    peer.isCounted = true;
    this.#counted(peer, index);
    if (this.#isLacking(index)) peer.wantedPieces++;
    return true;
  }

  #counted(peer: RemotePeer, index: number): void {
    this.#picker.peerHas(index);
    if (peer.isFar) this.#near.farHas(peer, index);
    else this.#near.count(index, 1);
  }

  #uncounted(peer: RemotePeer, index: number): void {
    this.#picker.peerLost(index);
    if (!peer.isFar) this.#near.count(index, -1);
  }

  /** The connection is gone. */
  peerLeft(peer: RemotePeer): void {
    if (peer.isFar) this.#near.farLeft(peer);
    if (peer.isCounted) { for (const index of peer.have) this.#uncounted(peer, index); }
  }
}
