/**
 * The receiving half of a swarm: download sources, requests, blocks, pieces.
 *
 * A piece is in exactly one state: `missing` (in the picker) → `active` (in the block routing table) →
 * `committing` (being verified and written) → `stored` (in `stored`). A corrupt piece is missing again. A missing one is
 * `held` while it is looked for in older data.
 */
import { ProtocolError } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import {
  ABOUT_BLOCK_LENGTH,
  encodeAboutBlock,
  MessageId,
  writeAboutBlock,
} from "../../protocol/peer_messages.ts";
import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";
import { CHOKING, FAST, TRANSFER } from "../../settings.ts";
import { DiskPressure } from "../bottleneck.ts";
import { Blame } from "./blame.ts";
import { type ActivePiece, BlockRouting, NOBODY } from "./block_routing.ts";
import { askInEndgame } from "./endgame.ts";
import type { FileSelection } from "./file_selection.ts";
import { Held } from "./held.ts";
import { PieceChoice } from "./piece_choice.ts";
import { PieceOrder } from "./piece_order.ts";
import type { PieceStorage } from "../ports.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { Sources, type SourcesContext } from "./sources.ts";

/**
 * A source is asked for more once this share of the blocks under way is open: a message for each would cost too much.
 */
const REFILL_SHARE = 0.25;

/** What `Download` needs of its swarm. */
interface DownloadContext extends SourcesContext {
  readonly layout: PieceLayout;
  readonly selection: FileSelection;
  readonly storage: PieceStorage;
}

/** Fetches the pieces that we lack. */
export class Download {
  /** Pieces that are verified and written. */
  readonly stored: Bitfield;
  readonly picker: PieceOrder;
  readonly routing: BlockRouting;
  /** Missing pieces that are looked for in data which is here already. */
  readonly held: Held;
  readonly sources: Sources;
  /** How much received data waits for the disk. */
  readonly diskPressure = new DiskPressure();
  readonly #context: DownloadContext;
  readonly #committing = new Map<number, ActivePiece>();
  readonly #blame = new Blame();
  readonly #choice: PieceChoice;
  /** Pieces that are wanted, stored or not. */
  #wanted: Bitfield;
  /** How many wanted pieces are stored. */
  #wantedStored: number;
  #isAbandoned = false;

