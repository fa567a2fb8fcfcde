import { cutToWidth, rowsOf } from "../text_format.ts";

const ESCAPE = {
  clearRight: "\x1b[K",
  clearBelow: "\x1b[J",
  wrapOff: "\x1b[?7l",
  wrapOn: "\x1b[?7h",
  up: (rows: number) => rows > 0 ? `\x1b[${rows}A` : "",
};

/** Rows that may always be drawn, on a screen that has them. */
const MIN_ROWS = 8;

/** A terminal: its size at this moment, and a place to write. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
  /**
   * `resized` hears that the size changed, `resumed` that the program goes on after it was stopped and the terminal was
   * somebody else's. Returns what ends that. Absent where nothing of it can happen.
   */
  watch?(resized: () => void, resumed: () => void): () => void;
}

/** Makes lines of at most `columns` columns, at most `maxLines`. */
export type Render = (columns: number, maxLines: number) => readonly string[];

/**
 * Lines that are redrawn in place, and lines of a log above them.
 *
 * ```
 *   a line of the log
 *   age.txt   ██████░░░░  52%     the lines drawn last
 *    ↓ 10.0.0.5  ████████ 100%
 *   _                             the cursor, between two frames
 * ```
 *
 * A frame is one write, and begins and ends with the terminal as other programs expect it: the cursor is shown, at the
 * start of a free line, and long lines are wrapped. So whatever stops or ends the program, nothing has to be put right.
 *
 * Lines are cut one column before the edge, so that no terminal wraps them. A terminal made narrower wraps the lines
 * that are on it already, so the way back to the first one is counted in rows of the present width. They take half of
 * the screen at most: what a resize pushes out of it is beyond reach, and would stay there.
 */
export class LiveLines {
  readonly #screen: Screen;
  #render: Render = () => [];
  /** What is to be shown, cut for the present width; undefined until it is rendered for that. */
  #lines: readonly string[] | undefined;
  /** What is on the screen above the cursor. */
  #drawn: readonly string[] = [];
  #unwatch: (() => void) | undefined;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Replaces what is shown; `render` is called again whenever the terminal changes its size. */
  show(render: Render): void {
    this.#render = render;
    this.#lines = undefined;
    this.#unwatch ??= this.#screen.watch?.(() => this.#resized(), () => this.#resumed());
    this.#draw();
  }

  /** Writes a line above what is shown. */
  log(line: string): void {
    this.#draw(line);
  }

  /** What is shown stays. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #resized(): void {
    this.#lines = undefined;
    this.#draw();
  }

  /** What was drawn before is above what others wrote, and out of reach. */
  #resumed(): void {
    this.#drawn = [];
    this.#resized();
  }

  #draw(logLine?: string): void {
    const { columns } = this.#screen;
    this.#lines ??= this.#renderLines();
    const rowsAbove = this.#drawn.reduce((sum, line) => sum + rowsOf(line, columns), 0);
    const log = logLine === undefined ? "" : `${ESCAPE.clearBelow}${logLine}\r\n`;
    const block = this.#lines.map((line) => `${line}${ESCAPE.clearRight}\r\n`).join("");
    this.#drawn = this.#lines;
    this.#screen.write(
      `${ESCAPE.up(rowsAbove)}\r${log}${ESCAPE.wrapOff}${block}${ESCAPE.wrapOn}${ESCAPE.clearBelow}`,
    );
  }

  #renderLines(): readonly string[] {
    const { columns, rows } = this.#screen;
    const width = Math.max(1, columns - 1);
    const maxLines = Math.max(1, Math.min(rows - 1, Math.max(MIN_ROWS, Math.floor(rows / 2))));
    return this.#render(width, maxLines).slice(0, maxLines).map((line) => cutToWidth(line, width));
  }
}
