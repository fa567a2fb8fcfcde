/**
 * Download sources: the few remote peers we send requests to, and who gets a free place among them. Web seeds have
 * places of their own, so that they never take one from a peer.
 */
import { CHOKING } from "../settings.ts";
import { type Candidate, choose, fill } from "./choker.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** What `Sources` needs of the download. */
export interface SourcesContext {
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  /** Places. */
  readonly sources: number;
  /** Numbers in [0, 1). */
  random(): number;
  /** The peer has a place now: it is to be asked for blocks. */
  gained(peer: RemotePeer, now: number): void;
  /** The peer has no place any more. Blocks already asked of it may still come. */
  lost(peer: RemotePeer): void;
}

/** The places for download sources. Times in ms. */
export class Sources {
  readonly #context: SourcesContext;

  constructor(context: SourcesContext) {
    this.#context = context;
  }

  /** Places taken by peers. */
  get count(): number {
    let count = 0;
    for (const peer of this.#context.peers.values()) if (peer.isSource && !peer.isWebSeed) count++;
    return count;
  }

  /** Whether somebody without a place would answer requests, and is not passed over for now. */
  areOthersWaiting(now: number): boolean {
    return this.#candidates(now).some((peer) => !peer.isSource && peer.spareUntil <= now);
  }

  /** Fills free places at once. */
  fill(now: number): void {
    for (const peer of this.#candidates(now, true)) if (!peer.isSource) this.#gain(peer, now);
    const free = this.#context.sources - this.count;
    if (free <= 0) return;
    const waiting = this.#candidates(now).filter((peer) => !peer.isSource);
    // Those we had nothing to ask come last.
    const fresh = waiting.filter((peer) => peer.spareUntil <= now);
    const { random } = this.#context;
    const first = fill(fresh.map((peer) => candidateOf(peer, now)), free, random);
    const spare = waiting.filter((peer) => peer.spareUntil > now);
    const rest = fill(spare.map((peer) => candidateOf(peer, now)), free - first.length, random);
    for (const { number } of [...first, ...rest]) this.#gain(this.#context.peers.get(number)!, now);
  }

  /** Gives all places anew, as every `CHOKING.rechokeMs`. */
  chooseAll(now: number): void {
    const { sources, random, peers } = this.#context;
    const candidates = this.#candidates(now).map((peer) => candidateOf(peer, now));
    const chosen = new Set(choose(candidates, sources, random).map(({ number }) => number));
    for (const peer of peers.values()) {
      if (peer.isSource && !peer.isWebSeed && !chosen.has(peer.number)) this.lose(peer);
    }
    for (const number of chosen) {
      const peer = peers.get(number)!;
      if (!peer.isSource) this.#gain(peer, now);
    }
  }

  /** Takes the place of sources that we have nothing to ask, while others wait for one. */
  replaceIdle(now: number): void {
    let waiting = this.#candidates(now).filter((peer) => !peer.isSource && peer.spareUntil <= now).length;
    for (const peer of this.#context.peers.values()) {
      if (waiting <= 0) break;
      if (!peer.isSource || peer.isWebSeed || peer.outstanding > 0) continue;
      peer.spareUntil = now + CHOKING.idlePauseMs;
      this.lose(peer);
      waiting--;
    }
    this.fill(now);
  }

  /** Takes the peer's place, if it has one. */
  lose(peer: RemotePeer): void {
    if (!peer.isSource) return;
    peer.isSource = false;
    this.#context.lost(peer);
  }

  #gain(peer: RemotePeer, now: number): void {
    peer.isSource = true;
    peer.lastBlockAt = now;
    this.#context.gained(peer, now);
  }

  /** Remote peers, or web seeds, that would answer requests we have. */
  #candidates(now: number, areWebSeeds = false): RemotePeer[] {
    return [...this.#context.peers.values()].filter((peer) =>
      peer.isWebSeed === areWebSeeds && !peer.peerChokes && peer.wantedPieces > 0 && peer.snubbedUntil <= now
    );
  }
}

function candidateOf(peer: RemotePeer, now: number): Candidate {
  return {
    number: peer.number,
    rate: peer.download.bytesPerSecond(now),
    isNewcomer: now - peer.connectedAt < CHOKING.newcomerMs,
  };
}
