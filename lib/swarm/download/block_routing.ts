/**
 * The block routing table: which remote peers were asked for each block of the active pieces, which one delivered it,
 * and how many blocks each peer owes us.
 *
 * A block is in exactly one state, `free → asked → received`. It becomes free again when it is lost or refused, or
 * when its peer leaves. In endgame a block may be asked of two peers at once. A piece leaves the table (`take`) when
 * its last block is there.
 */
import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";

const FREE = 0, ASKED = 1, RECEIVED = 2;

/** Stands for "no remote peer" among the numbers of remote peers, which begin at 1. */
export const NOBODY = 0;

/** What one remote peer owes us. The table alone changes these counts. */
interface Debtor {
  /** Blocks that are asked of it and not answered. */
  outstanding: number;
  /** Blocks that were asked of it and taken back since, and that may still come. */
  released: number;
}

/** What the table says of a block that arrived. */
interface BlockReceipt {
  /** Whether we needed the block; "complete" says that it was also the last one of its piece. */
  readonly kind: "needed" | "complete" | "duplicate" | "unrequested" | "invalid";
  /** How long ago the block was last asked for, in ms; 0 unless we needed it. */
  readonly latencyMs: number;
  /** The other remote peers that were asked for the block. Their requests are to be cancelled. */
  readonly others: readonly number[];
}

/** A piece that is being fetched, or was just completed. */
export class ActivePiece {
  readonly index: number;
  /** Owned by the table until the piece is taken out; undefined until there is a block to put into it. */
  buffer: Uint8Array<ArrayBuffer> | undefined;
  /** The remote peer that delivered each block. */
  readonly deliveredBy: Int32Array;
  /** The remote peer that was asked for its first block; `NOBODY` when an earlier run began it. */
  readonly begunWith: number;
  /** Whether the piece may be asked of no other peer, so that its sender is certain. */
  readonly isExclusive: boolean;
  /** The tick before it was given to the disk, in ms; undefined while it is not complete, and before the first tick. */
  committedAt: number | undefined;
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

  /** Takes the first block from `from` on that is asked of exactly one other peer; -1 when there is none. */
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

  /** Takes back the request to `peer` for a block; false when there was none. */
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
 * Far more blocks are asked for than arrive at a time. So a piece gets its buffer only with its first block: there are
 * few buffers, and these are still in the processor's cache when they are filled and hashed.
 */
export class BlockRouting {
  readonly #layout: PieceLayout;
  readonly #takeBuffer: () => Uint8Array<ArrayBuffer>;
  readonly #debtors: ReadonlyMap<number, Debtor>;
  readonly #active = new Map<number, ActivePiece>();
  #free = 0;

