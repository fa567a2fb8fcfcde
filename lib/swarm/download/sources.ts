/**
 * Chooses the download sources: the few remote peers that we send requests to. The number of places for them is
 * limited. Web seeds need no place, so that they never take one from a peer.
 *
 * Upload slots are few as well. If all peers have four sources and give four slots, a slot that one peer holds without
 * use is missing at another. So while every place has a source that gives us blocks, all other peers are declined: they
 * hear that we want nothing, and give their slots to other peers.
 */
import { CHOKING, TRIALS } from "../../settings.ts";
import { type Candidate, choose, fill } from "../peers/choker.ts";
import type { Surroundings } from "../../surroundings.ts";
import type { Choices } from "../policy.ts";
import type { SourceReason } from "../ports.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import type { NearFirst } from "./near_first.ts";
import { Trials } from "./trials.ts";

/** What `Sources` needs of the download. */
export interface SourcesContext {
  readonly near: Pick<NearFirst, "look">;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
  readonly policy: Pick<Choices, "downloadSources">;
  readonly surroundings: Pick<Surroundings, "random">;
  /** Tells that we decline the peer, or no longer do. */
  declines(peer: RemotePeer): void;
}

/** Hears which peers become sources and cease to be sources, and knows what is under way with them. */
interface SourcesListener {
  /** The peer is a source now: it is to be asked for blocks. */
  gained(peer: RemotePeer, now: number): void;
  /** The peer is no longer a source. Blocks that it was asked for may still come. */
  lost(peer: RemotePeer): void;
  /** Whether the source alone can finish a piece that was begun with it. */
  isNeeded(peer: RemotePeer): boolean;
}

/** The download sources of one torrent. Times in ms. */
export class Sources {
  readonly #context: SourcesContext;
  readonly #listener: SourcesListener;
  readonly #trials = new Trials();

  constructor(context: SourcesContext, listener: SourcesListener) {
    this.#context = context;
    this.#listener = listener;
  }

  readonly #random = () => this.#context.surroundings.random();

