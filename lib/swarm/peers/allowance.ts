import { RecentMap } from "../recent_map.ts";

/** How often something may happen. */
interface AllowanceLimits {
  /** How often at once … */
  readonly burst: number;
  /** … and how often a second in the long run. */
  readonly perSecond: number;
}

/** Limits how often something may happen: each time uses up a part of a stock that refills with time. */
export class Allowance {
  readonly #limits: AllowanceLimits;
  #left: number;
  #countedAt = 0;

  constructor(limits: AllowanceLimits) {
    this.#limits = limits;
    this.#left = limits.burst;
  }

  /** Counts `count` more times at `now` (ms); false when that was too much, and then counts nothing. */
  take(now: number, count = 1): boolean {
    const { burst, perSecond } = this.#limits;
    const earned = Math.max(now - this.#countedAt, 0) * perSecond / 1_000;
    this.#left = Math.min(this.#left + earned, burst);
    this.#countedAt = Math.max(this.#countedAt, now);
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }

  /** How long after the last `take` another one may succeed, in ms. */
  get waitMs(): number {
    return Math.max(1 - this.#left, 0) * 1_000 / this.#limits.perSecond;
  }
}

/** An `Allowance` for each of many keys. The keys used last are remembered; a forgotten one begins anew. */
export class Allowances {
  readonly #limits: AllowanceLimits;
  readonly #byKey: RecentMap<string, Allowance>;

  /** `maxKeys`: keys remembered at most. */
  constructor(limits: AllowanceLimits, maxKeys: number) {
    this.#limits = limits;
    this.#byKey = new RecentMap(maxKeys);
  }

  /** Counts one more time for `key` at `now` (ms); false when that was too much. */
  take(key: string, now: number): boolean {
    const allowance = this.#byKey.get(key) ?? new Allowance(this.#limits);
    this.#byKey.set(key, allowance);
    return allowance.take(now);
  }
}
