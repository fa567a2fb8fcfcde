import type { Screen } from "./bar_terminal.ts";
import { LineBars } from "./line_bars.ts";
import { errorWriter } from "./output.ts";
import { percentOf } from "./text_format.ts";

/** How often percent lines are written where there is no terminal, in milliseconds. */
const PERCENT_EVERY_MS = 5000;

/** Shows how far one piece of work is. */
export interface WorkProgress {
  /** Both in the same unit. */
  update(done: number, total: number): void;
  close(): void;
}

/** A bar, for a terminal. */
export class WorkBar implements WorkProgress {
  readonly #label: string;
  readonly #bars: LineBars;

  constructor(label: string, screen: Screen) {
    this.#label = label;
    this.#bars = new LineBars(screen);
  }

  update(done: number, total: number): void {
    const text = `${percentOf(done, total)}%`.padStart(4);
    const cells = [{ text, width: 4, rank: 1 }];
    this.#bars.show([{ label: this.#label, labelWidth: 24, value: done, total, cells, barRank: 2 }]);
  }

  close(): void {
    this.#bars.close();
  }
}

/** A line every few seconds, elsewhere; work that is done before that says nothing. */
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
