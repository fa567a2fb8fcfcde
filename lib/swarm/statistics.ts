import { CONNECTIONS } from "../settings.ts";
import type { SwarmSnapshot } from "./ports.ts";
import { RateMeter } from "./peers/rates.ts";
import type { RemotePeer } from "./peers/remote_peer.ts";

/** Who sent payload, and how much. */
type Sender = Pick<RemotePeer, "name" | "download">;

/** Stands for all senders above the number of those that are counted one by one. */
const OTHERS = "others";

/** Counts the bytes of one torrent over all connections: in total, as rates, and by sender. */
export class Statistics {
  readonly download = new RateMeter();
  readonly upload = new RateMeter();
  /** Bytes of connections that have ended, by sender. */
  readonly #sources = new Map<string, number>();
  /** Bytes of pieces that failed their hash in this run. */
  corrupt = 0;
  readonly #earlier: { readonly uploaded: number; readonly downloaded: number };

  /** `earlier`: bytes of earlier runs. */
  constructor(earlier: { readonly uploaded: number; readonly downloaded: number }) {
    this.#earlier = earlier;
  }

  /** The connection to a peer has ended. When there are too many senders, the last ones count as one. */
  peerLeft(peer: Sender): void {
    addTo(this.#sources, peer);
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

  /** Payload bytes received in this run, by sender: of peers that have left, and of those that are connected. */
  sources(connected: Iterable<Sender>): Record<string, number> {
    const sources = new Map(this.#sources);
    for (const peer of connected) addTo(sources, peer);
    return Object.fromEntries(sources);
  }
}

function addTo(sources: Map<string, number>, { name, download: { total } }: Sender): void {
  if (total === 0) return;
  const isListed = sources.has(name) || sources.size < CONNECTIONS.countedSources;
  const key = isListed ? name : OTHERS;
  sources.set(key, (sources.get(key) ?? 0) + total);
}
