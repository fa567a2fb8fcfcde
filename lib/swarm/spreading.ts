/**
 * Which pieces a seeder would like each peer to take: every piece leaves it once before any leaves it twice.
 *
 * Rarest-first alone cannot see what other peers have requested and not got yet, so peers of one seeder ask for
 * the same rare pieces, and its uplink, the narrowest place while data is new, carries them again and again.
 * Suggestions (BEP 6) give each peer pieces of its own to ask for and to pass on.
 *
 * A piece is in exactly one state: `fresh → assigned → spread`. It is assigned to the peer it was suggested to or
 * that requested it, and spread once some remote peer has it. What was assigned to a peer that left is fresh again.
 */
export class Spreading {
  /** Fresh pieces, in no order. */
  readonly #fresh: number[];
  /** Where a fresh piece stands in `#fresh`; -1 for the others. */
  readonly #positions: Int32Array;
  readonly #assigned = new Map<number, Set<number>>();

  /** All pieces start fresh. */
  constructor(pieceCount: number) {
    this.#fresh = Array.from({ length: pieceCount }, (_, index) => index);
    this.#positions = Int32Array.from(this.#fresh);
  }

  /** Whether all pieces have been given to somebody: there is nothing to steer any more. */
  get isDone(): boolean {
    return this.#fresh.length === 0;
  }

  /** Whether all pieces have arrived where they were assigned to: nothing is scarce any more. */
  get isSpread(): boolean {
    return this.isDone && this.#assigned.values().every((pieces) => pieces.size === 0);
  }

  /** A fresh piece for `peer`, assigned to it from now on; -1 when there is none. `random` is in [0, 1). */
  suggestFor(peer: number, random: number): number {
    if (this.isDone) return -1;
    const index = this.#fresh[Math.floor(random * this.#fresh.length)];
    this.requested(peer, index);
    return index;
  }

  /** `peer` requested a block of a piece: if it was fresh, it is that peer's. Returns whether it was. */
  requested(peer: number, index: number): boolean {
    if (!this.#remove(index)) return false;
    const assigned = this.#assigned.get(peer);
    if (assigned === undefined) this.#assigned.set(peer, new Set([index]));
    else assigned.add(index);
    return true;
  }

  /** A remote peer has the piece. */
  peerHas(peer: number, index: number): void {
    this.#remove(index);
    this.#assigned.get(peer)?.delete(index);
  }

  /** The peer is gone; what was assigned to it and that it did not get is fresh again. */
  peerLeft(peer: number): void {
    for (const index of this.#assigned.get(peer) ?? []) {
      this.#positions[index] = this.#fresh.length;
      this.#fresh.push(index);
    }
    this.#assigned.delete(peer);
  }

  #remove(index: number): boolean {
    const position = this.#positions[index];
    if (position < 0) return false;
    const last = this.#fresh.pop()!;
    if (last !== index) {
      this.#fresh[position] = last;
      this.#positions[last] = position;
    }
    this.#positions[index] = -1;
    return true;
  }
}
