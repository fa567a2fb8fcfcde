/** Endpoints we have heard of: where from, when to dial, and who is banned. */
import { type Endpoint, formatEndpoint, isDialable, lacksZone } from "../../protocol/endpoint.ts";
import { CHOKING, CONNECTIONS } from "../../settings.ts";
import type { PeerSource } from "../ports.ts";
import { RecentMap } from "../recent_map.ts";

/** Sources that name a peer because it is said to have just announced itself. */
const ANNOUNCED: readonly PeerSource[] = ["tracker", "broadcast", "lsd"];

/** Stands for everybody who speaks up by multicast: senders of datagrams are easily forged, so they share one limit. */
const ALL_OF_LSD = "lsd";

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
  /** Against whom it counts as hearsay, the address of who told us first; empty once somebody was there. */
  tellers: readonly string[];
  /** When it was first heard of, in ms. */
  readonly since: number;
  /** Whether it was seen, or is said, to have everything. */
  isSeed: boolean;
  /** Being dialled or connected. */
  isBusy: boolean;
  /** Dials that failed since the last success. */
  failures: number;
  /** When it was dialled last, in ms; `-Infinity` before the first time. */
  dialledAt: number;
  /** Not dialled before, in ms. */
  nextDialAt: number;
}

/** What must not be forgotten of an endpoint, or whoever has it forgotten and names it again has it dialled at once. */
type DialHistory = Pick<KnownPeer, "failures" | "dialledAt" | "nextDialAt">;

/** An endpoint and who named it, as one `KnownPeers` hands it to another. */
export interface HeardPeer {
  readonly endpoint: Endpoint;
  readonly source: PeerSource;
  /** Address of the remote whose hearsay it is. */
  readonly teller: string | undefined;
}

/** All endpoints known for one torrent. */
export class KnownPeers {
  readonly #peers = new Map<string, KnownPeer>();
  /** Endpoints that each address, and all of `ALL_OF_LSD`, told us of and that nobody has reached yet. */
  readonly #toldBy = new Map<string, number>();
  /** Of endpoints that were dialled and forgotten. */
  readonly #histories = new RecentMap<string, DialHistory>(CONNECTIONS.knownPeers);
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

  /** Endpoints that did not fail and are no hearsay, to be remembered for the next start. */
  get reachable(): string[] {
    const reachable: string[] = [];
    for (const [name, { failures, tellers }] of this.#peers) {
      if (failures > 0 || tellers.length > 0) continue;
      if (reachable.length < CONNECTIONS.rememberedPeers) reachable.push(name);
    }
    return reachable;
  }

  /** All endpoints with who named them, for whoever takes over. */
  get heard(): HeardPeer[] {
    return Array.from(
      this.#peers.values(),
      ({ endpoint, source, tellers: [teller] }) => ({ endpoint, source, teller }),
    );
  }

  /**
   * Adds endpoints that can be dialled and are neither banned nor blocked; returns how many were new. `remote`: the
   * address of the remote whose hearsay it is; who speaks up by multicast speaks for itself.
   */
  add(endpoints: Iterable<Endpoint>, source: PeerSource, now: number, remote?: string): number {
    let added = 0;
    for (const endpoint of endpoints) {
      const name = formatEndpoint(endpoint);
      const known = this.#peers.get(name);
      if (known !== undefined) {
        this.#toldAgain(known, source);
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
      });
      for (const teller of tellers) this.#toldBy.set(teller, (this.#toldBy.get(teller) ?? 0) + 1);
      added++;
    }
    return added;
  }

  /**
   * An endpoint that is known was named once more. Whoever is announced again may be there again, so it need not wait
   * as long as after many failures; but others can say so as often as they like, so it is dialled no more often than
   * every `CONNECTIONS.retoldMs` for that.
   */
  #toldAgain(known: KnownPeer, source: PeerSource): void {
    if (source === "user") known.nextDialAt = 0;
    else if (ANNOUNCED.includes(source)) {
      known.nextDialAt = Math.min(known.nextDialAt, known.dialledAt + CONNECTIONS.retoldMs);
    }
    if (RANKS[source] >= RANKS[known.source]) return;
    known.source = source;
    // Neither a datagram nor a claim proves anything about an endpoint.
    if (source !== "lsd" && source !== "incoming") this.#vouch(known);
  }

  /** Whether one more endpoint may count against a teller; one of its names that failed makes room. */
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
   * What others say of a peer (BEP 11, `lan_peers`). It counts of those of whom nobody else told us, and until we see
   * for ourselves: by a lie somebody is called later, or in the wrong way first, and is called all the same.
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

  /** An endpoint is hearsay no longer, or not known any more: it counts no more against who told us of it. */
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

  /** Forgets endpoints that have left, unless they are connected; only what the same `remote` told us in this way. */
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
   * Up to `limit` endpoints that are due to be dialled at `now`; each is busy from now on. Of too many, those come first
   * that did not fail, then those from the best source, those that failed least, and those of the highest priority. A
   * seeder leaves other seeds alone and waits for the rest to come, except for those that had time to and did not.
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
      due = due.sort((a, b) =>
        Math.sign(a.failures) - Math.sign(b.failures) || RANKS[a.source] - RANKS[b.source] ||
        a.failures - b.failures || priorities.get(b)! - priorities.get(a)!
      ).slice(0, limit);
    }
    for (const peer of due) {
      peer.isBusy = true;
      peer.dialledAt = now;
    }
    return due.map(({ endpoint }) => endpoint);
  }

  /** The endpoint was dialled by us, or is the same as one that is connected, and leads to a peer. */
  connected(endpoint: Endpoint, now: number): void {
    this.claimed(endpoint, now);
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known !== undefined) this.#vouch(known);
  }

  /** Somebody who connected to us says that it listens there: it need not be dialled, and remains hearsay. */
  claimed(endpoint: Endpoint, now: number): void {
    this.add([endpoint], "incoming", now, endpoint.address);
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known !== undefined) known.isBusy = true;
  }

  /** Who said that it listens there cannot be believed: whoever does may be dialled. */
  disclaimed(endpoint: Endpoint): void {
    const known = this.#peers.get(formatEndpoint(endpoint));
    if (known !== undefined) known.isBusy = false;
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

  /** We are ready for everybody again: those that are not connected may be dialled at once. */
  retryAll(): void {
    for (const known of this.#peers.values()) if (!known.isBusy) known.nextDialAt = 0;
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
    const { address } = endpoint;
    this.banEndpoint(endpoint);
    // A liar is one, however many of its pieces turn out to be wrong.
    if (this.#banned.has(peerAt(address, peerId))) return;
    this.#banned.set(peerAt(address, peerId), true);
    this.#bansByAddress.set(address, (this.#bansByAddress.get(address) ?? 0) + 1);
  }

  /** Bans an endpoint at which somebody was found who is banned. */
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
   * Makes room for an endpoint of this rank: one that failed goes first, whatever its rank, but for those the user
   * named; else one of a worse rank. Returns false when there is none.
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

/** Of an endpoint that was never dialled. */
const UNDIALLED: DialHistory = { failures: 0, dialledAt: -Infinity, nextDialAt: 0 };

/** Against whom an endpoint counts that one of this source named. */
function tellersOf(endpoint: Endpoint, source: PeerSource, remote: string | undefined): readonly string[] {
  if (source === "lsd") return [endpoint.address, ALL_OF_LSD];
  return remote === undefined ? [] : [remote];
}

function peerAt(address: string, peerId: Uint8Array): string {
  return `${peerId.toHex()} ${address}`;
}
