/**
 * The receiving half of a swarm: download sources, requests, blocks, pieces.
 *
 * A piece is in exactly one state: `missing` (in the picker) → `active` (in the block routing table) →
 * `committing` (being verified and written) → `stored` (in `stored`). A corrupt one is missing again.
 */
import { Bitfield } from "../../protocol/bitfield.ts";
import {
  ABOUT_BLOCK_LENGTH,
  encodeAboutBlock,
  MessageId,
  writeAboutBlock,
} from "../../protocol/peer_messages.ts";
import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";
import { CHOKING, FAST, TRANSFER } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import { Blame } from "./blame.ts";
import { type ActivePiece, BlockRouting, NOBODY } from "./block_routing.ts";
import { askInEndgame } from "./endgame.ts";
import type { FileSelection } from "./file_selection.ts";
import { PieceChoice } from "./piece_choice.ts";
import { PieceOrder } from "./piece_order.ts";
import type { Choices } from "../policy.ts";
import type { PieceStorage } from "../ports.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { Sources } from "./sources.ts";

/** Part of the blocks under way that must be open before more are asked for: a message per block would be dear. */
const REFILL_SHARE = 0.25;

/** What `Download` needs of its swarm. */
export interface DownloadContext {
  readonly layout: PieceLayout;
  readonly selection: FileSelection;
  readonly storage: PieceStorage;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  readonly policy: Pick<Choices, "downloadSources">;
  readonly surroundings: Pick<Surroundings, "random">;
  /** We decline what the peer offers, or do so no more. */
  declines(peer: RemotePeer): void;
}

/** Pieces we lack, and whom we ask for them. */
export class Download {
  /** Pieces that are verified and written. */
  readonly stored: Bitfield;
  readonly picker: PieceOrder;
  readonly routing: BlockRouting;
  readonly sources: Sources;
  readonly #context: DownloadContext;
  readonly #committing = new Map<number, ActivePiece>();
  readonly #blame = new Blame();
  readonly #choice: PieceChoice;
  /** Pieces that are wanted, stored or not. */
  #wanted: Bitfield;
  /** How many of them are stored. */
  #wantedStored: number;
  #isAbandoned = false;

