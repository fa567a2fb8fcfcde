import { setTimeout as delay } from "node:timers/promises";

/** Longest time of a timer, in ms: a timer with a longer one fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * A token bucket in bytes per second, shared by all connections that spend from it, with a burst of a quarter second.
 * The rate may change at any time, also for connections that are waiting.
 */
export class RateLimiter {
  #rate: number;
  readonly #now: () => number;
  readonly #within: RateLimiter | undefined;
  /** Bytes spent, and bytes that were paid for at `#since` (ms), which are never more. */
  #spent = 0;
  #paid = 0;
  #since = 0;
  /** Aborts when the rate changes, to wake the connections that wait. */
  #changing = new AbortController();

  /** `rate` in bytes per second; `now` is a monotonic clock in ms. Bytes spent here also count against `within`. */
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

  /** The lower one of this rate and those that it lies within, in bytes per second. */
  get lowestRate(): number {
    return Math.min(this.#rate, this.#within?.lowestRate ?? Infinity);
  }

  /** Most bytes to transfer at once, so that the rate stays even; `Infinity` where there is no limit. */
  get portion(): number {
    const own = Math.max(Math.floor(this.#rate / 4), 1);
    return Math.min(own, this.#within?.portion ?? Infinity);
  }

  /** Counts transferred bytes, and resolves when more may follow. Rejects when `signal` aborts. */
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

  /** Counts the bytes that the time since the last call has paid for. */
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
