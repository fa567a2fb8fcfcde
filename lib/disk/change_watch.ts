import { DataChangedError, messageOf, StorageError } from "../errors.ts";
import { STORAGE } from "../settings.ts";
import { type FileStamp, sameStamp } from "./file_row.ts";
import { FilePlace } from "./parts_layout.ts";
import type { TorrentFiles } from "./torrent_files.ts";

/**
 * Notices that a file in `shareable/` is no longer what it was when its pieces were verified.
 *
 * Nobody tells us when a file is changed, so it is looked at: before a read, but not twice in a turn, and a few files
 * now and then that nobody reads. A look asks for size, time and inode, never for contents.
 */
export class ChangeWatch {
  /** Of files that are in `shareable/`: what they look like. Of others: copies there that may be replaced. */
  stamps: (FileStamp | undefined)[] = [];
  readonly #files: TorrentFiles;
  /** Files looked at in this turn. */
  readonly #looked = new Set<number>();
  /** Where the next look at files that nobody reads begins. */
  #next = 0;
  #lastLookAt = -Infinity;

  constructor(files: TorrentFiles) {
    this.#files = files;
  }

  /**
   * A new turn, once a second; `now` in ms. Every `STORAGE.lookMs` a few files are looked at, in a circle.
   * Errors: `DataChangedError`.
   */
  turn(now: number): void {
    this.#looked.clear();
    if (now - this.#lastLookAt < STORAGE.lookMs) return;
    this.#lastLookAt = now;
    const { length } = this.#files.current.description.files;
    for (let count = Math.min(STORAGE.filesPerLook, length); count > 0; count--) {
      this.beforeRead(this.#next);
      this.#next = (this.#next + 1) % length;
    }
  }

  /** A file was moved to `shareable/`, and is what it is to be. Errors: `StorageError`. */
  readonly moved = (file: number) => void (this.stamps[file] = this.#files.shareable.stampOf(file));

  /** A run that was cut off had begun to move files: what is in `shareable/` is what it is to be. */
  movedBefore(): void {
    this.#files.places.forEach((place, file) => place === FilePlace.shareable && this.moved(file));
  }

  /** A file is about to be read. Errors: `DataChangedError`. */
  beforeRead(file: number): void {
    if (this.#looked.has(file)) return;
    this.#looked.add(file);
    const { current } = this.#files;
    if (current.description.files[file].isPadding || current.placeOf(file) !== FilePlace.shareable) return;
    try {
      if (sameStamp(current.stampOf(file), this.stamps[file])) return;
    } catch (error) {
      if (error instanceof StorageError) throw new DataChangedError(messageOf(error));
      throw error;
    }
    throw new DataChangedError(`Expected ${current.nameOf(file)} to stay as it is, but it was changed`);
  }
}