  /** `stored` is kept and kept up to date. */
  constructor(stored: Bitfield, context: DownloadContext) {
    this.stored = stored;
    this.picker = new PieceOrder(context.selection, stored);
    this.routing = new BlockRouting(context.layout, () => context.storage.takeBuffer());
    this.#context = context;
    this.sources = new Sources(context, {
      gained: (peer, now) => this.refill(peer, now),
      lost: (peer) => this.#freeExclusivePieces(peer),
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
    return [...this.stored].filter((index) => this.#wanted.has(index)).length;
  }

  /**
   * Other pieces are wanted from now on, or in another order. What was received of those that are under way and not
   * wanted any more is thrown away, and whoever was asked for it hears so.
   */
  select(selection: FileSelection): void {
    this.#wanted = selection.pieces;
    this.#wantedStored = this.#countWantedStored();
    const isTaken = (index: number) =>
      this.stored.has(index) || this.#committing.has(index) || this.routing.get(index) !== undefined;
    this.picker.select(selection, isTaken);
    for (const piece of [...this.routing.pieces]) {
      if (selection.pieces.has(piece.index)) continue;
      for (const peer of this.#context.peers.values()) this.#takeBack(piece, peer);
      this.#drop(piece);
    }
  }

  /** Takes back all that was asked of a peer of one piece, and says so. */
  #takeBack(piece: ActivePiece, peer: RemotePeer): void {
    const { layout } = this.#context;
    for (let block = 0; block < piece.blockCount; block++) {
      const begin = block * BLOCK_LENGTH;
      if (!this.routing.release(piece.index, begin, peer.number)) continue;
      peer.outstanding--;
      peer.released++;
      const length = layout.blockLength(piece.index, begin);
      peer.sender.send(encodeAboutBlock(MessageId.cancel, piece.index, begin, length));
    }
  }

  /** Wanted pieces that are not stored. */
  get missing(): number {
    return this.#wanted.count - this.#wantedStored;
  }

  /** Every wanted piece is stored. */
  get isComplete(): boolean {
    return this.missing === 0;
  }

  /** Whether nothing is asked of anybody any more. */
  get #isOver(): boolean {
    return this.#isAbandoned || this.isComplete;
  }

  /** Pieces and bytes that are still to be stored. */
  get bytesLeft(): number {
    const { layout } = this.#context;
    const last = layout.pieceCount - 1;
    const short = last >= 0 && this.stored.has(last) ? layout.pieceLength - layout.lengthOf(last) : 0;
    return Math.max(layout.totalLength - this.stored.count * layout.pieceLength + short, 0);
  }

  // Sources

  /** Fills free places at once, then asks the new sources for blocks. */
  fillSources(now: number): void {
    if (!this.#isOver) this.sources.fill(now);
  }

  /** Gives all places anew, as every `CHOKING.rechokeMs`. */
  chooseSources(now: number): void {
    if (!this.#isOver) this.sources.chooseAll(now);
  }

  /** The policy has changed: what is too many of sources loses its place at once, and what is free is given. */
  policyChanged(now: number): void {
    if (this.sources.count > this.#context.policy.downloadSources) this.chooseSources(now);
    this.fillSources(now);
  }

  /** The peer chokes us. With the Fast extension it rejects what it will not send; else nothing comes any more. */
  choked(peer: RemotePeer, now: number): void {
    if (!peer.facts.supportsFast) this.#releaseAll(peer);
    peer.suggestions.length = 0;
    this.sources.lose(peer);
    this.fillSources(now);
  }

  /** The connection is gone: its blocks are free for others. */
  peerLeft(peer: RemotePeer, now: number): void {
    this.#releaseAll(peer);
    this.sources.lose(peer);
    this.fillSources(now);
    this.refillAll(now);
  }

  /** Once per tick: silent sources lose their place, lost requests are asked again. */
  tick(now: number): void {
    if (this.#isOver) return;
    const diskIsBusy = !this.#context.storage.hasRoom();
    const unprovenMs = this.sources.areOthersWaiting(now) ? CHOKING.unprovenAfterMs : CHOKING.snubbedAfterMs;
    for (const peer of this.#context.peers.values()) {
      // While our own disk or limit holds us up the peer is not read from, so it is not silent.
      if (diskIsBusy) peer.heldUpAt = now;
      if (peer.isHeldUp || diskIsBusy) peer.lastBlockAt = now;
      const patienceMs = peer.download.total === 0 ? unprovenMs : CHOKING.snubbedAfterMs;
      if (peer.outstanding > 0 && now - peer.lastBlockAt >= patienceMs) this.#snub(peer, now);
      else if (this.#hasLeftBlocks(peer, now)) this.#releaseAll(peer);
    }
    const patience = new Map<number, number>();
    for (const peer of this.#context.peers.values()) {
      const rate = Math.max(peer.download.bytesPerSecond(now), 1);
      const windowMs = peer.outstanding * BLOCK_LENGTH * 1_000 / rate;
      const patienceMs = Math.max(TRANSFER.requestTimeoutMs, 4 * windowMs);
      if (!peer.wasHeldUp(now, patienceMs)) patience.set(peer.number, now - patienceMs);
    }
    this.routing.releaseOverdue((number) => patience.get(number) ?? -Infinity, (number) => {
      const peer = this.#context.peers.get(number)!;
      peer.outstanding--;
      peer.released++;
    });
    this.refillAll(now);
    this.sources.replaceIdle(now);
    if (!diskIsBusy) this.sources.invite(now);
  }

  /** The peer owes blocks from the time when it had a place, and sends none. */
  #hasLeftBlocks(peer: RemotePeer, now: number): boolean {
    const hasPlace = peer.isSource || peer.isWebSeed || peer.allowedFast.size > 0;
    return !hasPlace && peer.outstanding > 0 && now - peer.lastBlockAt >= CHOKING.leftBlocksMs;
  }

  #snub(peer: RemotePeer, now: number): void {
    this.#releaseAll(peer);
    peer.snubbedUntil = now + CHOKING.rechokeMs;
    peer.reason = "snubbed";
    this.sources.lose(peer);
  }

  #releaseAll(peer: RemotePeer): void {
    this.routing.releaseAll(peer.number);
    peer.released += peer.outstanding;
    peer.outstanding = 0;
  }

  /** Pieces that only this peer may deliver cannot be finished without it: they begin anew. */
  #freeExclusivePieces(peer: RemotePeer): void {
    for (const piece of [...this.routing.pieces]) {
      if (!piece.isExclusive || piece.begunWith !== peer.number) continue;
      const outstanding = piece.askedOf(peer.number);
      peer.outstanding -= outstanding;
      peer.released += outstanding;
      this.#drop(piece);
    }
  }

  /** What was received of a piece is thrown away: it is missing again. */
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

  /** Asks one source for blocks up to its window, once a fair part of it is open; requests leave as one message. */
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
      peer.outstanding++;
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
    // What our own limit holds up comes no sooner from somebody else.
    const isHeldUp = peer.wasHeldUp(now, CHOKING.idlePauseMs);
    const isEndgame = this.picker.missing === 0 && !this.routing.hasFreeBlocks;
    if (open > 0 && isEndgame && !isHeldUp && !peer.sendsWholeFiles) {
      askInEndgame(this.routing, this.#context.peers, peer, now, ask, () => open > 0);
    }
    if (used > 0) peer.sender.send(message.subarray(0, used));
  }

  /** Where the run ends that a web seed is going to be asked for from piece `index` on: as `PieceChoice.endOfRun`. */
  endOfRun(peer: RemotePeer, index: number, maxPieces: number): number {
    return this.#choice.endOfRun(peer, index, maxPieces);
  }

  /** Whether a block that was asked of the peer is still of use. */
  isNeeded(index: number, begin: number): boolean {
    return this.routing.get(index)?.isReceived(begin / BLOCK_LENGTH) === false;
  }

  /** Sources that do not choke us, and others for the pieces they allow all the same, while we have few. */
  #mayAsk(peer: RemotePeer): boolean {
    if (!peer.peerChokes) return peer.isSource;
    if (peer.allowedFast.size === 0 || this.stored.count >= FAST.pieces) return false;
    const isOpen = (index: number) => this.picker.isMissing(index) || this.routing.get(index)?.freeBlocks;
    return [...peer.allowedFast].some(isOpen);
  }

  /** The peer would answer requests for this piece although it chokes us (BEP 6 "allowed fast"). */
  allowedFast(peer: RemotePeer, index: number): void {
    if (index < this.stored.length && peer.allowedFast.size < FAST.maxAllowed) peer.allowedFast.add(index);
  }

  /** The peer would like us to take this piece (BEP 6 "suggest piece"). */
  suggested(peer: RemotePeer, index: number): void {
    this.#choice.suggested(peer, index);
  }

  /** A request was refused (BEP 6 "reject"): the block is free for others, and this peer is left alone a while. */
  rejected(peer: RemotePeer, index: number, begin: number, now: number): void {
    if (!this.routing.release(index, begin, peer.number)) {
      if (peer.released > 0) peer.released--;
      return;
    }
    peer.outstanding--;
    peer.allowedFast.delete(index);
    if (peer.peerChokes) return;
    peer.snubbedUntil = now + CHOKING.rejectPauseMs;
    this.sources.lose(peer);
  }

  /** The peer has a piece no more: what it was asked for of it is free for others. */
  pieceLost(peer: RemotePeer, index: number): void {
    const piece = this.routing.get(index);
    if (piece === undefined) return;
    for (let block = 0; block < piece.blockCount; block++) {
      if (!this.routing.release(index, block * BLOCK_LENGTH, peer.number)) continue;
      peer.outstanding--;
      peer.released++;
    }
    if (piece.isExclusive && piece.begunWith === peer.number) this.#freeExclusivePieces(peer);
  }

  /** A stored piece cannot be read any more; false when that was known. It is not fetched again in this run. */
  pieceUnreadable(index: number): boolean {
    if (!this.stored.delete(index)) return false;
    if (this.#wanted.has(index)) this.#wantedStored--;
    return true;
  }

  // Blocks and pieces

  /**
   * Takes a block in. `blockView` is borrowed, `begin` in bytes. Returns a reason to drop the peer, if it gave one.
   */
  blockReceived(
    peer: RemotePeer,
    index: number,
    begin: number,
    blockView: Uint8Array,
    now: number,
  ): string | undefined {
    const piece = this.routing.get(index);
    const block = begin / BLOCK_LENGTH;
    const [first, second] = [piece?.askerOf(block) ?? NOBODY, piece?.secondAskerOf(block) ?? NOBODY];
    switch (this.routing.receive(index, begin, blockView, peer.number, peer.released > 0)) {
      case "invalid":
        return `sent a block that does not exist: piece ${index}, ${blockView.length} bytes at ${begin}`;
      case "duplicate":
      case "unrequested":
        if (peer.released > 0) peer.released--;
        else if (++peer.unwantedBlocks > TRANSFER.maxUnwantedBlocks) return "sent blocks nobody asked for";
        return undefined;
      case "complete":
        this.#commit(piece!);
        break;
      case "needed":
        break;
    }
    if (first === peer.number || second === peer.number) peer.outstanding--;
    else peer.released--;
    peer.lastBlockAt = now;
    peer.download.add(blockView.length, now);
    this.sources.received(blockView.length);
    peer.window.received(blockView.length, now - piece!.askedAt(block), now);
    if (first !== peer.number) this.#cancel(first, index, begin, blockView.length);
    if (second !== peer.number) this.#cancel(second, index, begin, blockView.length);
    return undefined;
  }

  /** In endgame, the first arrival cancels the other request. */
  #cancel(number: number, index: number, begin: number, length: number): void {
    const other = this.#context.peers.get(number);
    if (other === undefined) return;
    other.outstanding--;
    other.released++;
    other.sender.send(encodeAboutBlock(MessageId.cancel, index, begin, length));
  }

  #commit(piece: ActivePiece): void {
    const { layout, storage } = this.#context;
    const buffer = this.routing.take(piece)!;
    this.#committing.set(piece.index, piece);
    this.#blame.pieceComplete(piece.index, buffer.subarray(0, layout.lengthOf(piece.index)));
    storage.commit(piece.index, buffer);
  }

  /** The piece is verified and written. Returns peers found to have sent wrong blocks of it before. */
  pieceStored(index: number): number[] {
    this.#committing.delete(index);
    if (this.stored.add(index) && this.#wanted.has(index)) this.#wantedStored++;
    return this.#blame.pieceVerified(index);
  }

  /**
   * The piece hashed wrong: it is missing again. Returns who contributed to it, and the peer that is convicted
   * because it contributed alone. `buffer` is borrowed.
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

  /** Goes on with a piece that an earlier run left partly received. Takes the buffer over. */
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

  /** Gives all buffers back; nothing is asked for any more. */
  abandon(): void {
    this.#isAbandoned = true;
    for (const piece of [...this.routing.pieces]) this.#drop(piece);
    for (const peer of this.#context.peers.values()) {
      peer.isSource = false;
      peer.released += peer.outstanding;
      peer.outstanding = 0;
    }
  }
}
