/**
 * The files of one torrent: unfinished ones lie in `state/tmp/<info-hash>/`, finished ones in `shareable/`. A piece may
 * hold bytes of files that are not wanted; these bytes are in the parts file beside the unfinished files
 * (`parts_layout.ts`). In a torrent of very many files, a file to which nothing was written does not exist yet.
 */
import fs from "node:fs";
import { join } from "node:path";
import { DataChangedError } from "../errors.ts";
import { Bitfield } from "../protocol/bitfield.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { FileSpan } from "../protocol/piece_layout.ts";
import { STORAGE } from "../settings.ts";
import { moveFiles, removeFile } from "./large/file_moves.ts";
import { FileRow } from "./file_row.ts";
import { type FileStamp, sameStamp } from "./state/file_stamp.ts";
import { visitInSlices } from "./large/file_visits.ts";
import { dataFolder, guardPath, type KnownFolders, type LooksOfRead, pathOfFolder } from "./guarded_path.ts";
import { OpenFiles } from "./open_files.ts";
import { FilePlace } from "./parts_layout.ts";
import { errorCode, isRenameBusy, storageFailure, tryAgain } from "./storage_failure.ts";
import { giveWay } from "./time_slices.ts";

/** The open files of all torrents in this thread. */
const sharedOpenFiles = new OpenFiles(STORAGE.openFiles);

