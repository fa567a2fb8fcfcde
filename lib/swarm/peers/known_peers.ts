/** Endpoints we have heard of: where from, when to dial, and who is banned. */
import { type Endpoint, formatEndpoint, isDialable, lacksZone } from "../../protocol/endpoint.ts";
import { toHex } from "../../protocol/bytes.ts";
import { CHOKING, CONNECTIONS } from "../../settings.ts";
import type { PeerSource } from "../ports.ts";
import { RecentMap } from "../recent_map.ts";

/** Sources that name a peer because it, or the user, has just said that it is there. */
const ANNOUNCED: readonly PeerSource[] = ["tracker", "broadcast", "lsd", "user"];

/** An endpoint to dial. */
export interface DialTarget extends Endpoint {
  /** Whether others say that it would rather talk encrypted. */
  readonly prefersEncryption?: boolean;
}

/** How much a source is worth, the best first: whom the user, a tracker or itself named comes before hearsay. */
const RANKS: Readonly<Record<PeerSource, number>> = {
  user: 0,
  tracker: 1,
  incoming: 1,
  lsd: 2,
  broadcast: 3,
  pex: 3,
  dht: 3,
};

interface KnownPeer {
  endpoint: DialTarget;
  source: PeerSource;
  /** Address of who told us of it, for hearsay; undefined once somebody was there. */
  teller: string | undefined;
  /** When it was first heard of, in ms. */
  readonly since: number;
  /** Whether it was seen, or is said, to have everything. */
  isSeed: boolean;
  /** Being dialled or connected. */
  isBusy: boolean;
  /** Dials that failed since the last success. */
  failures: number;
  /** Not dialled before, in ms. */
  nextDialAt: number;
}

/** All endpoints known for one torrent. */
export class KnownPeers {
  readonly #peers = new Map<string, KnownPeer>();
  /** Endpoints that each address told us of and that nobody has reached yet. */
  readonly #toldBy = new Map<string, number>();
  /** Banned endpoints, and banned peers by address and peer id: an id alone is anybody's to use. */
  readonly #banned = new RecentMap<string, true>(CONNECTIONS.maxBans);
  readonly #bansByAddress = new RecentMap<string, number>(CONNECTIONS.maxBans);
  /** Endpoints that turned out to be ourselves. */
  readonly #own = new RecentMap<string, true>(CONNECTIONS.maxBans);
  readonly #isBlocked: (address: string) => boolean;

  /** `isBlocked` tells addresses that the user wants nothing to do with. */
  constructor(isBlocked: (address: string) => boolean = () => false) {
    this.#isBlocked = isBlocked;
  }

  get size(): number {
    return this.#peers.size;
  }

  /** All endpoints as `host:port`. */
  get names(): string[] {
    return [...this.#peers.keys()];
  }

  /** Endpoints a connection was possible with, to be remembered for the next start. */
  get reachable(): string[] {
    const reachable: string[] = [];
    for (const [name, peer] of this.#peers) {
      if (peer.failures === 0 && reachable.length < CONNECTIONS.rememberedPeers) reachable.push(name);
    }
    return reachable;
  }

  /**
   * Adds endpoints that can be dialled and are neither banned nor blocked; returns how many were new. `remote`: the
   * address of the remote whose hearsay it is; who speaks up by multicast speaks for itself.
   */
  add(endpoints: Iterable<Endpoint>, source: PeerSource, now: number, remote?: string): number {
    let added = 0;
    for (const endpoint of endpoints) {
      const teller = source === "lsd" ? endpoint.address : remote;
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known !== undefined) {
        // Announced again: it is there now, whatever happened before.
        if (ANNOUNCED.includes(source)) known.nextDialAt = 0;
        if (RANKS[source] < RANKS[known.source]) {
          known.source = source;
          this.#vouch(known);
        }
        continue;
      }
      if (!isDialable(endpoint) || lacksZone(endpoint.address) || this.#isBlocked(endpoint.address)) continue;
      if (this.#own.has(name) || this.isBanned(endpoint)) continue;
      if (teller !== undefined && (this.#toldBy.get(teller) ?? 0) >= CONNECTIONS.knownPerTeller) break;
      if (this.#peers.size >= CONNECTIONS.knownPeers && !this.#forgetWorst(RANKS[source])) break;
      this.#peers.set(name, {
        endpoint,
        source,
        teller,
        since: now,
        isSeed: false,
        isBusy: false,
        failures: 0,
        nextDialAt: 0,
      });
      if (teller !== undefined) this.#toldBy.set(teller, (this.#toldBy.get(teller) ?? 0) + 1);
      added++;
    }
    return added;
  }

  /**
   * What others say of a peer (BEP 11). It counts of those of whom nobody else told us, and until we see for
   * ourselves: by a lie somebody is called later, or in the wrong way first, and is called all the same.
   */
  rumoured(
    { address, port }: Endpoint,
    { isSeed, prefersEncryption }: { readonly isSeed: boolean; readonly prefersEncryption: boolean },
  ): void {
    const known = this.#peers.get(formatEndpoint({ address, port }));
    if (known === undefined || known.isBusy || known.source !== "pex") return;
    known.isSeed = isSeed;
    known.endpoint = prefersEncryption ? { address, port, prefersEncryption } : { address, port };
  }

  /** An endpoint is hearsay no longer, or not known any more: it counts no more against who told us of it. */
  #vouch(peer: KnownPeer): void {
    if (peer.teller === undefined) return;
    const left = this.#toldBy.get(peer.teller)! - 1;
    if (left > 0) this.#toldBy.set(peer.teller, left);
    else this.#toldBy.delete(peer.teller);
    peer.teller = undefined;
  }

  #forget(name: string): void {
    const peer = this.#peers.get(name);
    if (peer === undefined) return;
    this.#vouch(peer);
    this.#peers.delete(name);
  }

  /** Forgets endpoints that have left, unless they are connected; only what the same `remote` told us in this way. */
  remove(endpoints: Iterable<Endpoint>, source: PeerSource, remote?: string): number {
    let removed = 0;
    for (const endpoint of endpoints) {
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known === undefined || known.isBusy) continue;
      if (known.source !== source || known.teller !== remote) continue;
      this.#forget(name);
      removed++;
    }
    return removed;
  }

