import type { SwarmSnapshot } from "../swarm/ports.ts";
import { hasSameMembers } from "../swarm/swarm_snapshot.ts";
import type { KeptTorrent } from "./kept/kept_torrent.ts";

/** One torrent of the session at one moment, as plain data. Times in ms since 1970. */
export interface TorrentSnapshot extends SwarmSnapshot {
  /** The torrent's number for people: from 1, the same in each run, and never given to another torrent. */
  readonly number: number;
  readonly labels: readonly string[];
  readonly addedAt: number;
  /** When all wanted data was in its place for the last time; undefined where it never was. */
  readonly completedAt: number | undefined;
  /** The place in the queue, from 0. */
  readonly queuePosition: number;
  /** Whether the torrent is to rest until `resume`; its state may still be "checking" then. */
  readonly isPaused: boolean;
  /** Why the program itself has paused it, as "ratio 2 reached"; undefined where the user did. */
  readonly pauseReason: string | undefined;
  /** Bytes that were found in old data of the user's. */
  readonly reused: number;
  /** Seconds until all that is wanted is there, at the present rate; undefined where nothing comes. */
  readonly etaS: number | undefined;
}

/** What a snapshot is made of. */
interface Facts extends Pick<SwarmSnapshot, "state" | "waiting"> {
  readonly swarm: SwarmSnapshot;
  readonly kept: KeptTorrent;
  readonly queuePosition: number;
}

/**
 * Takes the snapshots of one torrent. Where nothing has changed since the last one, that one comes back, so that looks
 * at a thousand idle torrents are cheap.
 */
export class TorrentSnapshots {
  #facts: Facts | undefined;
  #snapshot: TorrentSnapshot | undefined;

  /** The snapshot of the torrent from that of its swarm, what the session adds to it, and its record. */
  take(facts: Facts): TorrentSnapshot {
    if (this.#snapshot === undefined || !hasSameMembers(this.#facts!, facts)) {
      this.#snapshot = snapshotOf(facts);
    }
    this.#facts = facts;
    return this.#snapshot;
  }
}

function snapshotOf({ swarm, state, waiting, kept, queuePosition }: Facts): TorrentSnapshot {
  const { number, labels, addedAt, completedAt, isPaused, pauseReason, reused } = kept;
  const { left } = swarm;
  // Rates are means of some seconds, which a torrent that rests has not moved in.
  const isMoving = state === "downloading" || state === "seeding";
  const [downloadRate, uploadRate] = isMoving ? [swarm.downloadRate, swarm.uploadRate] : [0, 0];
  const isComing = state === "downloading" && left > 0 && downloadRate > 0;
  return {
    ...swarm,
    downloadRate,
    uploadRate,
    state,
    waiting,
    number,
    labels,
    addedAt,
    completedAt,
    queuePosition,
    isPaused,
    pauseReason,
    reused,
    etaS: isComing ? Math.ceil(left / downloadRate) : undefined,
  };
}
