/**
 * The embedded tracker's memory: which peers announced which info-hash.
 *
 * Swarms are kept least recently announced first, and so are the peers of each swarm: the entries to be forgotten next
 * are always in front. An announce takes constant time, or time proportional to its reply.
 */
import { toByteString } from "../../protocol/bytes.ts";
import { familyOf, type IpFamily, toCompactText } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { AnnouncedPeer, AnnounceRequest, ScrapeCounts } from "../../protocol/tracker_messages.ts";
import { TRACKER } from "../../settings.ts";
import { PeerPool } from "./peer_pool.ts";
import { type Asker, PeerSelection } from "./peer_selection.ts";
import { Allowances } from "../peers/allowance.ts";
import { type Standing, TrackedPeer } from "./tracked_peer.ts";
import { TrackedSwarm } from "./tracked_swarm.ts";

/** This process in one of its swarms, as the tracker lists it. */
interface OwnPeer extends Readonly<Standing> {
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  readonly port: number;
}

/** Result of an announce. */
export interface AnnounceResult extends ScrapeCounts {
  /** Whether a peer came, left, became a seed or ceased to be one. */
  readonly membershipChanged: boolean;
  readonly peers: readonly AnnouncedPeer[];
  /** Seconds after which a machine of our kind shall report; absent for other programs, and where we do not take part. */
  readonly reportIntervalSeconds?: number;
}

/** What the table needs of its owner. */
interface TrackerTableOptions {
  /** Whether any info-hash is tracked, not only the served ones. */
  readonly open: boolean;
  /** At least 0, below 1. */
  readonly random: () => number;
  /** The address of this machine that `remoteAddress` can reach; undefined when there is none. */
  readonly ownAddressFor: (remoteAddress: string) => string | undefined;
}

/** The embedded tracker's memory. It is pure: the caller provides time and random numbers. */
export class TrackerTable {
  readonly #options: TrackerTableOptions;
  readonly #swarms = new Map<InfoHash, TrackedSwarm>();
  /**
   * How often each address may bring news of one info-hash. Our own peers hear all of it and dial the peers that come,
   * so nobody may cause that as often as they like.
   */
  readonly #news = new Allowances(TRACKER.newsPerSender, TRACKER.maxNewsSenders);
  #peers = 0;

  constructor(options: TrackerTableOptions) {
    this.#options = options;
  }

  /** Listed peers of all info-hashes together, our own entries not counted. */
  get peerCount(): number {
    return this.#peers;
  }

  /** Info-hashes remembered. */
  get swarmCount(): number {
    return this.#swarms.size;
  }

  /** Tracks an info-hash that this machine shares. */
  serve(infoHash: InfoHash): void {
    this.#swarmFor(infoHash).isServed = true;
  }

