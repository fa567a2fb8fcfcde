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
    for (let i = 0; i < bytes.length; i++) {
      for (let byte = bytes[i]; byte !== 0; byte &= byte - 1) bitfield.#count++;
    }
    return bitfield;
  }

  /** Returns a bitfield of which every index is a member. */
  static full(length: number): Bitfield {
    const bitfield = new Bitfield(length);
    for (let index = 0; index < length; index++) bitfield.add(index);
    return bitfield;
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

  /** Removes an index; false when it was not a member. Throws `RangeError` outside the set. */
  delete(index: number): boolean {
    this.#check(index);
    if (!this.has(index)) return false;
    this.#bytes[index >>> 3] &= ~(0x80 >>> (index & 7));
    this.#count--;
    return true;
  }

  /** Members in rising order. */
  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.length; index++) {
      if (this.#bytes[index >>> 3] === 0) index |= 7;
      else if (this.has(index)) yield index;
    }
  }

  /** The wire form, as a copy. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw new RangeError(`Expected an index below ${this.length}, got ${index}`);
    }
  }
}
