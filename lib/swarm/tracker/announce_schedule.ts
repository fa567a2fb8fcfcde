/**
 * Which tracker hears of us next, when, and with which event: one torrent's announce list (BEP 3, 12).
 *
 * Every tier is announced to, side by side: on a LAN the tiers are machines that may each know other peers, and
 * a dead one must not delay the rest. Within a tier the trackers stand for one another, as BEP 12 has it: they
 * are shuffled once, one is used at a time, the next one when it fails, and the one that answers moves to the
 * front.
 *
 * A torrent is somebody else's work, and must not turn us against a third party: of one host only a few URLs are used,
 * and it is asked about once a second, in however many tiers it stands.
 *
 *   due(now) → announces to make; each ends in succeeded() or failed(), and its tier waits until then
 *   stop()   → the last announces, to whoever heard that we started
 */
import { announceHost } from "../../protocol/announce_address.ts";
import type { AnnounceEvent } from "../../protocol/tracker_messages.ts";
import { ANNOUNCING } from "../../settings.ts";
import { Allowance } from "../peers/allowance.ts";

/** An announce to make now. */
export interface DueAnnounce {
  readonly url: string;
  readonly event: AnnounceEvent | undefined;
  /** What this tracker asked us to say again. */
  readonly trackerId: Uint8Array | undefined;
}

/** What matters of a tracker's reply here. Intervals as they came: they are clamped. */
export interface AnnounceOutcome {
  readonly intervalSeconds: number;
  readonly minIntervalSeconds?: number;
  readonly trackerId?: Uint8Array;
}

interface Tracker {
  readonly url: string;
  readonly host: string;
  failures: number;
  /** Not asked before this time. */
  pausedUntil: number;
  /** Knows that we started, so it wants to know when we stop. */
  heardStarted: boolean;
  /** Still to be told that we completed. */
  owedCompleted: boolean;
  trackerId: Uint8Array | undefined;
}

interface Tier {
  readonly trackers: Tracker[];
  dueAt: number;
  underWay: DueAnnounce | undefined;
}

/** The announce schedule of one torrent. Pure: the caller brings clock and chance. Times in ms. */
export class AnnounceSchedule {
  #tiers: readonly Tier[] = [];
  /** How often each host may be asked. */
  readonly #allowances = new Map<string, Allowance>();
  readonly #random: () => number;

  /** `tiers` are announce URLs, of which one that stands twice counts once and too many do not count. `random` is at least 0, below 1. */
  constructor(tiers: readonly (readonly string[])[], random: () => number) {
    this.#random = random;
    this.#tiers = this.#tiersOf(tiers);
  }

  /**
   * Goes on with other announce URLs. Trackers that stay keep what they know of us; one that is no longer named hears
   * no goodbye, and how an announce that is under way in a tier with other trackers ends is ignored.
   */
  replace(tiers: readonly (readonly string[])[]): void {
    this.#tiers = this.#tiersOf(tiers);
  }

