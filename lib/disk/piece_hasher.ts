import { createHash } from "node:crypto";
import { equalBytes } from "../protocol/bytes.ts";
import { sha1 } from "../protocol/info_hash.ts";
import type { FileRow } from "./file_row.ts";

/**
 * The SHA-1 of a piece as it lies on disk; undefined when a file is missing or too short for it.
 *
 * Shape: the piece passes through `scratch` in parts, so that it stays in the processor's cache.
 * Errors: `StorageError`.
 */
export function hashStoredPiece(
  row: FileRow,
  index: number,
  scratch: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const hash = createHash("sha1");
  const end = row.layout.offsetOf(index) + row.layout.lengthOf(index);
  for (let offset = row.layout.offsetOf(index); offset < end; offset += scratch.length) {
    const part = scratch.subarray(0, Math.min(scratch.length, end - offset));
    if (!row.tryRead(offset, part)) return undefined;
    hash.update(part);
  }
  return new Uint8Array(hash.digest());
}

/**
 * Writes a piece, the beginning of `buffer`, if it has this SHA-1 of 20 bytes (BEP 3). Returns whether it has. `unmade`:
 * files of it that are to be made where they lack. Errors: `StorageError`.
 */
export function writePiece(
  row: FileRow,
  index: number,
  buffer: Uint8Array,
  hash: Uint8Array,
  unmade: readonly number[] = [],
): boolean {
  const piece = buffer.subarray(0, row.layout.lengthOf(index));
  if (!equalBytes(sha1(piece), hash)) return false;
  row.write(row.layout.offsetOf(index), piece, unmade);
  return true;
}
