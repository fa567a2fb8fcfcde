/**
 * Super-seeding: a seeder that shows each piece to one peer, so that close to one copy of the data leaves it before
 * the others have a whole one among them (BEP 16).
 *
 * The seeder pretends to have nothing, and shows pieces one by one. A piece goes through `fresh → assigned → held`: a
 * fresh piece was shown to nobody, an assigned one was shown to a peer that has not got it yet, and a held one is at
 * some remote peer. A piece whose last holder leaves is fresh again. Once every piece is held, all are shown to all
 * peers.
 */
import { Bitfield } from "../../protocol/bitfield.ts";
import { BLOCK_LENGTH, type PieceLayout } from "../../protocol/piece_layout.ts";
import { SUPER_SEEDING, TRANSFER } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** What `SuperSeeding` needs of its swarm. */
interface SuperSeedingContext {
  readonly layout: PieceLayout;
  /** How many remote peers have a piece. */
  availabilityOf(index: number): number;
  readonly surroundings: Pick<Surroundings, "random">;
}

/** The pieces that one peer was shown. */
interface Shown {
  readonly pieces: Bitfield;
  /** Pieces shown to it that it has not got. `since`: when it was shown the piece, or last asked for it; in ms. */
  readonly assigned: Map<number, { isBegun: boolean; since: number }>;
  /** Pieces that it alone has, because it has not passed them on yet. */
  readonly alone: Set<number>;
  /** Once everything is held, all pieces before this one have been shown. */
  restFrom: number;
}

/** Decides which pieces each peer is shown. Times in ms. */
export class SuperSeeding {
  readonly #context: SuperSeedingContext;
  /** Fresh pieces in random order, so that no peer gets the data from the beginning to the end. */
  readonly #fresh: Set<number>;
  readonly #held: Bitfield;
  readonly #shown = new Map<RemotePeer, Shown>();
  /** How many pieces a peer with a slot is shown ahead of its requests: those of a first window, and one more. */
  readonly #ahead: number;
  /** Whether super-seeding was ended, so that all pieces are shown to all peers. */
  hasEnded = false;

  /** `told`: peers that we have told already that we have everything. */
  constructor(context: SuperSeedingContext, told: Iterable<RemotePeer>) {
    const { pieceCount, pieceLength } = context.layout;
    this.#context = context;
    this.#fresh = new Set(shuffled(pieceCount, () => context.surroundings.random()));
    this.#held = new Bitfield(pieceCount);
    this.#ahead = Math.ceil(TRANSFER.firstWindow * BLOCK_LENGTH / pieceLength) + 1;
    for (const peer of told) {
      const pieces = Bitfield.full(pieceCount);
      this.#shown.set(peer, { pieces, assigned: new Map(), alone: new Set(), restFrom: pieceCount });
      for (const index of peer.have) this.peerHas(peer, index);
    }
  }

  /** Whether the remote peers have every piece among them, or super-seeding was ended. */
  get isOver(): boolean {
    return this.hasEnded || this.#held.isFull;
  }

  /** Whether a new peer is told that we have nothing; else it is told that we have everything, as usual. */
  hidesFrom(peer: RemotePeer): boolean {
    if (this.isOver) this.#of(peer).restFrom = this.#held.length;
    return !this.isOver;
  }

  /** Whether a peer may ask for a piece. */
  isShown(peer: RemotePeer, index: number): boolean {
    return this.isOver || this.#of(peer).pieces.has(index);
  }

  /** Takes the pieces to show to a peer now; they count as shown. */
  show(peer: RemotePeer, now: number): number[] {
    const shown = this.#of(peer);
    if (this.isOver) return this.#showRest(peer, shown);
    if (shown.pieces.isFull) return [];
    const indices: number[] = [];
    for (;;) {
      const index = this.#next(peer, shown, now);
      if (index < 0) return indices;
      shown.pieces.add(index);
      shown.assigned.set(index, { isBegun: false, since: now });
      indices.push(index);
    }
  }

