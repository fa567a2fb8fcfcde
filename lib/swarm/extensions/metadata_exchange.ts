/**
 * Fetches the info dictionary of a magnet link from peers that have it, and serves it to peers that lack it (BEP 9).
 *
 * The parts are asked of several peers at once and checked as a whole, as BEP 9 gives single parts no hashes. Many
 * peers may only pretend to have them, so a part that does not come soon is asked of more and more other peers.
 *
 *   together ── right ──► done
 *      │ wrong: all peers that sent a part are suspects (a single one is a liar)
 *      ▼
 *   one by one ── right ──► done
 *      │ wrong: this peer lied and is asked no more; next comes the peer that failed least and is not suspected
 *      └──► one by one
 */
import { type InfoHash, infoHashOf } from "../../protocol/info_hash.ts";
import { joinBytes } from "../../protocol/bytes.ts";
import { encodeMetadataData, encodeMetadataReject, metadataParts } from "../../protocol/metadata_messages.ts";
import { METADATA } from "../../settings.ts";
import { MetadataAssembly } from "./metadata_assembly.ts";

/** A part to ask of a peer. */
export interface MetadataRequest<Peer> {
  readonly peer: Peer;
  readonly part: number;
}

/** The result of a part that arrived. */
type MetadataOutcome<Peer> =
  | { readonly kind: "unneeded" }
  | { readonly kind: "kept" }
  /** All parts are there and have the right hash: the fetch is over. */
  | { readonly kind: "complete"; readonly rawInfo: Uint8Array<ArrayBuffer> }
  /** All parts are there and have a wrong hash. `senders` sent them: a single one is a liar, several are suspects. */
  | { readonly kind: "wrong"; readonly senders: readonly Peer[] };

/** A peer that offers the metadata. */
interface Source {
  /** Bytes of the whole metadata, as the peer says. */
  readonly length: number;
  /** Requests that the peer rejected or did not answer soon, since it last sent a part. */
  failures: number;
  /** Whether the peer ever sent a part that was needed. */
  isProven: boolean;
  pausedUntil: number;
  /** Length of the next pause. */
  pauseMs: number;
  isSuspect: boolean;
  hasLied: boolean;
}

/** Fetches the metadata of one info-hash. Peers are told apart by identity. `now` in ms everywhere. */
export class MetadataDownload<Peer> {
  readonly #infoHash: InfoHash;
  readonly #sources = new Map<Peer, Source>();
  /** Each source contributes to one assembly at most. */
  readonly #assemblies = new Set<MetadataAssembly<Peer>>();
  /** Lengths at which parts of several peers made a wrong whole: from now on each peer must send all parts alone. */
  readonly #mixedLengths = new Set<number>();
  #isComplete = false;

  constructor(infoHash: InfoHash) {
    this.#infoHash = infoHash;
  }

