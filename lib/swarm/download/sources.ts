/**
 * Download sources: the few remote peers we send requests to, and who gets a free place among them. Web seeds have
 * places of their own, so that they never take one from a peer.
 *
 * Slots are few as well: where everybody has four sources and gives four slots, one that is held without use is missing
 * somewhere. So while every place has a source that gives us blocks, whoever else unchokes us is declined: it hears that
 * we want nothing, and gives its slot to another at once.
 */
import { CHOKING } from "../../settings.ts";
import { type Candidate, choose, fill } from "../peers/choker.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Choices } from "../policy.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** What `Sources` needs of the download. */
export interface SourcesContext {
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  readonly policy: Pick<Choices, "downloadSources">;
  readonly surroundings: Pick<Surroundings, "random">;
  /** The peer is declined, or is so no more. */
  declines(peer: RemotePeer): void;
}

/** Who hears of places given and taken. */
export interface SourcesListener {
  /** The peer has a place now: it is to be asked for blocks. */
  gained(peer: RemotePeer, now: number): void;
  /** The peer has no place any more. Blocks already asked of it may still come. */
  lost(peer: RemotePeer): void;
}

/** The places for download sources. Times in ms. */
export class Sources {
  readonly #context: SourcesContext;
  readonly #listener: SourcesListener;

  constructor(context: SourcesContext, listener: SourcesListener) {
    this.#context = context;
    this.#listener = listener;
  }

  readonly #random = () => this.#context.surroundings.random();

  /** Places there are. */
  get #places(): number {
    return this.#context.policy.downloadSources;
  }

  /** Places taken by peers. */
  get count(): number {
    let count = 0;
    for (const peer of this.#context.peers.values()) if (peer.isSource && !peer.isWebSeed) count++;
    return count;
  }

  /** Whether somebody without a place would answer requests, and is not passed over for now. */
  areOthersWaiting(now: number): boolean {
    return this.#waiting(now).length > 0 || this.#declined(now).length > 0;
  }

  /** Fills free places at once. */
  fill(now: number): void {
    for (const peer of this.#candidates(now, true)) if (!peer.isSource) this.#gain(peer, now);
    const free = this.#places - this.count;
    const first = fill(this.#waiting(now).map((peer) => candidateOf(peer, now)), free, this.#random);
    // Those we had nothing to ask come last.
    const spare = this.#candidates(now).filter((peer) => !peer.isSource && peer.spareUntil > now);
    const rest = fill(spare.map((peer) => candidateOf(peer, now)), free - first.length, this.#random);
    for (const { number } of [...first, ...rest]) this.#gain(this.#context.peers.get(number)!, now);
    this.#declineOthers(now);
  }

  /** Declines who unchokes us in vain while all places are in use, and nobody while one is not. */
  #declineOthers(now: number): void {
    const peers = [...this.#context.peers.values()].filter((peer) => !peer.isWebSeed);
    const inUse = peers.filter((peer) =>
      peer.isSource && (peer.outstanding > 0 || now - peer.lastBlockAt < CHOKING.idlePauseMs)
    );
    const areAllInUse = inUse.length >= this.#places;
    for (const peer of peers) {
      const isInVain = !peer.isSource && (peer.isDeclined || !peer.peerChokes);
      if (peer.isDeclined === (areAllInUse && isInVain)) continue;
      peer.isDeclined = !peer.isDeclined;
      this.#context.declines(peer);
    }
  }

  /** Gives all places anew, as every `CHOKING.rechokeMs`. */
  chooseAll(now: number): void {
    const { peers } = this.#context;
    const candidates = [...this.#candidates(now), ...this.#declined(now)].map((peer) =>
      candidateOf(peer, now)
    );
    const chosen = new Set(choose(candidates, this.#places, this.#random).map(({ number }) => number));
    for (const peer of peers.values()) {
      if (!peer.isSource || peer.isWebSeed || chosen.has(peer.number)) continue;
      this.lose(peer);
      // A place meant for one of the declined is for whoever of them unchokes us first, not for this one.
      peer.snubbedUntil = now + CHOKING.idlePauseMs;
    }
    for (const number of chosen) {
      const peer = peers.get(number)!;
      if (!peer.isSource && !peer.isDeclined) this.#gain(peer, now);
    }
    this.#declineOthers(now);
  }

  /** Takes the place of sources that we have nothing to ask, while others wait for one. */
  replaceIdle(now: number): void {
    let waiting = this.#waiting(now).length;
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
    this.#listener.lost(peer);
  }

  #gain(peer: RemotePeer, now: number): void {
    peer.isSource = true;
    peer.lastBlockAt = now;
    this.#listener.gained(peer, now);
  }

  /** Remote peers, or web seeds, that would answer requests we have. */
  #candidates(now: number, areWebSeeds = false): RemotePeer[] {
    return [...this.#context.peers.values()].filter((peer) =>
      peer.isWebSeed === areWebSeeds && !peer.peerChokes && !peer.isDeclined && isWanted(peer, now)
    );
  }

  /** Candidates without a place that are not passed over for now. */
  #waiting(now: number): RemotePeer[] {
    return this.#candidates(now).filter((peer) => !peer.isSource && peer.spareUntil <= now);
  }

  /** Remote peers that would be candidates, had we not declined them. Most choke us for that. */
  #declined(now: number): RemotePeer[] {
    return [...this.#context.peers.values()].filter((peer) => peer.isDeclined && isWanted(peer, now));
  }
}

function isWanted(peer: RemotePeer, now: number): boolean {
  return peer.wantedPieces > 0 && peer.snubbedUntil <= now;
}

function candidateOf(peer: RemotePeer, now: number): Candidate {
  return {
    number: peer.number,
    rate: peer.download.bytesPerSecond(now),
    isNewcomer: now - peer.connectedAt < CHOKING.newcomerMs,
  };
}
