/**
 * Measures how much each source is worth, and decides which other peers are tried in its place.
 *
 * Only requests show how fast a remote peer is. So each peer that would answer gets a short trial, in the place of the
 * source that brings least. Peers that were tried least come first, and no peer is tried again soon. A trial costs the
 * bytes that the source would have brought meanwhile, and all trials together may cost a small part of what comes in.
 * So when the sources bring next to nothing, all other peers are tried within seconds; when they are good, hardly any
 * is.
 */
import { TRIALS } from "../../settings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** The record of one remote peer as a source. Times in ms, worth in bytes per second. */
interface Standing {
  /** How often the peer was tried before. */
  trials: number;
  /** When it may be tried again. */
  dueAt: number;
  /** When it became a source, and how many bytes it had sent until then. */
  since: number;
  totalBefore: number;
  /** Bytes that its present trial is expected to cost. */
  cost: number;
  /** Its worth when it was last replaced. */
  worth: number;
  /** Until when its invitation holds: 0 without one. */
  invitedUntil: number;
  /** How often it did not unchoke us when it was invited. */
  refusals: number;
}

/** The record of a peer that was never a source. */
const UNTRIED: Standing = {
  trials: 0,
  dueAt: 0,
  since: 0,
  totalBefore: 0,
  cost: 0,
  worth: 0,
  invitedUntil: 0,
  refusals: 0,
};

/** The trials of one torrent. Times in ms. */
export class Trials {
  readonly #standings = new WeakMap<RemotePeer, Standing>();
  /** Bytes that trials may still cost. */
  #credit: number = TRIALS.firstCredit;

  /** Payload came in: trials may cost a share of it. */
  received(bytes: number): void {
    this.#credit += bytes * TRIALS.costShare;
  }

  /** The peer is a source from now on. */
  begin(peer: RemotePeer, now: number): void {
    const standing = this.#of(peer);
    standing.since = now;
    standing.totalBefore = peer.download.total;
    standing.invitedUntil = 0;
  }

  /** The peer is replaced as a source: notes its worth, and when it may be tried again. */
  end(peer: RemotePeer, now: number): void {
    const standing = this.#of(peer);
    this.#settle(peer, standing);
    standing.worth = this.worth(peer, now);
    standing.trials++;
    standing.dueAt = now + TRIALS.pauseMs * TRIALS.pauseGrowth ** (standing.trials - 1);
  }

  /** Bytes per second that a source brings: lately, or since it became a source if that is not long ago. */
  worth(peer: RemotePeer, now: number): number {
    const { since, totalBefore } = this.#of(peer);
    const age = now - since;
    if (age >= TRIALS.lateMs) return peer.download.bytesLately(now);
    return (peer.download.total - totalBefore) * 1_000 / Math.max(age, 1);
  }

  /** Whether a source has had time to show what it is worth. */
  isOver(peer: RemotePeer, now: number): boolean {
    const standing = this.#of(peer);
    const isOver = now - standing.since >= TRIALS.firstMs * 2 ** Math.min(standing.trials, TRIALS.doublings);
    if (isOver) this.#settle(peer, standing);
    return isOver;
  }

  /**
   * Whether to try a peer in a place that is worth `placeWorth` (bytes per second). A peer that was tried before is
   * tried again only where next to nothing comes.
   */
  isDue(peer: RemotePeer, placeWorth: number, now: number): boolean {
    const { trials, dueAt } = this.#of(peer);
    return dueAt <= now && (trials === 0 || placeWorth <= TRIALS.poorWorth);
  }

  /** The worth of a peer when it was last replaced as a source; 0 if it never was. */
  knownWorth(peer: RemotePeer): number {
    return this.#of(peer).worth;
  }

  /** Sorts peers in the order of trials: peers tried least come first; among equals, those of addresses tried least. */
  inOrder(peers: readonly RemotePeer[], connected: Iterable<RemotePeer>, random: () => number): RemotePeer[] {
    const byAddress = new Map<string, number>();
    for (const peer of connected) {
      const { address } = peer.facts.endpoint;
      byAddress.set(address, (byAddress.get(address) ?? 0) + this.#of(peer).trials);
    }
    return peers
      .map((peer) => ({
        peer,
        trials: this.#of(peer).trials,
        ofAddress: byAddress.get(peer.facts.endpoint.address) ?? 0,
        lot: random(),
      }))
      .sort((a, b) => a.trials - b.trials || a.ofAddress - b.ofAddress || a.lot - b.lot)
      .map(({ peer }) => peer);
  }

  /** Pays for a trial in a place that is worth `placeWorth` (bytes per second); false when that costs too much now. */
  pay(peer: RemotePeer, placeWorth: number): boolean {
    const cost = placeWorth * TRIALS.firstMs / 1_000;
    if (cost > this.#credit) return false;
    this.#credit -= cost;
    this.#of(peer).cost = cost;
    return true;
  }

  /** Invites a declined peer: for a while it may unchoke us, so that we can try it. */
  invite(peer: RemotePeer, now: number): void {
    this.#of(peer).invitedUntil = now + TRIALS.invitationMs;
  }

  /** Whether the peer has an invitation that still holds. */
  isInvited(peer: RemotePeer, now: number): boolean {
    return this.#of(peer).invitedUntil > now;
  }

  /** Ends an invitation that the peer did not follow in time: other peers come first for a while. */
  expire(peer: RemotePeer, now: number): void {
    const standing = this.#of(peer);
    if (standing.invitedUntil === 0 || standing.invitedUntil > now) return;
    standing.invitedUntil = 0;
    standing.dueAt = now + TRIALS.pauseMs * TRIALS.pauseGrowth ** standing.refusals++;
  }

  /** Gives back the part of a trial's cost that the trial brought in. */
  #settle(peer: RemotePeer, standing: Standing): void {
    this.#credit += Math.min(standing.cost, peer.download.total - standing.totalBefore);
    standing.cost = 0;
  }

  #of(peer: RemotePeer): Standing {
    let standing = this.#standings.get(peer);
    if (standing === undefined) this.#standings.set(peer, standing = { ...UNTRIED });
    return standing;
  }
}
