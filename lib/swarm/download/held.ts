import { Bitfield } from "../../protocol/bitfield.ts";
import type { Steps } from "../../protocol/steps.ts";
import type { HeldPieces } from "../ports.ts";
import type { PieceOrder } from "./piece_order.ts";

/** Pieces taken between two pauses. */
const PIECES_PER_STEP = 16_384;

/** Takes pieces out of the order in which missing pieces are fetched, and puts them back. */
export class Held implements HeldPieces {
  readonly pieces: Bitfield;
  readonly #order: PieceOrder;

  /** `order` is kept; `pieceCount`: that of the torrent. */
  constructor(order: PieceOrder, pieceCount: number) {
    this.#order = order;
    this.pieces = new Bitfield(pieceCount);
  }

  *holdMissing(): Steps<void> {
    for (let index = 0; index < this.pieces.length; index++) {
      this.hold(index);
      if (index % PIECES_PER_STEP === 0) yield;
    }
  }

  hold(index: number): boolean {
    if (this.pieces.has(index)) return true;
    if (!this.#order.isMissing(index)) return false;
    this.#order.remove(index);
    return this.pieces.add(index);
  }

  letGo(index: number): void {
    if (this.pieces.delete(index)) this.#order.restore(index);
  }

  *letGoOf(isMeant: (index: number) => boolean): Steps<void> {
    let count = 0;
    for (const index of this.pieces) {
      if (isMeant(index)) this.letGo(index);
      if (++count % PIECES_PER_STEP === 0) yield;
    }
  }

  /** The piece is stored. */
  found(index: number): void {
    this.pieces.delete(index);
  }
}
