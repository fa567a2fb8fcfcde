import { Buffer } from "node:buffer";
import { equalBytes } from "../../../lib/protocol/bytes.ts";
import { sha1 } from "../../../lib/protocol/info_hash.ts";
import { type Metainfo, pieceHash } from "../../../lib/protocol/metainfo.ts";

const all = new WeakMap<Metainfo, SharedBytes>();

/**
 * What the hosts of a virtual LAN have in common, so that the same bytes cost little a second time: byte arrays that are
 * used again, and the right pieces of one torrent. Only the first right copy of a piece is hashed; others are compared.
 */
export class SharedBytes {
  readonly #metainfo: Metainfo;
  /** Arrays that nobody reads any more, by their length. */
  readonly #free = new Map<number, Uint8Array<ArrayBuffer>[]>();
  readonly #rightPieces = new Map<number, Uint8Array>();

  constructor(metainfo: Metainfo) {
    this.#metainfo = metainfo;
  }

  /** The same object for all LANs of a torrent. */
  static of(metainfo: Metainfo): SharedBytes {
    let shared = all.get(metainfo);
    if (shared === undefined) all.set(metainfo, shared = new SharedBytes(metainfo));
    return shared;
  }

  /** An array of this length with undefined contents. */
  take(length: number): Uint8Array<ArrayBuffer> {
    return this.#free.get(length)?.pop() ?? new Uint8Array(length);
  }

  /** Takes back an array that nobody reads any more. */
  give(array: Uint8Array<ArrayBuffer>): void {
    const same = this.#free.get(array.length);
    if (same !== undefined) same.push(array);
    else this.#free.set(array.length, [array]);
  }

  /** The right piece of this index, in memory that all hosts share, if `piece` is right; else undefined. */
  rightPiece(index: number, piece: Uint8Array): Uint8Array | undefined {
    const right = this.#rightPieces.get(index);
    if (right !== undefined) return Buffer.compare(right, piece) === 0 ? right : undefined;
    if (!equalBytes(sha1(piece), pieceHash(this.#metainfo, index))) return undefined;
    const copy = piece.slice();
    this.#rightPieces.set(index, copy);
    return copy;
  }
}
