import { CONNECTIONS } from "../settings.ts";
import type { SwarmSnapshot } from "./ports.ts";
import { RateMeter } from "./peers/rates.ts";

/** Stands for all senders above the number of those that are counted one by one. */
const OTHERS = "others";

/** Counts the bytes of one torrent over all connections: in total, as rates, and by sender. */
export class Statistics {
  readonly download = new RateMeter();
  readonly upload = new RateMeter();
  readonly #sources = new Map<string, number>();
  /** Bytes of pieces that failed their hash in this run. */
  corrupt = 0;
  readonly #earlier: { readonly uploaded: number; readonly downloaded: number };

  /** `earlier`: bytes of earlier runs. */
  constructor(earlier: { readonly uploaded: number; readonly downloaded: number }) {
    this.#earlier = earlier;
  }

  /** Needed payload came from `source` (`host:port`). When there are too many sources, the last ones count as one. */
  received(bytes: number, source: string, now: number): void {
    this.download.add(bytes, now);
    const isListed = this.#sources.has(source) || this.#sources.size < CONNECTIONS.countedSources;
    const name = isListed ? source : OTHERS;
    this.#sources.set(name, (this.#sources.get(name) ?? 0) + bytes);
  }

  /** Bytes of this run for trackers; `left`: bytes that are still to be stored. */
  totals(left: number): { uploaded: number; downloaded: number; left: number } {
    return { uploaded: this.upload.total, downloaded: this.download.total, left };
  }

  /** Bytes of all runs, and rates in bytes per second at `now`. */
  snapshot(now: number): Pick<SwarmSnapshot, "uploaded" | "downloaded" | "uploadRate" | "downloadRate"> {
    return {
      uploaded: this.#earlier.uploaded + this.upload.total,
      downloaded: this.#earlier.downloaded + this.download.total,
      uploadRate: this.upload.bytesPerSecond(now),
      downloadRate: this.download.bytesPerSecond(now),
    };
  }

  /** Payload bytes received in this run, by sender. */
  get sources(): Record<string, number> {
    return Object.fromEntries(this.#sources);
  }
}
