import { equalBytes } from "../protocol/bytes.ts";
import { sha1 } from "../protocol/info_hash.ts";
import type { FileRow } from "./file_row.ts";

/**
 * Writes a piece, which begins where `buffer` does, at its place if it has this SHA-1 of 20 bytes (BEP 3); whether it has.
 * Errors: `StorageError`.
 */
export function writePiece(row: FileRow, index: number, buffer: Uint8Array, hash: Uint8Array): boolean {
  const piece = buffer.subarray(0, row.layout.lengthOf(index));
  if (!equalBytes(sha1(piece), hash)) return false;
  row.write(row.layout.offsetOf(index), piece);
  return true;
}
