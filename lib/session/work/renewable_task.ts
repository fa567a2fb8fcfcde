import { Tasks } from "./tasks.ts";

/** A task that runs while it is wanted, that may end by itself, and that begins anew when its circumstances change. */
export class RenewableTask {
  readonly #run: (signal: AbortSignal) => Promise<void>;
  readonly #tasks = new Tasks();
  #isWanted = false;
  /** Aborts to end the run under way; undefined while there is none. */
  #ending: AbortController | undefined;

  /** `run` ends soon after its signal aborts, and never rejects. */
  constructor(run: (signal: AbortSignal) => Promise<void>) {
    this.#run = run;
  }

  /** The task is wanted: it begins unless it runs already. */
  begin(): void {
    this.#isWanted = true;
    if (this.#ending !== undefined) return;
    const { signal } = this.#ending = new AbortController();
    this.#tasks.add(
      this.#run(signal).finally(() => {
        this.#ending = undefined;
        // It was ended by `renew`, or is wanted again by now.
        if (this.#isWanted && signal.aborted) this.begin();
      }),
    );
  }

  /** The task is not wanted any more. */
  end(): void {
    this.#isWanted = false;
    this.#ending?.abort();
  }

  /** Begins anew where the task is wanted, also after it has ended by itself. */
  renew(): void {
    if (!this.#isWanted) return;
    if (this.#ending === undefined) this.begin();
    else this.#ending.abort();
  }

  /** Resolves when nothing runs. */
  get settled(): Promise<void> {
    return this.#tasks.settled();
  }
}
