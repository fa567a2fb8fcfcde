/**
 * Finds out at the start which pieces of a torrent are on disk ("Start, with what was there before" in `lib/README.md`).
 *
 *   phase     and on disk                       then
 *   complete  files as they were left           trust them
 *   complete  some files as they were left      trust pieces that lie in those only, hash the others
 *   active    files where and as they were left trust stored pieces, hash those only written
 *   moving    the same, or moved already        the same; the move is to be completed
 *   either    newly wanted files in shareable/  as below, to use them
 *   else, or otherwise                          hash what lies in shareable/ and in state/tmp/
 *
 * Invariant: before files are made in `state/tmp/`, the resume state says "active, nothing stored". Otherwise a crash
 * right after that would leave new, empty files while the resume state still describes older ones.
 */
import { StorageError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { Bitfield } from "../protocol/bitfield.ts";
import { type Metainfo, pieceHash } from "../protocol/metainfo.ts";
import type { PieceLayout } from "../protocol/piece_layout.ts";
import type { Selection } from "../swarm/ports.ts";
import type { DiskWorkers } from "./disk_workers.ts";
import type { FileRow } from "./file_row.ts";
import { type FileStamp, sameStamp } from "./state/file_stamp.ts";
import { visitInSlices } from "./large/file_visits.ts";
import { packing } from "./large/packed_files.ts";
import { checkPieces } from "./piece_checker.ts";
import { FilePlace } from "./parts_layout.ts";
import type { ResumeStore } from "./state/resume_store.ts";
import { giveWay, inSlices } from "./time_slices.ts";
import type { TorrentFiles } from "./torrent_files.ts";

/** What recovery works with. */
interface RecoveryContext {
  readonly metainfo: Metainfo;
  readonly selection: Selection;
  /** The files of the torrent; recovery sets the place of each. */
  readonly files: TorrentFiles;
  readonly workers: DiskWorkers;
  readonly resume: ResumeStore;
  /** Whether the data is the user's own, shared from where it lies: it is whole there, or nothing is done. */
  readonly isUsersOwn: boolean;
  readonly log: Logger;
  /** Hears the number of pieces hashed so far. */
  readonly onChecked: (checked: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** The result of recovery. */
interface RecoveredPieces {
  /** Verified pieces. */
  readonly have: Bitfield;
  /** The number of them that are known to be synced. */
  readonly storedCount: number;
  /** Whether all data is in `shareable/`. */
  readonly isComplete: boolean;
  /** Whether a move of files to that folder had begun. */
  readonly isMoving: boolean;
  /** Whether the tmp files are those of the last run, so that its unfinished pieces are in them. */
  readonly isResumed: boolean;
  /** The stamp of each file in `shareable/`; of a file elsewhere, the stamp of a copy there that may be replaced. */
  readonly stamps: readonly (FileStamp | undefined)[];
}

/** Recovers by the table above. Errors: `StorageError`, errors of Deno KV, the reason of the signal. */
export async function recoverPieces(context: RecoveryContext): Promise<RecoveredPieces> {
  const { metainfo: { infoHash, files: { length }, layout }, files, resume } = context;
  await inSlices(packing(files.tmp.description.files));
  const phase = await resume.phase(infoHash);
  const stamps = await resume.stamps(infoHash, length);
  if (phase === "complete") {
    const changed = await changedFiles(files.shareable, stamps);
    return changed.length === 0
      ? allThere(context, stamps)
      : await examine(context, piecesWithout(changed, layout));
  }
  if (phase === "moving" || phase === "active") {
    const places = await resume.places(infoHash, length);
    const isMoving = phase === "moving";
    const stored = await resume.bits("stored", infoHash, layout.pieceCount);
    const written = await resume.bits("written", infoHash, layout.pieceCount);
    const claimed = written.copy();
    claimed.addAll(stored);
    const isKnown = places !== undefined && !await isAnyNew(context, places);
    if (isKnown && await files.takeOver(places, stamps, claimed, isMoving)) {
      return await resumePieces(context, stored, written.without(stored), stamps, isMoving);
    }
  }
  return await examine(context, new Bitfield(layout.pieceCount));
}

/** Whether a file that was not wanted before, and is now, lies in `shareable/`. */
async function isAnyNew({ files, selection }: RecoveryContext, places: Uint8Array): Promise<boolean> {
  let isAny = false;
  if (!places.includes(FilePlace.parts)) return isAny;
  await visitInSlices(selection.files, (file, known) => {
    isAny ||= places[file] === FilePlace.parts && files.shareable.stampOf(file, known) !== undefined;
  });
  return isAny;
}

async function changedFiles(row: FileRow, stamps: readonly (FileStamp | undefined)[]): Promise<number[]> {
  const now = await row.stamps();
  return [...row.realFiles()].filter((file) =>
    !sameStamp(now[file], stamps[file]) || !row.isWhole(file, now[file])
  );
}

/** All pieces that contain no byte of the given files. */
function piecesWithout(files: readonly number[], layout: PieceLayout): Bitfield {
  const pieces = Bitfield.full(layout.pieceCount);
  for (const file of files) {
    const { first, last } = layout.piecesOf(file) ?? { first: 0, last: -1 };
    for (let index = first; index <= last; index++) pieces.delete(index);
  }
  return pieces;
}

function allThere(
  { metainfo, files }: RecoveryContext,
  stamps: readonly (FileStamp | undefined)[],
): RecoveredPieces {
  files.setMoved();
  const have = Bitfield.full(metainfo.layout.pieceCount);
  return { have, storedCount: have.count, isComplete: true, isMoving: false, isResumed: false, stamps };
}

async function resumePieces(
  { metainfo, files, workers, onChecked, signal }: RecoveryContext,
  stored: Bitfield,
  onlyWritten: Bitfield,
  stamps: readonly (FileStamp | undefined)[],
  isMoving: boolean,
): Promise<RecoveredPieces> {
  const { good: have } = await checkPieces(workers, metainfo, files.current, onlyWritten, onChecked, signal);
  const storedCount = stored.count;
  have.addAll(stored);
  return { have, storedCount, isComplete: false, isMoving, isResumed: true, stamps };
}

/** Hashes all pieces except those in `shareable/` that are `trusted`. */
async function examine(context: RecoveryContext, trusted: Bitfield): Promise<RecoveredPieces> {
  const { metainfo, files, workers, resume, onChecked, signal } = context;
  const { infoHash, layout } = metainfo;
  const nothing = new Bitfield(layout.pieceCount);
  const stamps = await files.shareable.stamps();
  const check = async (row: FileRow, known: Bitfield) => {
    if (!row.exists()) return new Bitfield(layout.pieceCount);
    const tell = (checked: number) => onChecked(known.count + checked);
    const unknown = Bitfield.full(layout.pieceCount).without(known);
    return (await checkPieces(workers, metainfo, row, unknown, tell, signal)).good;
  };
  const inShareable = await check(files.shareable, trusted);
  inShareable.addAll(trusted);
  const isWhole = inShareable.isFull && files.shareable.exists() &&
    files.shareable.wrongSizes(stamps).length === 0;
  if (isWhole) return await adoptComplete(context, stamps);
  if (context.isUsersOwn) throw changedOwnData(metainfo, inShareable);
  await files.look();
  const found = files.current;
  const inTmp = await check(found, inShareable);

  const places = placesFor(context, [inShareable, inTmp], stamps);
  const kept = stamps.map((stamp, file) =>
    places[file] === FilePlace.shareable || mayReplace(context, inShareable, file, stamp) ? stamp : undefined
  );
  tellWhatStays(context, places, stamps, kept);
  await resume.saveBits("stored", infoHash, nothing);
  await resume.saveBits("written", infoHash, nothing);
  await resume.saveStamps(infoHash, kept);
  await resume.savePlaces(infoHash, places);
  await resume.savePhase(infoHash, "active");
  files.setPlaces(places);
  await files.create();
  const have = new Bitfield(layout.pieceCount);
  await gather(context, inShareable, files.shareable, have);
  await gather(context, inTmp, found, have);
  await resume.saveBits("written", infoHash, have);
  await giveWay();
  return { have, storedCount: 0, isComplete: false, isMoving: false, isResumed: false, stamps: kept };
}

/** Why data that is shared from where it lies is left alone: it is the user's, and must not be replaced by what it was. */
function changedOwnData({ name }: Metainfo, good: Bitfield): StorageError {
  const found = good.count === 0 ? "is not there any more" : "has changed since it was shared";
  return new StorageError(
    `${name} ${found}, and is left as it is: share it again, which gives it another code, or put it back and resume it`,
  );
}

/** The place for each file: a good one in `shareable/` stays there, a wanted or begun one gets a file in `tmp`. */
function placesFor(
  { metainfo, files, selection }: RecoveryContext,
  good: readonly Bitfield[],
  stamps: readonly (FileStamp | undefined)[],
): Uint8Array<ArrayBuffer> {
  const { layout } = metainfo;
  const isGood = (file: number) => {
    const { first, last } = layout.piecesOf(file) ?? { first: 0, last: -1 };
    for (let index = first; index <= last; index++) if (!good.some((bits) => bits.has(index))) return false;
    return true;
  };
  return files.places.map((place, file) => {
    if (metainfo.files[file].isPadding) return FilePlace.own;
    if (place === FilePlace.shareable && stamps[file] !== undefined && isGood(file)) {
      return FilePlace.shareable;
    }
    return place === FilePlace.own || selection.files.has(file) ? FilePlace.own : FilePlace.parts;
  });
}

/**
 * Notes that all pieces are good where they lie. `before` are the stamps from before the hashing: a file that changed
 * meanwhile must not pass for the one that was hashed.
 */
async function adoptComplete(
  context: RecoveryContext,
  before: readonly (FileStamp | undefined)[],
): Promise<RecoveredPieces> {
  const { metainfo, files, resume } = context;
  await files.shareable.createEmptyFiles();
  const after = await files.shareable.stamps();
  const stamps = after.map((stamp, file) => before[file] ?? stamp);
  await resume.saveStamps(metainfo.infoHash, stamps);
  await resume.savePhase(metainfo.infoHash, "complete");
  return allThere(context, stamps);
}

/**
 * Whether a file in `shareable/` may be replaced: a damaged, short or long copy of ours, which gave us pieces. Any other
 * file belongs to somebody else.
 */
function mayReplace(
  { metainfo }: RecoveryContext,
  good: Bitfield,
  file: number,
  stamp: FileStamp | undefined,
): boolean {
  if (stamp === undefined) return false;
  const pieces = metainfo.layout.piecesOf(file);
  if (pieces === undefined) return false;
  for (let index = pieces.first; index <= pieces.last; index++) {
    if (good.has(index)) return true;
  }
  return false;
}

function tellWhatStays(
  { files, log }: RecoveryContext,
  places: Uint8Array,
  stamps: readonly (FileStamp | undefined)[],
  kept: readonly (FileStamp | undefined)[],
): void {
  const others = [...files.shareable.realFiles()].filter((file) =>
    stamps[file] !== undefined && places[file] === FilePlace.own
  );
  const tell = (told: readonly number[], what: string, level: "warn" | "info") => {
    const [first] = told;
    if (first === undefined) return;
    const more = told.length === 1 ? "" : ` and ${told.length - 1} other files`;
    log[level](`${files.shareable.nameOf(first)}${more}: ${what}`);
  };
  tell(others.filter((file) => kept[file] === undefined), "no whole good piece, not replaced", "warn");
  tell(others.filter((file) => kept[file] !== undefined), "not complete, good pieces are used", "info");
}

/** Copies the pieces `good` of a row to the present place of their files and adds them to `have`. */
async function gather(
  { metainfo, files, workers, signal }: RecoveryContext,
  good: Bitfield,
  from: FileRow,
  have: Bitfield,
): Promise<void> {
  const { layout } = metainfo;
  const { current, shareable } = files;
  const placeIn = (file: number) => from === shareable ? FilePlace.shareable : from.placeOf(file);
  await visitInSlices(good, async (index) => {
    signal?.throwIfAborted();
    const isThere = layout.spans(layout.offsetOf(index), layout.lengthOf(index)).every(({ file }) =>
      metainfo.files[file].isPadding || placeIn(file) === current.placeOf(file)
    );
    const hash = pieceHash(metainfo, index);
    if (isThere) have.add(index);
    else if (!have.has(index) && current.canHold(index)) {
      const unmade = files.unmadeIn(index);
      if (!await workers.copyPiece(from.description, index, current.description, index, hash, unmade)) return;
      files.noteWritten(index);
      have.add(index);
    }
  });
  await workers.release(from.description);
}
