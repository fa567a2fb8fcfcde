import type { SwarmSnapshot } from "./ports.ts";
import { RateMeter } from "./rates.ts";

/** Bytes of one torrent over all connections: rates, and who gave how much. */
export class Statistics {
  readonly download = new RateMeter();
  readonly upload = new RateMeter();
  readonly #sources = new Map<string, number>();
  readonly #earlier: { readonly uploaded: number; readonly downloaded: number };

  /** `earlier`: bytes of earlier runs. */
  constructor(earlier: { readonly uploaded: number; readonly downloaded: number }) {
    this.#earlier = earlier;
  }

  /** Payload that was needed came from `source` (`host:port`). */
  received(bytes: number, source: string, now: number): void {
    this.download.add(bytes, now);
    this.#sources.set(source, (this.#sources.get(source) ?? 0) + bytes);
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

  /** Payload bytes received in this run, by who sent them. */
  get sources(): Record<string, number> {
    return Object.fromEntries(this.#sources);
  }
}
