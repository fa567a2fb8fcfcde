/** Endpoints we have heard of: where from, when to dial, and who is banned. */
import { type Endpoint, formatEndpoint, isDialable, lacksZone } from "../protocol/endpoint.ts";
import { toHex } from "../protocol/bytes.ts";
import { CHOKING, CONNECTIONS } from "../settings.ts";
import type { PeerSource } from "./ports.ts";

/** Sources that name a peer because it, or the user, has just said that it is there. */
const ANNOUNCED: readonly PeerSource[] = ["tracker", "broadcast", "lsd", "user"];

/** An endpoint to dial. */
export interface DialTarget extends Endpoint {
  /** Whether others say that it would rather talk encrypted. */
  readonly prefersEncryption?: boolean;
}

interface KnownPeer {
  endpoint: DialTarget;
  source: PeerSource;
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
  readonly #bannedEndpoints = new Set<string>();
  readonly #bannedPeerIds = new Set<string>();
  readonly #bansByAddress = new Map<string, number>();
  /** Endpoints that turned out to be ourselves. */
  readonly #own = new Set<string>();
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

  /** Adds endpoints that can be dialled and are neither banned nor blocked; returns how many were new. */
  add(endpoints: Iterable<Endpoint>, source: PeerSource, now: number): number {
    let added = 0;
    for (const endpoint of endpoints) {
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known !== undefined) {
        // Announced again: it is there now, whatever happened before.
        if (ANNOUNCED.includes(source)) known.nextDialAt = 0;
        continue;
      }
      if (!isDialable(endpoint) || lacksZone(endpoint.address) || this.#isBlocked(endpoint.address)) continue;
      if (this.#own.has(name) || this.isBanned(endpoint)) continue;
      if (this.#peers.size >= CONNECTIONS.knownPeers && !this.#forgetWorst()) break;
      this.#peers.set(name, {
        endpoint,
        source,
        since: now,
        isSeed: false,
        isBusy: false,
        failures: 0,
        nextDialAt: 0,
      });
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

  /** Forgets endpoints that have left, unless they are connected; only what the same source told us. */
  remove(endpoints: Iterable<Endpoint>, source: PeerSource): number {
    let removed = 0;
    for (const endpoint of endpoints) {
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known === undefined || known.isBusy || known.source !== source) continue;
      this.#peers.delete(name);
      removed++;
    }
    return removed;
  }

  /**
   * Up to `limit` endpoints that are due to be dialled at `now`, of too many those of the highest priority; each is
   * busy from now on. A seeder leaves other seeds alone and waits for the rest to come, except for those that had
   * time to and did not.
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
      due = due.sort((a, b) => priorities.get(b)! - priorities.get(a)!).slice(0, limit);
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
    this.#own.add(name);
    this.#peers.delete(name);
  }

  /** Bans a peer by its id and its endpoint, and its address when too many from there were banned. */
  ban(endpoint: Endpoint, peerId: Uint8Array): void {
    const name = formatEndpoint(endpoint);
    this.#bannedEndpoints.add(name);
    this.#bannedPeerIds.add(toHex(peerId));
    this.#bansByAddress.set(endpoint.address, (this.#bansByAddress.get(endpoint.address) ?? 0) + 1);
    this.#peers.delete(name);
  }

  isBanned(endpoint: Endpoint, peerId?: Uint8Array): boolean {
    return this.#bannedEndpoints.has(formatEndpoint(endpoint)) ||
      (this.#bansByAddress.get(endpoint.address) ?? 0) >= CHOKING.bansPerAddress ||
      (peerId !== undefined && this.#bannedPeerIds.has(toHex(peerId)));
  }

  /** Makes room by forgetting the endpoint that failed most; false when all are good or in use. */
  #forgetWorst(): boolean {
    let worst: string | undefined;
    let failures = 0;
    for (const [name, peer] of this.#peers) {
      if (!peer.isBusy && peer.failures > failures) [worst, failures] = [name, peer.failures];
    }
    return worst !== undefined && this.#peers.delete(worst);
  }
}
