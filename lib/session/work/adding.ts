import type { InfoHash } from "../../protocol/info_hash.ts";

/**
 * A torrent on its way into the session, from the order until it is there. An order to remove it that is given meanwhile
 * holds for it too, also before its info-hash is known.
 */
export class Adding implements Disposable {
  readonly #all: Set<Adding>;
  readonly #removed = new Set<InfoHash>();

  /** Joins `all` that are on their way, until disposal. */
  constructor(all: Set<Adding>) {
    this.#all = all;
    all.add(this);
  }

  /** A torrent was ordered to be removed. */
  removed(infoHash: InfoHash): void {
    this.#removed.add(infoHash);
  }

  /**
   * Throws an `Error` when this is a torrent that was ordered to be removed since. Nothing may be awaited between this
   * and the moment when the session has the torrent.
   */
  refuseRemoved(infoHash: InfoHash): void {
    if (this.#removed.has(infoHash)) throw new Error("The torrent was removed meanwhile");
  }

  [Symbol.dispose](): void {
    this.#all.delete(this);
  }
}
