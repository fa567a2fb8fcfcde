/** The work under way, and the controller that ends it. */
interface Work {
  readonly ending: AbortController;
  readonly done: Promise<void>;
}

/** Does one work at a time: new work ends the work before it, and begins when that is over. */
export class OneWork {
  #work: Work | undefined;

  /** Whether no work is under way, or only one that is ending. */
  get isIdle(): boolean {
    return this.#work?.ending.signal.aborted ?? true;
  }

  /** Resolves when the work that is under way now is over. Never rejects. */
  get done(): Promise<void> {
    return this.#work?.done ?? Promise.resolve();
  }

  /** Ends the work under way. */
  end(reason: Error): void {
    this.#work?.ending.abort(reason);
  }

  /**
   * Does `work` in place of the work before it, and after `before`, which never rejects. `failed` hears its error, and
   * whether it comes from work that was to end anyway.
   */
  instead(
    before: Promise<void> | undefined,
    work: (signal: AbortSignal) => Promise<void>,
    failed: (error: unknown, isEnded: boolean) => void,
  ): void {
    const last = this.#work;
    last?.ending.abort(new Error("something else is done with the torrent"));
    const ending = new AbortController();
    const { signal } = ending;
    const run = async () => {
      await Promise.all([last?.done, before]);
      try {
        signal.throwIfAborted();
        await work(signal);
      } catch (error) {
        failed(error, signal.aborted);
      }
      if (this.#work?.ending === ending) this.#work = undefined;
    };
    this.#work = { ending, done: run() };
  }
}
