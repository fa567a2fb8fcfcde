/** Chooses the piece that a source is asked for next: one that is under way, or a new one. */
import type { Bitfield } from "../../protocol/bitfield.ts";
import type { PieceLayout } from "../../protocol/piece_layout.ts";
import { STORAGE, TRANSFER } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Blame } from "./blame.ts";
import type { ActivePiece, BlockRouting } from "./block_routing.ts";
import type { PieceOrder } from "./piece_order.ts";
import type { Choices } from "../policy.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** What `PieceChoice` needs of the download. */
interface PieceChoiceContext {
  readonly layout: PieceLayout;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  readonly policy: Pick<Choices, "downloadSources">;
  readonly surroundings: Pick<Surroundings, "random">;
}

/** The parts of the download that the choice is made from. */
interface PieceChoiceParts {
  readonly stored: Bitfield;
  readonly order: PieceOrder;
  readonly routing: BlockRouting;
  readonly blame: Blame;
}

/** Chooses pieces; the download then asks for their blocks. */
export class PieceChoice {
  readonly #context: PieceChoiceContext;
  readonly #parts: PieceChoiceParts;

  constructor(context: PieceChoiceContext, parts: PieceChoiceParts) {
    this.#context = context;
    this.#parts = parts;
  }

  /**
   * A piece with a free block to ask this source for: one that was begun with it, else one that it suggested, else one
   * whose source is gone, else a new one, else one of another source. New pieces come before those of other sources
   * because the first seeder must not be asked for data that others have already: the swarm waits for the rest.
   */
  pieceFor(peer: RemotePeer): ActivePiece | undefined {
    const { routing } = this.#parts;
    const { peers } = this.#context;
    let orphan: ActivePiece | undefined;
    let shared: ActivePiece | undefined;
    if (routing.hasFreeBlocks) {
      for (const piece of routing.pieces) {
        if (piece.freeBlocks === 0 || !peer.offers(piece.index)) continue;
        if (piece.begunWith === peer.number) return piece;
        if (piece.isExclusive) continue;
        if (peers.get(piece.begunWith)?.isSource) shared ??= piece;
        else orphan ??= piece;
      }
    }
    if (peer.isWebSeed) {
      return this.#begin(peer, this.#pickNext(peer)) ?? orphan ?? (peer.sendsWholeFiles ? undefined : shared);
    }
    return this.#begin(peer, this.#takeSuggestion(peer)) ?? orphan ?? this.#begin(peer, this.#pick(peer)) ??
      shared;
  }

  /** Whether a piece was begun with this source that no other peer has. */
  needs(source: RemotePeer): boolean {
    const isElsewhere = (index: number) =>
      this.#context.peers.values().some((peer) => peer !== source && peer.have.has(index));
    for (const { index, begunWith } of this.#parts.routing.pieces) {
      if (begunWith === source.number && !isElsewhere(index)) return true;
    }
    return false;
  }

  /** The best missing piece for this source, by the user's order and by rarity; -1 when there is none. */
  #pick(peer: RemotePeer): number {
    const { order, stored, routing, blame } = this.#parts;
    const isFirst = stored.count === 0 && routing.size === 0;
    // A piece that failed before must come from one source alone, and a peer that chokes us is no source.
    const isOpen = (index: number) => peer.offers(index) && !(peer.peerChokes && blame.isSuspect(index));
    return order.pick(isOpen, isFirst, this.#context.surroundings.random());
  }

  /**
   * The next missing piece for a web seed; -1 when there is none. A web seed is read without gaps where possible. It
   * begins with the longest run of missing pieces; in the middle of the run if another web seed is about to reach it.
   */
  #pickNext(peer: RemotePeer): number {
    const { order, routing } = this.#parts;
    if (order.missing === 0) return -1;
    const isOpen = (index: number) => peer.offers(index);
    let index = peer.nextPiece < 0 ? -1 : order.pickFrom(peer.nextPiece, isOpen);
    if (index < 0) {
      const run = order.longestRun(isOpen);
      if (run === undefined) return -1;
      const before = routing.get(run.first - 1)?.begunWith;
      const isTaken = before !== undefined && before !== peer.number &&
        this.#context.peers.get(before)?.isWebSeed;
      index = isTaken ? run.first + (run.length >> 1) : run.first;
    }
    peer.nextPiece = index + 1;
    return index;
  }

  /**
   * Finds the end of the run that a web seed is asked for from piece `index` on: pieces that were begun with it, and
   * missing ones behind them, `maxPieces` at most. Returns `index` itself when the piece was begun with another source.
   */
  endOfRun(peer: RemotePeer, index: number, maxPieces: number): number {
    const { order, routing } = this.#parts;
    const isIts = (piece: number) => routing.get(piece)?.begunWith === peer.number;
    const isNext = (piece: number) => isIts(piece) || (order.isMissing(piece) && peer.offers(piece));
    let end = index;
    if (!isIts(index)) return end;
    while (end - index < maxPieces && isNext(end)) end++;
    return end;
  }

  /** Begins a missing piece with this source; undefined for -1, or when too much is under way. */
  #begin(peer: RemotePeer, index: number): ActivePiece | undefined {
    const { order, routing, blame } = this.#parts;
    const { layout, policy } = this.#context;
    const limit = Math.max(STORAGE.maxActiveBytes, policy.downloadSources * layout.pieceLength);
    if (index < 0 || routing.bytes + layout.pieceLength > limit) return undefined;
    order.remove(index);
    return routing.activate(index, peer.number, blame.isSuspect(index));
  }

  /** A seeder suggests this piece, because it has given it to no other peer yet (BEP 6 "suggest piece"). */
  suggested(peer: RemotePeer, index: number): void {
    if (index < this.#parts.stored.length && peer.suggestions.length < TRANSFER.maxSuggestions) {
      peer.suggestions.push(index);
    }
  }

  /** The next suggested piece that no other peer has; -1 when there is none, or when the user wants an order. */
  #takeSuggestion(peer: RemotePeer): number {
    const { order } = this.#parts;
    if (!order.isFree || peer.peerChokes) return -1;
    for (let index = peer.suggestions.shift(); index !== undefined; index = peer.suggestions.shift()) {
      if (order.isMissing(index) && order.availabilityOf(index) === 0 && peer.offers(index)) return index;
    }
    return -1;
  }
}
