/**
 * Which sources are worth their places, and who is tried in the place of one.
 *
 * Nobody can tell how fast a remote peer is but by asking it. So everybody who would answer gets a short trial, in the
 * place of the source that brings least; those tried least come first, and nobody is tried again soon. A trial costs
 * what the place would have brought meanwhile. All of them together may cost a part of what comes in: where sources
 * bring next to nothing, all others are tried within seconds, and where all places are good, hardly anybody is.
 */
import { TRIALS } from "../../settings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** What is known of one remote peer as a source. Times in ms, worth in bytes per second. */
interface Standing {
  /** How often it was tried before. */
  trials: number;
  /** From when on it may be tried again. */
  dueAt: number;
  /** When it got its place, and what it had sent until then. */
  since: number;
  totalBefore: number;
  /** Bytes that its trial was thought to cost. */
  cost: number;
  /** What it was worth when it lost its place. */
  worth: number;
  /** Until when it may unchoke us, as we would like to try it, and how often it did not. */
  invitedUntil: number;
  refusals: number;
}

/** The trials of one torrent. Times in ms. */
export class Trials {
  readonly #standings = new WeakMap<RemotePeer, Standing>();
  /** Bytes that may be lost by trials. */
  #credit: number = TRIALS.firstCredit;

  /** Payload came in: some more may be lost. */
  received(bytes: number): void {
    this.#credit += bytes * TRIALS.costShare;
  }

  /** The peer has a place from now on. */
  begin(peer: RemotePeer, now: number): void {
    const standing = this.#of(peer);
    standing.since = now;
    standing.totalBefore = peer.download.total;
    standing.invitedUntil = 0;
  }

  /** The peer has its place no more. */
  end(peer: RemotePeer, now: number): void {
    const standing = this.#of(peer);
    this.#settle(peer, standing);
    standing.worth = this.worth(peer, now);
    standing.trials++;
    standing.dueAt = now + TRIALS.pauseMs * TRIALS.pauseGrowth ** (standing.trials - 1);
  }

  /** Bytes per second that a source brings: since it has its place, or lately. */
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
   * Whether a peer without a place is to be tried in one that would bring so much (bytes per second): who was tried before
   * only where next to nothing comes.
   */
  isDue(peer: RemotePeer, placeWorth: number, now: number): boolean {
    const { trials, dueAt } = this.#of(peer);
    return dueAt <= now && (trials === 0 || placeWorth <= TRIALS.poorWorth);
  }

  /** What a peer without a place was worth when it had one. */
  knownWorth(peer: RemotePeer): number {
    return this.#of(peer).worth;
  }

  /** Peers in the order in which they are to be tried: those tried least, then those of addresses tried least. */
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

  /** Pays for a trial in a place that would bring so much (bytes per second); false when that is too dear. */
  pay(peer: RemotePeer, placeWorth: number): boolean {
    const cost = placeWorth * TRIALS.firstMs / 1_000;
    if (cost > this.#credit) return false;
    this.#credit -= cost;
    this.#of(peer).cost = cost;
    return true;
  }

  /** We would like to try the peer: for a while it may unchoke us although there is no place yet. */
  invite(peer: RemotePeer, now: number): void {
    this.#of(peer).invitedUntil = now + TRIALS.invitationMs;
  }

  isInvited(peer: RemotePeer, now: number): boolean {
    return this.#of(peer).invitedUntil > now;
  }

  /** An invitation has passed in vain: others come first for a while. */
  expire(peer: RemotePeer, now: number): void {
    const standing = this.#of(peer);
    if (standing.invitedUntil === 0 || standing.invitedUntil > now) return;
    standing.invitedUntil = 0;
    standing.dueAt = now + TRIALS.pauseMs * TRIALS.pauseGrowth ** standing.refusals++;
  }

  /** What a trial brought was not lost. */
  #settle(peer: RemotePeer, standing: Standing): void {
    this.#credit += Math.min(standing.cost, peer.download.total - standing.totalBefore);
    standing.cost = 0;
  }

  #of(peer: RemotePeer): Standing {
    let standing = this.#standings.get(peer);
    if (standing === undefined) {
      const [asTried, asInvited] = [{ trials: 0, dueAt: 0, worth: 0 }, { invitedUntil: 0, refusals: 0 }];
      standing = { ...asTried, ...asInvited, since: 0, totalBefore: 0, cost: 0 };
      this.#standings.set(peer, standing);
    }
    return standing;
  }
}
