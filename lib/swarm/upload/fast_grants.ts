import { allowedFastSet } from "../../protocol/allowed_fast.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { encodeAboutPiece, MessageId } from "../../protocol/peer_messages.ts";
import type { PieceLayout } from "../../protocol/piece_layout.ts";
import { FAST } from "../../settings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** What `FastGrants` needs of its swarm. */
interface FastGrantsContext {
  readonly infoHash: InfoHash;
  readonly layout: PieceLayout;
  hasPiece(index: number): boolean;
}

/**
 * Lets newcomers request a few pieces while we choke them, so that they have something to trade (BEP 6 "allowed fast").
 *
 * No peer can live on these pieces: all peers of one network get the same few, a connection gets each block at most
 * `FAST.servesPerBlock` times, and only while the peer has few pieces, as at most `FAST.holders` peers at once.
 */
export class FastGrants {
  readonly #context: FastGrantsContext;
  /** Peers that were told of pieces and may still ask for them. */
  readonly #holders = new Set<RemotePeer>();

  constructor(context: FastGrantsContext) {
    this.#context = context;
  }

  /**
   * Tells a choked peer which pieces it may request all the same. Each connection is told once, and only while few
   * others may: a hundred newcomers that each get a piece at once all wait for it a hundred times as long.
   */
  offer(peer: RemotePeer): void {
    if (!peer.facts.supportsFast || peer.granted !== undefined || !this.#isNewcomer(peer)) return;
    for (const holder of this.#holders) if (!this.#isNewcomer(holder)) this.#holders.delete(holder);
    if (this.#holders.size >= FAST.holders) return;
    this.#holders.add(peer);
    const { infoHash, layout, hasPiece } = this.#context;
    const size = Math.min(FAST.pieces, Math.ceil(FAST.bytes / layout.pieceLength));
    peer.granted = new Map();
    for (const index of allowedFastSet(peer.facts.endpoint.address, infoHash, layout.pieceCount, size)) {
      if (!hasPiece(index) || peer.have.has(index)) continue;
      peer.granted.set(index, layout.blocksIn(index) * FAST.servesPerBlock);
      peer.sender.send(encodeAboutPiece(MessageId.allowedFast, index));
    }
  }

  /** Whether a waiting request for this piece stays when the peer is choked. */
  covers(peer: RemotePeer, index: number): boolean {
    return peer.granted?.has(index) ?? false;
  }

  /** Counts one more block of a piece for a choked peer; false when it may not have it. */
  take(peer: RemotePeer, index: number): boolean {
    const left = peer.granted?.get(index) ?? 0;
    if (left === 0 || !this.#isNewcomer(peer)) return false;
    peer.granted!.set(index, left - 1);
    return true;
  }

  peerLeft(peer: RemotePeer): void {
    this.#holders.delete(peer);
  }

  #isNewcomer(peer: RemotePeer): boolean {
    return peer.have.count < FAST.pieces;
  }
}
