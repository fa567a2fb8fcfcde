import { type Column, type Outcome, tryCell } from "./cells.ts";
import { Pool } from "./pool.ts";

/** Cells at once that keep processors busy; clients wait at times in these too, so it is more than one for each of two. */
const BUSY_CELLS = 4;
/** Cells at once that next to always wait; each is four processes, which start at the same time. */
const IDLE_CELLS = 6;

/** One cell of a matrix, of a subject that is installed and able. */
export interface Cell {
  readonly isIdle: boolean;
  /** Fills it. Does not reject; fails soon when `signal` aborts. */
  readonly run: (signal: AbortSignal) => Promise<Outcome>;
}

/** What `column` tries with `subject`. */
export function cellOf<Subject>(column: Column<Subject>, subject: Subject): Cell {
  return { isIdle: column.isIdle ?? false, run: (signal) => tryCell(column, subject, signal) };
}

/** Fills cells side by side, each as soon as there is room for it. */
export class Matrix {
  readonly #abort = new AbortController();
  readonly #busy = new Pool<Cell>(BUSY_CELLS);
  readonly #idle = new Pool<Cell>(IDLE_CELLS);

  /** Fills a cell. Does not reject. */
  fill(cell: Cell): Promise<Outcome> {
    return this.#poolOf(cell).run(cell, () => cell.run(this.#abort.signal));
  }

  /** Begins a cell that waits for room, as somebody waits for it. */
  hurry(cell: Cell): void {
    this.#poolOf(cell).hurry(cell);
  }

  /** Ends all cells, so that nothing of them is left; of those that have not begun, outcomes never come. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error("Expected an outcome, got a stop before it"));
    await Promise.all([this.#busy.drain(), this.#idle.drain()]);
  }

  #poolOf({ isIdle }: Cell): Pool<Cell> {
    return isIdle ? this.#idle : this.#busy;
  }
}
