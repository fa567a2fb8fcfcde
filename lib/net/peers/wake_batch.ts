import { TRANSFER } from "../../settings.ts";

/** A connection that sleeps until it has something to send. */
export interface Sleeper {
  wake(): void;
}

/**
 * Wakes sleepers together: the first one at once, those added within `TRANSFER.soonMs` after that as one batch.
 *
 * In a large swarm every stored piece is announced to all peers. A write for each would cost more than the data.
 */
export class WakeBatch {
  readonly #waiting = new Set<Sleeper>();
  readonly #now: () => number;
  #lastAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `now` is a monotonic clock in ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(sleeper: Sleeper): void {
    this.#waiting.add(sleeper);
    const waitMs = Math.max(this.#lastAt + TRANSFER.soonMs - this.#now(), 0);
    this.#timer ??= setTimeout(() => this.#wakeAll(), waitMs);
  }

  /** Wakes no sleeper any more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #wakeAll(): void {
    this.#timer = undefined;
    this.#lastAt = this.#now();
    for (const sleeper of this.#waiting) sleeper.wake();
    this.#waiting.clear();
  }
}
