import type { Bitfield } from "../../protocol/bitfield.ts";

/** Missing pieces with consecutive indices. */
export interface PieceRun {
  readonly first: number;
  readonly length: number;
}

/**
 * Chooses the piece to begin next: rarest first (BEP 3, "piece downloading strategy").
 *
 * All missing pieces stand in one row, sorted by availability. Pieces of the same availability form a bucket:
 *
 *     row      | 7 2 9 | 4 0 | 1 3 5 |      bucketEnd = [0, 3, 5, 8]
 *     bucket      1       2      3          (bucket 0 is empty here)
 *
 * A "have" moves a piece over one border, which takes one swap. Picking walks the row from the left and never sorts.
 * Invariant: a piece is in the row exactly while it is missing; `bucketEnd` never falls from left to right.
 * Remote peers that have everything are not counted: they raise all pieces alike.
 */
export class PiecePicker {
  readonly #availability: Uint16Array;
  readonly #row: Int32Array;
  /** The position of each piece in the row; -1 while it is not missing. */
  readonly #positions: Int32Array;
  readonly #bucketEnds: number[] = [0];
  /** No piece before this one is missing. */
  #lowest = 0;

  /**
   * The pieces `missing` are to be picked; `availabilityOf` says how many peers have each piece, and undefined stands
   * for none.
   */
  constructor(missing: Bitfield, availabilityOf?: (index: number) => number) {
    const { length } = missing;
    this.#availability = new Uint16Array(length);
    this.#row = new Int32Array(length);
    this.#positions = new Int32Array(length);
    this.#fillInOrder(missing);
    if (availabilityOf !== undefined) this.#sort(missing, availabilityOf);
  }

