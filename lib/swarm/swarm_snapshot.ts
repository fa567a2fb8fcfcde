import type { Metainfo } from "../protocol/metainfo.ts";
import type { Download } from "./download/download.ts";
import type { RemotePeerSnapshot, SwarmSnapshot } from "./ports.ts";
import type { RemotePeer } from "./peers/remote_peer.ts";
import type { Statistics } from "./statistics.ts";
import type { Upload } from "./upload/upload.ts";

/** The parts that a snapshot is taken of. */
interface SwarmParts {
  readonly metainfo: Metainfo;
  readonly download: Download;
  readonly upload: Upload;
  readonly statistics: Statistics;
  /** Connected remote peers by number. */
  readonly peers: ReadonlyMap<number, RemotePeer>;
}

/** The peers of a swarm that is alone: the same list, so that snapshots can be compared. */
const NOBODY: readonly RemotePeerSnapshot[] = [];

/**
 * Everything about a swarm at `now` (ms), as plain data; `standing` holds the facts that only the swarm knows. Where
 * nothing has changed since the snapshot `before`, that one comes back: a thousand idle torrents cost no memory then.
 */
export function snapshotOf(
  { metainfo, download, upload, statistics, peers }: SwarmParts,
  standing: Pick<SwarmSnapshot, "role" | "seeding" | "finished" | "state" | "failure" | "known">,
  now: number,
  before: SwarmSnapshot | undefined,
): SwarmSnapshot {
  const { layout, name, infoHash } = metainfo;
  let offering = 0;
  for (const peer of peers.values()) if (peer.wantedPieces > 0) offering++;
  const { uploaded, downloaded, uploadRate, downloadRate } = statistics.snapshot(now);
  // One literal: with a thousand torrents, copies of parts would be a good part of the work.
  const snapshot = {
    infoHash,
    name,
    role: standing.role,
    seeding: standing.seeding,
    length: layout.totalLength,
    pieceLength: layout.pieceLength,
    pieces: layout.pieceCount,
    have: download.stored.count,
    missing: download.missing,
    left: download.missingBytes,
    held: download.held.pieces.count,
    finished: standing.finished,
    downloaded,
    uploaded,
    downloadRate,
    uploadRate,
    connections: peers.size,
    offering,
    known: standing.known,
    uploadSlotsUsed: upload.slotCount,
    downloadSourcesUsed: download.sources.count,
    lacksMetadata: false,
    checked: undefined,
    state: standing.state,
    failure: standing.failure,
    waiting: undefined,
    peers: peers.size === 0 ? NOBODY : Array.from(peers.values(), (peer) => peer.snapshot(now)),
  };
  return before !== undefined && hasSameMembers(before, snapshot) ? before : snapshot;
}

/** Whether all members of `after` are identical to those of `before`. */
export function hasSameMembers<Value extends object>(before: Value, after: Value): boolean {
  for (const name in after) if (before[name] !== after[name]) return false;
  return true;
}
