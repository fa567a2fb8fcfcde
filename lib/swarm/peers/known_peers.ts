/** The endpoints that we have heard of: where each came from, when to dial it, and which peers are banned. */
import { type Endpoint, formatEndpoint, isDialable, lacksZone } from "../../protocol/endpoint.ts";
import { CHOKING, CONNECTIONS } from "../../settings.ts";
import type { PeerSource } from "../ports.ts";
import { RecentMap } from "../recent_map.ts";

/** Sources that name a peer because it has just announced itself, as they say. */
const ANNOUNCED: readonly PeerSource[] = ["tracker", "broadcast", "lsd"];

/** Stands for all senders of multicast datagrams. Senders are easily forged, so they share one limit. */
const ALL_OF_LSD = "lsd";

/** An endpoint that we heard of. */
export interface HeardEndpoint extends Endpoint {
  /** Where the same peer is to be dialled rather than here: its address of the other family, as it says. */
  readonly preferred?: Endpoint;
}

/** An endpoint to dial. */
export interface DialTarget extends Endpoint {
  /** Whether other peers say that this one prefers encryption. */
  readonly prefersEncryption?: boolean;
}

/**
 * How good each source is; the lowest rank is the best. The user, a tracker and the peer itself come before hearsay.
 */
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
  /** The addresses whose share of hearsay the endpoint counts against; empty once a peer was found there. */
  tellers: readonly string[];
  /** When we first heard of it, in ms. */
  readonly since: number;
  /** Whether the peer had everything, or is said to have it. */
  isSeed: boolean;
  /** Whether it is being dialled or is connected. */
  isBusy: boolean;
  /** Dials that failed since the last success. */
  failures: number;
  /** When it was dialled last, in ms; `-Infinity` before the first time. */
  dialledAt: number;
  /** When it may be dialled next, in ms. */
  nextDialAt: number;
  /** Another endpoint of this peer, as `host:port`; this one is dialled only where that one is of no use. */
  preferred: string | undefined;
}

/** The part of an endpoint that outlives it: else a remote that gets it forgotten and names it again has it dialled. */
type DialHistory = Pick<KnownPeer, "failures" | "dialledAt" | "nextDialAt">;

/** An endpoint and where it came from, as one `KnownPeers` hands it to another. */
export interface HeardPeer {
  readonly endpoint: Endpoint;
  readonly source: PeerSource;
  /** Address of the remote peer that told us of it; undefined unless it is hearsay. */
  readonly teller: string | undefined;
}

/** Which endpoints are dialled first, where there are too many. */
interface DialOrder {
  /** A higher one comes first. */
  readonly priorityOf?: (endpoint: Endpoint) => number;
  /** Whether no router stands before an endpoint. */
  readonly isNear?: (endpoint: Endpoint) => boolean;
  /** How many of those behind a router are dialled before the near ones, if there are any. */
  readonly far?: number;
}

/** All endpoints known for one torrent. */
export class KnownPeers {
  readonly #peers = new Map<string, KnownPeer>();
  /** How many endpoints that are still hearsay each teller named; `ALL_OF_LSD` is a teller, too. */
  readonly #toldBy = new Map<string, number>();
  /** Histories of endpoints that were dialled and then forgotten. */
  readonly #histories = new RecentMap<string, DialHistory>(CONNECTIONS.knownPeers);
  /** Banned endpoints, and banned peers by address and peer id together: a peer can choose its id freely. */
  readonly #banned = new RecentMap<string, true>(CONNECTIONS.maxBans);
  readonly #bansByAddress = new RecentMap<string, number>(CONNECTIONS.maxBans);
  /** Endpoints that turned out to be ourselves. */
  readonly #own = new RecentMap<string, true>(CONNECTIONS.maxBans);
  readonly #isBlocked: (address: string) => boolean;

  /** `isBlocked` says whether the user has blocked an address. */
  constructor(isBlocked: (address: string) => boolean = () => false) {
    this.#isBlocked = isBlocked;
  }

  get size(): number {
    return this.#peers.size;
  }