  /** A peer said in its extended handshake that it has `length` bytes of metadata; false when we do not want them. */
  offered(peer: Peer, length: number): boolean {
    if (length < 1 || length > METADATA.maxBytes || this.#sources.has(peer)) return false;
    this.#sources.set(peer, {
      length,
      failures: 0,
      isProven: false,
      pausedUntil: 0,
      pauseMs: METADATA.retryMs,
      isSuspect: false,
      hasLied: false,
    });
    return true;
  }

  /** Bytes of all parts in assemblies that are not whole. */
  get heldBytes(): number {
    return this.#assemblies.values().reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A peer is gone; the parts it was asked for are free for others. */
  peerClosed(peer: Peer): void {
    this.#sources.delete(peer);
    for (const assembly of this.#assemblies) assembly.takeBackAll(peer);
  }

  /** The requests to send now. Call it when a peer offered, answered or left, and on every tick. */
  requests(now: number): MetadataRequest<Peer>[] {
    if (this.#isComplete) return [];
    for (const assembly of this.#assemblies) this.#expire(assembly, now);
    this.#openAssemblies(now);
    return [...this.#assemblies].flatMap((assembly) => this.#requestsFor(assembly, now));
  }

  /** The requests for one assembly, to the best sources first. */
  #requestsFor(assembly: MetadataAssembly<Peer>, now: number): MetadataRequest<Peer>[] {
    const ready = [...this.#contributors(assembly)]
      .filter(([, { pausedUntil }]) => pausedUntil <= now)
      .map(([peer, source]) => ({
        peer,
        source,
        room: METADATA.requestsPerPeer - assembly.askedOf(peer),
      }))
      .filter(({ room }) => room > 0)
      .sort((a, b) => byMerit(a.source, b.source));
    const requests: MetadataRequest<Peer>[] = [];
    if (ready.length === 0) return requests;
    for (const { part, more } of assembly.open()) {
      for (let left = more; left > 0; left--) {
        const at = ready.findIndex(({ peer }) => !assembly.isAskedOf(part, peer));
        if (at < 0) break;
        const { peer } = ready[at];
        assembly.ask(part, peer, now);
        requests.push({ peer, part });
        if (--ready[at].room === 0) ready.splice(at, 1);
      }
      if (ready.length === 0) break;
    }
    return requests;
  }

  /** A peer rejected a request: it is left alone for a while, each time longer. False when it was not asked. */
  rejected(peer: Peer, part: number, now: number): boolean {
    const source = this.#sources.get(peer);
    if (source === undefined || !this.#assemblyOf(peer, source)?.takeBack(part, peer)) return false;
    source.failures++;
    pause(source, now);
    return true;
  }

  /**
   * A part arrived, as `parseMetadataMessage` yields it; `bytesView` is borrowed and copied if needed. Parts are
   * welcome also when they come late or unasked.
   */
  dataReceived(peer: Peer, part: number, totalLength: number, bytesView: Uint8Array): MetadataOutcome<Peer> {
    const source = this.#sources.get(peer);
    const assembly = source && this.#assemblyOf(peer, source);
    if (source === undefined || assembly === undefined || totalLength !== assembly.length) {
      return { kind: "unneeded" };
    }
    if (!assembly.keep(part, peer, bytesView)) return { kind: "unneeded" };
    source.isProven = true;
    source.failures = 0;
    source.pauseMs = METADATA.retryMs;
    if (assembly.whole !== undefined) return this.#finish(assembly, assembly.whole);
    this.#makeRoom(assembly);
    return { kind: "kept" };
  }

  #finish(assembly: MetadataAssembly<Peer>, parts: readonly Uint8Array[]): MetadataOutcome<Peer> {
    this.#assemblies.delete(assembly);
    const rawInfo = joinBytes(parts);
    if (infoHashOf(rawInfo) === this.#infoHash) {
      this.#isComplete = true;
      this.#assemblies.clear();
      return { kind: "complete", rawInfo };
    }
    const senders = [...assembly.senders];
    for (const peer of senders) {
      const source = this.#sources.get(peer);
      if (source === undefined) continue;
      source.isSuspect = true;
      source.hasLied = senders.length === 1;
    }
    if (senders.length > 1) this.#mixedLengths.add(assembly.length);
    return { kind: "wrong", senders };
  }

  /** Gives up the largest other assemblies while all of them hold too many bytes. Their senders are asked last then. */
  #makeRoom(kept: MetadataAssembly<Peer>): void {
    if (this.heldBytes <= METADATA.maxHeldBytes) return;
    const others = [...this.#assemblies].filter((assembly) => assembly !== kept)
      .sort((a, b) => b.bytes - a.bytes);
    for (const assembly of others) {
      if (this.heldBytes <= METADATA.maxHeldBytes) break;
      this.#assemblies.delete(assembly);
      for (const peer of assembly.senders) {
        const source = this.#sources.get(peer);
        if (source !== undefined) source.failures++;
      }
    }
  }

  /** The sources that may send parts of an assembly. */
  #contributors(assembly: MetadataAssembly<Peer>): Iterable<[Peer, Source]> {
    return this.#sources.entries().filter(([peer, source]) => this.#assemblyOf(peer, source) === assembly);
  }

  /** The assembly that a source contributes to. */
  #assemblyOf(peer: Peer, source: Source): MetadataAssembly<Peer> | undefined {
    if (source.hasLied) return undefined;
    const isAlone = this.#mixedLengths.has(source.length);
    return this.#assemblies.values().find(({ length, only }) =>
      length === source.length && (isAlone ? only === peer : only === undefined)
    );
  }

  /**
   * Begins assemblies: at first one of the length that most peers offer. For each assembly that is not whole soon, two
   * more are begun beside it, so that it does not hold up the fetch.
   */
  #openAssemblies(now: number): void {
    let late = 0;
    for (const assembly of this.#assemblies) {
      const goesOn = this.#contributors(assembly)[Symbol.iterator]().next().done !== true;
      if (!goesOn) this.#assemblies.delete(assembly);
      else if (now - assembly.openedAt >= METADATA.answerMs) late++;
    }
    const free = this.#sources.entries().filter(([peer, source]) =>
      !source.hasLied && source.pausedUntil <= now && this.#assemblyOf(peer, source) === undefined
    ).toArray();
    const groups = [
      ...Map.groupBy(free, ([peer, { length }]) => this.#mixedLengths.has(length) ? peer : length).values(),
    ].map((sources) => ({ sources, best: sources.toSorted(([, a], [, b]) => byMerit(a, b))[0] }))
      .sort((a, b) => byMerit(a.best[1], b.best[1]) || b.sources.length - a.sources.length);
    for (const { best: [peer, { length }] } of groups.slice(0, 1 + 2 * late - this.#assemblies.size)) {
      const only = this.#mixedLengths.has(length) ? peer : undefined;
      this.#assemblies.add(new MetadataAssembly(length, only, now));
    }
  }

  /** Counts late answers against their peers, and gives up peers that have not answered for too long. */
  #expire(assembly: MetadataAssembly<Peer>, now: number): void {
    const { late, expired } = assembly.overdue(now);
    for (const peer of late) this.#sources.get(peer)!.failures++;
    for (const peer of expired) {
      assembly.takeBackAll(peer);
      pause(this.#sources.get(peer)!, now);
    }
  }
}

/** Sorts sources: fewest failures first, then those not suspected, then those that have sent a needed part. */
function byMerit(a: Source, b: Source): number {
  return a.failures - b.failures || Number(a.isSuspect) - Number(b.isSuspect) ||
    Number(b.isProven) - Number(a.isProven);
}

function pause(source: Source, now: number): void {
  if (source.pausedUntil > now) return;
  source.pausedUntil = now + source.pauseMs;
  source.pauseMs = Math.min(2 * source.pauseMs, METADATA.retryMaxMs);
}

/** Serves the metadata of one torrent. Peers are told apart by identity. */
export class MetadataUpload<Peer extends object> {
  readonly #rawInfo: Uint8Array;
  readonly #served = new WeakMap<Peer, number>();

  /** `rawInfo` is the info dictionary, verified, as it stands in the torrent. */
  constructor(rawInfo: Uint8Array) {
    this.#rawInfo = rawInfo;
  }

  /**
   * The payload that answers a request: the part; or a reject, if there is no such part or the peer asks without end.
   */
  reply(peer: Peer, part: number): Uint8Array<ArrayBuffer> {
    const parts = metadataParts(this.#rawInfo.length);
    const served = this.#served.get(peer) ?? 0;
    if (part >= parts || served >= parts * METADATA.servesPerPeer) return encodeMetadataReject(part);
    this.#served.set(peer, served + 1);
    return encodeMetadataData(part, this.#rawInfo);
  }
}
