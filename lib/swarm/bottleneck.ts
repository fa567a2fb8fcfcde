import type { Bottleneck } from "../protocol/host_report.ts";
import { HOSTS } from "../settings.ts";
import type { TorrentState } from "./ports.ts";
import type { RemotePeer } from "./peers/remote_peer.ts";

/** Measures what part of the time received data waits for the disk, over the last seconds. */
export class DiskPressure {
  #pressure = 0;
  #lookedAt: number | undefined;

  /** When it was looked at last, in ms; undefined before the first look. */
  get lookedAt(): number | undefined {
    return this.#lookedAt;
  }

  /** Part of the time, 0 to 1. */
  get value(): number {
    return this.#pressure;
  }

  /**
   * Looks whether the disk keeps up at `now` (ms): it has room for more, and what it was given first and has not written
   * yet, at `oldestAt`, does not wait for long. A small torrent fits whole into what there is room for. What was seen long
   * ago counts less and less.
   */
  look(hasRoom: boolean, oldestAt: number | undefined, now: number): void {
    const keepsUp = hasRoom && now - (oldestAt ?? now) < HOSTS.diskBehindMs;
    const passed = now - (this.#lookedAt ?? now - HOSTS.pressureMs);
    this.#lookedAt = now;
    const weight = 1 - Math.exp(-passed / HOSTS.pressureMs);
    this.#pressure += ((keepsUp ? 0 : 1) - this.#pressure) * weight;
  }
}

/** Matches the reasons of failures for lack of space, as the disk's errors word them. */
const OUT_OF_SPACE = /no space left|quota exceeded|disk is full/i;

/** The facts from which a machine tells what holds its download up. Rates in bytes per second. */
export interface BottleneckFacts {
  readonly state: TorrentState;
  readonly failure: string | undefined;
  readonly peers: Iterable<Pick<RemotePeer, "wantedPieces" | "peerChokes">>;
  readonly diskPressure: number;
  readonly downloadRate: number;
  /** The lowest of the user's limits; `Infinity` for none. */
  readonly limit: number;
}

/** What holds a download up most, in the order of what can be seen best; undefined where nothing is fetched. */
export function bottleneckOf(facts: BottleneckFacts): Bottleneck | undefined {
  const { state, failure = "", peers, diskPressure, downloadRate, limit } = facts;
  if (state === "failed") return OUT_OF_SPACE.test(failure) ? "full" : undefined;
  if (state !== "downloading") return undefined;
  if (diskPressure > HOSTS.muchPressure) return "disk";
  if (downloadRate > HOSTS.nearLimit * limit) return "limit";
  const offering = [...peers].filter((peer) => peer.wantedPieces > 0);
  if (offering.length === 0) return "sources";
  return offering.every((peer) => peer.peerChokes) ? "slots" : "link";
}
