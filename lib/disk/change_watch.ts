import { DataChangedError, messageOf, StorageError } from "../errors.ts";
import { STORAGE } from "../settings.ts";
import { type FileStamp, sameStamp } from "./state/file_stamp.ts";
import { visitInSlices } from "./large/file_visits.ts";
import type { KnownFolders, LooksOfRead } from "./guarded_path.ts";
import { FilePlace } from "./parts_layout.ts";
import type { ReadWatch, TorrentFiles } from "./torrent_files.ts";

/**
 * Notices that a file in `shareable/` is no longer what it was when its pieces were verified.
 *
 * No system call tells us of every change, so the watch looks at each file before a read, but only once in a turn, and
 * now and then at a few files that nobody reads. A look reads size, time and inode, never contents.
 */
export class ChangeWatch implements ReadWatch {
  /** Stamps of the files in `shareable/`; for a file that is not there yet, the stamp of a copy that may be replaced. */
  stamps: (FileStamp | undefined)[] = [];
  readonly #files: TorrentFiles;
  /** Files looked at in this turn. */
  readonly #looked = new Set<number>();
  /** Position of the file at which the next look at files that nobody reads begins. */
  #next = 0;
  #lastLookAt = -Infinity;

  constructor(files: TorrentFiles) {
    this.#files = files;
  }

  /**
   * Begins a new turn, once a second; `now` in ms. Every `STORAGE.lookMs` it looks at the next few files, in a circle;
   * where the disk `isSlow`, other threads do that. Errors: `DataChangedError`.
   */
  async turn(now: number, isSlow: boolean): Promise<void> {
    this.#looked.clear();
    if (now - this.#lastLookAt < STORAGE.lookMs) return;
    this.#lastLookAt = now;
    const { length } = this.#files.current.description.files;
    for (let count = Math.min(STORAGE.filesPerLook, length); count > 0; count--) {
      const file = this.#next;
      this.#next = (this.#next + 1) % length;
      if (!isSlow || !await this.isUnchanged(file)) this.beforeRead(file);
    }
  }

  /** Notes that a complete file was moved to `shareable/`, and what it looks like there. */
  readonly moved = (file: number, stamp: FileStamp | undefined) => void (this.stamps[file] = stamp);

  /**
   * Accepts the files in `shareable/` as complete, after a run that was cut off while it moved files. Errors:
   * `StorageError`.
   */
  async movedBefore(): Promise<void> {
    const { shareable, places } = this.#files;
    await visitInSlices(shareable.realFiles(), (file, known) => {
      if (places[file] === FilePlace.shareable) this.moved(file, shareable.stampOf(file, known));
    });
  }

  async isUnchanged(file: number, looks?: LooksOfRead): Promise<boolean> {
    if (this.#looked.has(file) || !this.#isWatched(file)) return true;
    const isSame = sameStamp(await this.#files.current.stampOfLater(file, looks), this.stamps[file]);
    if (isSame) this.#looked.add(file);
    return isSame;
  }

  /** Whether a file is where others may change it. */
  #isWatched(file: number): boolean {
    const { current } = this.#files;
    return !current.isPadding(file) && current.placeOf(file) === FilePlace.shareable;
  }

  /** Looks at a file that is about to be read. Errors: `DataChangedError`. */
  beforeRead(file: number, known?: KnownFolders): void {
    if (this.#looked.has(file)) return;
    this.#looked.add(file);
    const { current } = this.#files;
    if (!this.#isWatched(file)) return;
    try {
      if (sameStamp(current.stampOf(file, known), this.stamps[file])) return;
    } catch (error) {
      if (error instanceof StorageError) throw new DataChangedError(messageOf(error));
      throw error;
    }
    throw new DataChangedError(`Expected ${current.nameOf(file)} to stay as it is, but it was changed`);
  }
}
