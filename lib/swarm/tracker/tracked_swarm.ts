/**
 * One info-hash in the embedded tracker's memory.
 *
 *   peers     key → peer, least recently announced first: what has expired stands in front
 *   pools     the same peers again, by address family and by what they have and want, for random selection
 */
import { type Endpoint, familyOf, type IpFamily } from "../../protocol/endpoint.ts";
import type { ScrapeCounts } from "../../protocol/tracker_messages.ts";
import { PeerPool } from "./peer_pool.ts";

/** A peer that announced to us. What is needed of it for every reply that names it was made once. */
export interface TrackedPeer {
  readonly endpoint: Endpoint;
  /** As `formatEndpoint` spells the endpoint. */
  readonly name: string;
  /** The endpoint as `toCompact` makes it. */
  readonly compact: Uint8Array;
  /** 20 characters, one a byte. */
  readonly peerId: string;
  /** Whether it announced over loopback: another process of this machine. */
  readonly isLocal: boolean;
  readonly isSeed: boolean;
}

/** What a peer has and wants. */
export interface Standing {
  /** Has everything. */
  isSeed: boolean;
  /** Lacks something and wants it: no seed, and no partial seed (BEP 21). */
  wantsMore: boolean;
}

/** A listed peer and where it stands in its pool. */
export interface TrackedEntry extends TrackedPeer, Standing {
  isSeed: boolean;
  expiresAt: number;
  position: number;
}

/** The peers of one address family. */
class Pools {
  readonly seeds = new PeerPool<TrackedEntry>();
  readonly partialSeeds = new PeerPool<TrackedEntry>();
  readonly leeches = new PeerPool<TrackedEntry>();

  of({ isSeed, wantsMore }: Standing): PeerPool<TrackedEntry> {
    return isSeed ? this.seeds : wantsMore ? this.leeches : this.partialSeeds;
  }

  /** Those that somebody may have a use for. */
  usefulTo({ wantsMore }: Pick<Standing, "wantsMore">): PeerPool<TrackedEntry>[] {
    return wantsMore ? [this.seeds, this.partialSeeds, this.leeches] : [this.leeches];
  }
}

/** Everybody who announced one info-hash, kept in both orders at once. */
export class TrackedSwarm {
  readonly peers = new Map<string, TrackedEntry>();
  readonly pools: Readonly<Record<IpFamily, Pools>> = { 4: new Pools(), 6: new Pools() };
  /** Peers by address, for the cap on them. */
  readonly peersAt = new Map<string, number>();
  /** This process, when it shares the torrent. */
  own: (Standing & { peerId: string; port: number }) | undefined;
  /** Whether this machine shares the torrent. */
  isServed = false;
  /** How often somebody told us of completing. */
  downloaded = 0;

  #poolOf(entry: TrackedEntry): PeerPool<TrackedEntry> {
    return this.pools[familyOf(entry.endpoint.address)].of(entry);
  }

  /** Lists a peer under a key that is free. */
  add(key: string, entry: TrackedEntry): void {
    const { address } = entry.endpoint;
    this.peers.set(key, entry);
    this.#poolOf(entry).add(entry);
    this.peersAt.set(address, (this.peersAt.get(address) ?? 0) + 1);
  }

  /** Notes that a listed peer announced again: it goes to the end of `peers`, and to another pool if need be. */
  refresh(key: string, entry: TrackedEntry, { isSeed, wantsMore }: Standing, expiresAt: number): void {
    entry.expiresAt = expiresAt;
    this.peers.delete(key);
    this.peers.set(key, entry);
    if (entry.isSeed === isSeed && entry.wantsMore === wantsMore) return;
    this.#poolOf(entry).remove(entry);
    entry.isSeed = isSeed;
    entry.wantsMore = wantsMore;
    this.#poolOf(entry).add(entry);
  }

  /** Takes a listed peer off the list. */
  remove(key: string, entry: TrackedEntry): void {
    const { address } = entry.endpoint;
    this.peers.delete(key);
    this.#poolOf(entry).remove(entry);
    const left = this.peersAt.get(address)! - 1;
    if (left > 0) this.peersAt.set(address, left);
    else this.peersAt.delete(address);
  }

  /** Who has everything and who does not, ourselves included. */
  counts(): ScrapeCounts {
    const own = this.own === undefined ? [] : [this.own];
    const ownSeeds = own.filter(({ isSeed }) => isSeed).length;
    const complete = this.pools[4].seeds.size + this.pools[6].seeds.size + ownSeeds;
    const leeches = this.pools[4].leeches.size + this.pools[6].leeches.size;
    return {
      complete,
      incomplete: this.peers.size + own.length - complete,
      downloaders: leeches + own.filter(({ wantsMore }) => wantsMore).length,
      downloaded: this.downloaded,
    };
  }
}
