/**
 * The announce list of one torrent (BEP 3, 12): decides which tracker hears of us next, when, and with which event.
 *
 * All tiers are announced to at the same time: on a LAN the tiers are machines that may each know other peers, and a
 * dead one must not delay the rest. Within a tier the trackers stand for one another, as BEP 12 has it: they are
 * shuffled once, and one is used at a time. When it fails, the next one is used; one that answers moves to the front.
 *
 * A stranger may have made the torrent, and it must not make us attack a third host: only a few URLs of one host are
 * used, and the host is asked about once a second, in however many tiers it occurs.
 *
 *   due(now) → announces to make; each ends in succeeded() or failed(), and its tier waits until then
 *   stop()   → the last announces, to all trackers that heard that we started
 */
import { announceHost, announcePort } from "../../protocol/announce_address.ts";
import { canonicalAddress, type Endpoint, scopeOf } from "../../protocol/endpoint.ts";
import type { AnnounceEvent } from "../../protocol/tracker_messages.ts";
import { ANNOUNCING, HOSTS } from "../../settings.ts";
import { Allowances } from "../peers/allowance.ts";

/** An announce to make now. */
export interface DueAnnounce {
  readonly url: string;
  readonly event: AnnounceEvent | undefined;
  /** The id that this tracker gave us to repeat (BEP 3). */
  readonly trackerId: Uint8Array | undefined;
}

/** The part of a tracker's reply that matters to the schedule. It may hold any interval: the schedule limits them. */
interface AnnounceOutcome {
  readonly intervalSeconds: number;
  readonly minIntervalSeconds?: number | undefined;
  /** The interval that holds instead where the tracker wants reports of our machine. */
  readonly reportIntervalSeconds?: number | undefined;
  readonly trackerId?: Uint8Array;
}

interface Tracker {
  readonly url: string;
  readonly host: string;
  failures: number;
  /** The tracker is not asked before this time. */
  pausedUntil: number;
  /** The tracker does not want to be asked before this time, not even by order of the user. */
  allowedAt: number;
  /** Whether the tracker knows that we started, so that it must hear when we stop. */
  heardStarted: boolean;
  /** Whether the tracker has asked for reports of our machine. */
  wantsReports: boolean;
  /** Whether the tracker must still hear that we completed. */
  owedCompleted: boolean;
  trackerId: Uint8Array | undefined;
}

interface Tier {
  readonly trackers: Tracker[];
  dueAt: number;
  underWay: DueAnnounce | undefined;
}

