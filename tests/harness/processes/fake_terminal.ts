// deno-lint-ignore-file no-control-regex
import type { Screen } from "../../../lib/ui/progress/live_lines.ts";
import { widthOf } from "../../../lib/ui/text_format.ts";

/** A character, or the second half of a wide one (empty). */
type Cell = string;

/**
 * A terminal that understands the few sequences the bars use, and wraps what is on it when it becomes narrower,
 * as most terminals do. It is as high as is needed; `rows` is only told.
 */
export class FakeTerminal implements Screen {
  columns: number;
  readonly rows: number;
  isCursorShown = true;
  /** Control characters and escape sequences that bars have no use for. */
  readonly unknownSequences: string[] = [];
  #cells: Cell[][] = [[]];
  #row = 0;
  #column = 0;
  #wraps = true;

  constructor(columns: number, rows: number) {
    this.columns = columns;
    this.rows = rows;
  }

  write(text: string): void {
    for (const [token] of text.matchAll(/\x1b\[[?\d;]*[a-zA-Z]|[^]/gu)) this.#take(token);
  }

  /** Whether the cursor is shown at the start of a free line, and long lines are wrapped. */
  get isAsOthersExpect(): boolean {
    const isFree = this.#cells[this.#row].length === 0;
    return this.isCursorShown && this.#wraps && this.#column === 0 && isFree;
  }

  /** What is on the screen, without blanks at the ends. */
  lines(): string[] {
    const lines = this.#cells.map((cells) => cells.join("").trimEnd());
    while (lines.at(-1) === "") lines.pop();
    return lines;
  }

  #changed: { readonly resized: () => void; readonly resumed: () => void } | undefined;

  watch(resized: () => void, resumed: () => void): () => void {
    this.#changed = { resized, resumed };
    return () => this.#changed = undefined;
  }

  /** The program was stopped, others wrote these lines, and it goes on. */
  interrupt(...lines: readonly string[]): void {
    for (const line of lines) this.write(`${line}\r\n`);
    this.#changed?.resumed();
  }

  /** Makes it narrower or wider; lines that do not fit any more are wrapped, with the cursor in its place. */
  resize(columns: number): void {
    const rows: Cell[][] = [];
    this.#cells.forEach((cells, row) => {
      const [first, column] = [rows.length, this.#column];
      for (let at = 0, end = 0; at === 0 || at < cells.length; at = end) {
        // A wide character goes to the next row as a whole.
        end = at + columns - (cells[at + columns] === "" ? 1 : 0);
        rows.push(cells.slice(at, end));
      }
      if (row !== this.#row) return;
      this.#row = first + Math.min(Math.floor(column / columns), rows.length - 1 - first);
      this.#column = column - (this.#row - first) * columns;
    });
    this.#cells = rows;
    this.columns = columns;
    this.#changed?.resized();
  }

  #take(token: string): void {
    if (/^\x1b\[\d*A$/.test(token)) this.#row = Math.max(0, this.#row - Number(token.slice(2, -1) || 1));
    else if (token === "\r") this.#column = 0;
    else if (token === "\n") this.#moveDown();
    else if (token === "\x1b[K") {
      this.#cells[this.#row].length = Math.min(this.#cells[this.#row].length, this.#column);
    } else if (token === "\x1b[J") this.#clearBelow();
    else if (/^\x1b\[\?25[lh]$/.test(token)) this.isCursorShown = token.endsWith("h");
    else if (/^\x1b\[\?7[lh]$/.test(token)) this.#wraps = token.endsWith("h");
    else if (token < " " || token.length > 2 || (token >= "\x7f" && token < "\xa0")) {
      this.unknownSequences.push(token);
    } else this.#put(token);
  }

  #put(character: string): void {
    const width = widthOf(character);
    if (this.#column + width > this.columns && this.#wraps) {
      this.#moveDown();
      this.#column = 0;
    }
    const cells = this.#cells[this.#row];
    while (cells.length < this.#column) cells.push(" ");
    if (width > 0) cells[this.#column] = character;
    if (width > 1) cells[this.#column + 1] = "";
    this.#column += width;
  }

  #moveDown(): void {
    this.#row++;
    if (this.#row === this.#cells.length) this.#cells.push([]);
  }

  #clearBelow(): void {
    this.#cells.length = this.#row + 1;
    this.#cells[this.#row].length = Math.min(this.#cells[this.#row].length, this.#column);
  }
}
