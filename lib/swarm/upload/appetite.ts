import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { GREED } from "../../settings.ts";

/**
 * Compares what one peer asks of us with what it does with the data.
 *
 * A peer that wants the data asks for each block once, and tells us when a piece is whole. A greedy peer only uses up
 * our uplink: it asks again for blocks that it was sent, or for pieces that it says it has, or it never completes a
 * piece.
 */
export class Appetite {
  readonly #layout: PieceLayout;
  /** Blocks that were asked for, numbered over all pieces; undefined before the first request. */
  #asked: Bitfield | undefined;
  #askedBlocks = 0;
  #repeatedBlocks = 0;
  /** Whether the peer was sent anything: one that got nothing may well ask again. */
  #hasTaken = false;
  /** Bytes sent since the peer last told us of a new piece, and when the first of them left, in ms. */
  #undigestedBytes = 0;
  #undigestedSince = 0;

  constructor(layout: PieceLayout) {
    this.#layout = layout;
  }

  /** A request will be served; `isHeld`: the peer says that it has the piece. Units: bytes. */
  requested(index: number, begin: number, length: number, isHeld: boolean): void {
    const asked = this.#asked ??= new Bitfield(this.#layout.pieceCount * this.#blocksPerPiece);
    const end = this.#blockFrom(index, begin + length);
    for (let block = this.#blockFrom(index, begin); block < end; block++) {
      this.#askedBlocks++;
      if (!asked.add(block) || isHeld) this.#repeatedBlocks++;
    }
  }

  /** A request will not be served after all, so it may come again. Units: bytes. */
  takenBack(index: number, begin: number, length: number): void {
    const end = this.#blockFrom(index, begin + length);
    for (let block = this.#blockFrom(index, begin); block < end; block++) {
      if (this.#asked?.delete(block)) this.#askedBlocks--;
    }
  }

  /** Payload left for the peer at `now` (ms). */
  sent(bytes: number, now: number): void {
    if (this.#undigestedBytes === 0) this.#undigestedSince = now;
    this.#undigestedBytes += bytes;
    this.#hasTaken = true;
  }

  /** The peer told us of a new piece. */
  digested(): void {
    this.#undigestedBytes = 0;
  }

  /** Whether the peer seems to be greedy at `now` (ms). */
  isGreedy(now: number): boolean {
    const isRepeating = this.#hasTaken && this.#repeatedBlocks > GREED.repeatedBlocks &&
      this.#repeatedBlocks > GREED.repeatedShare * this.#askedBlocks;
    const isBottomless = now - this.#undigestedSince >= GREED.digestMs &&
      this.#undigestedBytes > GREED.undigestedBytes + GREED.undigestedPieces * this.#layout.pieceLength;
    return isRepeating || isBottomless;
  }

  get #blocksPerPiece(): number {
    return Math.ceil(this.#layout.pieceLength / BLOCK_LENGTH);
  }

  /** The first block that begins at `begin` of a piece or later, numbered over all pieces. */
  #blockFrom(index: number, begin: number): number {
    return index * this.#blocksPerPiece + Math.ceil(begin / BLOCK_LENGTH);
  }
}