/** The announce schedule of one torrent. It is pure: the caller provides time and random numbers. Times in ms. */
export class AnnounceSchedule {
  #tiers: readonly Tier[] = [];
  #hosts: readonly string[] = [];
  /** How often each host may be asked. */
  readonly #allowances = new Allowances(
    ANNOUNCING.perHost,
    ANNOUNCING.maxTiers * ANNOUNCING.maxTrackersPerTier,
  );
  readonly #random: () => number;

  /**
   * `tiers` are announce URLs. A URL that occurs twice is used once, and URLs above the limits are left out. `random`
   * gives numbers in [0, 1).
   */
  constructor(tiers: readonly (readonly string[])[], random: () => number) {
    this.#random = random;
    this.replace(tiers);
  }

  /**
   * Goes on with other announce URLs. Trackers that are still named keep their state; the others hear no goodbye. When
   * the trackers of a tier change, the result of an announce that is under way in it is ignored.
   */
  replace(tiers: readonly (readonly string[])[]): void {
    this.#tiers = this.#tiersOf(tiers);
    this.#hosts = [...new Set(this.#tiers.flatMap(({ trackers }) => trackers.map(({ host }) => host)))];
  }

  /** Makes tiers of these URLs, from the tiers and trackers that are there already where possible. */
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

  /**
   * What the schedule plans for a tracker; undefined for one that it does not hold. `nextAt`: when it is asked next, in
   * ms; undefined while an announce to it is under way, while others of its tier stand in front, and when it is not asked
   * again.
   */
  planOf(url: string): { readonly isUnderWay: boolean; readonly nextAt: number | undefined } | undefined {
    for (const { trackers, dueAt, underWay } of this.#tiers) {
      const position = trackers.findIndex((tracker) => tracker.url === url);
      if (position < 0) continue;
      const isUnderWay = underWay?.url === url;
      const { pausedUntil } = trackers[position];
      const isNext = trackers.findIndex((tracker) => tracker.pausedUntil <= dueAt) === position;
      const at = isNext ? dueAt : pausedUntil;
      return { isUnderWay, nextAt: isUnderWay || !Number.isFinite(at) ? undefined : at };
    }
  }

  /** The hosts of all trackers, each in one spelling. */
  get hosts(): readonly string[] {
    return this.#hosts;
  }

  /** Whether one of the trackers listens at this endpoint. */
  isAt({ address, port }: Endpoint): boolean {
    return this.#tiers.some(({ trackers }) =>
      trackers.some(({ host, url }) => host === address && announcePort(new URL(url)) === port)
    );
  }

  /**
   * Whether there are trackers and none is to be relied on: each has failed twice, or once while nothing else of its host
   * is connected either.
   */
  isOutOfReach(isConnected: (host: string) => boolean): boolean {
    const trackers = this.#tiers.flatMap(({ trackers }) => trackers);
    return trackers.length > 0 &&
      trackers.every(({ failures, host }) => failures > 1 || (failures === 1 && !isConnected(host)));
  }

  /** The announces to make now, one for each tier at most. Each must end in `succeeded` or `failed`. */
  due(now: number): DueAnnounce[] {
    const due: DueAnnounce[] = [];
    for (const tier of this.#tiers) {
      if (tier.underWay !== undefined || tier.dueAt > now) continue;
      const tracker = tier.trackers.find((candidate) => candidate.pausedUntil <= now);
      if (tracker === undefined) {
        tier.dueAt = Math.min(...tier.trackers.map((candidate) => candidate.pausedUntil));
        continue;
      }
      if (!this.#allowances.take(tracker.host, now)) continue;
      tier.underWay = { url: tracker.url, event: nextEvent(tracker), trackerId: tracker.trackerId };
      due.push(tier.underWay);
    }
    return due;
  }

  /** The tracker accepted an announce that `due` returned. */
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
    const { minIntervalSeconds = 0, reportIntervalSeconds } = outcome;
    const leastMs = reportIntervalSeconds === undefined ? minIntervalSeconds * 1_000 : 0;
    tracker.allowedAt = now + Math.max(leastMs, ANNOUNCING.againMs);
    // A tracker that wants reports gets the first one soon, so that people soon see its name.
    const isFirstReport = reportIntervalSeconds !== undefined && !tracker.wantsReports;
    tracker.wantsReports = reportIntervalSeconds !== undefined;
    const intervalMs = isFirstReport ? HOSTS.firstReportMs : intervalMsOf(outcome);
    tier.dueAt = nextEvent(tracker) === undefined ? now + intervalMs : now;
  }

  /**
   * An announce that `due` returned failed; the tier goes on with its next tracker at once.
   *
   * `retryInMs` is the pause that the tracker asked for (BEP 31); with `Infinity` it is not asked again. Returns when
   * the tracker is asked again, in ms.
   */
  failed(announce: DueAnnounce, now: number, retryInMs = 0): number {
    const found = this.#finish(announce);
    if (found === undefined) return Infinity;
    const { tier, tracker } = found;
    const { retryMs, retryMaxMs, retryNearMaxMs } = ANNOUNCING;
    const mostMs = isNearBy(tracker.host) ? retryNearMaxMs : retryMaxMs;
    const backOffMs = Math.min(retryMs * 2 ** tracker.failures++, mostMs) * (1 + this.#random() / 4);
    tracker.pausedUntil = now + Math.max(backOffMs, retryInMs);
    tracker.allowedAt = now + Math.max(retryInMs, ANNOUNCING.againMs);
    tier.dueAt = now;
    // The next "started" will say that nothing is left, so no "completed" need follow it.
    if (announce.event === "started") tracker.owedCompleted = false;
    return tracker.pausedUntil;
  }

  /** The download was finished in this run. Trackers that know us as a leech hear of it at once, and no others do. */
  completed(now: number): void {
    for (const tier of this.#tiers) {
      for (const tracker of tier.trackers) {
        tracker.owedCompleted = tracker.heardStarted || tier.underWay?.url === tracker.url;
        if (tracker.owedCompleted) tier.dueAt = now;
      }
    }
  }

  /**
   * The user wants all trackers to be asked again, also those that have failed; each is asked as soon as it allows it.
   */
  again(now: number): void {
    for (const tier of this.#tiers) {
      for (const tracker of tier.trackers) {
        if (tracker.pausedUntil > now) tracker.pausedUntil = Math.min(tracker.pausedUntil, tracker.allowedAt);
      }
      const next = tier.trackers.find(({ pausedUntil }) => pausedUntil <= now);
      tier.dueAt = Math.min(tier.dueAt, Math.max(now, next?.allowedAt ?? now));
    }
  }

  /**
   * Ends the schedule and returns its last announces, for every tracker that knows, or may know, that we started. The
   * caller may abort announces that are still under way; their results are ignored.
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

  /** Ends an announce and returns its tier and tracker; undefined when the schedule no longer holds them. */
  #finish(announce: DueAnnounce): { tier: Tier; tracker: Tracker } | undefined {
    const tier = this.#tiers.find(({ underWay }) => underWay === announce);
    const tracker = tier?.trackers.find(({ url }) => url === announce.url);
    if (tier === undefined || tracker === undefined) return undefined;
    tier.underWay = undefined;
    return { tier, tracker };
  }
}

/** How long a tracker's answer holds; intervals out of all proportion are not believed. */
function intervalMsOf(outcome: AnnounceOutcome): number {
  const { intervalSeconds, minIntervalSeconds = 0, reportIntervalSeconds } = outcome;
  if (reportIntervalSeconds !== undefined) {
    return 1_000 * Math.min(Math.max(reportIntervalSeconds, HOSTS.minReportSeconds), HOSTS.maxReportSeconds);
  }
  const { minIntervalMs, maxIntervalMs } = ANNOUNCING;
  return Math.min(
    Math.max(Math.max(intervalSeconds, minIntervalSeconds) * 1_000, minIntervalMs),
    maxIntervalMs,
  );
}

/** Whether a host is named by an address of a local network. */
function isNearBy(host: string): boolean {
  const address = canonicalAddress(host);
  return address !== undefined && scopeOf(address) !== "global";
}

function newTracker(url: string): Tracker {
  return {
    url,
    host: announceHost(url),
    failures: 0,
    pausedUntil: -Infinity,
    allowedAt: -Infinity,
    heardStarted: false,
    wantsReports: false,
    owedCompleted: false,
    trackerId: undefined,
  };
}

/** The event that a tracker has to hear; undefined when it only has to hear that we are still here. */
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
