/** The outcome of work that may be done again, as a promise that nobody needs to await. */
export class Outcome {
  #waiting = Promise.withResolvers<void>();
  #isKnown = false;

  constructor() {
    this.#waiting.promise.catch(() => {});
  }

  /** Settles when the work is done; holds its outcome until `renew`. */
  get promise(): Promise<void> {
    return this.#waiting.promise;
  }

  /** The work has succeeded. */
  resolve(): void {
    this.#isKnown = true;
    this.#waiting.resolve();
  }

  /** The work has failed. */
  reject(reason: unknown): void {
    this.#isKnown = true;
    this.#waiting.reject(reason);
  }

  /** Other work begins; where no outcome is known yet, those who wait go on waiting for it. */
  renew(): void {
    if (!this.#isKnown) return;
    this.#isKnown = false;
    this.#waiting = Promise.withResolvers();
    this.#waiting.promise.catch(() => {});
  }
}
