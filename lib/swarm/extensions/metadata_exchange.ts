/**
 * The info dictionary of a magnet link, fetched from peers that have it, and served to peers that lack it (BEP 9).
 *
 * Parts are asked of several peers at once and checked as a whole, for BEP 9 gives parts no hashes:
 *
 *   together ── right ──► done
 *      │ wrong: all who sent a part are suspects (one alone: a liar)
 *      ▼
 *   one by one ── right ──► done
 *      │ wrong: this one lied and is asked no more; the next one, those not suspected first
 *      └──► one by one
 */
import { type InfoHash, infoHashOf } from "../../protocol/info_hash.ts";
import { concatBytes } from "../../protocol/bytes.ts";
import { encodeMetadataData, encodeMetadataReject, metadataParts } from "../../protocol/metadata_messages.ts";
import { METADATA } from "../../settings.ts";

/** A part to ask of a peer. */
export interface MetadataRequest<Peer> {
  readonly peer: Peer;
  readonly part: number;
}

/** What became of a part that arrived. */
export type MetadataOutcome<Peer> =
  | { readonly kind: "unneeded" }
  | { readonly kind: "kept" }
  /** All is there and has the right hash; the fetch is over. */
  | { readonly kind: "complete"; readonly rawInfo: Uint8Array<ArrayBuffer> }
  /** All is there and the hash is wrong; `senders` is who sent the parts: one is a liar, several are suspects. */
  | { readonly kind: "wrong"; readonly senders: readonly Peer[] };

/** A peer that offers the metadata. */
interface Source {
  /** Bytes of the whole, as it says. */
  readonly length: number;
  pausedUntil: number;
  /** Milliseconds of the next pause. */
  pauseMs: number;
  isSuspect: boolean;
  hasLied: boolean;
}

/** Metadata of one length that is being put together. */
interface Assembly<Peer> {
  readonly length: number;
  /** The only peer that may contribute; undefined: all that offer this length. */
  readonly only: Peer | undefined;
  readonly parts: (Uint8Array | undefined)[];
  readonly senders: Set<Peer>;
  /** Parts asked for and not here yet: of whom, and when. */
  readonly asked: Map<number, { readonly peer: Peer; readonly at: number }>;
}

/** Fetches the metadata of one info-hash. Peers are told apart by identity. `now` in ms everywhere. */
export class MetadataDownload<Peer> {
  readonly #infoHash: InfoHash;
  readonly #sources = new Map<Peer, Source>();
  #assembly: Assembly<Peer> | undefined;
  #oneByOne = false;
  #isComplete = false;

  constructor(infoHash: InfoHash) {
    this.#infoHash = infoHash;
  }