  /**
   * Puts the missing pieces into the row by their indices. With locals, and without an iterator, two million pieces take
   * 10 ms instead of 35 or more.
   */
  #fillInOrder(missing: Bitfield): void {
    const row = this.#row;
    const positions = this.#positions;
    let position = 0;
    for (let index = 0; index < positions.length; index++) {
      if (missing.has(index)) {
        row[position] = index;
        positions[index] = position++;
      } else positions[index] = -1;
    }
    this.#bucketEnds[0] = position;
  }

  #sort(missing: Bitfield, availabilityOf: (index: number) => number): void {
    for (let index = 0; index < missing.length; index++) this.#availability[index] = availabilityOf(index);
    this.#bucketEnds[0] = 0;
    for (const index of missing) {
      this.#growTo(this.#availability[index]);
      this.#bucketEnds[this.#availability[index]]++;
    }
    // So far `bucketEnds` holds the size of each bucket. Now it gets the beginning of each bucket, which moves to the
    // end while the row is filled.
    let start = 0;
    this.#bucketEnds.forEach((size, bucket) => {
      this.#bucketEnds[bucket] = start;
      start += size;
    });
    for (const index of missing) {
      const position = this.#bucketEnds[this.#availability[index]]++;
      this.#positions[index] = position;
      this.#row[position] = index;
    }
  }

  /** Number of missing pieces. */
  get missing(): number {
    return this.#bucketEnds[this.#bucketEnds.length - 1];
  }

  /** How many remote peers have a piece, without those that have everything. */
  availabilityOf(index: number): number {
    return this.#availability[index];
  }

  isMissing(index: number): boolean {
    return this.#positions[index] >= 0;
  }

  /** One more remote peer has the piece. */
  peerHas(index: number): void {
    const availability = this.#availability[index]++;
    if (this.isMissing(index)) this.#raise(index, availability);
  }

  /** One remote peer less has the piece. */
  peerLost(index: number): void {
    const availability = this.#availability[index]--;
    if (this.isMissing(index)) this.#lower(index, availability);
  }

  /** The piece is being fetched, stored or unwanted: it will not be picked. */
  remove(index: number): void {
    if (!this.isMissing(index)) return;
    // The piece moves to the right over every border until it stands at the end of the row, and is then cut off.
    for (let bucket = this.#availability[index]; bucket < this.#bucketEnds.length; bucket++) {
      this.#swap(this.#positions[index], --this.#bucketEnds[bucket]);
    }
    this.#positions[index] = -1;
  }

  /** The piece is missing again. */
  restore(index: number): void {
    if (this.isMissing(index)) return;
    this.#lowest = Math.min(this.#lowest, index);
    const end = this.missing;
    this.#growTo(this.#availability[index]);
    this.#positions[index] = end;
    this.#row[end] = index;
    for (let bucket = this.#bucketEnds.length - 1; bucket >= this.#availability[index]; bucket--) {
      this.#bucketEnds[bucket]++;
      if (bucket > this.#availability[index]) {
        this.#swap(this.#positions[index], this.#bucketEnds[bucket - 1]);
      }
    }
  }

  /**
   * The rarest missing piece that `peerHasIt`; chance decides among equals. -1 when there is none. `random` is in
   * [0, 1). The piece stays missing until `remove`.
   */
  pickRarest(peerHasIt: (index: number) => boolean, random: number): number {
    let start = 0;
    for (const end of this.#bucketEnds) {
      const found = this.#search(start, end, peerHasIt, random);
      if (found >= 0) return found;
      start = end;
    }
    return -1;
  }

  /** Any missing piece that `peerHasIt`, rare or not; -1 when there is none. For a torrent's first piece. */
  pickAny(peerHasIt: (index: number) => boolean, random: number): number {
    return this.#search(0, this.missing, peerHasIt, random);
  }

  /** The missing piece with the lowest index that `peerHasIt`; -1 when there is none. For playing while loading. */
  pickLowest(peerHasIt: (index: number) => boolean): number {
    while (this.#lowest < this.#positions.length && !this.isMissing(this.#lowest)) this.#lowest++;
    for (let index = this.#lowest; index < this.#positions.length; index++) {
      if (this.isMissing(index) && peerHasIt(index)) return index;
    }
    return -1;
  }

  /** The first missing piece from `from` on that `peerHasIt`; -1 when there is none. For reading a file to its end. */
  pickFrom(from: number, peerHasIt: (index: number) => boolean): number {
    for (let index = Math.max(from, this.#lowest); index < this.#positions.length; index++) {
      if (this.isMissing(index) && peerHasIt(index)) return index;
    }
    return -1;
  }

  /** The longest run of missing pieces that `peerHasIt`, or the first of `enough` pieces; empty when there is none. */
  longestRun(peerHasIt: (index: number) => boolean, enough: number): PieceRun {
    let longest: PieceRun = { first: 0, length: 0 };
    for (let first = this.#lowest; first < this.#positions.length && longest.length < enough;) {
      let end = first;
      while (this.isMissing(end) && peerHasIt(end)) end++;
      if (end - first > longest.length) longest = { first, length: end - first };
      first = end + 1;
    }
    return longest;
  }

  #search(start: number, end: number, peerHasIt: (index: number) => boolean, random: number): number {
    const length = end - start;
    const first = Math.floor(random * length);
    for (let step = 0; step < length; step++) {
      const index = this.#row[start + (first + step) % length];
      if (peerHasIt(index)) return index;
    }
    return -1;
  }

  /** Moves a piece from bucket `availability` to the one above. */
  #raise(index: number, availability: number): void {
    this.#growTo(availability + 1);
    this.#swap(this.#positions[index], --this.#bucketEnds[availability]);
  }

  /** Moves a piece from bucket `availability` to the one below. */
  #lower(index: number, availability: number): void {
    this.#swap(this.#positions[index], this.#bucketEnds[availability - 1]++);
  }

  #growTo(bucket: number): void {
    while (this.#bucketEnds.length <= bucket) this.#bucketEnds.push(this.missing);
  }

  #swap(a: number, b: number): void {
    const [pieceA, pieceB] = [this.#row[a], this.#row[b]];
    this.#row[a] = pieceB;
    this.#row[b] = pieceA;
    this.#positions[pieceA] = b;
    this.#positions[pieceB] = a;
  }
}
