/**
 * One info-hash in the embedded tracker's memory.
 *
 *   peers     key → peer, least recently announced first: what has expired stands in front
 *   pools     the same peers again, by address family and by seed or leech, for random selection
 */
import { type Endpoint, familyOf, type IpFamily } from "../protocol/endpoint.ts";
import type { ScrapeCounts } from "../protocol/tracker_messages.ts";
import { PeerPool } from "./peer_pool.ts";

/** A peer that announced to us. */
export interface TrackedPeer {
  readonly endpoint: Endpoint;
  /** 20 characters, one a byte. */
  readonly peerId: string;
  readonly isSeed: boolean;
}

/** A listed peer and where it stands in its pool. */
export interface TrackedEntry extends TrackedPeer {
  isSeed: boolean;
  expiresAt: number;
  position: number;
}

/** Everybody who announced one info-hash, kept in both orders at once. */
export class TrackedSwarm {
  readonly peers = new Map<string, TrackedEntry>();
  readonly pools: Record<IpFamily, { seeds: PeerPool<TrackedEntry>; leeches: PeerPool<TrackedEntry> }> = {
    4: { seeds: new PeerPool(), leeches: new PeerPool() },
    6: { seeds: new PeerPool(), leeches: new PeerPool() },
  };
  /** Peers by address, for the cap on them. */
  readonly peersAt = new Map<string, number>();
  /** This process, when it shares the torrent. */
  own: { peerId: string; port: number; complete: boolean } | undefined;
  /** Whether this machine shares the torrent. */
  isServed = false;
  /** How often somebody told us of completing. */
  downloaded = 0;

  #poolOf(entry: TrackedPeer): PeerPool<TrackedEntry> {
    const { seeds, leeches } = this.pools[familyOf(entry.endpoint.address)];
    return entry.isSeed ? seeds : leeches;
  }

  /** Lists a peer under a key that is free. */
  add(key: string, entry: TrackedEntry): void {
    const { address } = entry.endpoint;
    this.peers.set(key, entry);
    this.#poolOf(entry).add(entry);
    this.peersAt.set(address, (this.peersAt.get(address) ?? 0) + 1);
  }

  /** Notes that a listed peer announced again: it goes to the end of `peers`, and to another pool if need be. */
  refresh(key: string, entry: TrackedEntry, isSeed: boolean, expiresAt: number): void {
    entry.expiresAt = expiresAt;
    this.peers.delete(key);
    this.peers.set(key, entry);
    if (entry.isSeed === isSeed) return;
    this.#poolOf(entry).remove(entry);
    entry.isSeed = isSeed;
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

  /** Seeds and leeches, ourselves included. */
  counts(): ScrapeCounts {
    const seeds = this.pools[4].seeds.size + this.pools[6].seeds.size;
    const complete = seeds + (this.own?.complete === true ? 1 : 0);
    const incomplete = this.peers.size - seeds + (this.own?.complete === false ? 1 : 0);
    return { complete, incomplete, downloaded: this.downloaded };
  }
}
