import { setTimeout as delay } from "node:timers/promises";

/** Longest time a timer can wait, in ms: beyond it, it would go off at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A token bucket: bytes per second, shared by whoever spends from it, with a burst of a quarter second. The rate may
 * change at any time, and holds at once for those that wait.
 */
export class RateLimiter {
  #rate: number;
  readonly #now: () => number;
  readonly #within: RateLimiter | undefined;
  /** Bytes spent, and how many of them were paid for at `#since` (ms); never more than were spent. */
  #spent = 0;
  #paid = 0;
  #since = 0;
  /** Aborts, to wake those that wait, when the rate changes. */
  #changing = new AbortController();

  /** `rate` in bytes per second; `now` is a monotonic clock in ms. What is spent here is spent of `within` too. */
  constructor(rate: number, now: () => number, within?: RateLimiter) {
    this.#rate = rate;
    this.#now = now;
    this.#within = within;
  }

  /** Bytes per second; `Infinity` for no limit. */
  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    if (rate === this.#rate) return;
    this.#pay();
    this.#rate = rate;
    this.#changing.abort();
    this.#changing = new AbortController();
  }

  /** Most bytes to move at once, so that the rate stays even; `Infinity` where there is no limit. */
  get portion(): number {
    const own = Math.max(Math.floor(this.#rate / 4), 1);
    return Math.min(own, this.#within?.portion ?? Infinity);
  }

  /** Counts bytes that were moved, and resolves when the next may be. Rejects when `signal` aborts. */
  async spend(bytes: number, signal: AbortSignal): Promise<void> {
    await Promise.all([this.#spend(bytes, signal), this.#within?.spend(bytes, signal)]);
  }

  async #spend(bytes: number, signal: AbortSignal): Promise<void> {
    this.#pay();
    const end = this.#spent += bytes;
    for (;;) {
      this.#pay();
      const waitMs = (end - this.#paid) * 1_000 / this.#rate;
      if (waitMs <= 1) return;
      const woken = AbortSignal.any([signal, this.#changing.signal]);
      await sleep(Math.min(waitMs, MAX_TIMER_MS), woken).catch(() => signal.throwIfAborted());
    }
  }

  /** Counts what the time since the last call has paid for. */
  #pay(): void {
    const now = this.#now();
    const paid = this.#rate === Infinity ? Infinity : this.#paid + (now - this.#since) * this.#rate / 1_000;
    this.#paid = Math.min(paid, this.#spent);
    this.#since = now;
  }
}

/** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
