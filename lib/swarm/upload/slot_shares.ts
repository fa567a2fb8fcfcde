/**
 * Limits how many upload slots a crowd may hold. All connections from one address are a crowd, and so are all greedy
 * peers together.
 *
 * One address gets no more than half of the slots while peers of other addresses wait, and the slots that no other peer
 * wants. So a class room behind one address has all slots when it is alone. Greedy peers get no more than a quarter of
 * the slots while any other peer wants our data, even if slots stay empty.
 */
import type { RemotePeer } from "../peers/remote_peer.ts";

/** The slots at one moment. */
export class SlotShares {
  readonly #holders: readonly RemotePeer[];
  readonly #isGreedy: (peer: RemotePeer) => boolean;
  /** The share of one address. */
  readonly #half: number;
  /** The share of all greedy peers together. */
  readonly #quarter: number;
  /** Whether a peer that is not greedy wants our data. */
  readonly #isWanted: boolean;

  /** `active`: peers that want something, and that use a slot when they have one. */
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

  /**
   * Greedy holders above their share while other peers want our data. They lose their slots even if these stay empty.
   */
  excess(): RemotePeer[] {
    return this.#isWanted ? byBytesSent(this.#holders.filter(this.#isGreedy)).slice(0, -this.#quarter) : [];
  }

  /**
   * Holders that lose their slots to peers of `waiting` that are not greedy and whose address has less than its share,
   * as far as `free` slots do not suffice: greedy holders first, then those of an address above its share.
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
   * The peers of `waiting` that get the `free` slots. They are served in order, except that peers of an address that
   * has its share come after the others, and greedy peers last.
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
   * The peers of `peers` among which all slots may be given anew. Greedy peers are among them only when there are no
   * others. While there are several addresses, `pick` chooses as many peers of each as its share allows.
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

/** Sorts peers by the bytes that they were sent, most first. */
function byBytesSent(peers: readonly RemotePeer[]): RemotePeer[] {
  return peers.toSorted((a, b) => b.upload.total - a.upload.total);
}
