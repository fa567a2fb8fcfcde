/**
 * The block routing table: for each active piece, who was asked for and who delivered each block.
 *
 * A block is in exactly one state, `free → asked → received`; a block that is lost, refused or whose peer
 * left becomes free again. In endgame a block may be asked of two peers at once. When the last block of a
 * piece is there, the piece leaves the table complete (`take`).
 */
import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";

const FREE = 0, ASKED = 1, RECEIVED = 2;

/** Stands for "no remote peer" among the numbers of remote peers, which begin at 1. */
export const NOBODY = 0;

/** What a block that arrived was. `complete`: needed, and the last one of its piece. */
export type BlockResult = "needed" | "complete" | "duplicate" | "unrequested" | "invalid";

/** A piece that is being fetched, or was just completed. */
export class ActivePiece {
  readonly index: number;
  /** Owned by the table until the piece is taken out; undefined until there is a block to put into it. */
  buffer: Uint8Array<ArrayBuffer> | undefined;
  /** The remote peer that delivered each block. */
  readonly deliveredBy: Int32Array;
  /** The remote peer that was asked for its first block; `NOBODY` when an earlier run began it. */
  readonly begunWith: number;
  /** Whether it may be asked of nobody else, so that its sender is certain. */
  readonly isExclusive: boolean;
  readonly #states: Uint8Array;
  readonly #askers: Int32Array;
  readonly #secondAskers: Int32Array;
  /** When each block was last asked for, in ms. */
  readonly #askedAt: Float64Array;
  #free: number;
  #received = 0;
  /** No free block stands before this one. */
  #firstFree = 0;

  constructor(index: number, blockCount: number, begunWith: number, isExclusive: boolean) {
    this.index = index;
    this.begunWith = begunWith;
    this.isExclusive = isExclusive;
    this.deliveredBy = new Int32Array(blockCount);
    this.#states = new Uint8Array(blockCount);
    this.#askers = new Int32Array(blockCount);
    this.#secondAskers = new Int32Array(blockCount);
    this.#askedAt = new Float64Array(blockCount);
    this.#free = blockCount;
  }

  get blockCount(): number {
    return this.#states.length;
  }

  get freeBlocks(): number {
    return this.#free;
  }

  get receivedBlocks(): number {
    return this.#received;
  }

  get isComplete(): boolean {
    return this.#received === this.blockCount;
  }

  isReceived(block: number): boolean {
    return this.#states[block] === RECEIVED;
  }

