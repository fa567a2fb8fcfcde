/**
 * How many upload slots a crowd may hold: the connections from one address, and all greedy peers together.
 *
 * As long as somebody else waits, one address has no more than half of the slots. A class room behind one address still
 * has all slots to itself when nobody else is there, and slots that nobody else wants. Greedy peers have no more than a
 * quarter of the slots, be others empty, as long as anybody else wants our data.
 */
import type { RemotePeer } from "../peers/remote_peer.ts";

/** The slots at one moment. */
export class SlotShares {
  readonly #holders: readonly RemotePeer[];
  readonly #isGreedy: (peer: RemotePeer) => boolean;
  /** Slots of one address, at most, and of all greedy peers. */
  readonly #half: number;
  readonly #quarter: number;
  /** Whether somebody wants our data who is not greedy. */
  readonly #isWanted: boolean;

  /** `active`: peers that want something and use a slot when they have one. */
  constructor(
    slots: number,
    holders: readonly RemotePeer[],
    active: readonly RemotePeer[],
    isGreedy: (peer: RemotePeer) => boolean,
  ) {
    this.#holders = holders;
    this.#isGreedy = isGreedy;
    this.#half = Math.max(Math.floor(slots / 2), 1);
    this.#quarter = Math.max(Math.floor(slots / 4), 1);
    this.#isWanted = active.some((peer) => !isGreedy(peer));
  }

  /** Greedy holders above their share, although somebody else wants our data: their slots rather stay empty. */
  excess(): RemotePeer[] {
    return this.#isWanted ? byBytesSent(this.#holders.filter(this.#isGreedy)).slice(0, -this.#quarter) : [];
  }

  /**
   * Holders that make room, beside `free` slots, for those of `waiting` that would have none or few: greedy ones first,
   * then those of an address with too many.
   */
  surplus(waiting: readonly RemotePeer[], free: number): RemotePeer[] {
    const held = countByAddress(this.#holders);
    const holders = byBytesSent(this.#holders);
    const left = [...holders.filter(this.#isGreedy), ...holders.filter((peer) => !this.#isGreedy(peer))];
    const surplus: RemotePeer[] = [];
    for (const peer of waiting) {
      if (this.#isGreedy(peer) || held(peer) >= this.#half) continue;
      held.add(peer, 1);
      if (free-- > 0) continue;
      const at = left.findIndex((holder) => this.#isGreedy(holder) || held(holder) > this.#half);
      if (at < 0) break;
      const [victim] = left.splice(at, 1);
      held.add(victim, -1);
      surplus.push(victim);
    }
    return surplus;
  }

  /**
   * Who of `waiting` gets one of `free` slots: in their order, but those of an address with its share of slots after the
   * others, and greedy ones last.
   */
  give(waiting: readonly RemotePeer[], free: number): RemotePeer[] {
    const held = countByAddress(this.#holders);
    const given: RemotePeer[] = [];
    const giveTo = (peers: readonly RemotePeer[], limit: number) => {
      for (const mayCrowd of [false, true]) {
        for (const peer of peers) {
          if (given.length >= limit) return;
          if (given.includes(peer) || (!mayCrowd && held(peer) >= this.#half)) continue;
          held.add(peer, 1);
          given.push(peer);
        }
      }
    };
    giveTo(waiting.filter((peer) => !this.#isGreedy(peer)), free);
    const greedyHolders = this.#holders.filter(this.#isGreedy).length;
    const forGreedy = this.#isWanted ? Math.max(this.#quarter - greedyHolders, 0) : free;
    giveTo(waiting.filter(this.#isGreedy), Math.min(free, given.length + forGreedy));
    return given;
  }

  /**
   * Those of `peers` among whom all slots may be given anew: nobody greedy as long as somebody else is there, and of an
   * address only as many as its share, which `pick` chooses, as long as there are others.
   */
  fair(
    peers: readonly RemotePeer[],
    pick: (crowd: readonly RemotePeer[], places: number) => readonly RemotePeer[],
  ): readonly RemotePeer[] {
    const modest = peers.filter((peer) => !this.#isGreedy(peer));
    const candidates = modest.length > 0 ? modest : peers;
    const crowds = [...Map.groupBy(candidates, addressOf).values()];
    if (crowds.length <= 1) return candidates;
    const left = new Set(
      crowds.flatMap((crowd) => crowd.length > this.#half ? pick(crowd, this.#half) : crowd),
    );
    return candidates.filter((peer) => left.has(peer));
  }
}

function addressOf(peer: RemotePeer): string {
  return peer.facts.endpoint.address;
}

/** Counts peers by address; the counts may be changed. */
function countByAddress(peers: readonly RemotePeer[]) {
  const counts = new Map<string, number>();
  const count = (peer: RemotePeer) => counts.get(addressOf(peer)) ?? 0;
  const add = (peer: RemotePeer, change: number) => void counts.set(addressOf(peer), count(peer) + change);
  for (const peer of peers) add(peer, 1);
  return Object.assign(count, { add });
}

/** Those that were sent most first. */
function byBytesSent(peers: readonly RemotePeer[]): RemotePeer[] {
  return peers.toSorted((a, b) => b.upload.total - a.upload.total);
}
