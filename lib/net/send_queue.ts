import { PIECE_HEADER_LENGTH } from "../protocol/peer_messages.ts";

/** Numbers that describe one queued block: index, begin, length. */
const FIELDS = 3;
/** Sent entries in front of the block queue that are tolerated before it is moved together. */
const MAX_SENT_FIELDS = 3 * 1_024;

/**
 * What is still to be sent to one peer: small messages, encoded, and blocks, as three numbers each.
 *
 * Messages go before blocks, so that a "have" never waits behind megabytes. Blocks are read from disk only when
 * they are about to be written, so taking one back costs nothing.
 */
export class SendQueue {
  #messages: Uint8Array[] = [];
  /** Bytes of the first message that are sent already. */
  #sentOfFirst = 0;
  #messageBytes = 0;
  readonly #blocks: number[] = [];
  /** Where the first block that is not sent stands in `#blocks`. */
  #firstBlock = 0;

  get isEmpty(): boolean {
    return this.#messages.length === 0 && this.blockCount === 0;
  }

  /** Bytes of messages waiting. */
  get messageBytes(): number {
    return this.#messageBytes;
  }

  /** Blocks waiting. */
  get blockCount(): number {
    return (this.#blocks.length - this.#firstBlock) / FIELDS;
  }

  pushMessage(message: Uint8Array): void {
    this.#messages.push(message);
    this.#messageBytes += message.length;
  }

  pushBlock(index: number, begin: number, length: number): void {
    this.#blocks.push(index, begin, length);
  }

  /** Copies waiting messages into `target` from `offset` on, as far as they fit; returns the new offset. */
  takeMessages(target: Uint8Array, offset: number): number {
    let taken = 0;
    for (const message of this.#messages) {
      const part = message.subarray(this.#sentOfFirst, this.#sentOfFirst + target.length - offset);
      target.set(part, offset);
      offset += part.length;
      this.#messageBytes -= part.length;
      this.#sentOfFirst += part.length;
      if (this.#sentOfFirst < message.length) break;
      this.#sentOfFirst = 0;
      taken++;
    }
    if (taken > 0) this.#messages.splice(0, taken);
    return offset;
  }

  /** Bytes the first waiting block takes on the wire; undefined when there is none. */
  get nextBlockBytes(): number | undefined {
    return this.blockCount > 0 ? PIECE_HEADER_LENGTH + this.#blocks[this.#firstBlock + 2] : undefined;
  }

  /** Hands the first waiting block over. There must be one. */
  takeBlock<T>(use: (index: number, begin: number, length: number) => T): T {
    const at = this.#firstBlock;
    this.#firstBlock += FIELDS;
    const result = use(this.#blocks[at], this.#blocks[at + 1], this.#blocks[at + 2]);
    if (this.#firstBlock === this.#blocks.length || this.#firstBlock > MAX_SENT_FIELDS) {
      this.#blocks.splice(0, this.#firstBlock);
      this.#firstBlock = 0;
    }
    return result;
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

  /** Takes all blocks back, telling `each` of every one, and returns how many they were. */
  dropBlocks(each: (index: number, begin: number, length: number) => void): number {
    const blocks = this.#blocks.splice(0).slice(this.#firstBlock);
    this.#firstBlock = 0;
    for (let at = 0; at < blocks.length; at += FIELDS) each(blocks[at], blocks[at + 1], blocks[at + 2]);
    return blocks.length / FIELDS;
  }
}
