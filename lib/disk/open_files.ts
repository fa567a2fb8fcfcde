import fs from "node:fs";

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
