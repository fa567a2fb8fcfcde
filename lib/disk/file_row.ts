/** The files of a torrent where they lie below one folder, read and written as one row of bytes. */
import fs from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ObstacleError, StorageError } from "../errors.ts";
import { type FileSpan, PieceLayout } from "../protocol/piece_layout.ts";
import { STORAGE } from "../settings.ts";
import { visitInSlices } from "./large/file_visits.ts";
import {
  type DataFolder,
  type GuardedPath,
  guardPath,
  guardPathLater,
  type KnownFolders,
  type LooksOfRead,
  makeFolders,
} from "./guarded_path.ts";
import { type FileStamp, stampFrom } from "./state/file_stamp.ts";
import type { OpenFile, OpenFiles } from "./open_files.ts";
import type { FileList } from "./large/packed_files.ts";
import { FilePlace, PARTS_ENDING, PartsLayout } from "./parts_layout.ts";
import { errorCode, storageFailure, tryAgain } from "./storage_failure.ts";
import { giveWay } from "./time_slices.ts";

/** Where a row of files lies: plain data but for the list of files, which is packed when it is posted to a worker. */
export interface FileRowDescription {
  /** The user's folder; nothing below it may be a symbolic link. */
  readonly root: string;
  /** Folders from `root` to where the torrent's own paths begin. */
  readonly base: readonly string[];
  /** Where each file is (`FilePlace`), as far as the sender knows; undefined when all are below `base`. */
  readonly places?: Uint8Array;
  /** The folder of files whose place is `shareable`; undefined where no file has that place. */
  readonly finished?: DataFolder;
  readonly files: FileList;
  /** In bytes. */
  readonly pieceLength: number;
  /** Whether files are opened for writing too. */
  readonly isWritable: boolean;
}

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL } = fs.constants;
// Not every system has this flag; `guardPath` looks at the last step of a path as well.
const O_NOFOLLOW = fs.constants.O_NOFOLLOW ?? 0;
const OPEN_TO_MAKE = O_RDWR | O_CREAT | O_NOFOLLOW;

/**
 * Reads and writes a torrent's files by offsets in the row of all files, for spans that lie within one piece.
 *
 * A padding file (BEP 47) reads as zeros, ignores writes and never exists. A file in `shareable/` is complete and
 * ignores writes too. Files of a torrent that have no file of their own on disk share the parts file. Each file is opened
 * when it is first needed.
 * Errors: `StorageError` from every method.
 */
export class FileRow {
  readonly description: FileRowDescription;
  readonly layout: PieceLayout;
  readonly #openFiles: OpenFiles;
  readonly #open = new Map<number, OpenFile>();
  /** How often files were closed that may have been about to be opened. */
  #closings = 0;
  #parts: PartsLayout | undefined;

  /** `layout` is the layout of these files, if the caller has made it already. */
  constructor(description: FileRowDescription, openFiles: OpenFiles, layout?: PieceLayout) {
    const { files, pieceLength } = description;
    this.description = description;
    this.layout = layout ??
      new PieceLayout(
        pieceLength,
        Float64Array.from({ length: files.length }, (_, file) => files.at(file)!.length),
      );
    this.#openFiles = openFiles;
  }

  /** Positions of the files that are below `base` on disk, which excludes padding and files in other places. */
  *realFiles(): Generator<number> {
    for (let file = 0; file < this.description.files.length; file++) {
      if (!this.isPadding(file) && this.placeOf(file) === FilePlace.own) yield file;
    }
  }

  /** Whether a file is padding (BEP 47). */
  isPadding(file: number): boolean {
    return this.description.files.at(file)!.isPadding;
  }

  /** The length that a file has when it is whole, in bytes. */
  lengthOf(file: number): number {
    return this.description.files.at(file)!.length;
  }

  /** Whether a stamp is that of a whole file: it exists, and is as long as it is to be. */
  isWhole(file: number, stamp: FileStamp | undefined): boolean {
    return stamp?.size === this.lengthOf(file);
  }

  /** The place of a file, as `FilePlace`. */
  placeOf(file: number): number {
    return this.description.places?.[file] ?? FilePlace.own;
  }

  /** The position of the file on disk that holds a file's bytes: its own, or that of the parts file behind all others. */
  holderOf(file: number): number {
    return this.placeOf(file) === FilePlace.parts ? this.#partsFile : file;
  }

