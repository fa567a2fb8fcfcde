/**
 * Finds out at the start which pieces of a torrent are there (ARCHITECTURE "Crash resume").
 *
 *   phase     and on disk                       then
 *   complete  files as they were left           trust them
 *   moving    every file in one place           all is there; the move is to be completed
 *   active    tmp files at full length          trust stored pieces, hash those only written
 *   else, or otherwise                          hash what lies in shareable/ and in state/tmp/
 *
 * Invariant: before files are made in `state/tmp/`, the resume state says "active, nothing stored". Else a crash
 * right after would leave new, empty files under claims made for older ones.
 */
import type { Logger } from "../log.ts";
import { Bitfield } from "../protocol/bitfield.ts";
import { type Metainfo, pieceHash } from "../protocol/metainfo.ts";
import type { DiskWorkers } from "./disk_workers.ts";
import { type FileRow, type FileStamp, sameStamp } from "./file_row.ts";
import { checkPieces } from "./piece_checker.ts";
import type { ResumeStore } from "./resume_store.ts";
import type { TorrentFiles } from "./torrent_files.ts";

/** What recovery works with. */
export interface RecoveryContext {
  readonly metainfo: Metainfo;
  readonly files: TorrentFiles;
  readonly workers: DiskWorkers;
  readonly resume: ResumeStore;
  readonly log: Logger;
  /** Hears how many pieces were hashed. */
  readonly onChecked: (checked: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** What recovery found. */
export interface RecoveredPieces {
  /** Verified pieces. */
  readonly have: Bitfield;
  /** How many of them are known to be synced. */
  readonly storedCount: number;
  /** Whether all data is in `shareable/`; otherwise it is in `state/tmp/`, or being moved. */
  readonly isComplete: boolean;
  /** Whether the tmp files are those of the last run, so that its unfinished pieces are in them. */
  readonly isResumed: boolean;
  /** Of complete data: what the files look like. Else: copies in `shareable/` that may be replaced. */
  readonly stamps: readonly (FileStamp | undefined)[];
}

/** Runs the table above. Errors: `StorageError`, what KV throws, the signal's reason. */
export async function recoverPieces(context: RecoveryContext): Promise<RecoveredPieces> {
  const { metainfo, files, resume } = context;
  const phase = await resume.phase(metainfo.infoHash);
  const stamps = await resume.stamps(metainfo.infoHash, metainfo.files.length);
  if (phase === "complete" && await isUnchanged(files.shareable, stamps)) {
    return allThere(context, true, stamps);
  }
  if (phase === "moving" && await files.canMove()) return allThere(context, false, stamps);
  if (phase === "active" && await files.tmp.hasRightSizes()) return await resumeActive(context, stamps);
  return await examine(context);
}

async function isUnchanged(row: FileRow, stamps: readonly (FileStamp | undefined)[]): Promise<boolean> {
  const now = await row.stamps();
  return row.realFiles().every((file) => sameStamp(now[file], stamps[file]));
}

function allThere(
  { metainfo }: RecoveryContext,
  isComplete: boolean,
  stamps: readonly (FileStamp | undefined)[],
): RecoveredPieces {
  const have = Bitfield.full(metainfo.layout.pieceCount);
  return { have, storedCount: have.count, isComplete, isResumed: false, stamps };
}

async function resumeActive(
  { metainfo, files, workers, resume, onChecked, signal }: RecoveryContext,
  stamps: readonly (FileStamp | undefined)[],
): Promise<RecoveredPieces> {
  const { infoHash, layout } = metainfo;
  const have = await resume.bits("stored", infoHash, layout.pieceCount);
  const storedCount = have.count;
  const written = await resume.bits("written", infoHash, layout.pieceCount);
  const onlyWritten = [...written].filter((index) => !have.has(index));
  const { good } = await checkPieces(workers, metainfo, files.tmp, onlyWritten, onChecked, signal);
  for (const index of good) have.add(index);
  return { have, storedCount, isComplete: false, isResumed: true, stamps };
}

async function examine(context: RecoveryContext): Promise<RecoveredPieces> {
  const { metainfo, files, workers, resume, onChecked, signal } = context;
  const { infoHash, layout } = metainfo;
  const everything = Bitfield.full(layout.pieceCount);
  const stamps = await files.shareable.stamps();
  const inShareable = files.shareable.exists()
    ? (await checkPieces(workers, metainfo, files.shareable, everything, onChecked, signal)).good
    : new Bitfield(layout.pieceCount);
  if (inShareable.isFull && files.shareable.exists()) return await adoptComplete(context);

  const replaceable = stamps.map((stamp, file) =>
    mayReplace(context, inShareable, file, stamp) ? stamp : undefined
  );
  tellWhatStays(context, stamps, replaceable);
  const nothing = new Bitfield(layout.pieceCount);
  await resume.saveBits("stored", infoHash, nothing);
  await resume.saveBits("written", infoHash, nothing);
  await resume.saveStamps(infoHash, replaceable);
  await resume.savePhase(infoHash, "active");
  const hadTmp = files.tmp.exists();
  await files.tmp.create();
  const have = hadTmp
    ? (await checkPieces(workers, metainfo, files.tmp, everything, onChecked, signal)).good
    : new Bitfield(layout.pieceCount);
  await copyGoodPieces(context, inShareable, have);
  await resume.saveBits("written", infoHash, have);
  return { have, storedCount: 0, isComplete: false, isResumed: false, stamps: replaceable };
}

/** All pieces are good where they lie; they are only noted. */
async function adoptComplete(context: RecoveryContext): Promise<RecoveredPieces> {
  const { metainfo, files, resume } = context;
  await files.shareable.createEmptyFiles();
  const stamps = await files.shareable.stamps();
  await resume.saveStamps(metainfo.infoHash, stamps);
  await resume.savePhase(metainfo.infoHash, "complete");
  return allThere(context, true, stamps);
}

/** A damaged or short copy gave us pieces, so the whole file may take its place. Others are somebody's own. */
function mayReplace(
  { metainfo }: RecoveryContext,
  good: Bitfield,
  file: number,
  stamp: FileStamp | undefined,
): boolean {
  if (stamp === undefined || stamp.size > metainfo.files[file].length) return false;
  const pieces = metainfo.layout.piecesOf(file);
  if (pieces === undefined) return false;
  for (let index = pieces.first; index <= pieces.last; index++) {
    if (good.has(index)) return true;
  }
  return false;
}

function tellWhatStays(
  { files, log }: RecoveryContext,
  stamps: readonly (FileStamp | undefined)[],
  replaceable: readonly (FileStamp | undefined)[],
): void {
  for (const file of files.shareable.realFiles()) {
    if (stamps[file] === undefined) continue;
    const name = files.shareable.nameOf(file);
    if (replaceable[file] === undefined) log.warn(`${name} has no whole good piece and is not replaced`);
    else log.info(`${name} is not complete; its good pieces are used`);
  }
}

/** Copies pieces that are good in `shareable/` to the tmp files; `have` grows by them. */
async function copyGoodPieces(
  { metainfo, files, workers, signal }: RecoveryContext,
  inShareable: Bitfield,
  have: Bitfield,
): Promise<void> {
  for (const index of inShareable) {
    signal?.throwIfAborted();
    if (have.has(index)) continue;
    const { shareable, tmp } = files;
    const hash = pieceHash(metainfo, index);
    if (await workers.copyPiece(shareable.description, tmp.description, index, hash)) have.add(index);
  }
  await workers.release(files.shareable.description);
}
