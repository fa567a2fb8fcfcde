/** The number of bits that are set in each value of a byte. */
const MEMBERS_IN_BYTE = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll("0", "").length,
);

/**
 * A set of piece indices, one bit each, most significant bit of the first byte first (BEP 3 "bitfield").
 *
 * The bitfield keeps the number of its members, so that `isFull` costs nothing.
 */
export class Bitfield {
  /** Number of indices that can be members: 0 to `length - 1`. */
  readonly length: number;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.#bytes = new Uint8Array(Math.ceil(length / 8));
  }

  /**
   * Reads a bitfield from its wire form, which is copied; undefined when the byte count is wrong or a spare bit at
   * the end is set. BEP 3 lets us drop the connection in both cases.
   */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield | undefined {
    if (bytes.length !== Math.ceil(length / 8)) return undefined;
    const spareBits = bytes.length * 8 - length;
    if (spareBits > 0 && (bytes[bytes.length - 1] & ((1 << spareBits) - 1)) !== 0) return undefined;
    const bitfield = new Bitfield(length);
    bitfield.#bytes.set(bytes);
    bitfield.#recount();
    return bitfield;
  }

  /** Returns a bitfield of which every index is a member. */
  static full(length: number): Bitfield {
    const bitfield = new Bitfield(length);
    bitfield.#bytes.fill(0xff);
    if (length % 8 !== 0) bitfield.#bytes[bitfield.#bytes.length - 1] = 0xff << (8 - length % 8);
    bitfield.#count = length;
    return bitfield;
  }

  /** Returns another bitfield with the same members. */
  copy(): Bitfield {
    const copy = new Bitfield(this.length);
    copy.#bytes.set(this.#bytes);
    copy.#count = this.#count;
    return copy;
  }

  /** Number of members. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.length;
  }

  has(index: number): boolean {
    return (this.#bytes[index >>> 3] & (0x80 >>> (index & 7))) !== 0;
  }

  /** Adds an index; false when it was a member before. Throws `RangeError` outside the set. */
  add(index: number): boolean {
    this.#check(index);
    if (this.has(index)) return false;
    this.#bytes[index >>> 3] |= 0x80 >>> (index & 7);
    this.#count++;
    return true;
  }

  /** Adds all members of `other`, which has the same length. */
  addAll(other: Bitfield): void {
    for (let i = 0; i < this.#bytes.length; i++) this.#bytes[i] |= other.#bytes[i];
    this.#recount();
  }

  /** Removes an index; false when it was not a member. Throws `RangeError` outside the set. */
  delete(index: number): boolean {
    this.#check(index);
    if (!this.has(index)) return false;
    this.#bytes[index >>> 3] &= ~(0x80 >>> (index & 7));
    this.#count--;
    return true;
  }

  /** Whether all members of `other`, which has the same length, are members here. */
  includesAll(other: Bitfield): boolean {
    for (let i = 0; i < this.#bytes.length; i++) {
      if ((other.#bytes[i] & ~this.#bytes[i]) !== 0) return false;
    }
    return true;
  }

  /** The members that are no members of `other`, which has the same length, as a new bitfield. */
  without(other: Bitfield): Bitfield {
    const rest = new Bitfield(this.length);
    for (let i = 0; i < this.#bytes.length; i++) rest.#bytes[i] = this.#bytes[i] & ~other.#bytes[i];
    rest.#recount();
    return rest;
  }

  /** Members in rising order. */
  [Symbol.iterator](): IteratorObject<number> {
    return new Members(this.#bytes);
  }

  /** The wire form, as a copy. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }

  #recount(): void {
    let count = 0;
    for (let i = 0; i < this.#bytes.length; i++) count += MEMBERS_IN_BYTE[this.#bytes[i]];
    this.#count = count;
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw new RangeError(`Expected an index below ${this.length}, got ${index}`);
    }
  }
}

/** Walks the members of a bitfield as they are at each step. A generator takes four times as long. */
class Members extends Iterator<number> {
  readonly #bytes: Uint8Array;
  #next = 0;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
  }

  next(): IteratorResult<number, undefined> {
    for (let at = this.#next >>> 3; at < this.#bytes.length; at++) {
      const rest = this.#bytes[at] & (0xff >>> (this.#next & 7));
      if (rest !== 0) {
        const value = at * 8 + Math.clz32(rest) - 24;
        this.#next = value + 1;
        return { done: false, value };
      }
      this.#next = (at + 1) * 8;
    }
    return { done: true, value: undefined };
  }
}
