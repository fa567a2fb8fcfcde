/**
 * One info-hash in the embedded tracker's memory.
 *
 *   lists     peers by name, least recently announced first, so that expired ones stand in front. Peers of our own kind
 *             and all others each have a list, as they expire after different times
 *   pools     the same peers again, by address family and by what they have and want, for random selection
 */
import { COMPACT_LENGTH, type IpFamily } from "../../protocol/endpoint.ts";
import { isOfOurKind } from "../../protocol/peer_id.ts";
import type { ScrapeCounts } from "../../protocol/tracker_messages.ts";
import { TRACKER } from "../../settings.ts";
import { PeerPool } from "./peer_pool.ts";
import type { Standing, TrackedPeer } from "./tracked_peer.ts";

/** The peers of one address family. */
class Pools {
  readonly seeds = new PeerPool<TrackedPeer>();
  readonly partialSeeds = new PeerPool<TrackedPeer>();
  readonly leeches = new PeerPool<TrackedPeer>();

  of({ isSeed, wantsMore }: Standing): PeerPool<TrackedPeer> {
    return isSeed ? this.seeds : wantsMore ? this.leeches : this.partialSeeds;
  }

  /** The pools of those peers that an asker may have a use for. */
  usefulTo({ wantsMore }: Pick<Standing, "wantsMore">): PeerPool<TrackedPeer>[] {
    return wantsMore ? [this.seeds, this.partialSeeds, this.leeches] : [this.leeches];
  }
}

/** Peers that expire after the same time of silence, least recently announced first. */
class PeerList {
  readonly peers = new Map<string, TrackedPeer>();
  readonly timeToLiveMs: number;

  constructor(timeToLiveMs: number) {
    this.timeToLiveMs = timeToLiveMs;
  }
}

/** All peers that announced one info-hash, in lists and in pools at once. */
export class TrackedSwarm {
  readonly #ourKind = new PeerList(TRACKER.intervalSeconds * TRACKER.silentIntervals * 1000);
  readonly #others = new PeerList(TRACKER.strangersSilenceMs);
  readonly pools: Readonly<Record<IpFamily, Pools>> = { 4: new Pools(), 6: new Pools() };
  /** How many listed peers each address announced. */
  readonly #countOf = new Map<string, number>();
  /** This process, while it shares the torrent. */
  own: (Standing & { peerId: string; port: number }) | undefined;
  /** Whether this machine shares the torrent. */
  isServed = false;
  /** How many peers told us that they completed the download. */
  downloaded = 0;

  /** Listed peers. */
  get size(): number {
    return this.#ourKind.peers.size + this.#others.peers.size;
  }

  /** Listed peers, in no order. */
  get peers(): TrackedPeer[] {
    return [...this.#ourKind.peers.values(), ...this.#others.peers.values()];
  }

  /** How many listed peers were announced from the address `sender`. */
  countOf(sender: string): number {
    return this.#countOf.get(sender) ?? 0;
  }

  /** The listed peer with this name. */
  find(name: string): TrackedPeer | undefined {
    return this.#listOf(name).peers.get(name);
  }

  /** How long a peer with this name may be silent, in ms. */
  timeToLiveOf(name: string): number {
    return this.#listOf(name).timeToLiveMs;
  }

  #listOf(name: string): PeerList {
    return isOfOurKind(name) ? this.#ourKind : this.#others;
  }

  #poolOf(peer: TrackedPeer): PeerPool<TrackedPeer> {
    return this.pools[peer.compact.length === COMPACT_LENGTH[4] ? 4 : 6].of(peer);
  }

  /** Lists a peer whose name is not listed yet. */
  add(peer: TrackedPeer): void {
    this.#listOf(peer.name).peers.set(peer.name, peer);
    this.#poolOf(peer).add(peer);
    this.#count(peer.sender, 1);
  }

  /** A listed peer announced again: it moves to the end of its list, and to another pool if need be. */
  refresh(peer: TrackedPeer, sender: string, { isSeed, wantsMore }: Standing, expiresAt: number): void {
    const { peers } = this.#listOf(peer.name);
    peer.expiresAt = Math.ceil(expiresAt);
    peers.delete(peer.name);
    peers.set(peer.name, peer);
    if (peer.sender !== sender) {
      this.#count(peer.sender, -1);
      this.#count(sender, 1);
      peer.sender = sender;
    }
    if (peer.isSeed === isSeed && peer.wantsMore === wantsMore) return;
    this.#poolOf(peer).remove(peer);
    peer.isSeed = isSeed;
    peer.wantsMore = wantsMore;
    this.#poolOf(peer).add(peer);
  }

  /** Takes a listed peer off the list. */
  remove(peer: TrackedPeer): void {
    this.#listOf(peer.name).peers.delete(peer.name);
    this.#poolOf(peer).remove(peer);
    this.#count(peer.sender, -1);
  }

  #count(sender: string, change: 1 | -1): void {
    const count = this.countOf(sender) + change;
    if (count > 0) this.#countOf.set(sender, count);
    else this.#countOf.delete(sender);
  }

  /** Removes peers that were silent for too long, without looking at the others. Returns how many. */
  expire(now: number): number {
    const before = this.size;
    if (before === 0) return 0;
    for (const { peers } of [this.#ourKind, this.#others]) {
      for (const peer of peers.values()) {
        if (peer.expiresAt > now) break;
        this.remove(peer);
      }
    }
    return before - this.size;
  }

  /** Counts the peers that have everything and those that do not, ourselves included. */
  counts(): ScrapeCounts {
    const own = this.own === undefined ? [] : [this.own];
    const ownSeeds = own.filter(({ isSeed }) => isSeed).length;
    const complete = this.pools[4].seeds.size + this.pools[6].seeds.size + ownSeeds;
    const leeches = this.pools[4].leeches.size + this.pools[6].leeches.size;
    return {
      complete,
      incomplete: this.size + own.length - complete,
      downloaders: leeches + own.filter(({ wantsMore }) => wantsMore).length,
      downloaded: this.downloaded,
    };
  }
}
