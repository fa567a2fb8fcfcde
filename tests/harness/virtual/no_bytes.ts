import { encodeInfo, type Metainfo, parseInfo } from "../../../lib/protocol/metainfo.ts";
import { PIECE_HEADER_LENGTH, writePieceHeader } from "../../../lib/protocol/peer_messages.ts";
import { METAINFO_LIMITS } from "../../../lib/settings.ts";
import type { SharedBytes } from "./shared_bytes.ts";

const HASH_LENGTH = 20;

/** A torrent whose bytes are nowhere: every block is right, and all of them share one piece of memory. */
export class NoBytes implements SharedBytes {
  readonly #scratch: Uint8Array<ArrayBuffer>;

  constructor(pieceLength: number) {
    this.#scratch = new Uint8Array(PIECE_HEADER_LENGTH + pieceLength);
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    return this.#scratch.subarray(PIECE_HEADER_LENGTH, PIECE_HEADER_LENGTH + length);
  }

  give(): void {}

  rightPiece(_index: number, piece: Uint8Array): Uint8Array {
    return piece;
  }

  blockMessage(index: number, begin: number, length: number): Uint8Array {
    writePieceHeader(this.#scratch, 0, index, begin, length);
    return this.#scratch.subarray(0, PIECE_HEADER_LENGTH + length);
  }
}

/** A torrent of so many pieces, for which `NoBytes` stands in. */
export function torrentWithoutBytes(pieceCount: number, pieceLength: number): Metainfo {
  const files = [{ path: [], length: pieceCount * pieceLength }];
  const hashes = new Uint8Array(pieceCount * HASH_LENGTH);
  return parseInfo(encodeInfo("data.bin", files, pieceLength, hashes, false), METAINFO_LIMITS);
}