  /** Where we heard of an endpoint; undefined for an unknown one. */
  sourceOf(endpoint: Endpoint): PeerSource | undefined {
    return this.#peers.get(formatEndpoint(endpoint))?.source;
  }

  /** All endpoints as `host:port`. */
  get names(): string[] {
    return [...this.#peers.keys()];
  }

  /** Endpoints to be remembered for the next start: those that did not fail and are not hearsay. */
  get reachable(): string[] {
    const reachable: string[] = [];
    for (const [name, { failures, tellers }] of this.#peers) {
      if (failures > 0 || tellers.length > 0) continue;
      if (reachable.length < CONNECTIONS.rememberedPeers) reachable.push(name);
    }
    return reachable;
  }

  /** All endpoints with their origin, for another `KnownPeers` that takes over. */
  get heard(): HeardPeer[] {
    return Array.from(
      this.#peers.values(),
      ({ endpoint, source, tellers: [teller] }) => ({ endpoint, source, teller }),
    );
  }

  /**
   * Adds endpoints that can be dialled and are neither banned nor blocked; returns how many were new. `remote` is the
   * address of the remote peer that told us of them as hearsay.
   */
  add(endpoints: Iterable<HeardEndpoint>, source: PeerSource, now: number, remote?: string): number {
    let added = 0;
    for (const { preferred, ...endpoint } of endpoints) {
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known !== undefined) {
        this.#toldAgain(known, source, preferred);
        continue;
      }
      if (!isDialable(endpoint) || lacksZone(endpoint.address) || this.#isBlocked(endpoint.address)) continue;
      if (this.#own.has(name) || this.isBanned(endpoint)) continue;
      const tellers = tellersOf(endpoint, source, remote);
      if (!tellers.every((teller) => this.#mayTell(teller))) break;
      if (this.#peers.size >= CONNECTIONS.knownPeers && !this.#forgetWorst(RANKS[source])) break;
      const { failures, dialledAt, nextDialAt } = this.#histories.get(name) ?? UNDIALLED;
      this.#peers.set(name, {
        endpoint,
        source,
        tellers,
        since: now,
        isSeed: false,
        isBusy: false,
        failures,
        dialledAt,
        nextDialAt,
        preferred: preferred && formatEndpoint(preferred),
      });
      for (const teller of tellers) this.#toldBy.set(teller, (this.#toldBy.get(teller) ?? 0) + 1);
      added++;
    }
    return added;
  }

  /**
   * A known endpoint was named once more. A peer that is announced again may be there again, so it is dialled sooner
   * than its failures would allow. But remote peers can name it as often as they like, so that dials it no more often
   * than every `CONNECTIONS.retoldMs`.
   */
  #toldAgain(known: KnownPeer, source: PeerSource, preferred?: Endpoint): void {
    if (preferred !== undefined && source === known.source) known.preferred = formatEndpoint(preferred);
    if (source === "user") known.nextDialAt = 0;
    else if (ANNOUNCED.includes(source)) {
      known.nextDialAt = Math.min(known.nextDialAt, known.dialledAt + CONNECTIONS.retoldMs);
    }
    if (RANKS[source] >= RANKS[known.source]) return;
    known.source = source;
    known.preferred = undefined;
    // Neither a datagram nor a peer's own claim proves that the endpoint is real.
    if (source !== "lsd" && source !== "incoming") this.#vouch(known);
  }

  /** Whether a teller may name one more endpoint. An endpoint of this teller that failed is forgotten to make room. */
  #mayTell(teller: string): boolean {
    const limit = teller === ALL_OF_LSD ? CONNECTIONS.knownFromLsd : CONNECTIONS.knownPerTeller;
    if ((this.#toldBy.get(teller) ?? 0) < limit) return true;
    for (const [name, { isBusy, failures, tellers }] of this.#peers) {
      if (isBusy || failures === 0 || !tellers.includes(teller)) continue;
      this.#forget(name);
      return true;
    }
    return false;
  }

  /**
   * Takes what other peers say of a peer (BEP 11, `lan_peers`). It counts only until we connect to the peer, and only
   * if no better source named it. A lie can delay the dial or spoil the first try, but it cannot prevent the
   * connection.
   */
  rumoured(
    { address, port }: Endpoint,
    { isSeed, prefersEncryption }: { readonly isSeed: boolean; readonly prefersEncryption?: boolean },
  ): void {
    const known = this.#peers.get(formatEndpoint({ address, port }));
    if (known === undefined || known.isBusy || RANKS[known.source] < RANKS.pex) return;
    known.isSeed = isSeed;
    if (prefersEncryption === undefined) return;
    known.endpoint = prefersEncryption ? { address, port, prefersEncryption } : { address, port };
  }

  /** An endpoint is no longer hearsay, or is forgotten: it no longer counts against its tellers. */
  #vouch(peer: KnownPeer): void {
    for (const teller of peer.tellers) {
      const left = this.#toldBy.get(teller)! - 1;
      if (left > 0) this.#toldBy.set(teller, left);
      else this.#toldBy.delete(teller);
    }
    peer.tellers = [];
  }

  #forget(name: string): void {
    const peer = this.#peers.get(name);
    if (peer === undefined) return;
    const { failures, dialledAt, nextDialAt } = peer;
    if (dialledAt > -Infinity) this.#histories.set(name, { failures, dialledAt, nextDialAt });
    this.#vouch(peer);
    this.#peers.delete(name);
  }

  /** Forgets endpoints that are not connected and that the same `remote` told us of before, by the same source. */
  remove(endpoints: Iterable<Endpoint>, source: PeerSource, remote?: string): number {
    let removed = 0;
    for (const endpoint of endpoints) {
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known === undefined || known.isBusy) continue;
      if (known.source !== source || known.tellers[0] !== remote) continue;
      this.#forget(name);
      removed++;
    }
    return removed;
  }

