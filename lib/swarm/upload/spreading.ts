/** The peer to which a piece was given that no remote peer has yet. */
interface Assignment {
  /** Number of the remote peer. */
  readonly peer: number;
  /** Whether the peer has asked for the piece; before, the piece was only suggested to it. */
  readonly isRequested: boolean;
}

/**
 * Decides which pieces a seeder suggests to each peer, so that every piece leaves it once before any leaves it twice.
 *
 * Rarest-first alone cannot see which pieces other peers have requested and not got yet. So the peers of one seeder ask
 * for the same rare pieces, and its uplink, the bottleneck while the data is new, carries them again and again.
 * Suggestions (BEP 6) give each peer pieces of its own to ask for and to pass on.
 *
 * A piece is in exactly one state: `fresh → suggested → requested → spread`. It may be requested without having been
 * suggested, and is spread once some remote peer has it. When a peer is choked, pieces only suggested to it are fresh
 * again; when it leaves, so are all pieces that were given to it and that nobody has.
 */
export class Spreading {
  /** Fresh pieces in no order, the first `#freshCount` of the array. */
  readonly #fresh: Int32Array;
  #freshCount: number;
  /** The position of each fresh piece in `#fresh`; -1 for the others. */
  readonly #positions: Int32Array;
  /** Suggested and requested pieces, by number. */
  readonly #assigned = new Map<number, Assignment>();

  /** All pieces start fresh. */
  constructor(pieceCount: number) {
    const fresh = new Int32Array(pieceCount);
    for (let index = 0; index < pieceCount; index++) fresh[index] = index;
    this.#fresh = fresh;
    this.#positions = fresh.slice();
    this.#freshCount = pieceCount;
  }

  /** Whether remote peers have had every piece, so that nothing is scarce any more. */
  get isSpread(): boolean {
    return this.#freshCount === 0 && this.#assigned.size === 0;
  }

  /** How many pieces that were suggested to a peer it has not requested yet. */
  suggestedTo(peer: number): number {
    let count = 0;
    for (const assignment of this.#assigned.values()) {
      if (assignment.peer === peer && !assignment.isRequested) count++;
    }
    return count;
  }

  /** Takes a fresh piece to suggest to `peer`; -1 when there is none. `random` is in [0, 1). */
  suggestFor(peer: number, random: number): number {
    if (this.#freshCount === 0) return -1;
    const index = this.#fresh[Math.floor(random * this.#freshCount)];
    this.#remove(index);
    this.#assigned.set(index, { peer, isRequested: false });
    return index;
  }

  /**
   * `peer` requested a block of a piece. The piece is on its way to this peer, unless another one requested it
   * before.
   */
  requested(peer: number, index: number): void {
    if (this.#remove(index) || this.#assigned.get(index)?.isRequested === false) {
      this.#assigned.set(index, { peer, isRequested: true });
    }
  }

  /** A remote peer has the piece. */
  peerHas(index: number): void {
    this.#remove(index);
    this.#assigned.delete(index);
  }

  /** The peer may no longer request: pieces only suggested to it are fresh again. */
  choked(peer: number): void {
    this.#refresh((assignment) => assignment.peer === peer && !assignment.isRequested);
  }

  /** The peer is gone: pieces that were given to it and that nobody has are fresh again. */
  peerLeft(peer: number): void {
    this.#refresh((assignment) => assignment.peer === peer);
  }

  #refresh(isMeant: (assignment: Assignment) => boolean): void {
    for (const [index, assignment] of this.#assigned) {
      if (!isMeant(assignment)) continue;
      this.#assigned.delete(index);
      this.#positions[index] = this.#freshCount;
      this.#fresh[this.#freshCount++] = index;
    }
  }

  /** Takes a piece out of the fresh ones; false when it was not fresh. */
  #remove(index: number): boolean {
    const position = this.#positions[index];
    if (position < 0) return false;
    const last = this.#fresh[--this.#freshCount];
    this.#fresh[position] = last;
    this.#positions[last] = position;
    this.#positions[index] = -1;
    return true;
  }
}
