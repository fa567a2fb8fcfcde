import type { Terminal } from "./cli_progress.d.ts";
import { cutToWidth, widthOf } from "./text_format.ts";

const ESCAPE = {
  clearRight: "\x1b[K",
  clearBelow: "\x1b[J",
  hideCursor: "\x1b[?25l",
  showCursor: "\x1b[?25h",
  wrapOff: "\x1b[?7l",
  wrapOn: "\x1b[?7h",
  up: (rows: number) => rows > 0 ? `\x1b[${rows}A` : "",
};

/** A terminal as the bars need it: its size at this moment, and a place to write. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  write(text: string): void;
}

/**
 * What `cli-progress` draws on.
 *
 * A frame is collected and written at once, so that it does not flicker. Lines are cut one column before the
 * edge, so that no terminal wraps them. A terminal made narrower wraps the lines that are on it already, so the
 * way back to the first line is counted in rows of the present width.
 */
export class BarTerminal implements Terminal {
  readonly #screen: Screen;
  #frame = "";
  /** Columns each line on the screen takes; the cursor is at the end of the last one. */
  #lineWidths = [0];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  isTTY(): boolean {
    return true;
  }

  getWidth(): number {
    return Math.max(1, this.#screen.columns - 1);
  }

  /** Lines that fit above one free line. */
  getHeight(): number {
    return Math.max(1, this.#screen.rows - 1);
  }

  cursor(isShown: boolean): void {
    this.#frame += isShown ? ESCAPE.showCursor : ESCAPE.hideCursor;
  }

  lineWrapping(isOn: boolean): void {
    this.#frame += isOn ? ESCAPE.wrapOn : ESCAPE.wrapOff;
  }

  /** Only ever called for the start of the line. */
  cursorTo(): void {
    this.#frame += "\r";
  }

  cursorRelativeReset(): void {
    const columns = Math.max(1, this.#screen.columns);
    const rows = this.#lineWidths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    this.#frame += ESCAPE.up(rows - 1) + "\r";
    this.#lineWidths = [0];
  }

  /** Called before log lines are written where the bars were. */
  clearLine(): void {
    this.clearBottom();
  }

  clearRight(): void {
    this.#frame += ESCAPE.clearRight;
  }

  clearBottom(): void {
    this.#frame += ESCAPE.clearBelow;
  }

  newline(): void {
    this.#frame += "\r\n";
    this.#lineWidths.push(0);
  }

  write(text: string, isRaw = false): void {
    if (isRaw) {
      this.#frame += ESCAPE.wrapOn + text + ESCAPE.wrapOff;
      return;
    }
    const line = cutToWidth(text, this.getWidth());
    this.#frame += line;
    this.#lineWidths[this.#lineWidths.length - 1] = widthOf(line);
  }

  /** Ends a frame: what is left below of an earlier, longer one goes, and all is written. */
  flush(): void {
    this.#screen.write(this.#frame + ESCAPE.clearBelow);
    this.#frame = "";
  }
}