/** Looks at files before they are read. */
export interface ReadWatch {
  /** Looks at a file that is about to be read. Errors: `StorageError` when it has changed. */
  beforeRead(file: number, known?: KnownFolders): void;
  /** Whether a file looks unchanged, found out without blocking; after false, `beforeRead` gives the reason. */
  isUnchanged(file: number, looks?: LooksOfRead): Promise<boolean>;
}

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
  /** Files that were made in `tmp`, in this run or before; others are made when something is written to them. */
  readonly #made: Bitfield;
  /** The place of each file in `#current`. */
  #places: Uint8Array;
  #current: FileRow;

  /**
   * `home` is the user's folder (its folders are listed in `lib/ui/README.md`); `folder` is the one that the user chose for
   * the data, undefined for `shareable/`.
   */
  constructor(metainfo: Metainfo, home: string, folder?: string, openFiles: OpenFiles = sharedOpenFiles) {
    const finished = dataFolder(home, folder);
    const shared = { files: metainfo.files, pieceLength: metainfo.layout.pieceLength, finished };
    this.#tmpBase = ["state", "tmp", metainfo.infoHash];
    this.tmp = new FileRow(
      { ...shared, root: home, base: this.#tmpBase, isWritable: true },
      openFiles,
      metainfo.layout,
    );
    this.shareable = new FileRow(
      { ...shared, ...finished, isWritable: false },
      openFiles,
      metainfo.layout,
    );
    this.path = join(pathOfFolder(finished), metainfo.name);
    this.#openFiles = openFiles;
    this.#made = new Bitfield(metainfo.files.length);
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
    for (const index of pieces) {
      for (const { file } of this.#spansOf(index)) {
        if (this.tmp.isPadding(file) || this.#places[file] === FilePlace.shareable) continue;
        yield this.#current.holderOf(file);
      }
    }
  }

  /** The same for all pieces of a set, each file once. */
  *holdersOfAll(pieces: Bitfield): Generator<number> {
    let hasParts = false;
    for (let file = 0; file < this.#places.length; file++) {
      const place = this.#places[file];
      if (this.tmp.isPadding(file) || place === FilePlace.shareable || !this.#holdsAny(file, pieces)) {
        continue;
      }
      if (place === FilePlace.own) yield file;
      else if (!hasParts) yield this.#current.holderOf(file);
      hasParts ||= place === FilePlace.parts;
    }
  }

  /**
   * Fills `target`, within one piece, from `offset` on. `watch` looks at each file before it is read.
   * Errors: `StorageError`; `DataChangedError`, which is one of them, when a file is shorter than the torrent says.
   */
  read(offset: number, target: Uint8Array, watch?: ReadWatch): void {
    let filled = 0;
    const spans = this.#current.layout.spans(offset, target.length);
    const known: KnownFolders | undefined = spans.length > 1 ? new Set() : undefined;
    for (const span of spans) {
      watch?.beforeRead(span.file, known);
      this.#readSpan(span, target, filled, known);
      filled += span.length;
    }
  }

  /** As `read`, with pauses: many files may hold the bytes. */
  async readInSlices(offset: number, target: Uint8Array, watch: ReadWatch): Promise<void> {
    let filled = 0;
    await visitInSlices(this.tmp.layout.spans(offset, target.length), (span, known) => {
      watch.beforeRead(span.file, known);
      this.#readSpan(span, target, filled, known);
      filled += span.length;
    });
  }

  #readSpan(span: FileSpan, target: Uint8Array, at: number, known?: KnownFolders): void {
    if (this.#current.readSpan(span, target, at, known)) return;
    const name = this.#current.nameOf(this.#current.holderOf(span.file));
    throw new DataChangedError(`Expected ${span.length} bytes at ${span.position} of ${name}, got fewer`);
  }

  /**
   * Does the same as `read` while other threads wait for the disk. After any failure, or when a file was moved meanwhile,
   * it calls `read`, which throws the right error or reads from the new place.
   */
  async readLater(offset: number, target: Uint8Array, watch: ReadWatch): Promise<void> {
    const looks: LooksOfRead = new Map();
    let filled = 0;
    const reading = this.#current.layout.spans(offset, target.length).map(async (span) => {
      const at = filled;
      filled += span.length;
      return await watch.isUnchanged(span.file, looks) &&
        await this.#current.readSpanLater(span, target, at, looks);
    });
    if ((await Promise.all(reading)).includes(false)) this.read(offset, target, watch);
  }

  /** Looks for each file: in `tmp`, else with its full length in `shareable`; of any other file only parts are there. */
  async look(): Promise<void> {
    const inTmp = await this.tmp.stamps();
    const inShareable = await this.shareable.stamps();
    this.#noteMade(inTmp);
    this.setPlaces(this.#places.map((_, file) => {
      if (this.tmp.isPadding(file) || inTmp[file] !== undefined) return FilePlace.own;
      return this.shareable.isWhole(file, inShareable[file]) ? FilePlace.shareable : FilePlace.parts;
    }));
  }

  #noteMade(inTmp: readonly (FileStamp | undefined)[]): void {
    for (const [file, stamp] of inTmp.entries()) if (stamp !== undefined) this.#made.add(file);
  }

  /** Notes that a piece was written to its files. */
  noteWritten(index: number): void {
    for (const { file } of this.#spansOf(index)) this.#made.add(file);
  }

  /** The files of a piece that may not exist, as nothing was written to them before. */
  unmadeIn(index: number): number[] {
    return this.#spansOf(index).map(({ file }) => file).filter((file) => !this.#made.has(file));
  }

  /** Makes the files as `FileRow.create` does. */
  async create(): Promise<void> {
    if (!await this.#current.create()) return;
    for (const file of this.#current.realFiles()) this.#made.add(file);
  }

  #spansOf(index: number): FileSpan[] {
    const { layout } = this.tmp;
    return layout.spans(layout.offsetOf(index), layout.lengthOf(index));
  }

  /**
   * Takes over files that an earlier run left at `places`; returns false when one of them is missing or has changed.
   *
   * Shape: `stamps` has the stamp of each file in `shareable/`. A file in which none of the `written` pieces lies may not
   * have been made yet. If files were being moved, a file that has left `tmp` may be in `shareable/` already.
   */
  async takeOver(
    places: Uint8Array,
    stamps: readonly (FileStamp | undefined)[],
    written: Bitfield,
    isMoving: boolean,
  ): Promise<boolean> {
    const inTmp = await this.tmp.stamps();
    const inShareable = await this.shareable.stamps();
    const found = places.slice();
    for (const file of this.tmp.realFiles()) {
      const isThere = this.shareable.isWhole(file, inShareable[file]);
      if (places[file] === FilePlace.shareable) {
        if (!isThere || !sameStamp(inShareable[file], stamps[file])) return false;
      } else if (places[file] === FilePlace.own && !this.tmp.isWhole(file, inTmp[file])) {
        if (inTmp[file] !== undefined) return false;
        if (!this.#holdsAny(file, written)) continue;
        if (!isMoving || !isThere) return false;
        found[file] = FilePlace.shareable;
      }
    }
    if (found.includes(FilePlace.parts) && !this.tmp.hasPartsFile()) return false;
    this.#noteMade(inTmp);
    this.setPlaces(found);
    return true;
  }

  #holdsAny(file: number, pieces: Bitfield): boolean {
    const { first, last } = this.tmp.layout.piecesOf(file) ?? { first: 0, last: -1 };
    for (let index = first; index <= last; index++) if (pieces.has(index)) return true;
    return false;
  }

  /**
   * Gives each of the files, of which only parts were kept, a file of its own, and copies their bytes of the pieces `have`
   * there. The caller saves `places` afterwards; until then, the work is done again after a crash. Errors: `StorageError`.
   */
  async unpack(files: readonly number[], have: { has(index: number): boolean }): Promise<void> {
    const places = this.places;
    for (const file of files) places[file] = FilePlace.own;
    const next = this.#rowAt(places);
    const filled: number[] = [];
    try {
      await next.create();
      await visitInSlices(files, (file) => void (this.#unpackInto(next, file, have) && filled.push(file)));
      await next.syncAll(filled);
    } finally {
      next.close();
    }
    for (const file of filled) this.#made.add(file);
    this.setPlaces(places);
  }

  /** Returns whether the parts had anything of the file. */
  #unpackInto(next: FileRow, file: number, have: { has(index: number): boolean }): boolean {
    const { layout } = next;
    const pieces = layout.piecesOf(file);
    if (pieces === undefined) return false;
    let isFilled = false;
    for (let index = pieces.first; index <= pieces.last; index++) {
      if (!have.has(index)) continue;
      const span = layout.spans(layout.offsetOf(index), layout.lengthOf(index))
        .find((span) => span.file === file)!;
      const bytes = new Uint8Array(span.length);
      this.read(layout.startOf(file) + span.position, bytes);
      next.write(layout.startOf(file) + span.position, bytes, [file]);
      isFilled = true;
    }
    return isFilled;
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
    moved: (file: number, stamp: FileStamp | undefined) => void = () => {},
  ): Promise<void> {
    const files = [...this.#current.realFiles()].filter(isWanted);
    await this.#current.createEmptyFiles(files);
    await moveFiles(files, {
      from: this.tmp,
      to: this.shareable,
      mark: this.#tmpBase[2],
      replaceable,
      letGo: (file) => this.#letGo(file),
      moved: (file, stamp) => {
        this.#letGo(file);
        this.#places[file] = FilePlace.shareable;
        moved(file, stamp);
      },
    });
  }

  /**
   * Paths in `shareable/` at which a file that is not ours takes the place of one of `files`, so that this could not be
   * moved there. `replaceable`: as in `moveToShareable`. `isMoving`: a move was cut off, so a file there that is as long
   * as ours may be a copy of it. Errors: `StorageError`.
   */
  async inTheWay(
    files: readonly number[],
    replaceable: readonly (FileStamp | undefined)[],
    isMoving: boolean,
  ): Promise<string[]> {
    if (files.length === 0) return [];
    await giveWay();
    const stamps = await this.shareable.stamps();
    const isOurs = (file: number) =>
      stamps[file] === undefined || stamps[file].size === 0 || sameStamp(stamps[file], replaceable[file]) ||
      (isMoving && this.shareable.isWhole(file, stamps[file]));
    return files.filter((file) => !isOurs(file)).map((file) => this.shareable.nameOf(file));
  }

  /** Closes a file in all rows of this thread. */
  #letGo(file: number): void {
    for (const row of [this.tmp, this.shareable, this.#current]) row.closeFile(file);
  }

  /** Removes files from `shareable/`, and folders of the torrent that are then empty. Errors: `StorageError`. */
  async removeShareable(files: Iterable<number>): Promise<void> {
    const folders = new Set<string>();
    const { root, base } = this.shareable.description;
    await visitInSlices(files, async (file, known) => {
      if (this.shareable.stampOf(file, known) !== undefined) {
        await removeFile(this.shareable, file, () => this.#letGo(file), known);
      }
      const steps = this.shareable.stepsTo(file);
      for (let depth = steps.length - 1; depth > base.length; depth--) {
        folders.add(steps.slice(0, depth).join("/"));
      }
    });
    await visitInSlices([...folders].sort((a, b) => b.length - a.length), async (folder) => {
      try {
        await tryAgain(() => fs.rmdirSync(guardPath(root, folder.split("/")).path), isRenameBusy);
      } catch (error) {
        // The folder holds files of somebody else, or it is gone.
        if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errorCode(error) ?? "")) {
          throw storageFailure(`remove ${folder}`, error);
        }
      }
    });
  }

  /** As `removeTmp`, with the waiting done in other threads: there may be very many files. */
  async removeTmpLater(): Promise<void> {
    this.close();
    try {
      const { path } = guardPath(this.tmp.description.root, this.#tmpBase);
      await fs.promises.rm(path, { recursive: true, force: true });
    } catch (error) {
      throw storageFailure(`remove ${this.#tmpBase.join("/")}`, error);
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
