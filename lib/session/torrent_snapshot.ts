import type { SwarmSnapshot } from "../swarm/ports.ts";
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
  /** Seconds until all that is wanted is there, at the present rate; undefined where nothing comes. */
  readonly etaS: number | undefined;
}

/** The snapshot of a torrent from that of its swarm, what the session adds to it, and its record. */
export function torrentSnapshot(
  swarm: SwarmSnapshot,
  { state, waiting }: Pick<SwarmSnapshot, "state" | "waiting">,
  { number, labels, addedAt, completedAt, isPaused, pauseReason }: KeptTorrent,
  queuePosition: number,
): TorrentSnapshot {
  const { left, downloadRate } = swarm;
  const isComing = state === "downloading" && left > 0 && downloadRate > 0;
  return {
    ...swarm,
    state,
    waiting,
    number,
    labels,
    addedAt,
    completedAt,
    queuePosition,
    isPaused,
    pauseReason,
    etaS: isComing ? Math.ceil(left / downloadRate) : undefined,
  };
}