  /**
   * `takeBuffer` yields buffers of the piece length; the table owns them from then on. `debtors` are the connected
   * remote peers by number.
   */
  constructor(
    layout: PieceLayout,
    takeBuffer: () => Uint8Array<ArrayBuffer>,
    debtors: ReadonlyMap<number, Debtor>,
  ) {
    this.#layout = layout;
    this.#takeBuffer = takeBuffer;
    this.#debtors = debtors;
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

  /** Gives a piece a buffer that holds some of its blocks already. The table owns the buffer from now on. */
  markReceived(piece: ActivePiece, buffer: Uint8Array<ArrayBuffer>, blocks: Iterable<number>): void {
    piece.buffer = buffer;
    this.#free -= piece.freeBlocks;
    for (const block of blocks) piece.receive(block, NOBODY);
    this.#free += piece.freeBlocks;
  }

  /** Takes a piece out, and back what is still asked of it. The buffer, if the piece has one, is the caller's. */
  take(piece: ActivePiece): Uint8Array<ArrayBuffer> | undefined {
    for (let block = 0; block < piece.blockCount && !piece.isComplete; block++) {
      for (const peer of askersOf(piece, block)) this.#release(piece, block, peer);
    }
    this.#active.delete(piece.index);
    this.#free -= piece.freeBlocks;
    return piece.buffer;
  }

  /** Asks `peer` for the next free block of a piece; -1 when there is none. */
  ask(piece: ActivePiece, peer: number, now: number): number {
    const block = piece.ask(peer, now);
    if (block < 0) return block;
    this.#free--;
    this.#owes(peer, 1);
    return block;
  }

  /** Asks `peer` for a block as its second peer, in endgame: as `ActivePiece.askAgain`. */
  askAgain(piece: ActivePiece, peer: number, from: number, now: number): number {
    const block = piece.askAgain(peer, from, now);
    if (block >= 0) this.#owes(peer, 1);
    return block;
  }

  /**
   * Records a block that came from `peer` at `now` (ms) and says what it was. A block that we need is copied into the
   * buffer of its piece, also when the request was taken back before.
   *
   * Shape: `blockView` is borrowed. Units: `begin` in bytes. Spec: BEP 3 "piece".
   */
  receive(index: number, begin: number, blockView: Uint8Array, peer: number, now: number): BlockReceipt {
    if (!this.#isBlock(index, begin, blockView.length)) return notNeeded("invalid");
    const piece = this.#active.get(index);
    if (piece === undefined) return notNeeded("unrequested");
    const block = begin / BLOCK_LENGTH;
    if (piece.isReceived(block)) return notNeeded("duplicate");
    const isAsked = piece.isAskedOf(block, peer);
    if (isAsked) this.#owes(peer, -1);
    else if (piece.isExclusive || !this.excuse(peer)) return notNeeded("unrequested");
    const isAskedOnce = isAsked && piece.secondAskerOf(block) === NOBODY;
    const others = isAskedOnce ? [] : askersOf(piece, block).filter((asker) => asker !== peer);
    for (const other of others) this.#owes(other, -1, 1);
    const latencyMs = now - piece.askedAt(block);
    this.#free -= piece.freeBlocks;
    piece.receive(block, peer);
    this.#free += piece.freeBlocks;
    piece.buffer ??= this.#takeBuffer();
    piece.buffer.set(blockView, begin);
    return { kind: piece.isComplete ? "complete" : "needed", latencyMs, others };
  }

  /** Whether we would ask for exactly these bytes. */
  #isBlock(index: number, begin: number, length: number): boolean {
    return index < this.#layout.pieceCount && begin % BLOCK_LENGTH === 0 &&
      begin < this.#layout.lengthOf(index) && length === this.#layout.blockLength(index, begin);
  }

  /** Notes that `peer` answered a request that had been taken back; false when there is none. */
  excuse(peer: number): boolean {
    if ((this.#debtors.get(peer)?.released ?? 0) === 0) return false;
    this.#owes(peer, 0, -1);
    return true;
  }

  /** Takes back the request to `peer` for one block; false when there was none. */
  release(index: number, begin: number, peer: number): boolean {
    const piece = this.#active.get(index);
    const block = begin / BLOCK_LENGTH;
    if (piece === undefined || !Number.isInteger(block)) return false;
    return this.#release(piece, block, peer);
  }

  /** Takes back all requests to `peer` for a piece and returns their blocks. */
  releasePiece(piece: ActivePiece, peer: number): number[] {
    const released: number[] = [];
    for (let block = 0; block < piece.blockCount; block++) {
      if (this.#release(piece, block, peer)) released.push(block);
    }
    return released;
  }

  /** Takes back all requests to `peer` and returns their number. */
  releaseAll(peer: number): number {
    let released = 0;
    for (const piece of this.#active.values()) released += this.releasePiece(piece, peer).length;
    return released;
  }

  /** Takes back the first request for each block that was asked for before `time` (ms) of its peer. */
  releaseOverdue(time: (peer: number) => number): void {
    for (const piece of this.#active.values()) {
      for (let block = 0; block < piece.blockCount; block++) {
        const peer = piece.askerOf(block);
        if (peer !== NOBODY && piece.isOverdue(block, time(peer))) this.#release(piece, block, peer);
      }
    }
  }

  #release(piece: ActivePiece, block: number, peer: number): boolean {
    this.#free -= piece.freeBlocks;
    const isReleased = piece.release(block, peer);
    this.#free += piece.freeBlocks;
    if (isReleased) this.#owes(peer, -1, 1);
    return isReleased;
  }

  /** Changes what a peer owes us. A peer that has left owes nothing. */
  #owes(peer: number, outstanding: number, released = 0): void {
    const debtor = this.#debtors.get(peer);
    if (debtor === undefined) return;
    debtor.outstanding += outstanding;
    debtor.released += released;
  }
}

/** The remote peers, at most two, that a block is asked of. */
function askersOf(piece: ActivePiece, block: number): number[] {
  return [piece.askerOf(block), piece.secondAskerOf(block)].filter((peer) => peer !== NOBODY);
}

function notNeeded(kind: "duplicate" | "unrequested" | "invalid"): BlockReceipt {
  return { kind, latencyMs: 0, others: [] };
}