  /** `stored` is kept and kept up to date. */
  constructor(stored: Bitfield, context: DownloadContext) {
    this.stored = stored;
    this.picker = new PieceOrder(context.selection, stored);
    this.routing = new BlockRouting(context.layout, () => context.storage.takeBuffer(), context.peers);
    this.held = new Held(this.picker, stored.length);
    this.#context = context;
    this.sources = new Sources(context, {
      gained: (peer, now) => this.refill(peer, now),
      lost: (peer) => this.#freeExclusivePieces(peer),
      isNeeded: (peer) => this.#choice.needs(peer),
    });
    this.#choice = new PieceChoice(context, {
      stored,
      order: this.picker,
      routing: this.routing,
      blame: this.#blame,
    });
    this.#wanted = context.selection.pieces;
    this.#wantedStored = this.#countWantedStored();
  }

  #countWantedStored(): number {
    return this.#wanted.count - this.#wanted.without(this.stored).count;
  }

  /**
   * Wants other pieces from now on, or in another order. Pieces that are under way and no longer wanted are thrown
   * away, and their sources hear a cancel for each block.
   */
  select(selection: FileSelection): void {
    this.#wanted = selection.pieces;
    this.#wantedStored = this.#countWantedStored();
    const taken = this.stored.copy();
    for (const index of this.#committing.keys()) taken.add(index);
    for (const { index } of this.routing.pieces) taken.add(index);
    for (const index of this.held.pieces) taken.add(index);
    this.picker.select(selection, taken);
    for (const piece of [...this.routing.pieces]) {
      if (selection.pieces.has(piece.index)) continue;
      for (const peer of this.#context.peers.values()) {
        const blocks = this.routing.releasePiece(piece, peer.number);
        for (const block of blocks) this.#cancel(peer, piece.index, block * BLOCK_LENGTH);
      }
      this.#drop(piece);
    }
  }

  #cancel({ sender }: RemotePeer, index: number, begin: number): void {
    const length = this.#context.layout.blockLength(index, begin);
    sender.send(encodeAboutBlock(MessageId.cancel, index, begin, length));
  }

  /** Pieces under way: those that are being fetched, oldest first, and then those that are being verified. */
  get active(): ActivePiece[] {
    return [...this.routing.pieces, ...this.#committing.values()];
  }

  /** A piece that is being verified. */
  committing(index: number): ActivePiece | undefined {
    return this.#committing.get(index);
  }

  /** Wanted pieces that are not stored. */
  get missing(): number {
    return this.#wanted.count - this.#wantedStored;
  }

  /** Every wanted piece is stored. */
  get isComplete(): boolean {
    return this.missing === 0;
  }

  /** Whether we ask for nothing more. */
  get #isOver(): boolean {
    return this.#isAbandoned || this.isComplete;
  }

  /** Bytes of all pieces that are not stored, wanted or not. */
  get bytesLeft(): number {
    const { layout } = this.#context;
    const last = layout.pieceCount - 1;
    const short = last >= 0 && this.stored.has(last) ? layout.pieceLength - layout.lengthOf(last) : 0;
    return Math.max(layout.totalLength - this.stored.count * layout.pieceLength + short, 0);
  }

  /** Bytes of the pieces that are wanted and not stored. */
  get missingBytes(): number {
    const { layout } = this.#context;
    const last = layout.pieceCount - 1;
    const isLastMissing = last >= 0 && this.#wanted.has(last) && !this.stored.has(last);
    const short = isLastMissing ? layout.pieceLength - layout.lengthOf(last) : 0;
    return this.missing * layout.pieceLength - short;
  }

  // Sources

  /** Takes new sources while there are too few, and asks them for blocks. */
  fillSources(now: number): void {
    if (!this.#isOver) this.sources.fill(now);
  }

  /** Chooses all sources anew, as it is done every `CHOKING.rechokeMs`. */
  chooseSources(now: number): void {
    if (!this.#isOver) this.sources.chooseAll(now);
  }

  /** The policy has changed: gives up sources above the new number at once, or takes more. */
  policyChanged(now: number): void {
    if (this.sources.count > this.#context.policy.downloadSources) this.chooseSources(now);
    this.fillSources(now);
  }

  /** The peer chokes us. With the Fast extension it rejects what it will not send; without, nothing more comes. */
  choked(peer: RemotePeer, now: number): void {
    if (!peer.facts.supportsFast) this.routing.releaseAll(peer.number);
    peer.suggestions.length = 0;
    this.sources.lose(peer, "chokes us");
    this.fillSources(now);
  }

  /** The connection is gone: its blocks are free for others. */
  peerLeft(peer: RemotePeer, now: number): void {
    this.routing.releaseAll(peer.number);
    this.sources.lose(peer);
    this.fillSources(now);
    this.refillAll(now);
  }

  /** Called once per tick: gives up silent sources, and asks for lost blocks again. */
  tick(now: number): void {
    if (this.#isOver) return;
    const diskIsBusy = !this.#context.storage.hasRoom();
    this.diskPressure.look(!diskIsBusy, this.#committing.values().next().value?.committedAt, now);
    const unprovenMs = this.sources.areOthersWaiting(now) ? CHOKING.unprovenAfterMs : CHOKING.snubbedAfterMs;
    for (const peer of this.#context.peers.values()) {
      // While our own disk or limit holds us up, we do not read from the peer: it is not silent then.
      if (diskIsBusy) peer.heldUpAt = now;
      if (peer.isHeldUp || diskIsBusy) peer.lastBlockAt = now;
      const patienceMs = peer.download.total === 0 ? unprovenMs : CHOKING.snubbedAfterMs;
      if (peer.outstanding > 0 && now - peer.lastBlockAt >= patienceMs) this.#snub(peer, now);
      else if (this.#hasLeftBlocks(peer, now)) this.routing.releaseAll(peer.number);
    }
    const patience = new Map<number, number>();
    for (const peer of this.#context.peers.values()) {
      const rate = Math.max(peer.download.bytesPerSecond(now), 1);
      const windowMs = peer.outstanding * BLOCK_LENGTH * 1_000 / rate;
      const patienceMs = Math.max(TRANSFER.requestTimeoutMs, 4 * windowMs);
      if (!peer.wasHeldUp(now, patienceMs)) patience.set(peer.number, now - patienceMs);
    }
    this.routing.releaseOverdue((number) => patience.get(number) ?? -Infinity);
    this.sources.holdBack(now);
    this.refillAll(now);
    this.sources.replaceIdle(now);
    if (!diskIsBusy) this.sources.invite(now);
  }

  /** Whether the peer owes blocks from the time when it was a source, and sends none. */
  #hasLeftBlocks(peer: RemotePeer, now: number): boolean {
    const mayBeAsked = peer.isSource || peer.isWebSeed || peer.allowedFast.size > 0;
    return !mayBeAsked && peer.outstanding > 0 && now - peer.lastBlockAt >= CHOKING.leftBlocksMs;
  }

  #snub(peer: RemotePeer, now: number): void {
    this.routing.releaseAll(peer.number);
    peer.snubbedUntil = now + CHOKING.rechokeMs;
    peer.sourceReason = "snubbed";
    this.sources.lose(peer, "snubbed");
  }

  /** Begins pieces anew that only this peer may deliver: nobody can finish them without it. */
  #freeExclusivePieces(peer: RemotePeer): void {
    for (const piece of [...this.routing.pieces]) {
      if (piece.isExclusive && piece.begunWith === peer.number) this.#drop(piece);
    }
  }

  /** Throws away what was received of a piece: it is missing again. */
  #drop(piece: ActivePiece): void {
    const buffer = this.routing.take(piece);
    if (buffer !== undefined) this.#context.storage.giveBuffer(buffer);
    this.picker.restore(piece.index);
  }

  // Requests

  /** Asks every source for what it has room for. */
  refillAll(now: number): void {
    for (const peer of this.#context.peers.values()) if (peer.isSource) this.refill(peer, now);
  }

  /**
   * Asks one source for blocks up to its window, once a fair part of the window is open. All requests leave together.
   */
  refill(peer: RemotePeer, now: number): void {
    let open = peer.openWindow;
    if (open <= 0 || open < peer.outstanding * REFILL_SHARE) return;
    if (!this.#mayAsk(peer) || this.#isOver) return;
    if (peer.outstanding === 0) peer.lastBlockAt = now;
    const message = new Uint8Array(open * ABOUT_BLOCK_LENGTH);
    let used = 0;
    const ask = (piece: ActivePiece, block: number) => {
      const begin = block * BLOCK_LENGTH;
      const length = this.#context.layout.blockLength(piece.index, begin);
      writeAboutBlock(message, used, MessageId.request, piece.index, begin, length);
      used += ABOUT_BLOCK_LENGTH;
      open--;
    };
    while (open > 0) {
      const piece = this.#choice.pieceFor(peer);
      if (piece === undefined) break;
      for (let block = 0; open > 0 && block >= 0;) {
        block = this.routing.ask(piece, peer.number, now);
        if (block >= 0) ask(piece, block);
      }
    }
    // A block that our own limit holds up comes no sooner from another peer.
    const isHeldUp = peer.wasHeldUp(now, CHOKING.idlePauseMs);
    const isEndgame = this.picker.missing === 0 && this.held.pieces.count === 0 &&
      !this.routing.hasFreeBlocks;
    if (open > 0 && isEndgame && !isHeldUp && !peer.sendsWholeFiles) {
      askInEndgame(this.routing, this.#context.peers, peer, now, ask, () => open > 0);
    }
    if (used > 0) peer.sender.send(message.subarray(0, used));
  }

  /** Finds the end of the run that a web seed is asked for from piece `index` on: as `PieceChoice.endOfRun`. */
  endOfRun(peer: RemotePeer, index: number, maxPieces: number): number {
    return this.#choice.endOfRun(peer, index, maxPieces);
  }

  /** Whether we still need a block that we asked for. */
  isNeeded(index: number, begin: number): boolean {
    return this.routing.get(index)?.isReceived(begin / BLOCK_LENGTH) === false;
  }

  /**
   * Whether we may ask the peer: a source that does not choke us; or, while we have few pieces, one that allows some.
   */
  #mayAsk(peer: RemotePeer): boolean {
    if (!peer.peerChokes) return peer.isSource;
    if (peer.allowedFast.size === 0 || this.stored.count >= FAST.pieces) return false;
    const isOpen = (index: number) => this.picker.isMissing(index) || this.routing.get(index)?.freeBlocks;
    return [...peer.allowedFast].some(isOpen);
  }

  /** The peer will answer requests for this piece although it chokes us (BEP 6 "allowed fast"). */
  allowedFast(peer: RemotePeer, index: number): void {
    if (index < this.stored.length && peer.allowedFast.size < FAST.maxAllowed) peer.allowedFast.add(index);
  }

  /** The peer would like us to take this piece (BEP 6 "suggest piece"). */
  suggested(peer: RemotePeer, index: number): void {
    this.#choice.suggested(peer, index);
  }

  /**
   * The peer refused a request (BEP 6 "reject"): the block is free for others, and the peer is left alone for a
   * while.
   */
  rejected(peer: RemotePeer, index: number, begin: number, now: number): void {
    const wasAsked = this.routing.release(index, begin, peer.number);
    this.routing.excuse(peer.number);
    if (!wasAsked) return;
    peer.allowedFast.delete(index);
    if (peer.peerChokes) return;
    peer.snubbedUntil = now + CHOKING.rejectPauseMs;
    this.sources.lose(peer, "refused a request");
  }

  /** The peer no longer has a piece: the blocks of it that the peer was asked for are free for others. */
  pieceLost(peer: RemotePeer, index: number): void {
    const piece = this.routing.get(index);
    if (piece === undefined) return;
    this.routing.releasePiece(piece, peer.number);
    if (piece.isExclusive && piece.begunWith === peer.number) this.#freeExclusivePieces(peer);
  }

  /** A stored piece can no longer be read; false when that was known. It is not fetched again in this run. */
  pieceUnreadable(index: number): boolean {
    if (!this.stored.delete(index)) return false;
    if (this.#wanted.has(index)) this.#wantedStored--;
    return true;
  }

  // Blocks and pieces

  /**
   * Takes a block in; false when we did not need it. `blockView` is borrowed, `begin` in bytes.
   *
   * Errors: `ProtocolError` for a block that does not exist, and for too many that nobody asked for.
   */
  blockReceived(
    peer: RemotePeer,
    index: number,
    begin: number,
    blockView: Uint8Array,
    now: number,
  ): boolean {
    const { length } = blockView;
    const { kind, latencyMs, others } = this.routing.receive(index, begin, blockView, peer.number, now);
    switch (kind) {
      case "invalid":
        throw new ProtocolError(
          `sent a block that does not exist: piece ${index}, ${length} bytes at ${begin}`,
        );
      case "duplicate":
      case "unrequested":
        if (!this.routing.excuse(peer.number) && ++peer.unwantedBlocks > TRANSFER.maxUnwantedBlocks) {
          throw new ProtocolError("sent blocks nobody asked for");
        }
        return false;
      case "complete":
        this.#commit(this.routing.get(index)!);
        break;
      case "needed":
        break;
    }
    peer.lastBlockAt = now;
    peer.download.add(length, now);
    peer.window.received(length, latencyMs, now);
    this.sources.received(length);
    for (const other of others) this.#cancel(this.#context.peers.get(other)!, index, begin);
    return true;
  }

  #commit(piece: ActivePiece): void {
    const { layout, storage } = this.#context;
    const buffer = this.routing.take(piece)!;
    piece.committedAt = this.diskPressure.lookedAt;
    this.#committing.set(piece.index, piece);
    this.#blame.pieceComplete(piece.index, buffer.subarray(0, layout.lengthOf(piece.index)));
    storage.commit(piece.index, buffer);
  }

  /** The piece is verified and written. Returns the peers that, as it turns out, sent wrong blocks of it before. */
  pieceStored(index: number): number[] {
    this.#committing.delete(index);
    this.held.found(index);
    if (this.stored.add(index) && this.#wanted.has(index)) this.#wantedStored++;
    return this.#blame.pieceVerified(index);
  }

  /**
   * The piece hashed wrong: it is missing again. Returns the peers that contributed to it, and the peer that is
   * convicted because it contributed alone. `buffer` is borrowed.
   */
  pieceCorrupt(index: number, buffer: Uint8Array): { contributors: number[]; convicted: number | undefined } {
    const piece = this.#committing.get(index)!;
    this.#committing.delete(index);
    this.picker.restore(index);
    const view = buffer.subarray(0, this.#context.layout.lengthOf(index));
    return {
      contributors: [...new Set(piece.deliveredBy)],
      convicted: this.#blame.pieceFailed(index, view, piece.deliveredBy),
    };
  }

  /** Goes on with a piece that an earlier run left partly received. The download owns the buffer from now on. */
  resume(index: number, buffer: Uint8Array<ArrayBuffer>, blocks: Bitfield): void {
    this.picker.remove(index);
    const piece = this.routing.activate(index, NOBODY, false);
    this.routing.markReceived(piece, buffer, blocks);
    if (piece.isComplete) this.#commit(piece);
  }

  /** Takes out all pieces that are partly received, for the next run; their buffers are the caller's. */
  takeUnfinished(): { index: number; buffer: Uint8Array<ArrayBuffer>; blocks: Bitfield }[] {
    return [...this.routing.pieces].flatMap((piece) => {
      const buffer = this.routing.take(piece);
      if (buffer === undefined) return [];
      const blocks = new Bitfield(piece.blockCount);
      for (let block = 0; block < piece.blockCount; block++) if (piece.isReceived(block)) blocks.add(block);
      return { index: piece.index, buffer, blocks };
    });
  }

  /** Gives all buffers back, and asks for nothing more. */
  abandon(): void {
    this.#isAbandoned = true;
    for (const piece of [...this.routing.pieces]) this.#drop(piece);
    for (const peer of this.#context.peers.values()) peer.isSource = false;
  }
}