  /** The number of places. */
  get #places(): number {
    return this.#context.policy.downloadSources;
  }

  /** The sources, without web seeds. */
  get #sources(): RemotePeer[] {
    return this.#peersThat((peer) => peer.isSource && !peer.isWebSeed);
  }

  /** The number of sources, without web seeds. */
  get count(): number {
    return this.#sources.length;
  }

  /** Whether a peer without a place would answer requests, and is not passed over for now. */
  areOthersWaiting(now: number): boolean {
    return this.#waiting(now).length > 0 || this.#context.peers.values().some((peer) => isRefused(peer, now));
  }

  /** Fills free places at once. */
  fill(now: number): void {
    this.#makeRoomForNear(now);
    for (const peer of this.#context.peers.values()) {
      if (peer.isWebSeed && !peer.isSource && wouldAnswer(peer, now)) this.#gain(peer, "web seed", now);
    }
    const free = this.#places - this.count;
    if (free > 0) this.#fillPlaces(free, now);
    if (this.count >= this.#places) this.#tryWaiting(now);
    this.#declineOthers(now);
  }

  #fillPlaces(free: number, now: number): void {
    const first = fill(this.#waiting(now).map((peer) => candidateOf(peer, now)), free, this.#random);
    // Peers that we had nothing to ask come last.
    const spare = this.#candidates(now).filter((peer) => !peer.isSource && peer.spareUntil > now);
    const rest = fill(spare.map((peer) => candidateOf(peer, now)), free - first.length, this.#random);
    for (const { number, reason } of [...first, ...rest]) {
      this.#gain(this.#context.peers.get(number)!, reason, now);
    }
  }

  /** Far sources give way to near ones that would answer requests. */
  #makeRoomForNear(now: number): void {
    const far = this.#farSources;
    if (far.length <= this.#farPlaces) return;
    const waiting = this.#waiting(now).filter(({ isFar }) => !isFar).length;
    const needed = Math.min(waiting - (this.#places - this.count), far.length - this.#farPlaces);
    const byWorth = far.sort((a, b) => this.#trials.worth(a, now) - this.#trials.worth(b, now));
    for (const peer of byWorth.slice(0, Math.max(needed, 0))) this.lose(peer, "near ones come first");
  }

  get #farSources(): RemotePeer[] {
    return this.#peersThat(({ isFar, isSource }) => isFar && isSource);
  }

  /** Places of far sources while near ones wait. */
  get #farPlaces(): number {
    return Math.floor(this.#places / 2);
  }

  /** Payload came from a source. */
  received(bytes: number): void {
    this.#trials.received(bytes);
  }

  /** Replaces sources that bring little by peers that wait: to try them, or because they brought much more before. */
  #tryWaiting(now: number): void {
    const waiting = this.#waiting(now);
    if (waiting.length === 0) return;
    const places = this.#replaceable(now);
    for (const peer of this.#byKnownWorth(waiting)) {
      if (places.length === 0 || !this.#isMuchBetter(peer, places[0].worth)) break;
      this.#replace(places.shift()!.source, peer, "was better before", now);
    }
    const worst = places[0]?.worth ?? Infinity;
    const due = waiting.filter((peer) => !peer.isSource && this.#trials.isDue(peer, worst, now));
    const [best] = this.#byKnownWorth([...due, ...this.#declined(now)]);
    const leastWorth = best === undefined ? 0 : this.#trials.knownWorth(best);
    for (const peer of this.#trials.inOrder(due, this.#context.peers.values(), this.#random)) {
      const [place] = places;
      if (place === undefined || place.isMainstay) return;
      if (!this.#trials.pay(peer, Math.max(place.worth, leastWorth))) return;
      places.shift();
      this.#replace(place.source, peer, "on trial", now);
    }
  }

  /** Lets some of the declined peers unchoke us, as many as there are places to try them in. */
  invite(now: number): void {
    if (this.count < this.#places) return;
    const { peers } = this.#context;
    for (const peer of peers.values()) this.#trials.expire(peer, now);
    const declined = this.#declined(now);
    if (declined.length === 0) return;
    const places = this.#replaceable(now);
    let free = places.filter(({ isMainstay }) => !isMainstay).length;
    for (const peer of peers.values()) if (this.#trials.isInvited(peer, now)) free--;
    if (free <= 0) return;
    const worst = places[0]?.worth ?? Infinity;
    const better = this.#byKnownWorth(declined).filter((peer) => this.#isMuchBetter(peer, worst));
    const due = declined.filter((peer) => this.#trials.isDue(peer, worst, now));
    const inOrder = this.#trials.inOrder(due, peers.values(), this.#random);
    for (const peer of new Set([...better, ...inOrder])) {
      if (free-- <= 0) break;
      this.#trials.invite(peer, now);
      peer.isDeclined = false;
      this.#context.declines(peer);
    }
  }

  #isMuchBetter(peer: RemotePeer, worth: number): boolean {
    return this.#trials.knownWorth(peer) > TRIALS.muchBetter * worth;
  }

  #byKnownWorth(peers: readonly RemotePeer[]): RemotePeer[] {
    return peers.filter((peer) => this.#trials.knownWorth(peer) > 0)
      .sort((a, b) => this.#trials.knownWorth(b) - this.#trials.knownWorth(a));
  }

  /**
   * Sources whose trial is over, those that bring least first, without those that our own limit holds up. The mainstay
   * brings more than all others together. A source that alone can finish a piece is none of them unless it brings next
   * to nothing: its upload slot would go to another peer, and the piece would reach nobody for a long time.
   */
  #replaceable(now: number): { source: RemotePeer; worth: number; isMainstay: boolean }[] {
    const sources = this.#sources.map((source) => ({ source, worth: this.#trials.worth(source, now) }));
    const total = sources.reduce((sum, { worth }) => sum + worth, 0);
    return sources
      .filter(({ source }) => !source.wasHeldUp(now, CHOKING.idlePauseMs) && this.#trials.isOver(source, now))
      .filter(({ source, worth }) => worth <= TRIALS.poorWorth || !this.#listener.isNeeded(source))
      .map((place) => ({ ...place, isMainstay: place.worth > total / 2 }))
      .sort((a, b) => a.worth - b.worth);
  }

  #replace(source: RemotePeer, other: RemotePeer, reason: SourceReason, now: number): void {
    this.#trials.end(source, now);
    this.lose(source, "others are tried");
    this.#gain(other, reason, now);
  }

  /**
   * Declines all peers that are no sources while all places are in use, and no peer otherwise. Peers that choke us are
   * told, too: in a large room each of them would try a slot for us before it learns that, and most slots would be
   * held in vain.
   */
  #declineOthers(now: number): void {
    const inUse = this.#sources.filter((peer) =>
      peer.outstanding > 0 || now - peer.lastBlockAt < CHOKING.idlePauseMs
    );
    const areAllInUse = inUse.length >= this.#places;
    for (const peer of this.#context.peers.values()) {
      if (peer.isWebSeed) continue;
      // What a former source was asked for may still come; it would be refused, and asked for a second time.
      const isInVain = !peer.isSource && (peer.isDeclined || peer.outstanding === 0) &&
        !this.#trials.isInvited(peer, now);
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
    const decisions = choose(candidates, this.#places, this.#random);
    const chosen = new Set(decisions.map(({ number }) => number));
    for (const peer of peers.values()) {
      if (!peer.isSource || peer.isWebSeed || chosen.has(peer.number)) continue;
      this.lose(peer, "others are faster");
      // A place meant for a declined peer goes to the first of them that unchokes us, not back to this one.
      peer.snubbedUntil = now + CHOKING.idlePauseMs;
    }
    for (const { number, reason } of decisions) {
      const peer = peers.get(number)!;
      if (peer.isSource) peer.sourceReason = reason;
      else if (!peer.isDeclined) this.#gain(peer, reason, now);
    }
    this.#declineOthers(now);
  }

  /** Takes places from sources that we have nothing to ask, while other peers wait for one. */
  replaceIdle(now: number): void {
    const idle = this.#sources.filter((peer) => peer.outstanding === 0);
    const waiting = idle.length === 0 ? 0 : this.#waiting(now).length;
    for (const peer of idle.slice(0, waiting)) {
      peer.spareUntil = now + CHOKING.idlePauseMs;
      this.lose(peer, "has nothing to ask for");
    }
    this.fill(now);
  }

  /** Asks far peers for nothing from now on, or lets them be asked again, as near ones deliver. */
  holdBack(now: number): void {
    for (const peer of this.#context.near.look(now)) {
      if (peer.isHeldBack) this.lose(peer, "near ones come first");
      this.#context.declines(peer);
    }
  }

  /** Makes the peer a source no longer, if it is one. */
  lose(peer: RemotePeer, reason: SourceReason = ""): void {
    if (!peer.isSource) return;
    peer.isSource = false;
    peer.sourceReason = reason;
    this.#listener.lost(peer);
  }

  #gain(peer: RemotePeer, reason: SourceReason, now: number): void {
    peer.isSource = true;
    peer.sourceReason = reason;
    peer.lastBlockAt = now;
    this.#trials.begin(peer, now);
    this.#listener.gained(peer, now);
  }

  /** Remote peers, web seeds left out, that would answer requests we have. */
  #candidates(now: number): RemotePeer[] {
    return this.#peersThat((peer) => !peer.isWebSeed && wouldAnswer(peer, now));
  }

  /** Candidates that are not sources and not passed over for now. */
  #waiting(now: number): RemotePeer[] {
    const all = this.#candidates(now).filter((peer) => !peer.isSource && peer.spareUntil <= now);
    if (!all.some(({ isFar }) => isFar)) return all;
    const near = all.filter(({ isFar }) => !isFar);
    return near.length > 0 && this.#farSources.length >= this.#farPlaces ? near : all;
  }

  /** Remote peers that would be candidates if we had not declined them. Most of them choke us because of that. */
  #declined(now: number): RemotePeer[] {
    return this.#peersThat((peer) => isRefused(peer, now));
  }

  #peersThat(matches: (peer: RemotePeer) => boolean): RemotePeer[] {
    const those: RemotePeer[] = [];
    for (const peer of this.#context.peers.values()) if (matches(peer)) those.push(peer);
    return those;
  }
}

/** Whether the peer would answer requests we have. */
function wouldAnswer(peer: RemotePeer, now: number): boolean {
  return !peer.peerChokes && !peer.isDeclined && isWanted(peer, now);
}

/** Whether only we stand in the way of asking the peer. */
function isRefused(peer: RemotePeer, now: number): boolean {
  return peer.isDeclined && isWanted(peer, now);
}

function isWanted(peer: RemotePeer, now: number): boolean {
  return peer.wantedPieces > 0 && peer.snubbedUntil <= now && !peer.isHeldBack;
}

function candidateOf(peer: RemotePeer, now: number): Candidate {
  return {
    number: peer.number,
    rate: peer.download.bytesPerSecond(now),
    isNewcomer: now - peer.connectedAt < CHOKING.newcomerMs,
  };
}
