import { Buffer } from "node:buffer";
import { equalBytes } from "../../../lib/protocol/bytes.ts";
import { sha1 } from "../../../lib/protocol/info_hash.ts";
import { type Metainfo, pieceHash } from "../../../lib/protocol/metainfo.ts";
import { PIECE_HEADER_LENGTH, writePieceHeader } from "../../../lib/protocol/peer_messages.ts";

/** What the hosts of a virtual LAN have in common, so that the same bytes cost little a second time. */
export interface SharedBytes {
  /** A piece buffer of this length with undefined contents. */
  take(length: number): Uint8Array<ArrayBuffer>;
  /** Takes back a buffer that nobody reads any more. */
  give(buffer: Uint8Array<ArrayBuffer>): void;
  /** The right piece of this index, in memory that all hosts share, if `piece` is right; else undefined. */
  rightPiece(index: number, piece: Uint8Array): Uint8Array | undefined;
  /** The message that carries a block; `source` holds the block from `from` on. Valid until the next call. */
  blockMessage(index: number, begin: number, length: number, source: Uint8Array, from: number): Uint8Array;
}

const all = new WeakMap<Metainfo, SharedBytes>();

/**
 * The bytes of one torrent: buffers that are used again, and its right pieces. Only the first right copy of a piece is
 * hashed; others are compared.
 */
export class TorrentBytes implements SharedBytes {
  readonly #metainfo: Metainfo;
  /** Buffers that nobody reads any more, by their length. */
  readonly #free = new Map<number, Uint8Array<ArrayBuffer>[]>();
  readonly #rightPieces = new Map<number, Uint8Array>();
  #message = new Uint8Array(0);

  constructor(metainfo: Metainfo) {
    this.#metainfo = metainfo;
  }

  /** The same object for all LANs of a torrent. */
  static of(metainfo: Metainfo): SharedBytes {
    let shared = all.get(metainfo);
    if (shared === undefined) all.set(metainfo, shared = new TorrentBytes(metainfo));
    return shared;
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    return this.#free.get(length)?.pop() ?? new Uint8Array(length);
  }

  give(buffer: Uint8Array<ArrayBuffer>): void {
    const same = this.#free.get(buffer.length);
    if (same !== undefined) same.push(buffer);
    else this.#free.set(buffer.length, [buffer]);
  }

  rightPiece(index: number, piece: Uint8Array): Uint8Array | undefined {
    const right = this.#rightPieces.get(index);
    if (right !== undefined) return Buffer.compare(right, piece) === 0 ? right : undefined;
    if (!equalBytes(sha1(piece), pieceHash(this.#metainfo, index))) return undefined;
    const copy = piece.slice();
    this.#rightPieces.set(index, copy);
    return copy;
  }

  blockMessage(index: number, begin: number, length: number, source: Uint8Array, from: number): Uint8Array {
    const size = PIECE_HEADER_LENGTH + length;
    if (this.#message.length < size) this.#message = new Uint8Array(size);
    writePieceHeader(this.#message, 0, index, begin, length);
    this.#message.set(source.subarray(from, from + length), PIECE_HEADER_LENGTH);
    return this.#message.subarray(0, size);
  }
}