  get #partsFile(): number {
    return this.description.files.length;
  }

  get #hasParts(): boolean {
    return this.description.places?.includes(FilePlace.parts) ?? false;
  }

  /** Names of the folders and the file below `rootOf(file)`. */
  stepsTo(file: number): string[] {
    const { base, files } = this.description;
    if (file === this.#partsFile) return [...base, files.at(0)!.path[0] + PARTS_ENDING];
    return [...(this.#finishedFolder(file)?.base ?? base), ...files.at(file)!.path];
  }

  /** The folder of a file that is finished; undefined for other files. */
  #finishedFolder(file: number): DataFolder | undefined {
    return this.placeOf(file) === FilePlace.shareable ? this.description.finished : undefined;
  }

  /** The folder below which the steps to a file begin. */
  rootOf(file: number): string {
    return this.#finishedFolder(file)?.root ?? this.description.root;
  }

  /** A file's path to be shown to people: below the home, or the whole path in a folder that the user chose. */
  nameOf(file: number): string {
    const { finished, base } = this.description;
    const steps = this.stepsTo(file);
    const isInChosen = finished?.base.length === 0 && (base.length === 0 || this.#finishedFolder(file));
    return isInChosen ? join(this.rootOf(file), ...steps) : steps.join("/");
  }

  /** Whether the torrent's own file or folder, or its parts file, exists. */
  exists(): boolean {
    return this.hasName() || this.hasPartsFile();
  }

  /** Whether there is anything of the torrent's name, the file itself or the folder of its files. */
  hasName(): boolean {
    const { root, base, files } = this.description;
    return guardPath(root, [...base, files.at(0)!.path[0]]).stats !== undefined;
  }

  /** Whether there is a parts file. */
  hasPartsFile(): boolean {
    return this.#guard(this.#partsFile).stats !== undefined;
  }

  /** The stamp of a file as it is now; undefined when the file does not exist. */
  stampOf(file: number, known?: KnownFolders): FileStamp | undefined {
    const { stats } = this.#guard(file, known);
    return stats && stampFrom(stats);
  }

  /** Stamps of all files, in order; undefined for padding and for files that do not exist. */
  async stamps(): Promise<(FileStamp | undefined)[]> {
    const stamps = new Array<FileStamp | undefined>(this.description.files.length).fill(undefined);
    if (this.hasName()) {
      await visitInSlices(
        this.realFiles(),
        (file, known) => void (stamps[file] = this.stampOf(file, known)),
      );
    }
    return stamps;
  }

  /** Files that exist but are shorter or longer than the torrent says, according to `stamps`. */
  wrongSizes(stamps: readonly (FileStamp | undefined)[]): number[] {
    return [...this.realFiles()].filter((file) =>
      stamps[file] !== undefined && !this.isWhole(file, stamps[file])
    );
  }

  /**
   * Makes every file, at full length from the start but sparse; what is there already is kept. A torrent of very many
   * files gets each when something is first written to it. Returns whether all files exist now.
   */
  async create(): Promise<boolean> {
    const isLarge = this.description.files.length > STORAGE.manyFiles;
    if (isLarge) await giveWay();
    makeFolders(this.description.root, this.description.base);
    const files = isLarge ? this.wrongSizes(await this.stamps()) : this.realFiles();
    await visitInSlices(files, (file, known) => fs.closeSync(this.#make(file, known)));
    // The parts file grows as it is written to: most of its slots are never used.
    if (this.#hasParts && !this.hasPartsFile()) fs.closeSync(this.#make(this.#partsFile));
    return !isLarge;
  }

  /** Makes the empty ones of `files`, which no piece ever fills, where they are missing. */
  async createEmptyFiles(files: Iterable<number> = this.realFiles()): Promise<void> {
    await visitInSlices(files, (file, known) => {
      if (this.lengthOf(file) === 0 && this.stampOf(file, known) === undefined) {
        fs.closeSync(this.#make(file, known));
      }
    });
  }

  /** Makes or opens a file for writing, gives it its full length (not the parts file), and returns its descriptor. */
  #make(file: number, known?: KnownFolders): number {
    const isParts = file === this.#partsFile;
    try {
      const folder = makeFolders(this.rootOf(file), this.stepsTo(file).slice(0, -1), known);
      const made = this.#makeNew(join(folder, this.stepsTo(file).at(-1)!));
      const fd = made ??
        this.#openFiles.making(() => fs.openSync(this.#guard(file, known).path, OPEN_TO_MAKE));
      try {
        const size = made === undefined ? fs.fstatSync(fd).size : 0;
        if (!isParts && size !== this.lengthOf(file)) fs.ftruncateSync(fd, this.lengthOf(file));
        return fd;
      } catch (error) {
        fs.closeSync(fd);
        throw error;
      }
    } catch (error) {
      throw storageFailure(`create ${this.nameOf(file)}`, error);
    }
  }

  /** Makes a new file and returns its descriptor; undefined where there is anything, which is neither opened nor followed. */
  #makeNew(path: string): number | undefined {
    try {
      return this.#openFiles.making(() => fs.openSync(path, OPEN_TO_MAKE | O_EXCL, 0o666));
    } catch (error) {
      if (errorCode(error) === "EEXIST") return undefined;
      throw error;
    }
  }

  /** Fills `target` from `offset` on; false when a file is missing or too short for that. */
  tryRead(offset: number, target: Uint8Array): boolean {
    let filled = 0;
    const known: KnownFolders = new Set();
    for (const span of this.layout.spans(offset, target.length)) {
      if (!this.readSpan(span, target, filled, known)) return false;
      filled += span.length;
    }
    return filled === target.length;
  }

  /** Fills `target` at `at` with one span; false when the file is missing or too short. */
  readSpan(span: FileSpan, target: Uint8Array, at: number, known?: KnownFolders): boolean {
    if (this.isPadding(span.file)) {
      target.fill(0, at, at + span.length);
      return true;
    }
    const position = this.#positionOf(span);
    const fd = position === undefined ? undefined : this.#descriptor(this.holderOf(span.file), known);
    if (position === undefined || fd === undefined) return false;
    try {
      let done = 0;
      while (done < span.length) {
        const count = fs.readSync(fd, target, at + done, span.length - done, position + done);
        if (count === 0) return false;
        done += count;
      }
      return true;
    } catch (error) {
      throw storageFailure(`read ${this.nameOf(span.file)}`, error);
    }
  }

  /**
   * Does the same as `readSpan` while other threads wait for the disk. Returns false for every failure; `readSpan` then
   * throws the error.
   */
  async readSpanLater(span: FileSpan, target: Uint8Array, at: number, looks?: LooksOfRead): Promise<boolean> {
    if (this.isPadding(span.file)) return this.readSpan(span, target, at);
    const start = this.#positionOf(span);
    if (start === undefined) return false;
    try {
      const file = await this.#openLater(this.holderOf(span.file), looks);
      if (file === undefined) return false;
      return await this.#openFiles.readLater(file, target.subarray(at, at + span.length), start);
    } catch {
      return false;
    }
  }

  /** Opens a file while other threads wait for the disk; undefined where there is none, or when it was closed meanwhile. */
  async #openLater(file: number, looks?: LooksOfRead): Promise<OpenFile | undefined> {
    const before = this.#open.get(file);
    if (before !== undefined) return before;
    const closings = this.#closings;
    const { path, stats } = await guardPathLater(this.rootOf(file), this.stepsTo(file), looks);
    if (!stats?.isFile) return undefined;
    const fd = await promisify(fs.open)(path, this.#flagsFor(file));
    if (closings === this.#closings && !this.#open.has(file)) return this.#opened(file, fd);
    fs.closeSync(fd);
    return this.#open.get(file);
  }

  /** Does the same as `stampOf` while other threads wait for the disk; undefined also after any failure. */
  async stampOfLater(file: number, looks?: LooksOfRead): Promise<FileStamp | undefined> {
    try {
      const { stats } = await guardPathLater(this.rootOf(file), this.stepsTo(file), looks);
      return stats?.isFile ? stampFrom(stats) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether a piece can be written: each of its bytes has a place on disk. */
  canHold(index: number): boolean {
    return this.layout.spans(this.layout.offsetOf(index), this.layout.lengthOf(index))
      .every((span) => this.isPadding(span.file) || this.#positionOf(span) !== undefined);
  }

  /** Writes `bytes` from `offset` on. Files must exist; only those of `unmade` are made where they do not. */
  write(offset: number, bytes: Uint8Array, unmade: readonly number[] = []): void {
    let written = 0;
    const known: KnownFolders = new Set();
    for (const span of this.layout.spans(offset, bytes.length)) {
      this.#writeSpan(span, bytes, written, unmade.includes(span.file), known);
      written += span.length;
    }
  }

  #writeSpan(span: FileSpan, bytes: Uint8Array, from: number, mayMake: boolean, known: KnownFolders): void {
    const { length } = span;
    if (this.isPadding(span.file) || this.placeOf(span.file) === FilePlace.shareable) {
      return;
    }
    const file = this.holderOf(span.file);
    try {
      const position = this.#positionOf(span);
      const fd = position === undefined ? undefined : this.#descriptor(file, known, mayMake);
      if (position === undefined || fd === undefined) {
        throw new StorageError(`Expected a file at ${this.nameOf(file)}, got nothing`);
      }
      for (let done = 0; done < length;) {
        done += fs.writeSync(fd, bytes, from + done, length - done, position + done);
      }
    } catch (error) {
      throw storageFailure(`write ${this.nameOf(file)}`, error);
    }
  }

  /** The position at which a span starts in the file that holds it, in bytes; undefined when no file holds it. */
  #positionOf({ file, position }: FileSpan): number | undefined {
    if (this.placeOf(file) !== FilePlace.parts) return position;
    this.#parts ??= new PartsLayout(this.layout, (file) => this.isPadding(file));
    return this.#parts.positionOf(this.layout.startOf(file) + position);
  }

  /** Resolves when everything that any thread has written to these files is on the disk. */
  async syncAll(files: Iterable<number>): Promise<void> {
    const running = new Set<Promise<void>>();
    let failure: unknown;
    await visitInSlices(files, async (file, known) => {
      if (failure !== undefined) return;
      const syncing: Promise<void> = this.sync(file, known)
        .catch((error) => void (failure ??= error))
        .finally(() => running.delete(syncing));
      running.add(syncing);
      if (running.size >= STORAGE.syncsAtOnce) await Promise.race(running);
    });
    await Promise.all(running);
    if (failure !== undefined) throw failure;
  }

  /** Resolves when everything that any thread has written to a file is on the disk. */
  async sync(file: number, known?: KnownFolders): Promise<void> {
    try {
      // The sync needs its own descriptor, since the shared ones may be closed meanwhile.
      const { path } = this.#guard(file, known);
      const fd = await tryAgain(() => this.#openFiles.making(() => fs.openSync(path, O_RDWR | O_NOFOLLOW)));
      try {
        await promisify(fs.fdatasync)(fd);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw storageFailure(`sync ${this.nameOf(file)}`, error);
    }
  }

  /** Files that are open now. */
  openFiles(): Iterable<number> {
    return this.#open.keys();
  }

  /** Closes one file, before it is moved. */
  closeFile(file: number): void {
    this.#closings++;
    const open = this.#open.get(file);
    if (open !== undefined) this.#openFiles.close(open);
  }

  /** Closes all files; the next use of a file opens it again. */
  close(): void {
    this.#closings++;
    for (const open of [...this.#open.values()]) this.#openFiles.close(open);
  }

  /** The file, which is opened where it is not, or made where it `mayMake`; undefined where there is none. */
  #descriptor(file: number, known?: KnownFolders, mayMake = false): number | undefined {
    const before = this.#open.get(file);
    if (before !== undefined) {
      this.#openFiles.touch(before);
      return before.fd;
    }
    const fd = mayMake ? this.#make(file, known) : this.#openDescriptor(file, known);
    if (fd === undefined) return undefined;
    return this.#opened(file, fd).fd;
  }

  #opened(file: number, fd: number): OpenFile {
    const opened = { fd, forget: () => this.#open.delete(file), readers: 0 };
    this.#openFiles.add(opened);
    this.#open.set(file, opened);
    return opened;
  }

  #flagsFor(file: number): number {
    const isWritable = this.description.isWritable && this.placeOf(file) !== FilePlace.shareable;
    return (isWritable ? O_RDWR : O_RDONLY) | O_NOFOLLOW;
  }

  #openDescriptor(file: number, known?: KnownFolders): number | undefined {
    const { path, stats } = this.#guard(file, known);
    if (stats === undefined) return undefined;
    try {
      return this.#openFiles.making(() => fs.openSync(path, this.#flagsFor(file)));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return undefined;
      throw storageFailure(`open ${this.nameOf(file)}`, error);
    }
  }

  /** Guards the path of a file and refuses anything but a plain file: opening a named pipe would wait for ever. */
  #guard(file: number, known?: KnownFolders): GuardedPath {
    const guarded = guardPath(this.rootOf(file), this.stepsTo(file), known);
    if (guarded.stats !== undefined && !guarded.stats.isFile) {
      throw new ObstacleError(`Expected a file at ${this.nameOf(file)}, got something else`);
    }
    return guarded;
  }
}
