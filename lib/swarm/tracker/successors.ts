/**
 * The trackers that stand in for those of a torrent when none of these answers any more.
 *
 * There is no election: what a tracker knows fills within one interval, and two trackers do no harm. Each peer ranks the
 * trackers of our kind that it knows by one hash of torrent and endpoint (rendezvous hashing), so those who know the
 * same trackers choose the same three, and one that comes or goes changes nothing for the others.
 *
 * A tracker is known at first hand when it belongs to a connected peer or to us, or when it has answered us. What others
 * say may be false. So it is never told on, and gets one of the three places only, unless there is nothing better: a
 * peer that lies cannot take honest trackers away from anybody.
 */
import { type Endpoint, formatEndpoint } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { SUCCESSION, TRACKER } from "../../settings.ts";
import { RecentMap } from "../recent_map.ts";
import { Rendezvous } from "../rendezvous.ts";

/** A tracker of our kind. */
export interface Successor {
  readonly endpoint: Endpoint;
  /** Whether it is the tracker of this process. */
  readonly isOwn: boolean;
}

/** What is known at first hand at one moment. */
export interface FirstHand {
  /** Trackers of connected peers. */
  readonly connected: readonly Endpoint[];
  /** Our own tracker, at each address by which others know us; the list is empty when we have none. */
  readonly own: readonly Endpoint[];
}

interface Candidate extends Successor {
  readonly rank: string;
  readonly isHearsay: boolean;
}

/** The successors of one torrent's trackers. Times in ms. */
export class Successors {
  readonly #rendezvous: Rendezvous;
  /** What each peer has told last. */
  readonly #told = new Map<object, readonly Endpoint[]>();
  /** Trackers that have answered us, and until when that counts. */
  readonly #answered = new RecentMap<string, { readonly endpoint: Endpoint; readonly until: number }>(
    SUCCESSION.maxRemembered,
  );
  /** Trackers that did not answer, and until when they are passed over. */
  readonly #failed = new RecentMap<string, { readonly count: number; readonly until: number }>(
    SUCCESSION.maxRemembered,
  );

  constructor(infoHash: InfoHash) {
    this.#rendezvous = new Rendezvous(infoHash);
  }

  /** A peer tells trackers; its last word replaces those before. */
  told(teller: object, trackers: readonly Endpoint[]): void {
    this.#told.set(teller, trackers.filter(({ port }) => port >= TRACKER.minClaimedPort));
  }

  /** A peer is gone, and with it what it told. */
  forget(teller: object): void {
    this.#told.delete(teller);
  }

  /** A tracker has taken our announce. */
  answered(endpoint: Endpoint, now: number): void {
    const name = formatEndpoint(endpoint);
    this.#failed.delete(name);
    this.#answered.set(name, { endpoint, until: now + SUCCESSION.answerHoldsMs });
  }

  /** A tracker has not taken our announce: it is passed over for a while, each time for longer. */
  failed(endpoint: Endpoint, now: number): void {
    const name = formatEndpoint(endpoint);
    const count = this.#failed.get(name)?.count ?? 0;
    const { outMs, outMaxMs } = SUCCESSION;
    this.#answered.delete(name);
    this.#failed.set(name, { count: count + 1, until: now + Math.min(outMs * 2 ** count, outMaxMs) });
  }

  /**
   * The successors, at most `SUCCESSION.count`, the first one first: each at another address, and none of those that
   * `isLeftOut`, as the torrent's own trackers are.
   */
  at(now: number, firstHand: FirstHand, isLeftOut: (endpoint: Endpoint) => boolean): Successor[] {
    const hearsay = [...this.#told.values()].flat().map((endpoint) => ({ endpoint, isHearsay: true }));
    const known = [...this.#known(now, firstHand), ...hearsay];
    return this.#choose(now, known.filter(({ endpoint }) => !isLeftOut(endpoint)));
  }

  /** The same among the trackers that we know at first hand: what we tell others. */
  tellable(now: number, firstHand: FirstHand): Endpoint[] {
    return this.#choose(now, this.#known(now, firstHand)).map(({ endpoint }) => endpoint);
  }

  #known(now: number, { connected, own }: FirstHand) {
    const answered = [...this.#answered.values()].filter(({ until }) => until > now);
    return [
      ...own.map((endpoint) => ({ endpoint, isHearsay: false, isOwn: true })),
      ...connected.map((endpoint) => ({ endpoint, isHearsay: false })),
      ...answered.map(({ endpoint }) => ({ endpoint, isHearsay: false })),
    ];
  }

  /** Chooses by rank. Of those with one name the first counts, so what is known at first hand comes first. */
  #choose(
    now: number,
    known: readonly { readonly endpoint: Endpoint; readonly isHearsay: boolean; readonly isOwn?: true }[],
  ): Successor[] {
    const candidates = new Map<string, Candidate>();
    for (const { endpoint, isHearsay, isOwn = false } of known) {
      const name = formatEndpoint(endpoint);
      if (candidates.has(name) || (this.#failed.get(name)?.until ?? 0) > now) continue;
      candidates.set(name, { endpoint, rank: this.#rendezvous.rankOf(endpoint), isHearsay, isOwn });
    }
    const ranked = [...candidates.values()].sort(byRank);
    const chosen: Candidate[] = [];
    // In the second round, hearsay fills the places that are left.
    for (const maxHearsay of [1, SUCCESSION.count]) {
      for (const candidate of ranked) {
        if (chosen.length >= SUCCESSION.count) break;
        const isTaken = ({ endpoint: { address }, isOwn }: Candidate) =>
          address === candidate.endpoint.address || (isOwn && candidate.isOwn);
        const hearsay = chosen.filter(({ isHearsay }) => isHearsay).length;
        if (chosen.some(isTaken) || (candidate.isHearsay && hearsay >= maxHearsay)) continue;
        chosen.push(candidate);
      }
    }
    return chosen.sort(byRank).map(({ endpoint, isOwn }) => ({ endpoint, isOwn }));
  }
}

/** The highest rank first. */
function byRank(a: Candidate, b: Candidate): number {
  return a.rank < b.rank ? 1 : -1;
}
