import fs from "node:fs";
import { isOutOfDescriptors } from "./storage_failure.ts";

/** A file descriptor in use, and what to do when it is taken away. */
export interface OpenFile {
  readonly fd: number;
  readonly forget: () => void;
}

/**
 * Keeps at most `limit` files open, over all torrents of one thread; the one unused for longest is closed.
 *
 * Files are used synchronously, so none is taken away in the middle of a read or write.
 */
export class OpenFiles {
  readonly #limit: number;
  /** Least recently used first. */
  readonly #files = new Set<OpenFile>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Files open now. */
  get count(): number {
    return this.#files.size;
  }

  /** What `open` returns; where the system has no descriptor left, files of ours are closed for it, oldest first. */
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

  /** Takes charge of a file that was just opened. */
  add(file: OpenFile): void {
    if (this.#files.size >= this.#limit) {
      const [oldest] = this.#files;
      this.close(oldest);
    }
    this.#files.add(file);
  }

  /** Notes that a file is being used. */
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
