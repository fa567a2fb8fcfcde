/** Makes a `.torrent` of a file or folder (BEP 3). */
import fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { MetainfoError, StorageError } from "../errors.ts";
import {
  encodeInfo,
  encodeMetainfo,
  type Metainfo,
  PIECE_HASH_LENGTH,
  readMetainfo,
} from "../protocol/metainfo.ts";
import { safePaths } from "../protocol/safe_path.ts";
import type { Steps } from "../protocol/steps.ts";
import { METAINFO_LIMITS, VERSION } from "../settings.ts";
import type { DiskWorkers } from "./disk_workers.ts";
import { FileRow } from "./file_row.ts";
import { type FileStamp, sameStamp } from "./state/file_stamp.ts";
import { OpenFiles } from "./open_files.ts";
import { storageFailure } from "./storage_failure.ts";
import { inSlices } from "./time_slices.ts";

/** The data of a new torrent, and its other members. */
export interface TorrentPlan {
  /** The path of a file or folder that is no symbolic link. */
  readonly path: string;
  readonly announceTiers: readonly (readonly string[])[];
  /** In bytes, a power of two; undefined when it is to follow from the size of the data. */
  readonly pieceLength?: number | undefined;
  readonly isPrivate: boolean;
  readonly comment?: string | undefined;
  readonly webSeeds?: readonly string[] | undefined;
  /** Seconds since 1970. */
  readonly creationDate?: number | undefined;
  readonly workers: DiskWorkers;
  /** Called when the names and sizes of the files are known to be usable, before the data is read. It may throw. */
  beforeHashing?(): Promise<void>;
}

/** A finished torrent. */
interface MadeTorrent {
  /** The `.torrent` file. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly metainfo: Metainfo;
  /** The marks of the files as they were hashed, in the order of the torrent. */
  readonly stamps: readonly FileStamp[];
}

interface FoundFile {
  /** Steps of its path, from the folder that holds the named file or folder. */
  readonly path: readonly string[];
  readonly length: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
/** Shorter pieces make many hashes for little data; longer ones take too long before a peer can pass them on. */
const DEFAULT_PIECE_LENGTHS = { shortest: 16 * KIB, longest: 16 * MIB };
/** More pieces spread faster among many peers, but above this the gain is below 1 %, and `.torrent` files grow. */
const MOST_PIECES = 2_000;

/**
 * The piece length for a number of bytes: the least power of two that makes at most 2,000 pieces, which makes at least
 * 1,000. It is at least 16 KiB, so that small files have fewer pieces, and at most 16 MiB, so that huge ones have more.
 */
export function defaultPieceLength(totalLength: number): number {
  let { shortest: pieceLength } = DEFAULT_PIECE_LENGTHS;
  while (totalLength / pieceLength > MOST_PIECES && pieceLength < DEFAULT_PIECE_LENGTHS.longest) {
    pieceLength *= 2;
  }
  return pieceLength;
}

/**
 * Hashes a file, or all files in a folder, on all cores. Symbolic links in a folder are left out.
 *
 * `onProgress` gets the number of pieces done and of all pieces. Errors: `StorageError` for a file that cannot be read,
 * that changes meanwhile, or whose name is not allowed on every system; `MetainfoError` beyond the limits.
 */
export async function makeTorrent(
  plan: TorrentPlan,
  onProgress: (done: number, total: number) => void,
  signal?: AbortSignal,
): Promise<MadeTorrent> {
  const path = resolve(plan.path);
  const name = basename(path);
  const files = await inSlices(filesUnder(dirname(path), [name]));
  if (files.length === 0) throw new StorageError(`Expected a file in ${plan.path}, got none`);
  if (files.length > METAINFO_LIMITS.files) {
    throw new MetainfoError(`Expected at most ${METAINFO_LIMITS.files} files, got ${files.length}`);
  }
  refuseAwkwardNames(files);
  const totalLength = files.reduce((sum, file) => sum + file.length, 0);
  const pieceLength = plan.pieceLength ?? defaultPieceLength(totalLength);
  const pieces = Math.ceil(totalLength / pieceLength);
  if (pieces > METAINFO_LIMITS.pieces) {
    throw new MetainfoError(
      `Expected at most ${METAINFO_LIMITS.pieces} pieces, got ${pieces}; name a longer --piece-length`,
    );
  }
  const row = new FileRow({
    root: dirname(path),
    base: [],
    files: files.map((file) => ({ ...file, isPadding: false })),
    pieceLength,
    isWritable: false,
  }, new OpenFiles(1));
  await plan.beforeHashing?.();
  const { pieceHashes, stamps } = await hashRow(row, plan.workers, onProgress, signal);
  const infoFiles = files.map(({ path, length }) => ({ path: path.slice(1), length }));
  const rawInfo = encodeInfo(name, infoFiles, pieceLength, pieceHashes, plan.isPrivate);
  const bytes = encodeMetainfo(rawInfo, { ...plan, createdBy: `peer/${VERSION}` });
  return { bytes, metainfo: await inSlices(readMetainfo(bytes, METAINFO_LIMITS)), stamps };
}

/** The plain files at or below a path, sorted by name, folder by folder. */
function* filesUnder(root: string, steps: readonly string[]): Steps<FoundFile[]> {
  const path = join(root, ...steps);
  let names: string[];
  try {
    const stats = fs.lstatSync(path);
    if (stats.isFile()) return [{ path: steps, length: stats.size }];
    if (!stats.isDirectory()) {
      if (steps.length > 1) return [];
      throw new StorageError(`Expected a file or folder at ${path}, got something else`);
    }
    names = fs.readdirSync(path).sort((a, b) => a < b ? -1 : 1);
  } catch (error) {
    throw storageFailure(`read ${path}`, error);
  }
  const found: FoundFile[] = [];
  for (const name of names) {
    yield;
    for (const file of yield* filesUnder(root, [...steps, name])) found.push(file);
  }
  return found;
}

/** Refuses names that are not safe: peers store files under safe names only, which may differ from ours. */
function refuseAwkwardNames(files: readonly FoundFile[]): void {
  const safe = safePaths(files.map((file) => file.path));
  files.forEach(({ path }, i) => {
    const name = path.join("/");
    if (safe[i].join("/") === name) return;
    throw new StorageError(
      `Expected names that every system can take, got ${JSON.stringify(name)}; ` +
        `rename it, for example to ${JSON.stringify(safe[i].join("/"))}`,
    );
  });
}

async function hashRow(
  row: FileRow,
  workers: DiskWorkers,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal | undefined,
): Promise<{ pieceHashes: Uint8Array<ArrayBuffer>; stamps: FileStamp[] }> {
  const { pieceCount } = row.layout;
  const pieceHashes = new Uint8Array(pieceCount * PIECE_HASH_LENGTH);
  const before = await row.stamps();
  let done = 0;
  await workers.hashPieces(row.description, row.layout, new Array(pieceCount).keys(), (index, hash) => {
    // A piece without data belongs to a file that was cut short meanwhile; the comparison of stamps finds that.
    if (hash !== undefined) pieceHashes.set(hash, index * PIECE_HASH_LENGTH);
    onProgress(++done, pieceCount);
  }, signal);
  const after = await row.stamps();
  const changed = before.findIndex((stamp, file) => !sameStamp(stamp, after[file]));
  if (changed >= 0) {
    throw new StorageError(
      `Expected ${row.nameOf(changed)} to stay as it is, but it changed while it was read`,
    );
  }
  return { pieceHashes, stamps: before.map((stamp) => stamp!) };
}
