/** Old files and folders, as rows of files in which pieces of a torrent may lie. */
import { basename, dirname, join, resolve } from "node:path";
import { StorageError } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import type { Metainfo, TorrentFile } from "../../protocol/metainfo.ts";
import type { Steps } from "../../protocol/steps.ts";
import { METAINFO_LIMITS, STORAGE } from "../../settings.ts";
import { FileRow } from "../file_row.ts";
import { visitInSlices } from "../large/file_visits.ts";
import { packing } from "../large/packed_files.ts";
import { OpenFiles } from "../open_files.ts";
import { type FileStamp, sameStamp } from "../state/file_stamp.ts";
import { storageFailure } from "../storage_failure.ts";
import { inSlices } from "../time_slices.ts";

/** A row of old files, cut into pieces as the torrent is. */
export interface OldRow {
  readonly row: FileRow;
  /** The pieces of which all files are there. */
  readonly pieces: Bitfield;
  /** Whether piece n of the row lies where piece n of the torrent is to be, so that most likely it is that one. */
  readonly isInPlace: boolean;
}

/** Files looked at between two pauses. */
const FILES_PER_STEP = 1_024;

/** The files below a folder by their paths from there, names joined by `/`: bytes of each. */
type FoundFiles = ReadonlyMap<string, number>;

/**
 * The rows of the old file or folder at `path`.
 *
 * A folder stands for the torrent's own: its files are held against those of the same path, each from its own beginning.
 * All other files are a second row, in which each begins with a piece of its own. `path` itself may be a symbolic link,
 * nothing below it is one. Errors: `StorageError`; the reason of `signal` when it aborts.
 */
export async function oldRowsAt(path: string, metainfo: Metainfo, signal: AbortSignal): Promise<OldRow[]> {
  const real = await Deno.realPath(path).catch((error) => {
    throw storageFailure(`read ${path}`, error);
  });
  const { isFile, isDirectory, size } = await Deno.lstat(real);
  if (isFile) {
    const file = { path: [basename(real)], length: size, isPadding: false };
    return [await rowOf(dirname(real), [file], metainfo, isSingle(metainfo))];
  }
  if (!isDirectory) throw new StorageError(`Expected a file or folder at ${path}, got something else`);
  const found = await filesBelow(real, signal);
  const { own, pieces, others } = await inSlices(sorting(found, metainfo));
  const rows: OldRow[] = [];
  if (own.length > 0) rows.push({ ...await rowOf(real, own, metainfo, true), pieces });
  if (others.length > 0) rows.push(await rowOf(real, others, metainfo, false));
  return rows;
}

/** Whether a torrent is a file of its own, and no folder. */
function isSingle({ files }: Metainfo): boolean {
  return files.every(({ path }) => path.length === 1);
}

/**
 * Tells the torrent's own files from others. `own` has all of its files, or none where none is there: single ones that
 * are not there count as padding, which is never looked for on disk, and `pieces` are those without a byte of them.
 * `others`: each with padding to whole pieces.
 */
function* sorting(
  found: FoundFiles,
  metainfo: Metainfo,
): Steps<{ own: TorrentFile[]; pieces: Bitfield; others: TorrentFile[] }> {
  const { files, layout } = metainfo;
  const own: TorrentFile[] = [];
  const pieces = Bitfield.full(layout.pieceCount);
  const names = new Set<string>();
  const firstStep = isSingle(metainfo) ? 0 : 1;
  for (const [position, file] of files.entries()) {
    const path = file.path.slice(firstStep);
    const name = path.join("/");
    const isThere = !file.isPadding && found.has(name);
    if (isThere) names.add(name);
    own.push({ ...file, path, isPadding: !isThere });
    const { first, last } = layout.piecesOf(position) ?? { first: 0, last: -1 };
    for (let index = first; index <= last && !isThere && !file.isPadding; index++) pieces.delete(index);
    if (position % FILES_PER_STEP === 0) yield;
  }
  const others: TorrentFile[] = [];
  for (const [name, length] of found) {
    if (names.has(name)) continue;
    const rest = (layout.pieceLength - length % layout.pieceLength) % layout.pieceLength;
    others.push({ path: name.split("/"), length, isPadding: false });
    others.push({ path: ["padding"], length: rest, isPadding: true });
    if (others.length % FILES_PER_STEP === 0) yield;
  }
  return { own: names.size > 0 ? own : [], pieces, others };
}

/** A row of files below a folder. */
async function rowOf(
  root: string,
  files: readonly TorrentFile[],
  { layout: { pieceLength } }: Metainfo,
  isInPlace: boolean,
): Promise<OldRow> {
  await inSlices(packing(files));
  const description = { root, base: [], files, pieceLength, isWritable: false };
  const row = new FileRow(description, new OpenFiles(STORAGE.workerOpenFiles));
  return { row, pieces: Bitfield.full(row.layout.pieceCount), isInPlace };
}

/** All files below a folder that hold anything; symbolic links are passed over. Errors: `StorageError`. */
async function filesBelow(root: string, signal: AbortSignal): Promise<FoundFiles> {
  const found = new Map<string, number>();
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const place = join(root, folder);
    try {
      for await (const { name, isDirectory, isFile } of Deno.readDir(place)) {
        signal.throwIfAborted();
        const path = folder === "" ? name : `${folder}/${name}`;
        if (isDirectory) folders.push(path);
        if (!isFile) continue;
        const { size, isSymlink } = await Deno.lstat(join(place, name));
        if (size > 0 && !isSymlink) found.set(path, size);
        if (found.size + folders.length > METAINFO_LIMITS.files) {
          throw new StorageError(`Expected at most ${METAINFO_LIMITS.files} files, got more in ${root}`);
        }
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw storageFailure(`read ${place}`, error);
    }
  }
  return found;
}

/** The marks of all files of a row. Errors: `StorageError`. */
export async function stampsOf(row: FileRow): Promise<(FileStamp | undefined)[]> {
  const stamps: (FileStamp | undefined)[] = [];
  await visitInSlices(row.realFiles(), (file, known) => void (stamps[file] = row.stampOf(file, known)));
  return stamps;
}

/** The name of a file that has changed since `before`; undefined where none has. Errors: `StorageError`. */
export async function changedSince(
  row: FileRow,
  before: readonly (FileStamp | undefined)[],
): Promise<string | undefined> {
  const now = await stampsOf(row);
  const changed = [...row.realFiles()].find((file) =>
    (before[file] ?? now[file]) !== undefined && !sameStamp(before[file], now[file])
  );
  return changed === undefined ? undefined : resolve(row.rootOf(changed), row.nameOf(changed));
}
