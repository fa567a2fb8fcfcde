/**
 * The files of one torrent: unfinished ones lie in `state/tmp/<info-hash>/`, finished ones in `shareable/`. A piece may
 * hold bytes of files that are not wanted; these bytes are in the parts file beside the unfinished files
 * (`parts_layout.ts`).
 *
 * A move goes file by file, in order. It can be cut off at any instant; when it is done again, it skips the files that
 * were moved before.
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

/** Bytes that are compared at once when two files are compared. */
const COMPARE_BYTES = 1024 * 1024;

const fsync = promisify(fs.fsync);

/** The open files of all torrents in this thread. */
const sharedOpenFiles = new OpenFiles(STORAGE.openFiles);

/** Looks at files before they are read. */
export interface ReadWatch {
  /** Looks at a file that is about to be read. Errors: `StorageError` when it has changed. */
  beforeRead(file: number): void;
  /** Whether a file looks unchanged, found out without blocking; after false, `beforeRead` gives the reason. */
  isUnchanged(file: number): Promise<boolean>;
}

type MoveStep = "move" | "drop" | "done";

/** Knows where each file of a torrent is, serves reads from there, and moves finished files. */
export class TorrentFiles {
  /** All files as if they were in `state/tmp/`. */
  readonly tmp: FileRow;
  /** All files as if they were in `shareable/`. */
  readonly shareable: FileRow;
  /** The path at which the finished data is or will be. */
  readonly path: string;
  readonly #tmpBase: readonly string[];
  readonly #openFiles: OpenFiles;
  /** The place of each file in `#current`. */
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

  /** The row of all files at their present places. It is another object after every `setPlaces`. */
  get current(): FileRow {
    return this.#current;
  }

  /** A copy of the present place of each file (`FilePlace`). */
  get places(): Uint8Array<ArrayBuffer> {
    return this.#places.slice();
  }

  /** Sets the place of each file. */
  setPlaces(places: Uint8Array): void {
    this.#current.close();
    this.#places = places.slice();
    this.#current = this.#rowAt(this.#places);
  }

  /** Notes that all files are in `shareable` already. */
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

  /** The files on disk that pieces are written to, some of them several times; files in `shareable` are left out. */
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
   * Fills `target`, within one piece, from `offset` on. `watch` looks at each file before it is read.
   * Errors: `StorageError`; `DataChangedError`, which is one of them, when a file is shorter than the torrent says.
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
   * Does the same as `read` while other threads wait for the disk. After any failure, or when a file was moved meanwhile,
   * it calls `read`, which throws the right error or reads from the new place.
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

  /** Looks for each file: in `tmp`, else with its full length in `shareable`; of any other file only parts are there. */
  async look(): Promise<void> {
    const inTmp = await this.tmp.stamps();
    const inShareable = await this.shareable.stamps();
    this.setPlaces(Uint8Array.from(this.tmp.description.files, ({ length, isPadding }, file) => {
      if (isPadding || inTmp[file] !== undefined) return FilePlace.own;
      return inShareable[file]?.size === length ? FilePlace.shareable : FilePlace.parts;
    }));
  }

  /**
   * Takes over files that an earlier run left at `places`; returns false when one of them is missing or has changed.
   *
   * Shape: `stamps` has the stamp of each file in `shareable/`. If files were being moved, a file that has left `tmp` may
   * be in `shareable/` already.
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
   * Gives each of the files, of which only parts were kept, a file of its own, and copies their bytes of the pieces `have`
   * there. The caller saves `places` afterwards; until then, the work is done again after a crash. Errors: `StorageError`.
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
   * Shape: `replaceable` holds, by file, the stamp of a copy in `shareable/` that may be replaced. Only files that are
   * wanted are moved. `moved` hears of each file at once, before anybody can read it at its new place.
   * Errors: `StorageError`. If a file of somebody else is in the way, nothing is moved.
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

  /** Closes a file in all rows of this thread. */
  #letGo(file: number): void {
    for (const row of [this.tmp, this.shareable, this.#current]) row.closeFile(file);
  }

  /** Moves a file to another file system by a hidden copy, so that the target appears complete or not at all. */
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
      // On a full disk, part of a copy would only take up room.
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

  /** Removes files from `shareable/`, and folders of the torrent that are then empty. Errors: `StorageError`. */
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
        // The folder holds files of somebody else, or it is gone.
        if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) {
          throw storageFailure(`remove ${folder}`, error);
        }
      }
    }
  }

  /** Removes the torrent's folder in `state/tmp/` with everything in it. */
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
