import { type BarLine, renderBarLines } from "./bar_lines.ts";
import { LiveLines, type Screen } from "./live_lines.ts";
import { errorWriter } from "../output.ts";
import { percentOf } from "../number_format.ts";

/** The least time between two drawings of a bar, in milliseconds: thousands of pieces may be done in a second. */
const FRAME_EVERY_MS = 100;
/** The least time between two percent lines where there is no terminal, in milliseconds. */
const PERCENT_EVERY_MS = 5000;

/** Shows the progress of one task. */
export interface WorkProgress {
  /** `done` and `total` count the same unit. */
  update(done: number, total: number): void;
  close(): void;
}

/** Shows a bar on a terminal. */
export class WorkBar implements WorkProgress {
  readonly #label: string;
  readonly #bars: LiveLines;
  readonly #now: () => number;
  #drawnAt = -Infinity;
  #last: BarLine | undefined;

  /** `now` is milliseconds on any clock that does not go back. */
  constructor(label: string, screen: Screen, now = () => performance.now()) {
    this.#label = label;
    this.#bars = new LiveLines(screen);
    this.#now = now;
  }

  update(done: number, total: number): void {
    const text = `${percentOf(done, total)}%`.padStart(4);
    const cells = [{ text, width: 4, rank: 1 }];
    this.#last = { label: this.#label, labelWidth: 24, value: done, total, cells, barRank: 2 };
    if (this.#now() - this.#drawnAt >= FRAME_EVERY_MS) this.#draw();
  }

  close(): void {
    this.#draw();
    this.#bars.close();
  }

  #draw(): void {
    const line = this.#last;
    if (line === undefined) return;
    this.#drawnAt = this.#now();
    this.#bars.show((columns) => renderBarLines([line], columns));
  }
}

/** Writes a line every few seconds where there is no terminal; a short task writes none. */
export class WorkLines implements WorkProgress {
  readonly #label: string;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #toldAt: number;

  /** `now` is milliseconds on any clock that does not go back. */
  constructor(label: string, write: (line: string) => void = errorWriter(), now = () => performance.now()) {
    this.#label = label;
    this.#write = write;
    this.#now = now;
    this.#toldAt = now();
  }

  update(done: number, total: number): void {
    if (this.#now() - this.#toldAt < PERCENT_EVERY_MS) return;
    this.#toldAt = this.#now();
    this.#write(`${this.#label}: ${percentOf(done, total)}%`);
  }

  close(): void {}
}

/** Shows nothing. */
export const noWorkProgress: WorkProgress = { update() {}, close() {} };