  /**
   * Takes up to `limit` endpoints that are due to be dialled at `now`; each is busy from now on. When there are too
   * many, endpoints that did not fail come first, then as many far ones as `far` says, then near ones that are not
   * hearsay, then those from the best source, those with the fewest failures, and those with the highest priority. A seeder
   * never dials seeds, and gives other peers time to connect first.
   */
  takeDue(
    limit: number,
    weSeed: boolean,
    now: number,
    { priorityOf = () => 0, isNear = () => true, far = 0 }: DialOrder = {},
  ): DialTarget[] {
    if (limit <= 0) return [];
    let due = this.#peers.values().filter((peer) => {
      // The user may have blocked the address since we heard of it.
      if (peer.isBusy || peer.nextDialAt > now || this.#isBlocked(peer.endpoint.address)) return false;
      if (peer.preferred !== undefined && this.#isOfUse(peer.preferred)) return false;
      return !weSeed || (!peer.isSeed && now - peer.since >= CONNECTIONS.seederPatienceMs);
    }).toArray();
    if (due.length > limit) {
      const priorities = new Map(due.map((peer) => [peer, priorityOf(peer.endpoint)]));
      const near = new Set(due.filter(({ endpoint }) => isNear(endpoint)));
      const isFirst = (peer: KnownPeer) => Number(near.has(peer) && peer.tellers.length === 0);
      due.sort((a, b) =>
        Math.sign(a.failures) - Math.sign(b.failures) || isFirst(b) - isFirst(a) ||
        RANKS[a.source] - RANKS[b.source] || a.failures - b.failures ||
        priorities.get(b)! - priorities.get(a)!
      );
      const farOnes = due.filter((peer) => !near.has(peer) && peer.failures === 0).slice(0, far);
      due = [...new Set([...farOnes, ...due])].slice(0, limit);
    }
    for (const peer of due) {
      peer.isBusy = true;
      peer.dialledAt = now;
    }
    return due.map(({ endpoint }) => endpoint);
  }

