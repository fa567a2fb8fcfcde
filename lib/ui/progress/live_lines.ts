import { cutToWidth, rowsOf } from "../text_format.ts";

const ESCAPE = {
  clearRight: "\x1b[K",
  clearBelow: "\x1b[J",
  wrapOff: "\x1b[?7l",
  wrapOn: "\x1b[?7h",
  up: (rows: number) => rows > 0 ? `\x1b[${rows}A` : "",
};

/** The lines may take this number of rows even where it is more than half of the screen. */
const MIN_ROWS = 8;

/** The usual part of the screen that the lines may take. */
const HALF = 1 / 2;

/** A terminal with its present size. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
  /**
   * Calls `resized` after each change of the size, and `resumed` when the program goes on after a stop in which other
   * programs used the terminal. Returns a function that ends the watch. Absent where neither can happen.
   */
  watch?(resized: () => void, resumed: () => void): () => void;
}

/** Makes at most `maxLines` lines of at most `columns` columns. */
type Render = (columns: number, maxLines: number) => readonly string[];

/**
 * Draws lines again and again in the same place, and writes lines of a log above them.
 *
 * ```
 *   a line of the log
 *   age.txt   ██████░░░░  52%     the lines drawn last
 *    ↓ 10.0.0.5  ████████ 100%
 *   _                             the cursor, between two frames
 * ```
 *
 * A frame is one write, and begins and ends with the terminal as other programs expect it: the cursor is shown, at the
 * start of a free line, and long lines are wrapped. So nothing has to be restored, whatever stops or ends the program.
 *
 * Lines are cut one column before the edge, so that no terminal wraps them. A terminal that becomes narrower wraps the
 * lines it shows, so the way back to the first one is counted in rows of the present width. The lines take about half
 * of the screen at most: the cursor cannot reach lines that a resize pushes out of it, and those would stay there.
 */
export class LiveLines {
  readonly #screen: Screen;
  /** The part of the screen that the lines may take. */
  readonly #share: number;
  #render: Render = () => [];
  /** The lines to show, cut for the present width; undefined until they are rendered for that width. */
  #lines: readonly string[] | undefined;
  /** The lines on the screen above the cursor. */
  #drawn: readonly string[] = [];
  #unwatch: (() => void) | undefined;

  /** With `fillsScreen`, the lines may take the whole screen: a resize may then leave some of them behind. */
  constructor(screen: Screen, { fillsScreen = false }: { readonly fillsScreen?: boolean } = {}) {
    this.#screen = screen;
    this.#share = fillsScreen ? 1 : HALF;
  }

  /** Replaces the lines; `render` is called again after each change of the terminal's size. */
  show(render: Render): void {
    this.#render = render;
    this.#lines = undefined;
    this.#unwatch ??= this.#screen.watch?.(() => this.#resized(), () => this.#resumed());
    this.#draw();
  }

  /** Writes a line above the lines that are shown. */
  log(line: string): void {
    this.#draw(line);
  }

  /** Ends the drawing; the lines stay on the terminal. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #resized(): void {
    this.#lines = undefined;
    this.#draw();
  }

  /** Draws below the output of other programs: the lines drawn before stand above it, out of reach. */
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
    const maxLines = Math.max(1, Math.min(rows - 1, Math.max(MIN_ROWS, Math.floor(rows * this.#share))));
    return this.#render(width, maxLines).slice(0, maxLines).map((line) => cutToWidth(line, width));
  }
}
