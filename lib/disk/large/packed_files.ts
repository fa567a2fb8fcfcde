/** The files of a torrent in a few large values, as they are posted to a worker. */
import type { TorrentFile } from "../../protocol/metainfo.ts";
import { finish, type Steps } from "../../protocol/steps.ts";

/** Files packed together, and between two pauses. */
const FILES_PER_PACK = 128;
/** Stands between names and between paths; no safe name contains it. */
const SEPARATOR = "/";

/** The files of a torrent by position; an array is one. */
export type FileList = Pick<readonly TorrentFile[], "length" | "at">;

/** A list of files as plain data. A hundred thousand objects take a second to post, this takes milliseconds. */
export interface PackedFiles {
  /** Bytes of each file. */
  readonly lengths: Float64Array;
  /** 1 for padding (BEP 47), else 0. */
  readonly padding: Uint8Array;
  /** The number of names in each path. */
  readonly depths: Uint8Array;
  /** The names in the paths of `FILES_PER_PACK` files each, one after another. */
  readonly names: readonly string[];
}

/** What was packed of each list: several rows of files and several workers share one. */
const packed = new WeakMap<FileList, PackedFiles>();

/** Packs a list, or finds what was packed of it before. */
export function pack(files: FileList): PackedFiles {
  return finish(packing(files));
}

/** Does the same with pauses. */
export function* packing(files: FileList): Steps<PackedFiles> {
  const known = packed.get(files);
  if (known !== undefined) return known;
  const lengths = new Float64Array(files.length);
  const padding = new Uint8Array(files.length);
  const depths = new Uint8Array(files.length);
  const names: string[] = [];
  for (let start = 0; start < files.length; start += FILES_PER_PACK) {
    const paths: string[] = [];
    for (let file = start; file < Math.min(start + FILES_PER_PACK, files.length); file++) {
      const { path, length, isPadding } = files.at(file)!;
      lengths[file] = length;
      padding[file] = Number(isPadding);
      depths[file] = path.length;
      paths.push(path.join(SEPARATOR));
    }
    names.push(paths.join(SEPARATOR));
    yield;
  }
  const made = { lengths, padding, depths, names };
  packed.set(files, made);
  return made;
}

/** The list that was packed. It makes the file at a position only when that is asked for. */
export class UnpackedFiles implements FileList {
  readonly #packed: PackedFiles;
  /** The pack that was used last, as paths: files are asked for in runs. */
  #pack = -1;
  #paths: string[][] = [];

  constructor(packed: PackedFiles) {
    this.#packed = packed;
  }

  get length(): number {
    return this.#packed.lengths.length;
  }

  at(file: number): TorrentFile | undefined {
    if (file >= this.length) return undefined;
    const pack = Math.floor(file / FILES_PER_PACK);
    if (pack !== this.#pack) this.#unpack(pack);
    return {
      path: this.#paths[file % FILES_PER_PACK],
      length: this.#packed.lengths[file],
      isPadding: this.#packed.padding[file] !== 0,
    };
  }

  #unpack(pack: number): void {
    const names = this.#packed.names[pack].split(SEPARATOR);
    const depths = this.#packed.depths.subarray(pack * FILES_PER_PACK, (pack + 1) * FILES_PER_PACK);
    let start = 0;
    this.#paths = Array.from(depths, (depth) => names.slice(start, start += depth));
    this.#pack = pack;
  }
}
