import { Bitfield } from "../../protocol/bitfield.ts";
import { NEAR } from "../../settings.ts";

/** How pieces come to the machines near by, ourselves among them. Times in ms. */
export class Arrivals {
  /** Each piece counts once, whatever peers claim of it later. */
  readonly #arrived: Bitfield;
  /** How many pieces had come at the last look. */
  #count = 0;
  /** When the last piece had come. */
  #lastAt = -Infinity;
  /** The time from one piece to the next, lately. */
  #intervalMs = NEAR.firstIntervalMs;

  constructor(pieceCount: number) {
    this.#arrived = new Bitfield(pieceCount);
  }

  /** A machine near by has a piece now, or we have. */
  add(index: number): void {
    this.#arrived.add(index);
  }

  /** Measures how fast pieces come. A pause, in which nobody had any, counts only as a long interval. */
  look(now: number): void {
    const pieces = this.#arrived.count - this.#count;
    if (pieces === 0) return;
    const longest = NEAR.intervals * Math.max(this.#intervalMs, NEAR.shareMs);
    const passed = this.#count === 0 ? 0 : now - this.#lastAt;
    const intervalMs = Math.min(passed / pieces, longest);
    this.#intervalMs += (intervalMs - this.#intervalMs) * (1 - NEAR.memory ** pieces);
    this.#count = this.#arrived.count;
    this.#lastAt = now;
  }

  /** When the last piece came, as far as a look has seen it; `-Infinity` before the first. */
  get lastAt(): number {
    return this.#lastAt;
  }

  /** For how long no piece must come until nobody waits for others any more. */
  get patienceMs(): number {
    return Math.max(NEAR.shareMs, NEAR.intervals * this.#intervalMs);
  }
}
