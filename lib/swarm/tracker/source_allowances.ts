import { TRACKER } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";

/**
 * How often each source may bring news of one info-hash: peers that come, or turn from leech to seed and back. Our own
 * peers are told of all of it and dial whoever came, so that it must not be anybody's to repeat as often as they like.
 *
 * The sources that brought news last are remembered, up to a limit; one that was forgotten begins anew.
 */
export class SourceAllowances {
  readonly #allowances = new Map<string, Allowance>();

  /** Counts a piece of news at `now` (ms) that `source` brings of `infoHash`; false when that is too much. */
  take(infoHash: string, source: string, now: number): boolean {
    const key = infoHash + source;
    const allowance = this.#allowances.get(key) ?? new Allowance(TRACKER.newsPerSource);
    this.#allowances.delete(key);
    this.#allowances.set(key, allowance);
    if (this.#allowances.size > TRACKER.maxNewsSources) {
      const [oldest] = this.#allowances.keys();
      this.#allowances.delete(oldest);
    }
    return allowance.take(now);
  }
}
