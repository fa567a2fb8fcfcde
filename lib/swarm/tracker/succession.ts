/**
 * Who hears of us: the trackers of a torrent, and while none of them answers, machines of our kind that stand in.
 *
 *   a tracker answers     → announce there; tell the first successor, so that a copy of the list is kept warm
 *   none answers any more → announce to all three successors at once; go on trying the trackers
 *   one is back           → announce there at once; the successors forget us by themselves
 *
 * Private torrents have no successors (BEP 27), nor have torrents that name no tracker.
 */
import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import { AnnounceSchedule, type DueAnnounce } from "./announce_schedule.ts";
import type { Successor } from "./successors.ts";

/** The successors, as the announces of a torrent see them. Times in ms. */
export interface StandIns {
  /** The successors, the first one first, ourselves among them; none of those that `isLeftOut`. */
  at(now: number, isLeftOut: (endpoint: Endpoint) => boolean): readonly Successor[];
  /** One of them has taken our announce, or has not. */
  answered(endpoint: Endpoint, now: number): void;
  failed(endpoint: Endpoint, now: number): void;
  /** Whether a peer at this address is connected. */
  isConnected(address: string): boolean;
}

type Tiers = readonly (readonly string[])[];
type Outcome = Parameters<AnnounceSchedule["succeeded"]>[1];

/** The announces of one torrent. It is pure, and used as `AnnounceSchedule` is. Times in ms. */
export class Succession {
  /** The torrent's own trackers. */
  readonly #trackers: AnnounceSchedule;
  /** Successors that hear of us, each in a tier of its own. */
  readonly #successors: AnnounceSchedule;
  readonly #standIns: StandIns | undefined;
  /** Where the successors that hear of us listen, by their announce URL. */
  #endpoints: ReadonlyMap<string, Endpoint> = new Map();
  #isHandedOver = false;
  /** Whether a tracker's machine was connected at the last look. */
  #wasConnected = false;

  /** `tiers`, `random` as of `AnnounceSchedule`. */
  constructor(tiers: Tiers, standIns: StandIns | undefined, random: () => number) {
    this.#trackers = new AnnounceSchedule(tiers, random);
    this.#successors = new AnnounceSchedule([], random);
    this.#standIns = standIns;
  }

  /** Whether the successors stand in for the torrent's trackers. */
  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /** The announce URLs of the successors that hear of us. */
  get successorUrls(): string[] {
    return [...this.#endpoints.keys()];
  }

  /** Whether an announce goes to a successor. */
  isToSuccessor({ url }: Pick<DueAnnounce, "url">): boolean {
    return this.#endpoints.has(url);
  }

  /** Whether an announce asks for peers; one that only keeps a successor's copy warm asks for none. */
  wantsPeers(announce: Pick<DueAnnounce, "url" | "event">): boolean {
    return announce.event !== "stopped" && (this.#isHandedOver || !this.isToSuccessor(announce));
  }

  /** As of `AnnounceSchedule`. */
  due(now: number): DueAnnounce[] {
    this.#look(now);
    return [...this.#trackers.due(now), ...this.#successors.due(now)];
  }

  /** As of `AnnounceSchedule`. */
  succeeded(announce: DueAnnounce, outcome: Outcome, now: number): void {
    this.#trackers.succeeded(announce, outcome, now);
    this.#successors.succeeded(announce, outcome, now);
    const endpoint = this.#endpoints.get(announce.url);
    if (endpoint !== undefined) this.#standIns?.answered(endpoint, now);
  }

  /** As of `AnnounceSchedule`. */
  failed(announce: DueAnnounce, now: number, retryInMs?: number): number {
    const endpoint = this.#endpoints.get(announce.url);
    if (endpoint !== undefined) this.#standIns?.failed(endpoint, now);
    const times = [this.#trackers, this.#successors].map((each) => each.failed(announce, now, retryInMs));
    return Math.min(...times);
  }

  /** As of `AnnounceSchedule`. */
  planOf(url: string): ReturnType<AnnounceSchedule["planOf"]> {
    return this.#trackers.planOf(url) ?? this.#successors.planOf(url);
  }

  /** As of `AnnounceSchedule`. */
  completed(now: number): void {
    this.#trackers.completed(now);
    this.#successors.completed(now);
  }

  /** As of `AnnounceSchedule`. */
  again(now: number): void {
    this.#trackers.again(now);
    this.#successors.again(now);
  }

  /** As of `AnnounceSchedule`, for the torrent's own trackers. */
  replace(tiers: Tiers): void {
    this.#trackers.replace(tiers);
  }

  /** As of `AnnounceSchedule`. */
  stop(): DueAnnounce[] {
    return [...this.#trackers.stop(), ...this.#successors.stop()];
  }

  /** Finds out which machines are to hear of us now. */
  #look(now: number): void {
    const standIns = this.#standIns;
    if (standIns === undefined) return;
    const hosts = this.#trackers.hosts;
    const isConnected = hosts.some((host) => standIns.isConnected(host));
    const wasHandedOver = this.#isHandedOver;
    this.#isHandedOver = this.#trackers.isOutOfReach((host) => standIns.isConnected(host));
    const before = this.successorUrls.join();
    const isTracker = (endpoint: Endpoint) => this.#trackers.isAt(endpoint);
    this.#endpoints = this.#chosen(hosts.length === 0 ? [] : standIns.at(now, isTracker));
    const urls = this.successorUrls;
    if (urls.join() !== before) this.#successors.replace(urls.map((url) => [url]));
    if (this.#isHandedOver && !wasHandedOver) this.#successors.again(now);
    // The machine of a tracker is back, and so may be its tracker.
    if (this.#isHandedOver && isConnected && !this.#wasConnected) this.#trackers.again(now);
    this.#wasConnected = isConnected;
  }

  /** The successors that are to hear of us, by their announce URLs. */
  #chosen(successors: readonly Successor[]): Map<string, Endpoint> {
    const chosen = this.#isHandedOver ? successors : successors.slice(0, 1);
    return new Map(
      chosen.filter(({ isOwn }) => !isOwn)
        .map(({ endpoint }) => [announceUrlOf(endpoint), endpoint]),
    );
  }
}

/** The announce URL of a tracker of our kind. */
export function announceUrlOf(tracker: Endpoint): string {
  return `http://${formatEndpoint(tracker)}/announce`;
}
