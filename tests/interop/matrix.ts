import { type Column, type Outcome, tryCell } from "./cells.ts";
import { Pool } from "./pool.ts";

/** Cells at once that keep processors busy; clients wait at times in these too, so it is more than one for each of two. */
const BUSY_CELLS = 4;
/** Cells at once that next to always wait; each is four processes, which start at the same time. */
const IDLE_CELLS = 6;

/** Fills cells side by side, each as soon as there is room for it. */
export class Matrix {
  readonly #busy = new Pool(BUSY_CELLS);
  readonly #idle = new Pool(IDLE_CELLS);

  /** Fills a cell, of a subject that is installed and able. Does not reject. */
  fill<Subject>(column: Column<Subject>, subject: Subject): Promise<Outcome> {
    const pool = column.isIdle ? this.#idle : this.#busy;
    return pool.run(() => tryCell(column, subject));
  }

  /** Begins no more cells, whose outcomes never come, and waits for those begun. */
  async drain(): Promise<void> {
    await Promise.all([this.#busy.drain(), this.#idle.drain()]);
  }
}
