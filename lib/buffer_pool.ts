/**
 * Equal-sized byte arrays that are used again instead of being allocated again.
 *
 * Buffers are never cleared: the code that takes a buffer knows how much of it is filled.
 * A buffer whose memory was transferred to a worker comes back as a new view of the same length.
 */
export class BufferPool {
  /** Length of every buffer, in bytes. */
  readonly bufferLength: number;
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #keep: number;
  #taken = 0;

  /** `keep` is the number of idle buffers that stay allocated; the garbage collector takes any others. */
  constructor(bufferLength: number, keep: number) {
    this.bufferLength = bufferLength;
    this.#keep = keep;
  }

  /** Number of buffers that were taken and not given back: zero when nothing leaks. */
  get taken(): number {
    return this.#taken;
  }

  /** Returns a buffer with undefined contents. The caller owns it until it calls `give`. */
  take(): Uint8Array<ArrayBuffer> {
    this.#taken++;
    return this.#free.pop() ?? new Uint8Array(this.bufferLength);
  }

  /** Takes a buffer back. Throws `RangeError` when it has another length. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    if (buffer.length !== this.bufferLength) {
      throw new RangeError(`Expected a buffer of ${this.bufferLength} bytes, got ${buffer.length}`);
    }
    this.#taken--;
    if (this.#free.length < this.#keep) this.#free.push(buffer);
  }

  /** Drops all idle buffers, for a swarm that has become quiet. */
  drain(): void {
    this.#free.length = 0;
  }
}
