import { join } from "node:path";
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { Torrents } from "../torrents.ts";
import { diskSpace } from "./disk_space.ts";

/** What is free for leads. */
interface Room {
  /** Bytes that they may still fill. */
  readonly has: number;
  /** How many of their torrents are being fetched. */
  readonly fetched: number;
}

/** The torrents that leads have put here, with the bytes that were offered; also those whose offer has expired since. */
export class TakenTorrents {
  readonly #home: string;
  readonly #torrents: Torrents;
  readonly #now: () => number;
  readonly #lengths: Map<InfoHash, number>;

  /** `now` in ms. */
  constructor(
    taken: Iterable<readonly [InfoHash, number]>,
    { home, torrents, surroundings: { now } }: {
      readonly home: string;
      readonly torrents: Torrents;
      readonly surroundings: { readonly now: () => number };
    },
  ) {
    this.#lengths = new Map(taken);
    this.#home = home;
    this.#torrents = torrents;
    this.#now = now;
  }

  /** All of them, to be kept. */
  get all(): [InfoHash, number][] {
    return [...this.#lengths];
  }

  add(infoHash: InfoHash, length: number): void {
    this.#lengths.set(infoHash, length);
  }

  /** Whether it was one. */
  delete(infoHash: InfoHash): boolean {
    return this.#lengths.delete(infoHash);
  }

  /** The bytes that were offered; undefined for a torrent that leads have not put here. */
  lengthOf(infoHash: InfoHash): number | undefined {
    return this.#lengths.get(infoHash);
  }

  /** Whether leads have put it here, and wanted data of it is missing. */
  isUnfinished(infoHash: InfoHash): boolean {
    return this.#lengths.has(infoHash) && this.#torrents.has(infoHash) &&
      this.#torrents.get(infoHash).isUnfinished;
  }

  /** What is free now; `quota`: bytes that leads may fill, half of what is free and of what they fill where undefined. */
  async room(quota: number | undefined): Promise<Room> {
    let used = 0, left = 0, fetched = 0;
    for (const [infoHash, length] of this.#lengths) {
      used += length;
      if (!this.isUnfinished(infoHash)) continue;
      fetched++;
      // Nothing is known to be left while the metadata is on its way.
      left += this.#torrents.get(infoHash).snapshot(this.#now(), 0).left || length;
    }
    const space = await diskSpace(join(this.#home, "shareable"));
    const free = Math.max(0, (space?.free ?? Infinity) - left);
    const most = quota ?? (free + used) / 2;
    return { has: Math.floor(Math.max(0, Math.min(free, most - used))), fetched };
  }
}
