import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import { emptySnapshot } from "../../../lib/swarm/empty_snapshot.ts";
import type { RemotePeerSnapshot, SwarmSnapshot } from "../../../lib/swarm/ports.ts";

/** An info-hash of one repeated hex digit. */
export function fakeInfoHash(digit: string): InfoHash {
  return digit.repeat(40) as InfoHash;
}

/** A connected peer that nothing is exchanged with, but for `changes`. */
export function peerSnapshot(changes: Partial<RemotePeerSnapshot> = {}): RemotePeerSnapshot {
  return {
    endpoint: "10.0.0.5:6881",
    address: "10.0.0.5",
    port: 6881,
    peerId: "00".repeat(20),
    source: "tracker",
    isIncoming: false,
    isEncrypted: false,
    client: "peer 0.1.0",
    have: 0,
    downloadRate: 0,
    uploadRate: 0,
    progressRate: 0,
    downloaded: 0,
    uploaded: 0,
    isUploadSlot: false,
    isDownloadSource: false,
    weChoke: true,
    peerChokes: true,
    weWant: false,
    peerWants: false,
    isSnubbed: false,
    isSeed: false,
    requests: 0,
    reason: "",
    sourceReason: "",
    ...changes,
  };
}

/** A swarm of 19 pieces without any, but for `changes`. */
export function swarmSnapshot(changes: Partial<SwarmSnapshot> = {}): SwarmSnapshot {
  const { pieces = 19, have = 0, seeding = false } = changes;
  return {
    ...emptySnapshot(fakeInfoHash("a"), "age.txt"),
    length: 19 * 16_384,
    pieceLength: 16_384,
    pieces: 19,
    missing: pieces - have,
    finished: seeding,
    ...changes,
  };
}