  /** Takes a part of the pieces that a peer was not shown yet: a message for each piece at once would be too much. */
  #showRest(peer: RemotePeer, shown: Shown): number[] {
    const rest: number[] = [];
    const { pieces } = shown;
    for (; shown.restFrom < pieces.length && rest.length < SUPER_SEEDING.piecesAtOnce; shown.restFrom++) {
      if (!peer.have.has(shown.restFrom) && pieces.add(shown.restFrom)) rest.push(shown.restFrom);
    }
    return rest;
  }

  #next(peer: RemotePeer, shown: Shown, now: number): number {
    const waiting = shown.assigned.values().filter(({ isBegun }) => !isBegun).reduce((count) => count + 1, 0);
    // A peer that does not pass on its pieces is shown one at a time.
    const isSlow = shown.alone.size * this.#context.layout.pieceLength > SUPER_SEEDING.maxAloneBytes;
    if (isSlow ? shown.assigned.size > 0 : waiting >= (peer.weChoke ? 1 : this.#ahead)) return -1;
    const fresh = this.#takeFresh(peer);
    return fresh >= 0 || shown.assigned.size > 0 ? fresh : this.#stalled(peer, shown, now);
  }

  #takeFresh(peer: RemotePeer): number {
    for (const index of this.#fresh) {
      if (peer.have.has(index)) continue;
      this.#fresh.delete(index);
      return index;
    }
    return -1;
  }

  /**
   * A piece that is assigned to another peer, which has not begun it or makes no progress with it; -1: there is none.
   */
  #stalled(peer: RemotePeer, shown: Shown, now: number): number {
    let begun = -1;
    for (const [other, { assigned }] of this.#shown) {
      if (other === peer) continue;
      for (const [index, { isBegun, since }] of assigned) {
        if (this.#held.has(index) || peer.have.has(index) || shown.pieces.has(index)) continue;
        if (!isBegun) return index;
        if (now - since >= SUPER_SEEDING.patienceMs) begun = index;
      }
    }
    return begun;
  }

  /** A peer asked for a block of a piece it was shown. */
  requested(peer: RemotePeer, index: number, now: number): void {
    const piece = this.#of(peer).assigned.get(index);
    if (piece === undefined) return;
    piece.isBegun = true;
    piece.since = now;
  }

  /** A peer has a piece. The picker has counted it already. */
  peerHas(peer: RemotePeer, index: number): void {
    const isFirst = this.#held.add(index);
    this.#fresh.delete(index);
    const shown = this.#of(peer);
    if (isFirst) shown.alone.add(index);
    else for (const [other, { alone }] of this.#shown) if (other !== peer) alone.delete(index);
    shown.assigned.delete(index);
  }

  /** The connection is gone, and the picker has counted that. Pieces that nobody has or was shown are fresh again. */
  peerLeft(peer: RemotePeer): void {
    const { assigned } = this.#of(peer);
    this.#shown.delete(peer);
    for (const index of [...peer.have, ...assigned.keys()]) {
      if (peer.isCounted && this.#context.availabilityOf(index) === 0) this.#held.delete(index);
      const isAssigned = this.#shown.values().some((other) => other.assigned.has(index));
      if (!this.#held.has(index) && !isAssigned) this.#fresh.add(index);
    }
  }

  #of(peer: RemotePeer): Shown {
    let shown = this.#shown.get(peer);
    if (shown === undefined) {
      const pieces = new Bitfield(this.#held.length);
      this.#shown.set(peer, shown = { pieces, assigned: new Map(), alone: new Set(), restFrom: 0 });
    }
    return shown;
  }
}

/** The numbers below `count` in random order. */
function shuffled(count: number, random: () => number): number[] {
  const numbers = [...Array(count).keys()];
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [numbers[last], numbers[other]] = [numbers[other], numbers[last]];
  }
  return numbers;
}
