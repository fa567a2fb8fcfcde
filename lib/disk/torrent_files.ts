/**
 * One torrent's files: unfinished ones in `state/tmp/<info-hash>/`, finished ones in `shareable/`. What pieces hold
 * of files that are not wanted is in the parts file beside the unfinished ones (`parts_layout.ts`).
 *
 * Moving goes file by file, in order, and can be cut off at any instant: doing it again skips what is done.
 *
 *   tmp    shareable         means
 *   there  nothing           move it
 *   there  replaceable copy  move it over the copy, in one step
 *   there  same contents     a move across file systems was cut off before its end: drop the one in tmp
 *   there  other contents    somebody else's file: stop, keep both
 *   gone   right length      done before
 */
import fs from "node:fs";
import { Buffer } from "node:buffer";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { DataChangedError, StorageError } from "../errors.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { STORAGE } from "../settings.ts";
import { FileRow, type FileStamp, sameStamp } from "./file_row.ts";
import { guardPath, makeFolders } from "./guarded_path.ts";
import { OpenFiles } from "./open_files.ts";
import { FilePlace } from "./parts_layout.ts";
import { renameOver } from "./replace_file.ts";
import { errorCode, isRenameBusy, storageFailure, tryAgain } from "./storage_failure.ts";
import { giveWay } from "./time_slices.ts";

/** Bytes compared at once when two files are held against each other. */
const COMPARE_BYTES = 1024 * 1024;

const fsync = promisify(fs.fsync);

/** Files open in this thread, over all torrents. */
const sharedOpenFiles = new OpenFiles(STORAGE.openFiles);

/** Looks at files before they are read. */
export interface ReadWatch {
  /** A file is about to be read. Errors: `StorageError` when it is not what it was. */
  beforeRead(file: number): void;
  /** Whether it looks as it did, asked without blocking; false where `beforeRead` is to find out. */
  isUnchanged(file: number): Promise<boolean>;
}

type MoveStep = "move" | "drop" | "done";

/** Knows where each file of a torrent is, serves reads from there, and moves finished files. */
export class TorrentFiles {
  /** All files as if they were in `state/tmp/`. */
  readonly tmp: FileRow;
  /** All files as if they were in `shareable/`. */
  readonly shareable: FileRow;
  /** Where the finished data is or will be. */
  readonly path: string;
  readonly #tmpBase: readonly string[];
  readonly #openFiles: OpenFiles;
  /** Of the row of files where they are now. */
  #places: Uint8Array;
  #current: FileRow;

