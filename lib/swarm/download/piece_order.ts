import type { Bitfield } from "../../protocol/bitfield.ts";
import type { FileSelection } from "./file_selection.ts";
import { PiecePicker, type PieceRun } from "./piece_picker.ts";

/**
 * Which piece to begin next, by what the user wants: first ones, then the others, unwanted ones never.
 *
 * Each of the two layers is a `PiecePicker` of its own that knows its pieces only, so a "have" still costs one swap.
 */
export class PieceOrder {
  #selection: FileSelection;
  /** What comes first, if anything does, and the rest. */
  #layers: readonly PiecePicker[];

  /** `stored`: the pieces there are. */
  constructor(selection: FileSelection, stored: Bitfield) {
    this.#selection = selection;
    this.#layers = layersOf(selection, (index) => stored.has(index), () => 0);
  }

  /** Other pieces are wanted from now on, or in another order; none of those that `isTaken`, as it is stored or under way. */
  select(selection: FileSelection, isTaken: (index: number) => boolean): void {
    const layers = layersOf(selection, isTaken, (index) => this.availabilityOf(index));
    this.#selection = selection;
    this.#layers = layers;
  }

  /** Number of missing pieces. */
  get missing(): number {
    return this.#layers.reduce((sum, layer) => sum + layer.missing, 0);
  }

  /** Whether the order is ours to choose, so that wishes of others may be heard. */
  get isFree(): boolean {
    return this.#layers.length === 1 && !this.#selection.isSequential;
  }

  /** How many remote peers, those with everything apart, have a piece. */
  availabilityOf(index: number): number {
    return this.#layerOf(index).availabilityOf(index);
  }

  isMissing(index: number): boolean {
    return this.#layerOf(index).isMissing(index);
  }

  /** One more remote peer has the piece. */
  peerHas(index: number): void {
    this.#layerOf(index).peerHas(index);
  }

  /** One remote peer less has the piece. */
  peerLost(index: number): void {
    this.#layerOf(index).peerLost(index);
  }

  /** The piece is being fetched or stored: it will not be picked. */
  remove(index: number): void {
    this.#layerOf(index).remove(index);
  }

  /** The piece is missing after all; nothing happens when it is not wanted. */
  restore(index: number): void {
    if (this.#selection.pieces.has(index)) this.#layerOf(index).restore(index);
  }

  /**
   * The missing piece to fetch next of what `peerHasIt`; -1 when there is none. `isFirst`: we have nothing yet, so
   * that rare or not is no matter. `random` is in [0, 1). The piece stays missing until `remove`.
   */
  pick(peerHasIt: (index: number) => boolean, isFirst: boolean, random: number): number {
    for (const layer of this.#layers) {
      const index = this.#selection.isSequential
        ? layer.pickLowest(peerHasIt)
        : isFirst
        ? layer.pickAny(peerHasIt, random)
        : layer.pickRarest(peerHasIt, random);
      if (index >= 0) return index;
    }
    return -1;
  }

  /**
   * As `pick`, for a source that is cheapest to read without gaps: the first piece from `from` on; -1 when there is
   * none behind it.
   */
  pickFrom(from: number, peerHasIt: (index: number) => boolean): number {
    for (const layer of this.#layers) {
      const index = layer.pickFrom(this.#selection.isSequential ? 0 : from, peerHasIt);
      if (index >= 0) return index;
    }
    return -1;
  }

  /**
   * Where a source that is read without gaps begins best: the longest run of missing pieces that `peerHasIt`, or the
   * first piece where the user wants them in order; undefined when there is none.
   */
  longestRun(peerHasIt: (index: number) => boolean): PieceRun | undefined {
    for (const layer of this.#layers) {
      const run = layer.longestRun(peerHasIt, this.#selection.isSequential ? 1 : Infinity);
      if (run.length > 0) return run;
    }
  }

  #layerOf(index: number): PiecePicker {
    return this.#layers[this.#layers.length > 1 && !this.#selection.firstPieces.has(index) ? 1 : 0];
  }
}

/** Missing pieces in the order in which they are wanted; each layer counts the peers that have its own ones. */
function layersOf(
  { pieces, firstPieces }: FileSelection,
  isTaken: (index: number) => boolean,
  availabilityOf: (index: number) => number,
): PiecePicker[] {
  const layer = (isIn: (index: number) => boolean) => {
    const isNotMissing = (index: number) => isTaken(index) || !pieces.has(index) || !isIn(index);
    return new PiecePicker(pieces.length, isNotMissing, (index) => isIn(index) ? availabilityOf(index) : 0);
  };
  return firstPieces.count === 0
    ? [layer(() => true)]
    : [layer((index) => firstPieces.has(index)), layer((index) => !firstPieces.has(index))];
}
