import type { Bitfield } from "../../protocol/bitfield.ts";
import type { FileSelection } from "./file_selection.ts";
import { PiecePicker, type PieceRun } from "./piece_picker.ts";

/**
 * Chooses the piece to begin next by the user's wishes: first the pieces wanted first, then the others, and never the
 * unwanted ones.
 *
 * Each of the two layers is a `PiecePicker` that knows only its own pieces, so a "have" still costs one swap.
 */
export class PieceOrder {
  #selection: FileSelection;
  /** The pieces wanted first, if there are any, and then the others. */
  #layers: readonly PiecePicker[];

  /** `stored`: the pieces that we have. */
  constructor(selection: FileSelection, stored: Bitfield) {
    this.#selection = selection;
    this.#layers = layersOf(selection, stored);
  }

  /** Wants other pieces from now on, or in another order. `taken`: the pieces that are stored or under way. */
  select(selection: FileSelection, taken: Bitfield): void {
    const layers = layersOf(selection, taken, (index) => this.availabilityOf(index));
    this.#selection = selection;
    this.#layers = layers;
  }

  /** Number of missing pieces. */
  get missing(): number {
    return this.#layers.reduce((sum, layer) => sum + layer.missing, 0);
  }

  /** Whether the user wants no order, so that we may follow the suggestions of peers. */
  get isFree(): boolean {
    return this.#layers.length === 1 && !this.#selection.isSequential;
  }

  /** How many remote peers have a piece, without those that have everything. */
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

  /** The piece is being fetched or is stored: it will not be picked. */
  remove(index: number): void {
    this.#layerOf(index).remove(index);
  }

  /** The piece is missing again; nothing happens when it is not wanted. */
  restore(index: number): void {
    if (this.#selection.pieces.has(index)) this.#layerOf(index).restore(index);
  }

  /**
   * The missing piece to fetch next among those that `peerHasIt`; -1 when there is none. `isFirst`: we have nothing
   * yet, so that rarity does not matter. `random` is in [0, 1). The piece stays missing until `remove`.
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
   * As `pick`, for a source that is cheapest to read without gaps: the first such piece from `from` on; -1 when there
   * is none.
   */
  pickFrom(from: number, peerHasIt: (index: number) => boolean): number {
    for (const layer of this.#layers) {
      const index = layer.pickFrom(this.#selection.isSequential ? 0 : from, peerHasIt);
      if (index >= 0) return index;
    }
    return -1;
  }

  /**
   * The best run to begin with for a source that is read without gaps: the longest run of missing pieces that
   * `peerHasIt`, or the first piece if the user wants them in order; undefined when there is none.
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

/**
 * Makes the layers in the order in which they are wanted. Each layer counts peers for its own pieces only;
 * `availabilityOf` is left out while there are no peers.
 */
function layersOf(
  { pieces, firstPieces }: FileSelection,
  taken: Bitfield,
  availabilityOf?: (index: number) => number,
): PiecePicker[] {
  const missing = pieces.without(taken);
  if (firstPieces.count === 0) return [new PiecePicker(missing, availabilityOf)];
  const others = missing.without(firstPieces);
  const layer = (missing: Bitfield, isFirst: boolean) =>
    new PiecePicker(
      missing,
      availabilityOf && ((index) => firstPieces.has(index) === isFirst ? availabilityOf(index) : 0),
    );
  return [layer(missing.without(others), true), layer(others, false)];
}
