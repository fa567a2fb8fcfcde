import { TrackerError } from "../../errors.ts";
import { ANNOUNCING } from "../../settings.ts";
import { UrlPace } from "./url_pace.ts";

/** The announces to one tracker, which is named by its scheme, host and port. */
interface Lane {
  underWay: number;
  /** Announces that wait for a place, the oldest first. */
  readonly waiting: (() => void)[];
  /** Why the tracker is out of reach, and until when (ms) it is not tried again. */
  outage?: { readonly error: TrackerError; readonly until: number };
}

/**
 * Limits the announces of all torrents to one tracker: few at once, and none for a moment after the tracker was out of
 * reach. Otherwise a thousand torrents of one tracker would open a thousand connections to it at once, and again and
 * again while it is switched off.
 */
export class TrackerTraffic {
  /** 32 random bits by which trackers recognize us. */
  readonly key: number;
  readonly #lanes = new Map<string, Lane>();
  readonly #pace: UrlPace;
  readonly #now: () => number;

  /** `now` is a monotonic clock in ms. */
  constructor(now: () => number, key: number) {
    this.#now = now;
    this.#pace = new UrlPace(now);
    this.key = key;
  }

  /**
   * Makes an announce to the tracker at `url` once `UrlPace` admits it and a place is free, and returns its result.
   *
   * Errors: the error of `announce`, which also meets announces within `ANNOUNCING.outageMs` after one that found the
   * tracker out of reach; the signal's reason when it aborts during the wait.
   */
  async run<T>(url: string, announce: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#pace.admit(url, signal);
    const { origin, host, protocol } = new URL(url);
    const key = origin === "null" ? `${protocol}//${host}` : origin;
    const lane = this.#lanes.get(key) ?? { underWay: 0, waiting: [] };
    this.#lanes.set(key, lane);
    if (lane.underWay >= ANNOUNCING.perTracker) await placeIn(lane, signal);
    lane.underWay++;
    try {
      if (lane.outage !== undefined && this.#now() < lane.outage.until) throw lane.outage.error;
      const result = await announce();
      delete lane.outage;
      return result;
    } catch (error) {
      if (error instanceof TrackerError && error.isOutage && error !== lane.outage?.error) {
        lane.outage = { error, until: this.#now() + ANNOUNCING.outageMs };
      }
      throw error;
    } finally {
      lane.underWay--;
      lane.waiting.shift()?.();
      if (lane.underWay === 0 && lane.outage === undefined) this.#lanes.delete(key);
    }
  }
}

/** Resolves when another announce leaves the lane. Rejects with the signal's reason when it aborts first. */
function placeIn(lane: Lane, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const enter = () => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    };
    const giveUp = () => {
      lane.waiting.splice(lane.waiting.indexOf(enter), 1);
      reject(signal.reason);
    };
    lane.waiting.push(enter);
    signal.addEventListener("abort", giveUp, { once: true });
  });
}