  /** Tiers of these URLs, with the trackers that are there already. */
  #tiersOf(tiers: readonly (readonly string[])[]): Tier[] {
    const nameOf = (urls: readonly string[]) => JSON.stringify([...urls].sort());
    const kept = new Map(this.#tiers.map((tier) => [nameOf(tier.trackers.map(({ url }) => url)), tier]));
    const known = new Map(this.#tiers.flatMap(({ trackers }) => trackers.map((each) => [each.url, each])));
    const seen = new Set<string>();
    const urlsOf = new Map<string, number>();
    const isUsed = (url: string) => {
      if (seen.has(url)) return false;
      seen.add(url);
      const host = announceHost(url);
      const count = (urlsOf.get(host) ?? 0) + 1;
      urlsOf.set(host, count);
      return count <= ANNOUNCING.maxUrlsPerHost;
    };
    return tiers.slice(0, ANNOUNCING.maxTiers).map((urls) => {
      const fresh = urls.slice(0, ANNOUNCING.maxTrackersPerTier).filter(isUsed);
      const trackers = fresh.map((url) => known.get(url) ?? newTracker(url));
      return kept.get(nameOf(fresh)) ??
        { trackers: shuffle(trackers, this.#random), dueAt: -Infinity, underWay: undefined };
    }).filter((tier) => tier.trackers.length > 0);
  }

  /** Announces to make now, one a tier at most. Each must end in `succeeded` or `failed`. */
  due(now: number): DueAnnounce[] {
    const due: DueAnnounce[] = [];
    for (const tier of this.#tiers) {
      if (tier.underWay !== undefined || tier.dueAt > now) continue;
      const tracker = tier.trackers.find((candidate) => candidate.pausedUntil <= now);
      if (tracker === undefined) {
        tier.dueAt = Math.min(...tier.trackers.map((candidate) => candidate.pausedUntil));
        continue;
      }
      if (!this.#allowanceOf(tracker).take(now)) continue;
      tier.underWay = { url: tracker.url, event: nextEvent(tracker), trackerId: tracker.trackerId };
      due.push(tier.underWay);
    }
    return due;
  }

  #allowanceOf({ host }: Tracker): Allowance {
    const known = this.#allowances.get(host);
    if (known !== undefined) return known;
    const allowance = new Allowance(ANNOUNCING.perHost);
    this.#allowances.set(host, allowance);
    return allowance;
  }

  /** The tracker took an announce that `due` gave. */
  succeeded(announce: DueAnnounce, outcome: AnnounceOutcome, now: number): void {
    const found = this.#finish(announce);
    if (found === undefined) return;
    const { tier, tracker } = found;
    tier.trackers.splice(tier.trackers.indexOf(tracker), 1);
    tier.trackers.unshift(tracker);
    tracker.failures = 0;
    tracker.trackerId = outcome.trackerId ?? tracker.trackerId;
    if (announce.event === "started") tracker.heardStarted = true;
    if (announce.event === "completed") tracker.owedCompleted = false;
    const seconds = Math.max(outcome.intervalSeconds, outcome.minIntervalSeconds ?? 0);
    const { minIntervalMs, maxIntervalMs } = ANNOUNCING;
    const intervalMs = Math.min(Math.max(seconds * 1000, minIntervalMs), maxIntervalMs);
    tier.dueAt = nextEvent(tracker) === undefined ? now + intervalMs : now;
  }

  /**
   * The tracker did not take an announce that `due` gave; the tier goes on with its next one at once.
   *
   * `retryInMs` is what the tracker asked for (BEP 31); with `Infinity` it is not asked again. Returns when it is asked
   * again, in ms.
   */
  failed(announce: DueAnnounce, now: number, retryInMs = 0): number {
    const found = this.#finish(announce);
    if (found === undefined) return Infinity;
    const { tier, tracker } = found;
    const { retryMs, retryMaxMs } = ANNOUNCING;
    const backOffMs = Math.min(retryMs * 2 ** tracker.failures++, retryMaxMs) * (1 + this.#random() / 4);
    tracker.pausedUntil = now + Math.max(backOffMs, retryInMs);
    tier.dueAt = now;
    // The next "started" will say that nothing is left, so there is nothing to add to it.
    if (announce.event === "started") tracker.owedCompleted = false;
    return tracker.pausedUntil;
  }

  /** The download was finished in this run. Trackers that know us as a leech hear of it at once, the others never. */
  completed(now: number): void {
    for (const tier of this.#tiers) {
      for (const tracker of tier.trackers) {
        tracker.owedCompleted = tracker.heardStarted || tier.underWay?.url === tracker.url;
        if (tracker.owedCompleted) tier.dueAt = now;
      }
    }
  }

  /**
   * Ends the schedule and returns its last announces: to every tracker that knows, or may know, that we started.
   * Announces still under way may be aborted; how they end is ignored.
   */
  stop(): DueAnnounce[] {
    const last: DueAnnounce[] = [];
    for (const { trackers, underWay } of this.#tiers) {
      for (const { url, heardStarted, trackerId } of trackers) {
        if (heardStarted || underWay?.url === url) last.push({ url, event: "stopped", trackerId });
      }
    }
    this.#tiers = [];
    return last;
  }

  /** Takes an announce off its tier; undefined when the schedule has ended. */
  #finish(announce: DueAnnounce): { tier: Tier; tracker: Tracker } | undefined {
    const tier = this.#tiers.find(({ underWay }) => underWay === announce);
    const tracker = tier?.trackers.find(({ url }) => url === announce.url);
    if (tier === undefined || tracker === undefined) return undefined;
    tier.underWay = undefined;
    return { tier, tracker };
  }
}

function newTracker(url: string): Tracker {
  return {
    url,
    host: announceHost(url),
    failures: 0,
    pausedUntil: -Infinity,
    heardStarted: false,
    owedCompleted: false,
    trackerId: undefined,
  };
}

/** What a tracker has to be told; undefined: only that we are still here. */
function nextEvent(tracker: Tracker): AnnounceEvent | undefined {
  if (!tracker.heardStarted) return "started";
  return tracker.owedCompleted ? "completed" : undefined;
}

/** Puts items into a random order, in place. */
function shuffle<Item>(items: Item[], random: () => number): Item[] {
  for (let end = items.length - 1; end > 0; end--) {
    const other = Math.floor(random() * (end + 1));
    [items[end], items[other]] = [items[other], items[end]];
  }
  return items;
}
