import type { Metainfo } from "../protocol/metainfo.ts";
import type { Download } from "./download/download.ts";
import type { SwarmSnapshot } from "./ports.ts";
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

/** Everything about a swarm at `now` (ms), as plain data; `standing` holds the facts that only the swarm knows. */
export function snapshotOf(
  { metainfo, download, upload, statistics, peers }: SwarmParts,
  standing: Pick<SwarmSnapshot, "role" | "seeding" | "finished" | "state" | "failure" | "known">,
  now: number,
): SwarmSnapshot {
  const { layout, name, infoHash } = metainfo;
  let offering = 0;
  for (const peer of peers.values()) if (peer.wantedPieces > 0) offering++;
  const { uploaded, downloaded, uploadRate, downloadRate } = statistics.snapshot(now);
  // One literal: with a thousand torrents, copies of parts would be a good part of the work.
  return {
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
    peers: peers.size === 0 ? [] : Array.from(peers.values(), (peer) => peer.snapshot(now)),
  };
}
