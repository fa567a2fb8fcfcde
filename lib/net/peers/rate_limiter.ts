/**
 * A token bucket shared by all connections of the process: bytes per second, with a burst of a quarter second.
 */
export class RateLimiter {
  readonly #bytesPerSecond: number;
  readonly #now: () => number;
  /** When the bytes spent so far are paid for, in ms. */
  #paidAt = 0;

  /** `now` is a monotonic clock in ms. */
  constructor(bytesPerSecond: number, now: () => number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#now = now;
  }

  /** Most bytes to move at once, so that the rate stays even. */
  get portion(): number {
    return Math.max(Math.floor(this.#bytesPerSecond / 4), 1);
  }

  /** Counts bytes that were moved, and resolves when the next may be. Rejects when `signal` aborts. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    this.#paidAt = Math.max(this.#paidAt, this.#now()) + bytes * 1_000 / this.#bytesPerSecond;
    const waitMs = this.#paidAt - this.#now();
    if (waitMs > 1) await sleep(waitMs, signal);
  }
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort, { once: true });
  });
}
