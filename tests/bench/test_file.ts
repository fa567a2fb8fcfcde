import { createHash } from "node:crypto";
import { encodeInfo, encodeMetainfo, PIECE_HASH_LENGTH } from "../../lib/protocol/metainfo.ts";

/** Bytes in a kibibyte. */
export const KIB = 1024;
/** Bytes in a mebibyte. */
export const MIB = 1024 * KIB;
/** Bytes in a gibibyte. */
export const GIB = 1024 * MIB;

/** A file to share that is too large for memory, and torrents of it. Its bytes are the same in every run. */
export class TestFile {
  readonly path: string;
  readonly name: string;
  /** Bytes. */
  readonly length: number;
  /** Info dictionaries by piece length; hashing gigabytes once is enough. */
  readonly #infos = new Map<number, Uint8Array>();

  /** Writes the file into `folder`. */
  constructor(folder: string, length: number, name = "data.bin") {
    this.path = `${folder}/${name}`;
    this.name = name;
    this.length = length;
    writeData(this.path, length);
  }

  /** Writes a torrent of the file. */
  writeTorrent(path: string, pieceLength: number, announce: string): void {
    let info = this.#infos.get(pieceLength);
    if (info === undefined) {
      const files = [{ path: [], length: this.length }];
      info = encodeInfo(this.name, files, pieceLength, this.#pieceHashes(pieceLength), false);
      this.#infos.set(pieceLength, info);
    }
    Deno.writeFileSync(path, encodeMetainfo(info, { announceTiers: [[announce]] }));
  }

  #pieceHashes(pieceLength: number): Uint8Array {
    using file = Deno.openSync(this.path);
    const count = Math.ceil(this.length / pieceLength);
    const hashes = new Uint8Array(count * PIECE_HASH_LENGTH);
    const buffer = new Uint8Array(pieceLength);
    for (let index = 0; index < count; index++) {
      const piece = buffer.subarray(0, Math.min(pieceLength, this.length - index * pieceLength));
      for (let filled = 0; filled < piece.length;) filled += file.readSync(piece.subarray(filled))!;
      hashes.set(createHash("sha1").update(piece).digest(), index * PIECE_HASH_LENGTH);
    }
    return hashes;
  }
}

/** Writes `length` bytes that compress badly; no two mebibytes are alike. */
function writeData(path: string, length: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  const pattern = new Uint8Array(MIB);
  let state = 1;
  for (let i = 0; i < pattern.length; i++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    pattern[i] = state >>> 24;
  }
  const mark = new DataView(pattern.buffer);
  for (let offset = 0; offset < length; offset += pattern.length) {
    mark.setFloat64(0, offset);
    let rest = pattern.subarray(0, Math.min(pattern.length, length - offset));
    while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
  }
}

/** Writes `length` bytes and removes them: memory that a virtual machine uses for the first time is slow. */
export function warmMemory(folder: string, length: number): void {
  const path = `${folder}/warming`;
  writeData(path, length);
  Deno.removeSync(path);
}
