/**
 * Limits in the two parts that Transmission has of each: a number, and whether it counts. Our limits are one number,
 * `Infinity` where there is none, so the numbers that do not count at present are remembered here.
 */
import type { Params } from "./params.ts";
import { BYTES_PER_KB } from "./fields/sizes.ts";

/** The numbers that Transmission has before anybody chooses. */
const DEFAULTS: Readonly<Record<string, number>> = {
  download_limit: 100,
  upload_limit: 100,
  speed_limit_down: 100,
  speed_limit_up: 100,
  seed_ratio_limit: 2,
  download_queue_size: 5,
};

/** The limits of the session or of one torrent that do not count at present. */
export class RememberedLimits {
  readonly #numbers = new Map<string, number>();

  get(name: string): number {
    return this.#numbers.get(name) ?? DEFAULTS[name];
  }

  set(name: string, number: number): void {
    this.#numbers.set(name, number);
  }
}

/** Whether a limit counts; undefined stands for one that was not chosen. */
export function isLimited(limit: number | undefined): boolean {
  return limit !== undefined && Number.isFinite(limit);
}

/** A rate in whole kB/s: `limit` (bytes/s) where it counts, else the number that was remembered. */
export function kilobytes(limit: number | undefined, remembered: number): number {
  return isLimited(limit) ? Math.round(limit! / BYTES_PER_KB) : remembered;
}

/** The names of the two parts of a limit in a request. */
interface LimitNames {
  readonly number: string;
  readonly isOn: string;
}

/**
 * The limit after a request that names its number, whether it counts, or both: `Infinity` where it does not count.
 * Undefined where the request names neither. `present` is the number that counts now, `Infinity` for none; both
 * numbers are in the unit of the request. A number that does not count is remembered.
 */
export function changedLimit(
  params: Params,
  names: LimitNames,
  present: number,
  remembered: RememberedLimits,
): number | undefined {
  const number = params.amount(names.number);
  const isOn = params.flag(names.isOn);
  if (number === undefined && isOn === undefined) return undefined;
  const chosen = number ?? (isLimited(present) ? present : remembered.get(names.number));
  remembered.set(names.number, chosen);
  return isOn ?? isLimited(present) ? chosen : Infinity;
}

/** A rate of our own from whole kB/s. A rate of 0, which lets nothing through, is one byte in a second. */
export function bytesPerSecond(kilobytes: number): number {
  return Math.max(1, Math.round(kilobytes * BYTES_PER_KB));
}
