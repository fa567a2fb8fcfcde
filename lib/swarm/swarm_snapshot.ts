import type { Metainfo } from "../protocol/metainfo.ts";
import type { Download } from "./download/download.ts";
import { emptySnapshot } from "./empty_snapshot.ts";
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
  return {
    ...emptySnapshot(infoHash, name),
    ...standing,
    length: layout.totalLength,
    pieceLength: layout.pieceLength,
    pieces: layout.pieceCount,
    have: download.stored.count,
    missing: download.missing,
    left: download.missingBytes,
    ...statistics.snapshot(now),
    connections: peers.size,
    offering: peers.values().filter((peer) => peer.wantedPieces > 0).toArray().length,
    uploadSlotsUsed: upload.slotCount,
    downloadSourcesUsed: download.sources.count,
    peers: Array.from(peers.values(), (peer) => peer.snapshot(now)),
  };
}
