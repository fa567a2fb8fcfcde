/**
 * Moves a torrent's complete files from `state/tmp/` to `shareable/`.
 *
 * Moving can be cut off at any instant: doing it again skips what is done.
 *
 *   tmp    shareable         means
 *   there  nothing           move it
 *   there  replaceable copy  move it over the copy, in one step
 *   there  same contents     a move across file systems was cut off before its end: remove the one in tmp
 *   there  other contents    somebody else's file: stop, keep both
 *   gone   right length      done before
 */
import fs from "node:fs";
import { Buffer } from "node:buffer";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { StorageError } from "../../errors.ts";
import { STORAGE } from "../../settings.ts";
import type { FileRow } from "../file_row.ts";
import { type FileStamp, sameStamp } from "../state/file_stamp.ts";
import { visitInSlices } from "./file_visits.ts";
import { guardPath, type KnownFolders, makeFolders } from "../guarded_path.ts";
import { renameOver } from "../replace_file.ts";
import { errorCode, isRenameBusy, storageFailure, tryAgain } from "../storage_failure.ts";
import { giveWay } from "../time_slices.ts";

/** Bytes compared at once when two files are held against each other. */
const COMPARE_BYTES = 1024 * 1024;

const fsync = promisify(fs.fsync);

/** The two rows of one torrent's files, and what the move has to know. */
interface FileMove {
  /** The files in `state/tmp/`. */
  readonly from: FileRow;
  /** The files in `shareable/`. */
  readonly to: FileRow;
  /** A part of the names of hidden copies, of this torrent alone. */
  readonly mark: string;
  /** By file, the stamp of a copy in `shareable/` that may be replaced. */
  readonly replaceable: readonly (FileStamp | undefined)[];
  /** Closes a file wherever this thread has it open. */
  letGo(file: number): void;
  /** Hears of each file that was moved, before anything else runs, and what it looks like there. */
  moved(file: number, stamp: FileStamp | undefined): void;
}

/** What is to be done with one file. */
interface MoveStep {
  readonly file: number;
  readonly kind: "move" | "drop" | "done";
  /** Of the file in `state/tmp/`. */
  readonly source: FileStamp | undefined;
}

/** Moves files. Errors: `StorageError`; when a file of somebody else is in the way, before anything was moved. */
export async function moveFiles(files: readonly number[], move: FileMove): Promise<void> {
  const steps: MoveStep[] = [];
  const hasTarget = move.to.hasName();
  await visitInSlices(files, async (file, known) => {
    steps.push(await stepFor(file, hasTarget, move, known));
  });
  if (await moveFolder(steps, move)) return;
  const folders = new Set<string>();
  await visitInSlices(steps, async ({ file, kind }, known) => {
    if (kind === "move") return void folders.add(await moveOne(file, move, known));
    noteMoved(file, move, known);
    if (kind === "drop") await removeFile(move.from, file, () => move.letGo(file), known);
  });
  for (const folder of folders) await syncFolder(folder);
}

/** Tells of a file that is at its new place. Errors: `StorageError`. */
function noteMoved(file: number, { to, moved }: FileMove, known?: KnownFolders): void {
  moved(file, to.stampOf(file, known));
}

async function stepFor(
  file: number,
  hasTarget: boolean,
  { from, to, replaceable }: FileMove,
  known: KnownFolders,
): Promise<MoveStep> {
  const length = from.lengthOf(file);
  const source = from.stampOf(file, known);
  const target = hasTarget ? to.stampOf(file, known) : undefined;
  if ((source ?? target)?.size !== length) {
    throw new StorageError(
      `Expected ${length} bytes in ${from.nameOf(file)}, got ${source?.size ?? "no file"}`,
    );
  }
  if (source === undefined) return { file, kind: "done", source };
  if (target === undefined || target.size === 0 || sameStamp(target, replaceable[file])) {
    return { file, kind: "move", source };
  }
  if (target.size === length && await haveSameContents(file, from, to)) return { file, kind: "drop", source };
  throw new StorageError(
    `Expected nothing at ${to.nameOf(file)}, got another file; ` +
      `both are kept, the complete one as ${from.nameOf(file)}; move the other one away and start again`,
  );
}

