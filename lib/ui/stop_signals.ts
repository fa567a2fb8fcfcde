import { EXIT } from "./failure.ts";

/** Signals that ask a program to end, where they exist. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];
/** The signal that the terminal or the console window has closed. */
const HANG_UP = "SIGHUP";
/** Windows ends each program of a console window some seconds after the window has closed. */
const OUTLIVES_TERMINAL = Deno.build.os !== "windows";

/** A task runner passes on the Ctrl-C that the terminal sent to us too; a signal this soon is a copy of the first. */
const SAME_SIGNAL_MS = 500;

/**
 * Listens for the signals that end a program: the first asks for a clean stop, a second one exits at once. A program
 * without a terminal, as `nohup` starts it, outlives the one it was started from where the system allows that.
 */
export class StopSignals {
  readonly #controller = new AbortController();
  #firstAt = 0;
  readonly #onSignal = () => {
    if (!this.#controller.signal.aborted) this.request();
    else if (performance.now() - this.#firstAt >= SAME_SIGNAL_MS) Deno.exit(EXIT.interrupted);
  };

  readonly #onHangUp: () => void;

  /** `hasTerminal` says whether any of the three standard streams is a terminal. */
  constructor(hasTerminal = [Deno.stdin, Deno.stdout, Deno.stderr].some((stream) => stream.isTerminal())) {
    this.#onHangUp = hasTerminal || !OUTLIVES_TERMINAL ? this.#onSignal : () => {};
    for (const name of STOP_SIGNALS) Deno.addSignalListener(name, this.#onSignal);
    Deno.addSignalListener(HANG_UP, this.#onHangUp);
  }

  /** Aborts at the first signal or request. */
  get stop(): AbortSignal {
    return this.#controller.signal;
  }

  /** Asks for a clean stop, as the first signal does. */
  request(): void {
    if (this.#controller.signal.aborted) return;
    this.#firstAt = performance.now();
    this.#controller.abort();
  }

  /** Stops listening, so that signals have their usual effect. */
  close(): void {
    for (const name of STOP_SIGNALS) Deno.removeSignalListener(name, this.#onSignal);
    Deno.removeSignalListener(HANG_UP, this.#onHangUp);
  }
}