  /** Whether a peer is connected at an endpoint, or a dial there has not failed yet. */
  #isOfUse(name: string): boolean {
    const known = this.#peers.get(name);
    return known !== undefined && (known.isBusy || known.failures === 0);
  }

  /** We dialled the endpoint and found a peer there. */
  connected(endpoint: Endpoint, now: number): void {
    this.claimed(endpoint, now);
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known !== undefined) this.#vouch(known);
  }

  /** A connected peer says that it listens at the endpoint: it need not be dialled, and remains hearsay. */
  claimed(endpoint: Endpoint, now: number): void {
    this.add([endpoint], "incoming", now, endpoint.address);
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known !== undefined) known.isBusy = true;
  }

  /** The peer that claimed the endpoint lied before: the endpoint may be another peer's, and may be dialled. */
  disclaimed(endpoint: Endpoint): void {
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known !== undefined) known.isBusy = false;
  }

  /** The connection is gone; the endpoint may be dialled again after a pause. `isSeed`: the peer had everything. */
  disconnected(endpoint: Endpoint, isSeed: boolean, now: number): void {
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known === undefined) return;
    known.isBusy = false;
    known.isSeed = isSeed;
    known.failures = 0;
    known.nextDialAt = now + CONNECTIONS.reconnectMs;
  }

  /** Makes all endpoints that are not connected due at once. */
  retryAll(): void {
    for (const known of this.#peers.values()) if (!known.isBusy) known.nextDialAt = 0;
  }

  /** A dial failed, or the peer hung up without a word; the next dial waits twice as long as this one did. */
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

  /** Bans a peer by its endpoint, and by its id at this address. Too many such bans ban the whole address. */
  ban(endpoint: Endpoint, peerId: Uint8Array): void {
    const { address } = endpoint;
    this.banEndpoint(endpoint);
    // A liar counts once, however many of its pieces turn out to be wrong.
    if (this.#banned.has(peerAt(address, peerId))) return;
    this.#banned.set(peerAt(address, peerId), true);
    this.#bansByAddress.set(address, (this.#bansByAddress.get(address) ?? 0) + 1);
  }

  /** Bans an endpoint at which a banned peer was found. */
  banEndpoint(endpoint: Endpoint): void {
    const name = formatEndpoint(endpoint);
    this.#banned.set(name, true);
    this.#forget(name);
  }

  isBanned(endpoint: Endpoint, peerId?: Uint8Array): boolean {
    const { address } = endpoint;
    return this.#banned.has(formatEndpoint(endpoint)) ||
      (this.#bansByAddress.get(address) ?? 0) >= CHOKING.bansPerAddress ||
      (peerId !== undefined && this.#banned.has(peerAt(address, peerId)));
  }

  /**
   * Forgets an endpoint to make room for one of this rank: first one that failed, whatever its rank, unless the user
   * named it; else one of a worse rank. Returns false when there is none.
   */
  #forgetWorst(rank: number): boolean {
    let worst: string | undefined;
    let most: readonly number[] = [];
    for (const [name, { isBusy, source, failures }] of this.#peers) {
      const isFailed = failures > 0 && source !== "user";
      if (isBusy || !(isFailed || RANKS[source] > rank)) continue;
      const badness = [Number(isFailed), RANKS[source], failures];
      const firstDifferent = badness.findIndex((each, position) => each !== most[position]);
      if (worst !== undefined && !(badness[firstDifferent] > most[firstDifferent])) continue;
      [worst, most] = [name, badness];
    }
    if (worst === undefined) return false;
    this.#forget(worst);
    return true;
  }
}

/** The history of an endpoint that was never dialled. */
const UNDIALLED: DialHistory = { failures: 0, dialledAt: -Infinity, nextDialAt: 0 };

/** The tellers that a new endpoint counts against. */
function tellersOf(endpoint: Endpoint, source: PeerSource, remote: string | undefined): readonly string[] {
  if (source === "lsd") return [endpoint.address, ALL_OF_LSD];
  return remote === undefined ? [] : [remote];
}

function peerAt(address: string, peerId: Uint8Array): string {
  return `${peerId.toHex()} ${address}`;
}
