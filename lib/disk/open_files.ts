import fs from "node:fs";
import { isOutOfDescriptors } from "./storage_failure.ts";

/** A file descriptor in use, and a function to call when it is closed. */
export interface OpenFile {
  readonly fd: number;
  readonly forget: () => void;
  /** How many reads of other threads are under way. */
  readers: number;
}

/**
 * Keeps at most `limit` files open for all torrents of one thread, and closes the one that was unused for longest.
 *
 * A file that other threads read is closed when they have done so; any other use is synchronous.
 */
export class OpenFiles {
  readonly #limit: number;
  /** The open files, the least recently used first. */
  readonly #files = new Set<OpenFile>();
  /** The one that was used last. */
  #last: OpenFile | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The number of files open now. */
  get count(): number {
    return this.#files.size;
  }

  /** Returns the result of `open`. Where the system has no descriptor left, closes our files, the oldest first. */
  making<T>(open: () => T): T {
    for (;;) {
      try {
        return open();
      } catch (error) {
        const [oldest] = this.#files;
        if (oldest === undefined || !isOutOfDescriptors(error)) throw error;
        this.close(oldest);
      }
    }
  }

  /** Takes over a file that was just opened. */
  add(file: OpenFile): void {
    if (this.#files.size >= this.#limit) {
      const [oldest] = this.#files;
      this.close(oldest);
    }
    this.#files.add(file);
    this.#last = file;
  }

  /** Notes that a file is in use. */
  touch(file: OpenFile): void {
    if (file === this.#last) return;
    this.#files.delete(file);
    this.#files.add(file);
    this.#last = file;
  }

  /**
   * Fills `target` from `position` on (bytes) while other threads wait for the disk; false when the file is too short, or
   * was closed before. Rejects when the disk refuses.
   */
  async readLater(file: OpenFile, target: Uint8Array, position: number): Promise<boolean> {
    if (!this.#files.has(file)) return false;
    this.touch(file);
    file.readers++;
    try {
      for (let done = 0; done < target.length;) {
        const count = await readFile(file.fd, target.subarray(done), position + done);
        if (count === 0) return false;
        done += count;
      }
      return true;
    } finally {
      file.readers--;
      if (!this.#files.has(file)) this.#release(file);
    }
  }

  /** Closes a file; does nothing when it is closed already. */
  close(file: OpenFile): void {
    if (!this.#files.delete(file)) return;
    file.forget();
    this.#release(file);
  }

  #release({ fd, readers }: OpenFile): void {
    if (readers === 0) fs.closeSync(fd);
  }
}

/** Reads at most `target.length` bytes from `position` on; resolves to their number. */
function readFile(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    fs.read(fd, target, 0, target.length, position, (error, count) => error ? reject(error) : resolve(count))
  );
}