async function haveSameContents(file: number, one: FileRow, other: FileRow): Promise<boolean> {
  const length = one.lengthOf(file);
  const ours = new Uint8Array(Math.min(COMPARE_BYTES, length));
  const theirs = new Uint8Array(ours.length);
  for (let position = 0; position < length; position += ours.length) {
    const span = { file, position, length: Math.min(ours.length, length - position) };
    if (!one.readSpan(span, ours, 0) || !other.readSpan(span, theirs, 0)) return false;
    if (Buffer.compare(ours.subarray(0, span.length), theirs.subarray(0, span.length)) !== 0) return false;
    await giveWay();
  }
  return true;
}

/**
 * Moves the very many files of a torrent at one stroke, as the folder that holds them; false where they are few, where
 * that folder is to hold other files, and where the system refuses, as between file systems.
 */
async function moveFolder(
  steps: readonly MoveStep[],
  { from, to, letGo, moved }: FileMove,
): Promise<boolean> {
  const [first] = steps;
  const names = first === undefined ? [] : from.description.files.at(first.file)!.path;
  const isWhole = steps.length === [...from.realFiles()].length;
  if (
    steps.length <= STORAGE.manyFiles || !isWhole || steps.some(({ kind }) => kind !== "move") || to.hasName()
  ) return false;
  await giveWay();
  for (const { file } of steps) letGo(file);
  makeFolders(to.description.root, to.description.base);
  const [source, target] = [from, to].map(({ description: { root, base } }) =>
    guardPath(root, [...base, names[0]]).path
  );
  try {
    fs.renameSync(source, target);
  } catch {
    return false;
  }
  for (const { file, source } of steps) moved(file, source);
  await giveWay();
  const folders = new Set([to.description.base.join("/")]);
  await visitInSlices(steps, ({ file }) => void folders.add(to.stepsTo(file).slice(0, -1).join("/")));
  for (const folder of folders) await syncFolder(join(to.description.root, folder));
  return true;
}

/** Moves one file and returns the folder it went to. */
async function moveOne(file: number, move: FileMove, known: KnownFolders): Promise<string> {
  const { from, to, letGo } = move;
  makeFolders(to.description.root, to.stepsTo(file).slice(0, -1), known);
  const { path: source } = guardPath(from.description.root, from.stepsTo(file), known);
  const { path: target } = guardPath(to.description.root, to.stepsTo(file), known);
  try {
    try {
      await renameOver(source, target, () => letGo(file), () => noteMoved(file, move, known));
    } catch (error) {
      if (errorCode(error) !== "EXDEV") throw error;
      await moveAcross(file, source, target, move);
    }
  } catch (error) {
    throw storageFailure(`move ${from.nameOf(file)} to ${to.nameOf(file)}`, error);
  }
  return dirname(target);
}

/** Moves a file to another file system by a hidden copy, so that the target appears complete or not at all. */
async function moveAcross(file: number, source: string, target: string, move: FileMove): Promise<void> {
  const { from, mark, letGo } = move;
  const copy = join(dirname(target), `.peer-${mark}-${file}.part`);
  fs.rmSync(copy, { force: true });
  try {
    await fs.promises.copyFile(source, copy, fs.constants.COPYFILE_EXCL);
    const fd = fs.openSync(copy, "r+");
    try {
      await fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
    await renameOver(copy, target, () => letGo(file), () => noteMoved(file, move));
  } catch (error) {
    // On a full disk, part of a copy would only take up room.
    fs.rmSync(copy, { force: true });
    throw error;
  }
  await syncFolder(dirname(target));
  await removeFile(from, file, () => letGo(file));
}

/** Removes a file that exists; `letGo` closes it in this thread. Errors: `StorageError`. */
export async function removeFile(
  row: FileRow,
  file: number,
  letGo: () => void,
  known?: KnownFolders,
): Promise<void> {
  const { path } = guardPath(row.description.root, row.stepsTo(file), known);
  try {
    await tryAgain(() => {
      letGo();
      fs.unlinkSync(path);
    }, isRenameBusy);
  } catch (error) {
    throw storageFailure(`remove ${row.nameOf(file)}`, error);
  }
}

/** Makes renames in a folder survive a power cut, where the system can do that. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const fd = fs.openSync(folder, "r");
    try {
      await fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // Windows cannot sync folders. The data itself is synced, and the next start finds a rename that was lost.
  }
}
