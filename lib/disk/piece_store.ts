/**
 * The pieces of one torrent on disk, as the swarm sees them.
 *
 * Invariants: a piece is in `have` once it is verified and handed to the operating system. A bit is "stored" in
 * the resume state only after a sync that began when it was in `have` already.
 */
import { BufferPool } from "../buffer_pool.ts";
import { DataChangedError, messageOf, StorageError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { Bitfield } from "../protocol/bitfield.ts";
import { type Metainfo, pieceHash } from "../protocol/metainfo.ts";
import { STORAGE } from "../settings.ts";
import type { PieceStorage, PieceStorageListener, Selection } from "../swarm/ports.ts";
import { ChangeWatch } from "./change_watch.ts";
import { ReadChoice } from "./commit_choice.ts";
import type { DiskWorkers } from "./disk_workers.ts";
import type { FileRow } from "./file_row.ts";
import { FilePlace } from "./parts_layout.ts";
import { recoverPieces } from "./piece_recovery.ts";
import type { ResumeStore } from "./state/resume_store.ts";
import { type UnfinishedPiece, UnfinishedPieces } from "./state/unfinished_pieces.ts";
import { storageFailure } from "./storage_failure.ts";
import { TorrentFiles } from "./torrent_files.ts";

/** The parts of a store. */
interface PieceStoreOptions {
  readonly metainfo: Metainfo;
  readonly selection: Selection;
  /** The user's folder (its folders are listed in `lib/ui/README.md`). */
  readonly home: string;
  /** The folder that the user chose for the data; undefined for `shareable/`. */
  readonly folder?: string | undefined;
  readonly workers: DiskWorkers;
  readonly resume: ResumeStore;
  readonly log: Logger;
  /** Chooses the thread that reads for uploads. */
  readonly reads?: ReadChoice;
}

/** The data that is there at the start. */
export interface RecoveredStore {
  /** A copy, which the caller owns. */
  readonly have: Bitfield;
  /** Whether all wanted data is in its final place. */
  readonly finished: boolean;
  /** Where the finished data is or will be, for the user. */
  readonly path: string;
  /** The unfinished pieces that are wanted, by index; the others are kept for later. */
  readonly unfinished: ReadonlyMap<number, UnfinishedPiece>;
  /** Paths in `shareable/` at which other files of the user keep wanted files from their place. */
  readonly inTheWay: readonly string[];
}

/** Verifies, writes, reads and remembers pieces. Made once per torrent; `recover` comes first. */
export class PieceStore implements PieceStorage {
  /** Gets the answers; its owner sets it before the first `commit`. */
  listener: PieceStorageListener | undefined;
  readonly #metainfo: Metainfo;
  #selection: Selection;
  readonly #workers: DiskWorkers;
  readonly #resume: ResumeStore;
  readonly #log: Logger;
  readonly #files: TorrentFiles;
  readonly #reads: ReadChoice;
  readonly #watch: ChangeWatch;
  readonly #changed = Promise.withResolvers<void>();
  readonly #pool: BufferPool;
  /** Whether syncs wait until all files are in place (`STORAGE.smallFile`). */
  readonly #syncsLate: boolean;
  readonly #running = new Set<Promise<void>>();
  /** Commits that the workers have begun. */
  readonly #committing = new Set<Promise<unknown>>();
  /** Resolves when all newly wanted files have a place of their own; commits and moves wait for that. */
  #unpacking: Promise<void> | undefined;
  #saving: Promise<void> | undefined;
  #waitingForRoom: (() => void)[] = [];
  #bytesInFlight = 0;
  #have: Bitfield;
  /** Files written to since the last sync began. */
  #unsynced = new Set<number>();
  /** Pieces in `have` when the resume state last heard of them, as written and as stored. */
  #notedCount = 0;
  #storedCount = 0;
  #lastSync = -Infinity;
  readonly #unfinished: UnfinishedPieces;
  /** Whether all wanted files are in `shareable/`. */
  #isFinished = false;
  #isClosed = false;
  /** Set when the data on disk can no longer be trusted. */
  #broken: StorageError | undefined;

  constructor({ metainfo, selection, home, folder, workers, resume, log, reads }: PieceStoreOptions) {
    this.#metainfo = metainfo;
    this.#selection = selection;
    this.#workers = workers;
    this.#resume = resume;
    this.#log = log;
    this.#files = new TorrentFiles(metainfo, home, folder);
    this.#reads = reads ?? new ReadChoice();
    this.#watch = new ChangeWatch(this.#files);
    this.#unfinished = new UnfinishedPieces(metainfo, this.#files, resume);
    const { pieceLength, pieceCount, totalLength } = metainfo.layout;
    const fileCount = metainfo.files.length;
    this.#syncsLate = fileCount > STORAGE.manyFiles && totalLength < fileCount * STORAGE.smallFile;
    this.#pool = new BufferPool(pieceLength, Math.ceil(STORAGE.maxCommitBytes / pieceLength));
    this.#have = new Bitfield(pieceCount);
  }

  /**
   * Finds out what is there, makes the wanted files, and completes a move that was cut off. `onChecked` hears how many
   * pieces were hashed. `isUsersOwn`: the data is shared from where it lies, and is never written.
   *
   * Errors: `StorageError`; what KV throws; the signal's reason when it is aborted.
   */
  async recover(
    onChecked: (checked: number) => void,
    signal?: AbortSignal,
    isUsersOwn = false,
  ): Promise<RecoveredStore> {
    const recovered = await recoverPieces({
      metainfo: this.#metainfo,
      selection: this.#selection,
      files: this.#files,
      workers: this.#workers,
      resume: this.#resume,
      isUsersOwn,
      log: this.#log,
      onChecked,
      signal,
    });
    this.#have = recovered.have;
    this.#notedCount = this.#storedCount = recovered.storedCount;
    this.#watch.stamps = [...recovered.stamps];
    if (recovered.isMoving) await this.#watch.movedBefore();
    // The maps are taken out in any case: those of data that is hashed anew mean nothing.
    const taken = await this.#unfinished.taken();
    const maps = recovered.isResumed ? taken : new Map();
    const unfinished = this.#unfinished.read(
      maps,
      this.#have,
      this.#selection.pieces,
      () => this.takeBuffer(),
    );
    await this.#unpackWanted();
    if (this.#storedCount < this.#have.count) this.#unsynced = new Set(this.#files.holdersOfAll(this.#have));
    if (recovered.isComplete) this.#setFinished();
    else if (this.#have.includesAll(this.#selection.pieces)) {
      this.#isFinished = !recovered.isMoving && this.#lacking(FilePlace.shareable).length === 0;
      if (!this.#isFinished) {
        await this.#moveToPlace(this.#selection);
        await this.#storePlaces();
      }
    }
    const lacking = this.#isFinished ? [] : this.#lacking(FilePlace.shareable);
    return {
      have: this.#have.copy(),
      finished: this.#isFinished,
      path: this.#files.path,
      unfinished,
      inTheWay: await this.#files.inTheWay(lacking, this.#watch.stamps, recovered.isMoving),
    };
  }

  /** Wanted files whose place is not `place`. */
  #lacking(place: number): number[] {
    const { places } = this.#files;
    return [...this.#selection.files].filter((file) => places[file] !== place);
  }

  /** Gives newly wanted files a place of their own. */
  async #unpackWanted(): Promise<void> {
    const { places } = this.#files;
    const packed = [...this.#selection.files].filter((file) => places[file] === FilePlace.parts);
    if (packed.length === 0) return;
    await this.#workers.release(this.#files.current.description);
    await this.#files.unpack(packed, this.#have);
    await this.#resume.savePlaces(this.#metainfo.infoHash, this.#files.places);
  }

  select(selection: Selection): void {
    this.#selection = selection;
    this.#isFinished = false;
    const unpacking: Promise<void> = this.#saveAlone(async () => {
      await Promise.allSettled(this.#committing);
      await this.#unpackWanted();
    }).finally(() => {
      if (this.#unpacking === unpacking) this.#unpacking = undefined;
    });
    this.#unpacking = unpacking;
    this.#track(unpacking);
  }

  takeBuffer(): Uint8Array<ArrayBuffer> {
    return this.#pool.take();
  }

  giveBuffer(buffer: Uint8Array<ArrayBuffer>): void {
    this.#pool.give(buffer);
  }

  /** The number of buffers in the swarm or in a commit; zero when nothing leaks. */
  get buffersTaken(): number {
    return this.#pool.taken;
  }

  commit(index: number, buffer: Uint8Array<ArrayBuffer>): void {
    this.#bytesInFlight += buffer.length;
    this.#track(this.#commit(index, buffer));
  }

  async #commit(index: number, buffer: Uint8Array<ArrayBuffer>): Promise<void> {
    const { length } = buffer;
    const hash = pieceHash(this.#metainfo, index);
    while (this.#unpacking !== undefined) await this.#unpacking;
    const unmade = this.#files.unmadeIn(index);
    const committing = this.#workers.commit(this.#files.current, index, buffer, hash, unmade);
    this.#committing.add(committing);
    const result = await committing.finally(() => this.#committing.delete(committing));
    try {
      if (result.outcome === "stored") this.#noteWritten(index);
      else if (result.outcome === "corrupt") this.listener?.pieceCorrupt(index, result.buffer);
      else this.listener?.storageFailed(result.outcome);
    } finally {
      this.#pool.give(result.buffer);
      this.#bytesInFlight -= length;
      if (this.hasRoom()) this.#wake();
    }
  }

  /** Writes piece `at` of another row as piece `index`, if it has its hash; returns whether. Errors: `StorageError`. */
  async copyFrom(from: FileRow, at: number, index: number): Promise<boolean> {
    while (this.#unpacking !== undefined) await this.#unpacking;
    const hash = pieceHash(this.#metainfo, index);
    const { description } = this.#files.current;
    const unmade = this.#files.unmadeIn(index);
    const copying = this.#workers.copyPiece(from.description, at, description, index, hash, unmade);
    this.#committing.add(copying);
    const isCopied = await copying.finally(() => this.#committing.delete(copying));
    if (isCopied) this.#noteWritten(index);
    return isCopied;
  }

  #noteWritten(index: number): void {
    this.#have.add(index);
    this.#files.noteWritten(index);
    for (const file of this.#files.holdersOf([index])) this.#unsynced.add(file);
    this.listener?.pieceStored(index);
  }

  readInto(index: number, begin: number, target: Uint8Array): Promise<void> | void {
    if (this.#broken !== undefined) throw this.#broken;
    const { layout } = this.#metainfo;
    const offset = layout.offsetOf(index) + begin;
    if (layout.filesIn(offset, target.length) > STORAGE.filesPerRead) {
      return this.#files.readInSlices(offset, target, this.#watch).catch((error) => this.#readFailed(error));
    }
    try {
      return this.#reads.read(
        () => this.#files.read(offset, target, this.#watch),
        () => this.#files.readLater(offset, target, this.#watch).catch((error) => this.#readFailed(error)),
      );
    } catch (error) {
      this.#readFailed(error);
    }
  }

  #readFailed(error: unknown): never {
    if (error instanceof DataChangedError) this.#break(error);
    throw error;
  }

  /** Ends all reads and claims from now on. */
  #break(error: StorageError): void {
    this.#broken = error;
    this.listener?.storageFailed(error);
    if (error instanceof DataChangedError) this.#changed.resolve();
  }

  /** Resolves when data has turned out to be changed: a new store must then check all of it. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  hasRoom(): boolean {
    return this.#bytesInFlight < STORAGE.maxCommitBytes;
  }

  whenRoom(): Promise<void> {
    if (this.hasRoom() || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const resolve of waiting) resolve();
  }

  finish(): void {
    this.#track(this.#finish());
  }

  async #finish(): Promise<void> {
    const wanted = this.#selection;
    while (this.#unpacking !== undefined) await this.#unpacking;
    await this.#saveAlone(async () => {
      await this.#moveToPlace(wanted);
      if (!this.#syncsLate) await this.#storePlaces();
    });
    this.listener?.dataFinished(this.#files.path);
    if (this.#syncsLate) await this.#saveAlone(() => this.#storePlaces());
  }

  /** Moves the wanted files. Every step can be cut off: the next start finds out how far it came (`piece_recovery.ts`). */
  async #moveToPlace({ files: wanted }: Selection): Promise<void> {
    const { infoHash } = this.#metainfo;
    await (this.#syncsLate ? this.#noteWrittenPieces() : this.#storeSynced());
    await this.#resume.savePhase(infoHash, "moving");
    await this.#workers.release(this.#files.current.description);
    const isWanted = (file: number) => wanted.has(file);
    await this.#files.moveToShareable(this.#watch.stamps, isWanted, this.#watch.moved);
    this.#setFinished();
  }

  /** Notes where all files are after a move, once everything in them is synced. */
  async #storePlaces(): Promise<void> {
    const { infoHash } = this.#metainfo;
    await this.#storeSynced();
    await this.#resume.saveStamps(infoHash, this.#watch.stamps);
    await this.#resume.savePlaces(infoHash, this.#files.places);
    await this.#resume.savePhase(infoHash, this.#files.isMoved ? "complete" : "active");
  }

  #setFinished(): void {
    this.#isFinished = true;
    this.#pool.drain();
    if (!this.#files.isMoved) return;
    try {
      this.#files.removeTmp();
    } catch (error) {
      this.#log.warn(messageOf(error));
    }
  }

  /**
   * Notes progress in the resume state: written pieces each time, synced ones every `STORAGE.syncMs`. Finished
   * files are watched for changes. To be called once a second with the time in ms.
   *
   * Resolves when that is done; never rejects, and the caller need not wait for it.
   */
  async flush(now: number): Promise<void> {
    if (this.#saving !== undefined || this.#isClosed || this.#broken !== undefined) return;
    const isSyncDue = !this.#syncsLate && now - this.#lastSync >= STORAGE.syncMs;
    if (isSyncDue) this.#lastSync = now;
    try {
      await this.#watch.turn(now, !this.#reads.isForMainThread);
      if (this.#isClosed || this.#broken !== undefined) return;
      if (isSyncDue && this.#storedCount < this.#have.count) {
        await this.#saveAlone(() => this.#storeSynced());
      } else if (this.#notedCount < this.#have.count) {
        await this.#saveAlone(() => this.#noteWrittenPieces());
      }
    } catch (error) {
      if (error instanceof StorageError) this.#break(error);
      else this.#log.warn(`Cannot save the resume state: ${messageOf(error)}`, "saving the resume state");
    }
  }

  /** Runs one save at a time: a second one would find nothing left to sync and claim too early that all is stored. */
  async #saveAlone(save: () => Promise<void>): Promise<void> {
    while (this.#saving !== undefined) await Promise.allSettled([this.#saving]);
    this.#saving = save();
    try {
      await this.#saving;
    } finally {
      this.#saving = undefined;
    }
  }

  async #noteWrittenPieces(): Promise<void> {
    const { count } = this.#have;
    await this.#resume.saveBits("written", this.#metainfo.infoHash, this.#have);
    this.#notedCount = count;
  }

  /** Takes the set of written pieces, then syncs, then says that exactly this set is stored. */
  async #storeSynced(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    const synced = this.#have.copy();
    const files = this.#unsynced;
    this.#unsynced = new Set();
    try {
      await this.#files.current.syncAll(files);
    } catch (error) {
      // After a failed sync the system forgets what it could not write, so a second try would prove nothing.
      this.#broken = storageFailure("sync", error);
      throw this.#broken;
    }
    await this.#resume.saveBits("stored", this.#metainfo.infoHash, synced);
    this.#storedCount = synced.count;
    this.#notedCount = Math.max(this.#notedCount, synced.count);
  }

  /**
   * Writes the received blocks of a piece that will not be finished in this run; `flushNow` notes them.
   * Takes the buffer back. Errors: `StorageError`.
   */
  saveUnfinished(index: number, buffer: Uint8Array<ArrayBuffer>, blocks: Bitfield): void {
    try {
      this.#unfinished.write(index, buffer, blocks);
      for (const file of this.#files.holdersOf([index])) this.#unsynced.add(file);
    } finally {
      this.giveBuffer(buffer);
    }
  }

  /**
   * Waits for running commits and saves everything, for a clean stop.
   * Errors: `StorageError`; what KV throws. The run must then not be marked clean.
   */
  async flushNow(): Promise<void> {
    await this.#settled();
    const isSynced = this.#storedCount === this.#have.count && this.#unsynced.size === 0;
    if (!isSynced) await this.#saveAlone(() => this.#storeSynced());
    await this.#unfinished.save();
  }

  /** Waits for running commits, then closes all files. Saves nothing, unlike `flushNow`. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    await this.#settled();
    await this.#workers.release(this.#files.current.description);
    this.#files.close();
    this.#pool.drain();
  }

  async #settled(): Promise<void> {
    while (this.#running.size > 0 || this.#saving !== undefined) {
      await Promise.allSettled([...this.#running, this.#saving]);
    }
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error) => this.listener?.storageFailed(storageFailure("store the data", error)))
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}
