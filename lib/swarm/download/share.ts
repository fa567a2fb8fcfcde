/** Our part of the pieces, where several share them out without a word. */
import { NEAR } from "../../settings.ts";
import type { Arrivals } from "./arrivals.ts";

/**
 * Each piece belongs to the one whose name ranks first for it (rendezvous hashing). Hosts that know of the same others
 * come to the same; one that knows of fewer differs in the pieces of those alone. Once we have got what is ours, and nothing
 * has come to anybody near for a few times as long as pieces took lately, the pieces for which we rank second are ours
 * as well, and so on: while others bring theirs, we wait; one that is slow or gone holds up nobody for long.
 */
export class Share {
  readonly #pieceCount: number;
  readonly #isMissing: (index: number) => boolean;
  /** For each bucket of pieces, how many others rank before us. */
  readonly #places: Uint16Array;
  #names = "";
  /** How many share out the pieces, we ourselves included, and how many of their shares are ours. */
  #of = 1;
  #taken = 1;
  /** No piece before this one is missing. */
  #next = 0;
  /** Since when we wait for others, in ms. */
  #waitsSince: number | undefined;

  /** `isMissing`: whether a piece is of this share, and neither we nor anybody near has it. */
  constructor(pieceCount: number, isMissing: (index: number) => boolean) {
    this.#pieceCount = pieceCount;
    this.#isMissing = isMissing;
    this.#places = new Uint16Array(Math.min(pieceCount, NEAR.buckets));
  }

  /** Whether a piece is ours. */
  includes(index: number): boolean {
    return this.#places[index % this.#places.length] < this.#taken;
  }

  /** Shares out between us, by all our names, and `others`; returns whether that changes something. */
  among(own: readonly string[], others: readonly string[]): boolean {
    const ours = [...new Set(own)].sort();
    const theirs = [...new Set(others)].filter((name) => !ours.includes(name)).sort();
    const names = `${ours} ${theirs}`;
    if (names === this.#names) return false;
    this.#names = names;
    this.#of = theirs.length + 1;
    const [ownHashes, otherHashes] = [ours.map(hashOf), theirs.map(hashOf)];
    for (let bucket = 0; bucket < this.#places.length; bucket++) {
      const best = Math.max(...ownHashes.map((hash) => rankOf(hash, bucket)));
      this.#places[bucket] = otherHashes.filter((hash) => rankOf(hash, bucket) > best).length;
    }
    return true;
  }

  /** Looks from the first piece on again: one that was not missing may be. */
  beginAnew(): void {
    this.#next = 0;
  }

  /** Whether we lack a piece of it, or may lack one. */
  get #hasMissing(): boolean {
    const end = Math.min(this.#next + NEAR.lookedAt, this.#pieceCount);
    while (this.#next < end && !this.#isMissing(this.#next)) this.#next++;
    return this.#next < this.#pieceCount;
  }

  /** Returns whether one more share has become ours. `now` in ms. */
  look(now: number, { lastAt, patienceMs }: Pick<Arrivals, "lastAt" | "patienceMs">): boolean {
    if (this.#hasMissing) this.#waitsSince = now;
    this.#waitsSince ??= now;
    const waited = now - Math.max(this.#waitsSince, lastAt);
    if (this.#taken >= this.#of || waited < patienceMs) return false;
    this.#taken++;
    this.#waitsSince = now;
    return true;
  }
}

/** A number of 32 bits for a name (FNV-1a). */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** How high a name ranks for a bucket of pieces (the last steps of MurmurHash3, which mix all bits). */
function rankOf(hash: number, bucket: number): number {
  let mixed = hash ^ Math.imul(bucket + 1, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