  /** A peer said in its extended handshake that it has `length` bytes of metadata; false when we want none of it. */
  offered(peer: Peer, length: number): boolean {
    if (length < 1 || length > METADATA.maxBytes || this.#sources.has(peer)) return false;
    const fresh = { pausedUntil: 0, pauseMs: METADATA.retryMs, isSuspect: false, hasLied: false };
    this.#sources.set(peer, { length, ...fresh });
    return true;
  }

  /** A peer is gone; what it was asked for is asked of others. */
  peerClosed(peer: Peer): void {
    this.#sources.delete(peer);
    this.#takeBack(peer);
  }

  /** The requests to send now. Call it when a peer offered, answered or left, and on every tick. */
  requests(now: number): MetadataRequest<Peer>[] {
    if (this.#isComplete) return [];
    this.#expire(now);
    const assembly = this.#chooseAssembly(now);
    if (assembly === undefined) return [];
    const requests: MetadataRequest<Peer>[] = [];
    let next = 0;
    for (const [peer, source] of this.#sources) {
      if (!this.#mayContribute(peer, source, assembly) || source.pausedUntil > now) continue;
      for (let room = METADATA.requestsPerPeer - this.#askedOf(peer, assembly); room > 0; room--) {
        while (next < assembly.parts.length && (assembly.parts[next] || assembly.asked.has(next))) next++;
        if (next === assembly.parts.length) return requests;
        assembly.asked.set(next, { peer, at: now });
        requests.push({ peer, part: next });
      }
    }
    return requests;
  }

  /** A peer will not send a part; it is left alone for a while, each time longer. */
  rejected(peer: Peer, part: number, now: number): void {
    const asked = this.#assembly?.asked;
    if (asked?.get(part)?.peer !== peer) return;
    asked.delete(part);
    this.#pause(peer, now);
  }

  /**
   * A part arrived, as `parseMetadataMessage` yields it; `bytesView` is borrowed and copied if needed.
   * A part that comes late, or unasked, is as good as any.
   */
  dataReceived(peer: Peer, part: number, totalLength: number, bytesView: Uint8Array): MetadataOutcome<Peer> {
    const assembly = this.#assembly;
    const source = this.#sources.get(peer);
    if (assembly === undefined || source === undefined) return { kind: "unneeded" };
    const isWanted = this.#mayContribute(peer, source, assembly) && totalLength === assembly.length;
    if (!isWanted || part >= assembly.parts.length || assembly.parts[part] !== undefined) {
      return { kind: "unneeded" };
    }
    assembly.parts[part] = bytesView.slice();
    assembly.senders.add(peer);
    assembly.asked.delete(part);
    source.pauseMs = METADATA.retryMs;
    return assembly.parts.includes(undefined) ? { kind: "kept" } : this.#finish(assembly);
  }

  #finish(assembly: Assembly<Peer>): MetadataOutcome<Peer> {
    this.#assembly = undefined;
    const rawInfo = concatBytes(...assembly.parts as Uint8Array[]);
    if (infoHashOf(rawInfo) === this.#infoHash) {
      this.#isComplete = true;
      return { kind: "complete", rawInfo };
    }
    const senders = [...assembly.senders];
    for (const peer of senders) {
      const source = this.#sources.get(peer);
      if (source === undefined) continue;
      source.isSuspect = true;
      source.hasLied = senders.length === 1;
    }
    this.#oneByOne ||= senders.length > 1;
    return { kind: "wrong", senders };
  }

  #mayContribute(peer: Peer, source: Source, assembly: Assembly<Peer>): boolean {
    return !source.hasLied && source.length === assembly.length &&
      (assembly.only === undefined || assembly.only === peer);
  }

  /** The assembly under way, or a new one where that has nobody left who could go on with it. */
  #chooseAssembly(now: number): Assembly<Peer> | undefined {
    const current = this.#assembly;
    const ready = [...this.#sources].filter(([, source]) => !source.hasLied && source.pausedUntil <= now);
    if (current !== undefined) {
      const goesOn = ready.some(([peer, source]) => this.#mayContribute(peer, source, current));
      if (goesOn || current.asked.size > 0 || ready.length === 0) return current;
    }
    const length = this.#oneByOne ? undefined : mostFrequent(ready.map(([, source]) => source.length));
    const chosen = ready.filter(([, source]) => length === undefined || source.length === length)
      .sort(([, a], [, b]) => Number(a.isSuspect) - Number(b.isSuspect))[0];
    if (chosen === undefined) return undefined;
    const [peer, source] = chosen;
    return this.#assembly = {
      length: source.length,
      only: this.#oneByOne ? peer : undefined,
      parts: new Array(metadataParts(source.length)).fill(undefined),
      senders: new Set(),
      asked: new Map(),
    };
  }

  #askedOf(peer: Peer, assembly: Assembly<Peer>): number {
    let count = 0;
    for (const request of assembly.asked.values()) if (request.peer === peer) count++;
    return count;
  }

  #expire(now: number): void {
    for (const { peer, at } of [...this.#assembly?.asked.values() ?? []]) {
      if (now - at < METADATA.requestTimeoutMs) continue;
      this.#takeBack(peer);
      this.#pause(peer, now);
    }
  }

  #takeBack(peer: Peer): void {
    const asked = this.#assembly?.asked;
    for (const [part, request] of asked ?? []) if (request.peer === peer) asked?.delete(part);
  }

  #pause(peer: Peer, now: number): void {
    const source = this.#sources.get(peer);
    if (source === undefined || source.pausedUntil > now) return;
    source.pausedUntil = now + source.pauseMs;
    source.pauseMs = Math.min(2 * source.pauseMs, METADATA.retryMaxMs);
  }
}

/** The value that occurs most often, the earliest one among equals; undefined for an empty list. */
function mostFrequent(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce<[number?, number?]>(
    (best, entry) => entry[1] > (best[1] ?? 0) ? entry : best,
    [],
  )[0];
}

/** Serves the metadata of one torrent. Peers are told apart by identity. */
export class MetadataUpload<Peer extends object> {
  readonly #rawInfo: Uint8Array;
  readonly #served = new WeakMap<Peer, number>();

  /** `rawInfo` is the info dictionary, verified, as it stands in the torrent. */
  constructor(rawInfo: Uint8Array) {
    this.#rawInfo = rawInfo;
  }

  /** The payload that answers a request: the part, or a reject for one we lack or a peer that asks without end. */
  reply(peer: Peer, part: number): Uint8Array<ArrayBuffer> {
    const parts = metadataParts(this.#rawInfo.length);
    const served = this.#served.get(peer) ?? 0;
    if (part >= parts || served >= parts * METADATA.servesPerPeer) return encodeMetadataReject(part);
    this.#served.set(peer, served + 1);
    return encodeMetadataData(part, this.#rawInfo);
  }
}
