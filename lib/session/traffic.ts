import type { ResumeStore, Totals } from "../disk/state/resume_store.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { RateMeter } from "../swarm/peers/rates.ts";

/** Payload bytes and rates of the whole process. Rates in bytes per second. */
export interface TrafficSnapshot {
  readonly uploadRate: number;
  readonly downloadRate: number;
  /** Bytes of this run. */
  readonly uploaded: number;
  readonly downloaded: number;
  /** Bytes of all runs. */
  readonly uploadedEver: number;
  readonly downloadedEver: number;
}

/** A torrent, as far as it moves bytes: those since it joined its swarm. */
interface Mover {
  readonly infoHash: InfoHash;
  readonly moved: Totals;
}

/** Counts the bytes of all torrents together, of those too that have left meanwhile. */
export class Traffic {
  readonly #upload = new RateMeter();
  readonly #download = new RateMeter();
  readonly #earlier: Totals;
  /** What each torrent had moved at the last count. */
  #last = new Map<InfoHash, Totals>();
  #saved = 0;

  /** `earlier`: bytes of earlier runs. */
  constructor(earlier: Totals) {
    this.#earlier = earlier;
  }

  /** Counts what has been moved since the last count; called once a second. `now` in ms. */
  count(torrents: Iterable<Mover>, now: number): void {
    const present = new Map<InfoHash, Totals>();
    let [uploaded, downloaded] = [0, 0];
    for (const { infoHash, moved } of torrents) {
      const last = this.#last.get(infoHash);
      // A torrent that has joined its swarm anew counts from 0.
      const isSame = last !== undefined && moved.uploaded >= last.uploaded &&
        moved.downloaded >= last.downloaded;
      uploaded += moved.uploaded - (isSame ? last.uploaded : 0);
      downloaded += moved.downloaded - (isSame ? last.downloaded : 0);
      present.set(infoHash, moved);
    }
    this.#last = present;
    this.#upload.add(uploaded, now);
    this.#download.add(downloaded, now);
  }

  snapshot(now: number): TrafficSnapshot {
    return {
      uploadRate: this.#upload.bytesPerSecond(now),
      downloadRate: this.#download.bytesPerSecond(now),
      uploaded: this.#upload.total,
      downloaded: this.#download.total,
      uploadedEver: this.#ever.uploaded,
      downloadedEver: this.#ever.downloaded,
    };
  }

  get #ever(): Totals {
    return {
      uploaded: this.#earlier.uploaded + this.#upload.total,
      downloaded: this.#earlier.downloaded + this.#download.total,
    };
  }

  /** Saves the bytes of all runs where they have changed. Errors: those of Deno KV. */
  async save(resume: ResumeStore): Promise<void> {
    const moved = this.#upload.total + this.#download.total;
    if (moved === this.#saved) return;
    await resume.saveTotals(undefined, this.#ever);
    this.#saved = moved;
  }
}
