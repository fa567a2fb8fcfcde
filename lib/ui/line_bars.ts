// @ts-types="./cli_progress.d.ts"
import cliProgress from "cli-progress";
import { type BarLine, MAX_BAR_WIDTH, renderBarLine } from "./bar_lines.ts";
import { BarTerminal, type Screen } from "./bar_terminal.ts";
import type { Bar, MultiBar } from "./cli_progress.d.ts";

/** Redraws a second, for terminals that change their size. */
const FRAMES_PER_SECOND = 4;
const BAR_STYLE = { barCompleteChar: "█", barIncompleteChar: "░", barsize: MAX_BAR_WIDTH };

/** Lines with bars that are redrawn in place. */
export class LineBars {
  readonly #terminal: BarTerminal;
  readonly #multiBar: MultiBar;
  readonly #bars: Bar[] = [];
  /** The cursor is hidden while bars are drawn; an exit from anywhere must bring it back. */
  readonly #close = () => this.close();
  /** From the first bar until the end. */
  #isDrawing = false;

  constructor(screen: Screen) {
    this.#terminal = new BarTerminal(screen);
    this.#multiBar = new cliProgress.MultiBar({
      ...BAR_STYLE,
      terminal: this.#terminal,
      fps: FRAMES_PER_SECOND,
      hideCursor: true,
      forceRedraw: true,
      format: (options, { progress }, { line }: { line: BarLine }) =>
        renderBarLine(
          line,
          this.#terminal.getWidth(),
          (columns) => cliProgress.Format.BarFormat(progress, { ...options, barsize: columns }),
        ),
    });
    this.#multiBar.on("update-post", () => this.#terminal.flush());
    this.#multiBar.on("stop", () => this.#terminal.flush());
  }

  /** Columns of a line. */
  get columns(): number {
    return this.#terminal.getWidth();
  }

  /** Lines that fit on the screen. */
  get maxLines(): number {
    return this.#terminal.getHeight();
  }

  /** Replaces what is shown, from the next frame on. */
  show(lines: readonly BarLine[]): void {
    if (lines.length > 0 && !this.#isDrawing) {
      this.#isDrawing = true;
      globalThis.addEventListener("unload", this.#close);
    }
    while (this.#bars.length > lines.length) this.#multiBar.remove(this.#bars.pop()!);
    lines.forEach((line, position) => {
      const bar = this.#bars[position] ??= this.#multiBar.create(line.total, line.value, { line });
      bar.setTotal(line.total);
      bar.update(line.value, { line });
    });
  }

  /** Writes a line above the bars. */
  log(line: string): void {
    if (this.#isDrawing) {
      this.#multiBar.log(`${line}\r\n`);
      this.#multiBar.update();
    } else {
      this.#terminal.write(`${line}\r\n`, true);
      this.#terminal.flush();
    }
  }

  /** Draws the bars a last time and gives the terminal back. */
  close(): void {
    if (!this.#isDrawing) return;
    this.#isDrawing = false;
    globalThis.removeEventListener("unload", this.#close);
    this.#multiBar.stop();
  }
}
