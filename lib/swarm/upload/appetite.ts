import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { GREED } from "../../settings.ts";

/**
 * What one peer asks of us against what it does with it.
 *
 * A peer that wants the data asks for each block once, and tells of a piece once that is whole. A greedy one only wants
 * our uplink: it asks again for what it was sent, or for pieces that it says it has, or never has a piece in the end.
 */
export class Appetite {
  readonly #layout: PieceLayout;
  /** Blocks that were asked for, numbered over all pieces; undefined until there is one. */
  #asked: Bitfield | undefined;
  #askedBlocks = 0;
  #repeatedBlocks = 0;
  /** Whether anything was sent: whoever got nothing may well ask again. */
  #hasTaken = false;
  /** Bytes sent since it last told of a piece that it has got, and when the first of them left, in ms. */
  #undigestedBytes = 0;
  #undigestedSince = 0;

  constructor(layout: PieceLayout) {
    this.#layout = layout;
  }

  /** A request is going to be served; `isHeld`: the peer says that it has the piece. Units: bytes. */
  requested(index: number, begin: number, length: number, isHeld: boolean): void {
    const asked = this.#asked ??= new Bitfield(this.#layout.pieceCount * this.#blocksPerPiece);
    this.#eachBlock(index, begin, length, (block) => {
      this.#askedBlocks++;
      if (!asked.add(block) || isHeld) this.#repeatedBlocks++;
    });
  }

  /** A request is not going to be served after all: it may come again. Units: bytes. */
  takenBack(index: number, begin: number, length: number): void {
    this.#eachBlock(index, begin, length, (block) => {
      if (this.#asked?.delete(block)) this.#askedBlocks--;
    });
  }

  /** Payload left for the peer at `now` (ms). */
  sent(bytes: number, now: number): void {
    if (this.#undigestedBytes === 0) this.#undigestedSince = now;
    this.#undigestedBytes += bytes;
    this.#hasTaken = true;
  }

  /** The peer told of a piece that it has got. */
  digested(): void {
    this.#undigestedBytes = 0;
  }

  /** Whether the peer wants our uplink more than our data, as it seems at `now` (ms). */
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

  /** Calls `each` with the blocks that begin within a span of a piece, numbered over all pieces. */
  #eachBlock(index: number, begin: number, length: number, each: (block: number) => void): void {
    const first = index * this.#blocksPerPiece;
    for (let block = Math.ceil(begin / BLOCK_LENGTH); block * BLOCK_LENGTH < begin + length; block++) {
      each(first + block);
    }
  }
}