  /** This machine no longer shares an info-hash: forgets it, unless the tracker is open and knows other peers of it. */
  unserve(infoHash: InfoHash): void {
    const swarm = this.#swarms.get(infoHash);
    if (swarm === undefined) return;
    swarm.isServed = false;
    swarm.own = undefined;
    if (!this.#options.open || swarm.size === 0) this.#forget(infoHash, swarm);
  }

  /** Whether announces of this info-hash are taken. */
  isServed(infoHash: InfoHash): boolean {
    return this.#options.open || this.#swarms.get(infoHash)?.isServed === true;
  }

  /** Lists this process in a served swarm, with an address chosen for each asker; undefined takes it off the list. */
  setOwn(infoHash: InfoHash, own: OwnPeer | undefined): void {
    this.#swarmFor(infoHash).own = own && { ...own, peerId: toByteString(own.peerId) };
  }

  /**
   * Records an announce that came from the address `sender`, about a peer at `address`, and selects peers for it.
   *
   * Shape: the caller has asked `isServed`, and decided that `sender` may claim `address` where they differ. A peer
   * beyond a cap, or one that another sender announced, gets an answer, but the list stays as it is.
   * Units: `now` in ms.
   */
  announce(request: AnnounceRequest, address: string, now: number, sender = address): AnnounceResult {
    const swarm = this.#swarmFor(request.infoHash);
    const endpoint = { address, port: request.port };
    const asker = {
      endpoint,
      compact: toCompactText(endpoint),
      peerId: toByteString(request.peerId),
      isLocal: address.startsWith("127.") || address === "::1",
    };
    const membershipChanged = this.#record(swarm, request, asker, sender, now);
    const result = { membershipChanged, ...swarm.counts(), peers: this.#select(swarm, request, asker) };
    if (swarm.size === 0 && !swarm.isServed) this.#forget(request.infoHash, swarm);
    return result;
  }

  #record(
    swarm: TrackedSwarm,
    request: AnnounceRequest,
    { endpoint: { address, port }, compact, peerId }: Asker,
    sender: string,
    now: number,
  ): boolean {
    if (peerId === swarm.own?.peerId) return false;
    const name = compact + peerId;
    const peer = swarm.find(name);
    const origin = { sender, key: request.key };
    if (peer?.heeds(origin, address) === false) return false;
    if (request.event === "stopped") {
      if (peer === undefined) return false;
      this.#remove(swarm, peer);
      return true;
    }
    const standing = standingOf(request);
    if (request.event === "completed" && peer?.isSeed === false) swarm.downloaded++;
    const expiresAt = now + swarm.timeToLiveOf(name);
    const isNews = () => this.#news.take(request.infoHash + sender, now);
    if (peer === undefined) {
      const mayClaim = sender === address || port >= TRACKER.minClaimedPort;
      if (!mayClaim || !this.#mayList(swarm, address, sender) || !isNews()) return false;
      swarm.add(new TrackedPeer(name, compact, origin, standing, expiresAt));
      this.#peers++;
      return true;
    }
    const hasTurned = peer.isSeed !== standing.isSeed;
    // An announce from the peer's own address takes the entry over from another sender.
    swarm.refresh(peer, sender === address ? sender : peer.sender, standing, expiresAt);
    return hasTurned && isNews();
  }

  /** Whether one more peer may be listed. Link-local IPv6 addresses need a zone, which a reply cannot carry. */
  #mayList(swarm: TrackedSwarm, address: string, sender: string): boolean {
    return !address.startsWith("fe80:") && this.#peers < TRACKER.maxPeers &&
      swarm.size < TRACKER.maxPeersPerInfoHash && swarm.countOf(sender) < TRACKER.maxPeersPerAddress;
  }

  /** Random peers for an asker, its own address family preferred. An asker that wants nothing gets leeches only. */
  #select(swarm: TrackedSwarm, request: AnnounceRequest, asker: Asker): readonly AnnouncedPeer[] {
    const selection = new PeerSelection(asker, this.#options.ownAddressFor);
    const { numwant = TRACKER.defaultNumwant } = request;
    const wanted = request.event === "stopped" ? 0 : Math.min(numwant, TRACKER.maxNumwant);
    const asking = standingOf(request);
    const { own } = swarm;
    if (
      own !== undefined && own.peerId !== asker.peerId && wanted > 0 && (asking.wantsMore || own.wantsMore)
    ) {
      selection.addOnThisMachine(own.port, own.peerId);
    }
    const family = familyOf(asker.endpoint.address);
    const other = family === 4 ? 6 : 4;
    const poolsOf = (of: IpFamily) => swarm.pools[of].usefulTo(asking);
    const otherSize = poolsOf(other).reduce((sum, pool) => sum + pool.size, 0);
    // A quarter is kept for the other family, so that hosts with addresses of both hear of peers of both.
    const limits = [[family, wanted - Math.min(otherSize, wanted >> 2)], [other, wanted]] as const;
    for (const [of, limit] of limits) {
      PeerPool.visitAtRandom(poolsOf(of), this.#options.random, (peer) => {
        if (selection.peers.length >= limit) return false;
        selection.add(peer);
        return true;
      });
    }
    return selection.peers;
  }

  /** Counts of an info-hash (BEP 48); undefined when it is not tracked. */
  scrape(infoHash: InfoHash): ScrapeCounts | undefined {
    return this.#swarms.get(infoHash)?.counts();
  }

  /** How many peers of an info-hash are listed. */
  sizeOf(infoHash: InfoHash): number {
    return this.#swarms.get(infoHash)?.size ?? 0;
  }

  /** All peers that announced an info-hash, as they announced it: those on this machine with loopback addresses. */
  list(infoHash: InfoHash): TrackedPeer[] {
    return this.#swarms.get(infoHash)?.peers ?? [];
  }

  /** Removes silent peers and returns the info-hashes that lost some. */
  expire(now: number): InfoHash[] {
    const changed: InfoHash[] = [];
    for (const [infoHash, swarm] of this.#swarms) {
      const expired = swarm.expire(now);
      if (expired === 0) continue;
      this.#peers -= expired;
      changed.push(infoHash);
      if (swarm.size === 0 && !swarm.isServed) this.#forget(infoHash, swarm);
    }
    return changed;
  }

  #remove(swarm: TrackedSwarm, peer: TrackedPeer): void {
    swarm.remove(peer);
    this.#peers--;
  }

  /** The swarm of an info-hash, made when missing, as the most recently used one. */
  #swarmFor(infoHash: InfoHash): TrackedSwarm {
    const known = this.#swarms.get(infoHash);
    if (known !== undefined) this.#swarms.delete(infoHash);
    else if (this.#swarms.size >= TRACKER.maxInfoHashes) this.#forgetOldest();
    const swarm = known ?? new TrackedSwarm();
    this.#swarms.set(infoHash, swarm);
    return swarm;
  }

  /** Makes room in an open tracker. Torrents that this machine shares are never forgotten. */
  #forgetOldest(): void {
    for (const [infoHash, swarm] of this.#swarms) {
      if (!swarm.isServed) return this.#forget(infoHash, swarm);
    }
  }

  #forget(infoHash: InfoHash, swarm: TrackedSwarm): void {
    this.#swarms.delete(infoHash);
    this.#peers -= swarm.size;
  }
}

function standingOf({ left, event }: AnnounceRequest): Standing {
  return { isSeed: left === 0, wantsMore: left !== 0 && event !== "paused" };
}