  /** `home` is the user's folder (its folders are listed in `lib/ui/README.md`). */
  constructor(metainfo: Metainfo, home: string, openFiles: OpenFiles = sharedOpenFiles) {
    const shared = { root: home, files: metainfo.files, pieceLength: metainfo.layout.pieceLength };
    this.#tmpBase = ["state", "tmp", metainfo.infoHash];
    this.tmp = new FileRow({ ...shared, base: this.#tmpBase, isWritable: true }, openFiles, metainfo.layout);
    this.shareable = new FileRow(
      { ...shared, base: ["shareable"], isWritable: false },
      openFiles,
      metainfo.layout,
    );
    this.path = join(home, "shareable", metainfo.name);
    this.#openFiles = openFiles;
    this.#places = new Uint8Array(metainfo.files.length).fill(FilePlace.own);
    this.#current = this.#rowAt(this.#places);
  }

  /** All files where they are now. Another object after every `setPlaces`. */
  get current(): FileRow {
    return this.#current;
  }

  /** Where each file is now (`FilePlace`), as a copy. */
  get places(): Uint8Array<ArrayBuffer> {
    return this.#places.slice();
  }

  /** Says where each file is. */
  setPlaces(places: Uint8Array): void {
    this.#current.close();
    this.#places = places.slice();
    this.#current = this.#rowAt(this.#places);
  }

  /** Says that all files are in `shareable` already. */
  setMoved(): void {
    this.setPlaces(this.#places.fill(FilePlace.shareable));
  }

  #rowAt(places: Uint8Array): FileRow {
    return new FileRow({ ...this.tmp.description, places }, this.#openFiles, this.tmp.layout);
  }

  /** Whether all files are in `shareable`. */
  get isMoved(): boolean {
    return this.tmp.realFiles().every((file) => this.#places[file] === FilePlace.shareable);
  }

  /** The files on disk in which pieces lie, some several times; not those in `shareable`, which are written no more. */
  *holdersOf(pieces: Iterable<number>): Generator<number> {
    const { layout, description: { files } } = this.#current;
    for (const index of pieces) {
      for (const { file } of layout.spans(layout.offsetOf(index), layout.lengthOf(index))) {
        if (files[file].isPadding || this.#places[file] === FilePlace.shareable) continue;
        yield this.#current.holderOf(file);
      }
    }
  }

  /**
   * Fills `target`, within one piece, from `offset` on; `watch` hears of each file first, and may throw.
   * Errors: `StorageError`; of them `DataChangedError` when less is there.
   */
  read(offset: number, target: Uint8Array, watch?: ReadWatch): void {
    let filled = 0;
    for (const span of this.#current.layout.spans(offset, target.length)) {
      watch?.beforeRead(span.file);
      if (!this.#current.readSpan(span, target, filled)) {
        const name = this.#current.nameOf(this.#current.holderOf(span.file));
        throw new DataChangedError(`Expected ${span.length} bytes at ${span.position} of ${name}, got fewer`);
      }
      filled += span.length;
    }
  }

  /**
   * As `read`, with the waiting done in other threads. Where something is amiss, or a file was moved meanwhile, `read`
   * finds out what.
   */
  async readLater(offset: number, target: Uint8Array, watch: ReadWatch): Promise<void> {
    let filled = 0;
    for (const span of this.#current.layout.spans(offset, target.length)) {
      const isRead = await watch.isUnchanged(span.file) &&
        await this.#current.readSpanLater(span, target, filled);
      if (!isRead) return this.read(offset, target, watch);
      filled += span.length;
    }
  }

  /** Looks where each file is: in `tmp`, else whole in `shareable`, else not there but for its parts. */
  async look(): Promise<void> {
    const inTmp = await this.tmp.stamps();
    const inShareable = await this.shareable.stamps();
    this.setPlaces(Uint8Array.from(this.tmp.description.files, ({ length, isPadding }, file) => {
      if (isPadding || inTmp[file] !== undefined) return FilePlace.own;
      return inShareable[file]?.size === length ? FilePlace.shareable : FilePlace.parts;
    }));
  }

  /**
   * Takes files over from an earlier run that left them at `places`; false when one is not there as it was.
   *
   * Shape: `stamps` tells, by file, what it looked like in `shareable/`. While files are being moved, one that has
   * left `tmp` may be in `shareable/` already.
   */
  async takeOver(
    places: Uint8Array,
    stamps: readonly (FileStamp | undefined)[],
    isMoving: boolean,
  ): Promise<boolean> {
    const inTmp = await this.tmp.stamps();
    const inShareable = await this.shareable.stamps();
    const found = places.slice();
    for (const file of this.tmp.realFiles()) {
      const { length } = this.tmp.description.files[file];
      if (places[file] === FilePlace.own && inTmp[file]?.size !== length) {
        if (!isMoving || inTmp[file] !== undefined || inShareable[file]?.size !== length) return false;
        found[file] = FilePlace.shareable;
      } else if (places[file] === FilePlace.shareable && !sameStamp(inShareable[file], stamps[file])) {
        return false;
      }
    }
    if (found.includes(FilePlace.parts) && !this.tmp.hasPartsFile()) return false;
    this.setPlaces(found);
    return true;
  }

  /**
   * Gives files whose parts were kept a file of their own each, with what the parts have of the pieces `have`.
   * Done again when it was cut off; it counts only once `places` is saved. Errors: `StorageError`.
   */
  async unpack(files: readonly number[], have: { has(index: number): boolean }): Promise<void> {
    const places = this.places;
    for (const file of files) places[file] = FilePlace.own;
    const next = this.#rowAt(places);
    try {
      await next.create();
      for (const file of files) {
        await tryAgain(() => this.#unpackInto(next, file, have));
        await next.sync(file);
      }
    } finally {
      next.close();
    }
    this.setPlaces(places);
  }

  #unpackInto(next: FileRow, file: number, have: { has(index: number): boolean }): void {
    const { layout } = next;
    const pieces = layout.piecesOf(file);
    if (pieces === undefined) return;
    for (let index = pieces.first; index <= pieces.last; index++) {
      if (!have.has(index)) continue;
      const span = layout.spans(layout.offsetOf(index), layout.lengthOf(index))
        .find((span) => span.file === file)!;
      const bytes = new Uint8Array(span.length);
      this.read(layout.startOf(file) + span.position, bytes);
      next.writeSpan(span, bytes, 0);
    }
  }

  /**
   * Moves the complete, synced files to `shareable/`, or completes a move that was cut off.
   *
   * Shape: `replaceable` holds, by file, the stamp of a copy in `shareable/` that may be replaced; of the files
   * not there yet, those that `isWanted` are moved; `moved` hears of each at once, before anybody can read it there.
   * Errors: `StorageError`; when a file of somebody else is in the way, before anything was moved.
   */
  async moveToShareable(
    replaceable: readonly (FileStamp | undefined)[],
    isWanted: (file: number) => boolean = () => true,
    moved: (file: number) => void = () => {},
  ): Promise<void> {
    const steps = new Map<number, MoveStep>();
    for (const file of this.#current.realFiles()) {
      if (isWanted(file)) steps.set(file, await this.#stepFor(file, replaceable[file]));
    }
    const folders = new Set<string>();
    for (const [file, step] of steps) {
      if (step === "move") {
        folders.add(await this.#move(file, moved));
        continue;
      }
      if (step === "drop") await this.#remove(this.tmp, file);
      this.#isNowShareable(file, moved);
    }
    for (const folder of folders) await syncFolder(folder);
  }

  async #stepFor(file: number, replaceable: FileStamp | undefined): Promise<MoveStep> {
    const { length } = this.tmp.description.files[file];
    const source = this.tmp.stampOf(file);
    const target = this.shareable.stampOf(file);
    if ((source ?? target)?.size !== length) {
      throw new StorageError(
        `Expected ${length} bytes in ${this.tmp.nameOf(file)}, got ${source?.size ?? "no file"}`,
      );
    }
    if (source === undefined) return "done";
    if (target === undefined || target.size === 0 || sameStamp(target, replaceable)) return "move";
    if (target.size === length && await this.#sameContents(file)) return "drop";
    throw new StorageError(
      `Expected nothing at ${this.shareable.nameOf(file)}, got another file; ` +
        `both are kept, the complete one as ${
          this.tmp.nameOf(file)
        }; move the other one away and start again`,
    );
  }

  async #sameContents(file: number): Promise<boolean> {
    const { length } = this.tmp.description.files[file];
    const ours = new Uint8Array(Math.min(COMPARE_BYTES, length));
    const theirs = new Uint8Array(ours.length);
    for (let position = 0; position < length; position += ours.length) {
      const span = { file, position, length: Math.min(ours.length, length - position) };
      if (!this.tmp.readSpan(span, ours, 0) || !this.shareable.readSpan(span, theirs, 0)) return false;
      if (Buffer.compare(ours.subarray(0, span.length), theirs.subarray(0, span.length)) !== 0) return false;
      await giveWay();
    }
    return true;
  }

  #isNowShareable(file: number, moved: (file: number) => void): void {
    this.#current.closeFile(file);
    this.#places[file] = FilePlace.shareable;
    moved(file);
  }

  /** Moves one file and returns the folder it went to. */
  async #move(file: number, moved: (file: number) => void): Promise<string> {
    makeFolders(this.shareable.description.root, this.shareable.stepsTo(file).slice(0, -1));
    const { path: source } = guardPath(this.tmp.description.root, this.tmp.stepsTo(file));
    const { path: target } = guardPath(this.shareable.description.root, this.shareable.stepsTo(file));
    try {
      try {
        await renameOver(source, target, () => this.#letGo(file));
      } catch (error) {
        if (errorCode(error) !== "EXDEV") throw error;
        await this.#moveAcross(file, source, target);
      }
      this.#isNowShareable(file, moved);
    } catch (error) {
      throw storageFailure(`move ${this.tmp.nameOf(file)} to ${this.shareable.nameOf(file)}`, error);
    }
    return dirname(target);
  }

  /** Closes a file wherever this thread has it open. */
  #letGo(file: number): void {
    for (const row of [this.tmp, this.shareable, this.#current]) row.closeFile(file);
  }

  /** To another file system: a hidden copy first, so that the target appears whole or not at all. */
  async #moveAcross(file: number, source: string, target: string): Promise<void> {
    const copy = join(dirname(target), `.peer-${this.#tmpBase[2]}-${file}.part`);
    fs.rmSync(copy, { force: true });
    try {
      await fs.promises.copyFile(source, copy, fs.constants.COPYFILE_EXCL);
      const fd = fs.openSync(copy, "r+");
      try {
        await fsync(fd);
      } finally {
        fs.closeSync(fd);
      }
      await renameOver(copy, target, () => this.#letGo(file));
    } catch (error) {
      // Where the disk is full, a part of a file is of no use to anybody.
      fs.rmSync(copy, { force: true });
      throw error;
    }
    await syncFolder(dirname(target));
    await this.#remove(this.tmp, file);
  }

  async #remove(row: FileRow, file: number): Promise<void> {
    const { path } = guardPath(row.description.root, row.stepsTo(file));
    try {
      await tryAgain(() => {
        this.#letGo(file);
        fs.unlinkSync(path);
      }, isRenameBusy);
    } catch (error) {
      throw storageFailure(`remove ${row.nameOf(file)}`, error);
    }
  }

  /** Removes files from `shareable/`, and the folders of the torrent that are empty then. Errors: `StorageError`. */
  async removeShareable(files: Iterable<number>): Promise<void> {
    const folders = new Set<string>();
    const { root } = this.shareable.description;
    for (const file of files) {
      if (this.shareable.stampOf(file) !== undefined) await this.#remove(this.shareable, file);
      const steps = this.shareable.stepsTo(file);
      for (let depth = steps.length - 1; depth > 1; depth--) folders.add(steps.slice(0, depth).join("/"));
      await giveWay();
    }
    for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
      try {
        await tryAgain(() => fs.rmdirSync(guardPath(root, folder.split("/")).path), isRenameBusy);
      } catch (error) {
        // Somebody else has files there, or it is gone.
        if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) {
          throw storageFailure(`remove ${folder}`, error);
        }
      }
    }
  }

  /** Removes the torrent's folder in `state/tmp/` with all that is left in it. */
  removeTmp(): void {
    this.close();
    try {
      fs.rmSync(guardPath(this.tmp.description.root, this.#tmpBase).path, { recursive: true, force: true });
    } catch (error) {
      throw storageFailure(`remove ${this.#tmpBase.join("/")}`, error);
    }
  }

  /** Closes all files; they are opened again when needed. */
  close(): void {
    for (const row of [this.tmp, this.shareable, this.#current]) row.close();
  }
}

/** Makes renames in a folder last through a power cut, where the system can do that. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const fd = fs.openSync(folder, "r");
    try {
      await fsync(fd);
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    // Windows cannot sync folders; the data itself is synced, and a lost rename is found at the next start.
  }
}
