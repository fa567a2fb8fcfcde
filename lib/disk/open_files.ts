import fs from "node:fs";
import { isOutOfDescriptors } from "./storage_failure.ts";

/** A file descriptor in use, and a function to call when it is closed. */
export interface OpenFile {
  readonly fd: number;
  readonly forget: () => void;
}

/**
 * Keeps at most `limit` files open for all torrents of one thread, and closes the one that was unused for longest.
 *
 * Files are used synchronously, so none is closed in the middle of a read or write.
 */
export class OpenFiles {
  readonly #limit: number;
  /** The open files, the least recently used first. */
  readonly #files = new Set<OpenFile>();

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
  }

  /** Notes that a file is in use. */
  touch(file: OpenFile): void {
    this.#files.delete(file);
    this.#files.add(file);
  }

  /** Closes a file; does nothing when it is closed already. */
  close(file: OpenFile): void {
    if (!this.#files.delete(file)) return;
    file.forget();
    fs.closeSync(file.fd);
  }
}
