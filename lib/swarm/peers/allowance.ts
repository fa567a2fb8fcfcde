/** How often something may happen. */
export interface AllowanceLimits {
  /** So often at once … */
  readonly burst: number;
  /** … and so often a second in the long run. */
  readonly perSecond: number;
}

/** Counts what may happen only so often, and forgives with time. */
export class Allowance {
  readonly #limits: AllowanceLimits;
  #left: number;
  #countedAt = 0;

  constructor(limits: AllowanceLimits) {
    this.#limits = limits;
    this.#left = limits.burst;
  }

  /** Counts `count` more at `now` (ms); false when that was too much. */
  take(now: number, count = 1): boolean {
    const { burst, perSecond } = this.#limits;
    const earned = Math.max(now - this.#countedAt, 0) * perSecond / 1_000;
    this.#left = Math.min(this.#left + earned, burst);
    this.#countedAt = Math.max(this.#countedAt, now);
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }
}
