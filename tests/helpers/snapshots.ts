import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import type { RemotePeerSnapshot, SwarmSnapshot } from "../../lib/swarm/ports.ts";

/** An info-hash of one repeated hex digit. */
export function fakeInfoHash(digit: string): InfoHash {
  return digit.repeat(40) as InfoHash;
}

/** A connected peer that nothing is exchanged with, but for `changes`. */
export function peerSnapshot(changes: Partial<RemotePeerSnapshot> = {}): RemotePeerSnapshot {
  return {
    endpoint: "10.0.0.5:6881",
    client: "peer 0.1.0",
    have: 0,
    downloadRate: 0,
    uploadRate: 0,
    downloaded: 0,
    uploaded: 0,
    isUploadSlot: false,
    isDownloadSource: false,
    reason: "",
    ...changes,
  };
}

/** A swarm of 19 pieces without any, but for `changes`. */
export function swarmSnapshot(changes: Partial<SwarmSnapshot> = {}): SwarmSnapshot {
  const { pieces = 19, have = 0, seeding = false } = changes;
  return {
    infoHash: fakeInfoHash("a"),
    name: "age.txt",
    role: "peer",
    seeding: false,
    length: 19 * 16_384,
    pieceLength: 16_384,
    pieces: 19,
    have: 0,
    missing: pieces - have,
    finished: seeding,
    downloaded: 0,
    uploaded: 0,
    downloadRate: 0,
    uploadRate: 0,
    connections: 0,
    uploadSlotsUsed: 0,
    downloadSourcesUsed: 0,
    lacksMetadata: false,
    checked: undefined,
    paused: undefined,
    peers: [],
    ...changes,
  };
}