  /**
   * Up to `limit` endpoints that are due to be dialled at `now`, of too many those from the best source and of the
   * highest priority; each is busy from now on. A seeder leaves other seeds alone and waits for the rest to come,
   * except for those that had time to and did not.
   */
  takeDue(
    limit: number,
    weSeed: boolean,
    now: number,
    priorityOf: (endpoint: Endpoint) => number = () => 0,
  ): DialTarget[] {
    if (limit <= 0) return [];
    let due = this.#peers.values().filter((peer) => {
      if (peer.isBusy || peer.nextDialAt > now) return false;
      return !weSeed || (!peer.isSeed && now - peer.since >= CONNECTIONS.seederPatienceMs);
    }).toArray();
    if (due.length > limit) {
      const priorities = new Map(due.map((peer) => [peer, priorityOf(peer.endpoint)]));
      due = due.sort((a, b) => RANKS[a.source] - RANKS[b.source] || priorities.get(b)! - priorities.get(a)!)
        .slice(0, limit);
    }
    for (const peer of due) peer.isBusy = true;
    return due.map(({ endpoint }) => endpoint);
  }

  /** The endpoint is connected, dialled by us or known to be where an accepted connection listens. */
  connected(endpoint: Endpoint, now: number): void {
    this.add([endpoint], "incoming", now);
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known === undefined) return;
    known.isBusy = true;
    this.#vouch(known);
  }

  /** The connection is gone; it may be dialled again after a first pause. `isSeed`: it had everything. */
  disconnected(endpoint: Endpoint, isSeed: boolean, now: number): void {
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known === undefined) return;
    known.isBusy = false;
    known.isSeed = isSeed;
    known.failures = 0;
    known.nextDialAt = now + CONNECTIONS.reconnectMs;
  }

  /** A dial failed, or the remote hung up without a word; the next one waits twice as long as this one did. */
  dialFailed(endpoint: Endpoint, now: number): void {
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known === undefined) return;
    known.isBusy = false;
    const pause = CONNECTIONS.redialMs * 2 ** Math.min(known.failures++, 16);
    known.nextDialAt = now + Math.min(pause, CONNECTIONS.redialMaxMs);
  }

  /** The endpoint leads to ourselves and is never dialled again. */
  isOurselves(endpoint: Endpoint): void {
    const name = formatEndpoint(endpoint);
    this.#own.set(name, true);
    this.#forget(name);
  }

  /** Bans a peer by its endpoint and its id there, and its address when too many from there were banned. */
  ban(endpoint: Endpoint, peerId: Uint8Array): void {
    const name = formatEndpoint(endpoint);
    const { address } = endpoint;
    this.#banned.set(name, true);
    this.#banned.set(peerAt(address, peerId), true);
    this.#bansByAddress.set(address, (this.#bansByAddress.get(address) ?? 0) + 1);
    this.#forget(name);
  }

  isBanned(endpoint: Endpoint, peerId?: Uint8Array): boolean {
    const { address } = endpoint;
    return this.#banned.has(formatEndpoint(endpoint)) ||
      (this.#bansByAddress.get(address) ?? 0) >= CHOKING.bansPerAddress ||
      (peerId !== undefined && this.#banned.has(peerAt(address, peerId)));
  }

  /** Makes room for an endpoint of this rank: the worst one goes, by rank and failures; false when none is worse. */
  #forgetWorst(rank: number): boolean {
    let worst: string | undefined;
    let most: readonly [rank: number, failures: number] = [rank, 0];
    for (const [name, { isBusy, source, failures }] of this.#peers) {
      const [rankOfMost, failuresOfMost] = most;
      if (isBusy || RANKS[source] < rankOfMost) continue;
      if (RANKS[source] === rankOfMost && failures <= failuresOfMost) continue;
      [worst, most] = [name, [RANKS[source], failures]];
    }
    if (worst === undefined) return false;
    this.#forget(worst);
    return true;
  }
}

function peerAt(address: string, peerId: Uint8Array): string {
  return `${toHex(peerId)} ${address}`;
}
