import { PIECE_HEADER_LENGTH } from "../../protocol/peer_messages.ts";

/** Numbers that describe one queued block: index, begin, length. */
const FIELDS = 3;
/**
 * Messages are joined in arrays of this many bytes. An array for each would take ten times the memory of a small
 * message, so that a remote that causes many messages and reads none could fill our memory.
 */
const ARRAY_BYTES = 2 * 1_024;
/** Sent entries at the front of the block queue that are tolerated before they are removed. */
const MAX_SENT_FIELDS = 3 * 1_024;

/**
 * The queue of one peer: small messages, encoded, and blocks, as three numbers each.
 *
 * Messages go before blocks, so that a "have" never waits behind megabytes. Blocks are read from disk only when they
 * are about to be sent, so taking a block back costs nothing.
 */
export class SendQueue {
  /** Messages in order, many small ones in one array; the last array may have room for more. */
  #arrays: Uint8Array[] = [];
  /** Number of bytes of the first array that are already sent. */
  #sentOfFirst = 0;
  /** Number of bytes of the last array that are filled. */
  #filledOfLast = 0;
  #messageBytes = 0;
  readonly #blocks: number[] = [];
  /** Position in `#blocks` of the first block that is not sent. */
  #firstBlock = 0;

  get isEmpty(): boolean {
    return this.#messageBytes === 0 && this.blockCount === 0;
  }

  /** Bytes of all waiting messages. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** Number of waiting blocks. */
  get blockCount(): number {
    return (this.#blocks.length - this.#firstBlock) / FIELDS;
  }

  /** Queues a message, which the queue may keep; the caller must not change it afterwards. */
  pushMessage(message: Uint8Array): void {
    const last = this.#arrays.at(-1);
    this.#messageBytes += message.length;
    if (last !== undefined && message.length <= last.length - this.#filledOfLast) {
      last.set(message, this.#filledOfLast);
      this.#filledOfLast += message.length;
      return;
    }
    if (last !== undefined) this.#arrays[this.#arrays.length - 1] = last.subarray(0, this.#filledOfLast);
    const array = message.length <= ARRAY_BYTES ? new Uint8Array(ARRAY_BYTES) : message;
    if (array !== message) array.set(message);
    this.#arrays.push(array);
    this.#filledOfLast = message.length;
  }

  pushBlock(index: number, begin: number, length: number): void {
    this.#blocks.push(index, begin, length);
  }

  /** Copies waiting messages into `target` from `offset` on, as far as they fit; returns the new offset. */
  takeMessages(target: Uint8Array, offset: number): number {
    const arrays = this.#arrays;
    let taken = 0;
    while (taken < arrays.length && offset < target.length) {
      const end = taken === arrays.length - 1 ? this.#filledOfLast : arrays[taken].length;
      const part = arrays[taken].subarray(
        this.#sentOfFirst,
        Math.min(end, this.#sentOfFirst + target.length - offset),
      );
      target.set(part, offset);
      offset += part.length;
      this.#messageBytes -= part.length;
      this.#sentOfFirst += part.length;
      if (this.#sentOfFirst < end) break;
      this.#sentOfFirst = 0;
      taken++;
    }
    // The last array is used again: most of what is sent is a few small messages at a time.
    const last = taken === arrays.length ? arrays.at(-1) : undefined;
    arrays.splice(0, taken);
    if (last?.length === ARRAY_BYTES) {
      arrays.push(last);
      this.#filledOfLast = 0;
    }
    return offset;
  }

  /** Bytes that the first waiting block takes on the wire; undefined when there is none. */
  get nextBlockBytes(): number | undefined {
    return this.blockCount > 0 ? PIECE_HEADER_LENGTH + this.#blocks[this.#firstBlock + 2] : undefined;
  }

  /** Takes the first waiting block. There must be one. Units: bytes. */
  takeBlock(): { index: number; begin: number; length: number } {
    const at = this.#firstBlock;
    const block = { index: this.#blocks[at], begin: this.#blocks[at + 1], length: this.#blocks[at + 2] };
    this.#firstBlock += FIELDS;
    if (this.#firstBlock === this.#blocks.length || this.#firstBlock > MAX_SENT_FIELDS) {
      this.#blocks.splice(0, this.#firstBlock);
      this.#firstBlock = 0;
    }
    return block;
  }

  /** Takes one block back; false when it is not waiting. */
  dropBlock(index: number, begin: number, length: number): boolean {
    const blocks = this.#blocks;
    for (let at = this.#firstBlock; at < blocks.length; at += FIELDS) {
      if (blocks[at] !== index || blocks[at + 1] !== begin || blocks[at + 2] !== length) continue;
      blocks.splice(at, FIELDS);
      return true;
    }
    return false;
  }

  /** Takes all blocks back, calls `each` for every one, and returns their number. */
  dropBlocks(each: (index: number, begin: number, length: number) => void): number {
    const blocks = this.#blocks.splice(0).slice(this.#firstBlock);
    this.#firstBlock = 0;
    for (let at = 0; at < blocks.length; at += FIELDS) each(blocks[at], blocks[at + 1], blocks[at + 2]);
    return blocks.length / FIELDS;
  }
}
