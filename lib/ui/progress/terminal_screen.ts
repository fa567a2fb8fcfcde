import type { Screen } from "./live_lines.ts";

/** Size assumed where there is no terminal to ask. */
const FALLBACK = { columns: 80, rows: 24 };

/** The terminal behind standard output or standard error. */
export class TerminalScreen implements Screen {
  readonly #output: typeof Deno.stdout | typeof Deno.stderr;
  readonly #encoder = new TextEncoder();

  constructor(output: typeof Deno.stdout | typeof Deno.stderr) {
    this.#output = output;
  }

  get columns(): number {
    return this.#size().columns;
  }

  get rows(): number {
    return this.#size().rows;
  }

  /** Writes the whole text. A failure is ignored: a terminal that has closed is no reason to stop a transfer. */
  write(text: string): void {
    const bytes = this.#encoder.encode(text);
    try {
      for (let written = 0; written < bytes.length;) {
        written += this.#output.writeSync(bytes.subarray(written));
      }
    } catch {
      return;
    }
  }

  /** Listens for the signals of both events, which Windows does not have. */
  watch(resized: () => void, resumed: () => void): () => void {
    if (Deno.build.os === "windows") return () => {};
    Deno.addSignalListener("SIGWINCH", resized);
    Deno.addSignalListener("SIGCONT", resumed);
    return () => {
      Deno.removeSignalListener("SIGWINCH", resized);
      Deno.removeSignalListener("SIGCONT", resumed);
    };
  }

  #size(): { columns: number; rows: number } {
    try {
      const { columns, rows } = Deno.consoleSize();
      return columns > 0 && rows > 0 ? { columns, rows } : FALLBACK;
    } catch {
      return FALLBACK;
    }
  }
}
