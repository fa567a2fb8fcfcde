import { EXIT } from "./failure.ts";

/** Signals that ask a program to end, where they exist. */
const STOP_SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** Listens for the signals that end a program: the first asks for a clean stop, a second one exits at once. */
export class StopSignals {
  readonly #controller = new AbortController();
  readonly #onSignal = () => {
    if (this.#controller.signal.aborted) Deno.exit(EXIT.interrupted);
    this.#controller.abort();
  };

  constructor() {
    for (const name of STOP_SIGNALS) Deno.addSignalListener(name, this.#onSignal);
  }

  /** Aborted by the first signal. */
  get stop(): AbortSignal {
    return this.#controller.signal;
  }

  /** Stops listening, so that signals do what they always do. */
  close(): void {
    for (const name of STOP_SIGNALS) Deno.removeSignalListener(name, this.#onSignal);
  }
}
