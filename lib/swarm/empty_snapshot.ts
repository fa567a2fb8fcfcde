import type { InfoHash } from "../protocol/info_hash.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { SwarmSnapshot } from "./ports.ts";

/** A snapshot of a torrent before it has a swarm: it has no data and no connections. */
export function emptySnapshot(infoHash: InfoHash, name: string): SwarmSnapshot {
  return {
    infoHash,
    name,
    role: "peer",
    seeding: false,
    length: 0,
    pieceLength: 0,
    pieces: 0,
    have: 0,
    missing: 0,
    left: 0,
    held: 0,
    finished: false,
    downloaded: 0,
    uploaded: 0,
    downloadRate: 0,
    uploadRate: 0,
    connections: 0,
    offering: 0,
    known: 0,
    uploadSlotsUsed: 0,
    downloadSourcesUsed: 0,
    lacksMetadata: false,
    checked: undefined,
    state: "downloading",
    failure: undefined,
    waiting: undefined,
    peers: [],
  };
}

/**
 * A snapshot of a torrent without a swarm. `checked`: pieces checked so far; undefined while the check has not begun.
 */
export function unjoinedSnapshot(
  { infoHash, name, layout }: Metainfo,
  checked: number | undefined,
): SwarmSnapshot {
  return {
    ...emptySnapshot(infoHash, name),
    length: layout.totalLength,
    pieceLength: layout.pieceLength,
    pieces: layout.pieceCount,
    missing: layout.pieceCount,
    left: layout.totalLength,
    state: "checking",
    checked,
  };
}