  isAskedOf(block: number, peer: number): boolean {
    return this.#states[block] === ASKED &&
      (this.#askers[block] === peer || this.#secondAskers[block] === peer);
  }

  /** How many blocks are asked of `peer`. */
  askedOf(peer: number): number {
    let asked = 0;
    for (let block = 0; block < this.blockCount; block++) if (this.isAskedOf(block, peer)) asked++;
    return asked;
  }

  /** Takes the next free block for `peer`; -1 when there is none. */
  ask(peer: number, now: number): number {
    if (this.#free === 0) return -1;
    let block = this.#firstFree;
    while (this.#states[block] !== FREE) block++;
    this.#firstFree = block + 1;
    this.#free--;
    this.#states[block] = ASKED;
    this.#askers[block] = peer;
    this.#askedAt[block] = now;
    return block;
  }

  /** Takes a block for `peer` that was asked of exactly one other, from `from` on; -1 when there is none. */
  askAgain(peer: number, from: number, now: number): number {
    for (let block = from; block < this.blockCount; block++) {
      if (this.#states[block] !== ASKED || this.#secondAskers[block] !== NOBODY) continue;
      if (this.#askers[block] === peer) continue;
      this.#secondAskers[block] = peer;
      this.#askedAt[block] = now;
      return block;
    }
    return -1;
  }

  /** Marks a block as received from `peer`. */
  receive(block: number, peer: number): void {
    if (this.#states[block] === FREE) this.#free--;
    this.#states[block] = RECEIVED;
    this.#askers[block] = NOBODY;
    this.#secondAskers[block] = NOBODY;
    this.deliveredBy[block] = peer;
    this.#received++;
  }

  /** Takes back what was asked of `peer`; false when it was not asked for this block. */
  release(block: number, peer: number): boolean {
    if (!this.isAskedOf(block, peer)) return false;
    if (this.#askers[block] === peer) this.#askers[block] = this.#secondAskers[block];
    this.#secondAskers[block] = NOBODY;
    if (this.#askers[block] === NOBODY) {
      this.#states[block] = FREE;
      this.#free++;
      if (block < this.#firstFree) this.#firstFree = block;
    }
    return true;
  }

  /** Whether a block was asked for before `time` (ms) and has not come. */
  isOverdue(block: number, time: number): boolean {
    return this.#states[block] === ASKED && this.#askedAt[block] < time;
  }

  /** When a block was last asked for, in ms. */
  askedAt(block: number): number {
    return this.#askedAt[block];
  }

  /** The remote peer a block is asked of; `NOBODY` when it is free or received. */
  askerOf(block: number): number {
    return this.#askers[block];
  }

  /** The second remote peer a block is asked of, in endgame; else `NOBODY`. */
  secondAskerOf(block: number): number {
    return this.#secondAskers[block];
  }
}

/**
 * All active pieces of one torrent.
 *
 * Far more is asked for than arrives at a time. So a piece gets its buffer with its first block: there are as few as
 * can be, and those few are still in the processor's cache when they are filled and hashed.
 */
export class BlockRouting {
  readonly #layout: PieceLayout;
  readonly #takeBuffer: () => Uint8Array<ArrayBuffer>;
  readonly #active = new Map<number, ActivePiece>();
  #free = 0;

  /** `takeBuffer` yields buffers of the piece length, which belong to the table then. */
  constructor(layout: PieceLayout, takeBuffer: () => Uint8Array<ArrayBuffer>) {
    this.#layout = layout;
    this.#takeBuffer = takeBuffer;
  }

  /** Active pieces, oldest first. */
  get pieces(): Iterable<ActivePiece> {
    return this.#active.values();
  }

  get size(): number {
    return this.#active.size;
  }

  /** Bytes of the buffers of all pieces in the table, once each has one. */
  get bytes(): number {
    return this.#active.size * this.#layout.pieceLength;
  }

  /** Whether some block of an active piece is still to be asked for. */
  get hasFreeBlocks(): boolean {
    return this.#free > 0;
  }

  get(index: number): ActivePiece | undefined {
    return this.#active.get(index);
  }

  /** Begins a piece. */
  activate(index: number, begunWith: number, isExclusive: boolean): ActivePiece {
    const piece = new ActivePiece(index, this.#layout.blocksIn(index), begunWith, isExclusive);
    this.#active.set(index, piece);
    this.#free += piece.freeBlocks;
    return piece;
  }

  /** Gives a piece a buffer with blocks that are there already; it belongs to the table from now on. */
  markReceived(piece: ActivePiece, buffer: Uint8Array<ArrayBuffer>, blocks: Iterable<number>): void {
    piece.buffer = buffer;
    this.#free -= piece.freeBlocks;
    for (const block of blocks) piece.receive(block, NOBODY);
    this.#free += piece.freeBlocks;
  }

  /** Takes a piece out; its buffer, if it has one, is the caller's. */
  take(piece: ActivePiece): Uint8Array<ArrayBuffer> | undefined {
    this.#active.delete(piece.index);
    this.#free -= piece.freeBlocks;
    return piece.buffer;
  }

  /** Asks `peer` for the next free block of a piece; -1 when there is none. */
  ask(piece: ActivePiece, peer: number, now: number): number {
    const block = piece.ask(peer, now);
    if (block >= 0) this.#free--;
    return block;
  }

  /**
   * Records a block and says what it was; a needed one is copied into the piece's buffer.
   *
   * Shape: `blockView` is borrowed. Units: `begin` in bytes. `acceptUnasked` lets a block in that was asked
   * of this peer once but taken back since. Spec: BEP 3 "piece".
   */
  receive(
    index: number,
    begin: number,
    blockView: Uint8Array,
    peer: number,
    acceptUnasked: boolean,
  ): BlockResult {
    if (index >= this.#layout.pieceCount || begin % BLOCK_LENGTH !== 0) return "invalid";
    if (begin >= this.#layout.lengthOf(index)) return "invalid";
    if (blockView.length !== this.#layout.blockLength(index, begin)) return "invalid";
    const piece = this.#active.get(index);
    if (piece === undefined) return "unrequested";
    const block = begin / BLOCK_LENGTH;
    if (piece.isReceived(block)) return "duplicate";
    if (!piece.isAskedOf(block, peer) && !(acceptUnasked && !piece.isExclusive)) return "unrequested";
    this.#free -= piece.freeBlocks;
    piece.receive(block, peer);
    this.#free += piece.freeBlocks;
    piece.buffer ??= this.#takeBuffer();
    piece.buffer.set(blockView, begin);
    return piece.isComplete ? "complete" : "needed";
  }

  /** Takes back one block asked of `peer` (BEP 6 "reject"); false when it was not asked of it. */
  release(index: number, begin: number, peer: number): boolean {
    const piece = this.#active.get(index);
    const block = begin / BLOCK_LENGTH;
    if (piece === undefined || !Number.isInteger(block)) return false;
    return this.#releaseBlock(piece, block, peer);
  }

  /** Takes back everything asked of `peer` and returns how many blocks that were. */
  releaseAll(peer: number): number {
    let released = 0;
    for (const piece of this.#active.values()) {
      for (let block = 0; block < piece.blockCount; block++) {
        if (this.#releaseBlock(piece, block, peer)) released++;
      }
    }
    return released;
  }

  /** Takes back blocks asked for before `time` (ms); `each` hears whom each had been asked of. */
  releaseOverdue(time: (peer: number) => number, each: (peer: number) => void): void {
    for (const piece of this.#active.values()) {
      for (let block = 0; block < piece.blockCount; block++) {
        const peer = piece.askerOf(block);
        if (peer === NOBODY || !piece.isOverdue(block, time(peer))) continue;
        if (this.#releaseBlock(piece, block, peer)) each(peer);
      }
    }
  }

  #releaseBlock(piece: ActivePiece, block: number, peer: number): boolean {
    this.#free -= piece.freeBlocks;
    const released = piece.release(block, peer);
    this.#free += piece.freeBlocks;
    return released;
  }
}
