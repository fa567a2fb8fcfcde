import type { FileRow } from "./file_row.ts";
import { isPiece } from "./piece_hasher.ts";

/**
 * Writes a piece, which begins where `buffer` does, at its place if it has this SHA-1; whether it has.
 * Errors: `StorageError`.
 */
export function writePiece(row: FileRow, index: number, buffer: Uint8Array, hash: Uint8Array): boolean {
  const piece = buffer.subarray(0, row.layout.lengthOf(index));
  if (!isPiece(piece, hash)) return false;
  row.write(row.layout.offsetOf(index), piece);
  return true;
}
