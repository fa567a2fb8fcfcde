/** What the HTTP interface answers, with members of a test's choice: for those who read it. */
import type { HostView, PeerView, State, TorrentSummary } from "../../../lib/api/shapes.ts";
import { DEFAULT_CHOICES } from "../../../lib/swarm/policy.ts";
import { jsonOf } from "../../../lib/api/events/state.ts";
import { peerSnapshot } from "./snapshots.ts";

/** A torrent of 100 pieces that is being downloaded. */
export function torrentSummary(
  number: number,
  name: string,
  changes: Partial<TorrentSummary> = {},
): TorrentSummary {
  return {
    infoHash: number.toString(16).padStart(40, "0"),
    number,
    name,
    role: "peer",
    state: "downloading",
    seeding: false,
    finished: false,
    isPaused: false,
    labels: [],
    addedAt: 0,
    queuePosition: number - 1,
    reused: 0,
    length: 100 * 2 ** 20,
    pieceLength: 2 ** 20,
    pieces: 100,
    have: 40,
    missing: 60,
    left: 60 * 2 ** 20,
    held: 0,
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
    ...changes,
  };
}

/** A process that moves nothing. */
export function processSummary(changes: Partial<State["process"]> = {}): State["process"] {
  return {
    version: "0.2.0",
    hostname: "lab-01",
    pid: 7,
    home: "/home/teacher/peer",
    encryption: "prefer",
    localDiscovery: true,
    port: 6881,
    startedAt: 0,
    connections: 0,
    uploadRate: 0,
    downloadRate: 0,
    uploaded: 0,
    downloaded: 0,
    uploadedEver: 0,
    downloadedEver: 0,
    choices: jsonOf(DEFAULT_CHOICES) as unknown as State["process"]["choices"],
    isAlternative: false,
    ...changes,
  };
}

/** A connected peer that has half of 100 pieces, and with which nothing is exchanged. */
export function peerView(endpoint: string, changes: Partial<PeerView> = {}): PeerView {
  return {
    ...peerSnapshot({ endpoint, client: "peer 0.2.0", have: 50, peerChokes: false }),
    source: "",
    ...changes,
  };
}

/** A machine that is done. */
export function hostView(endpoint: string, changes: Partial<HostView> = {}): HostView {
  return {
    endpoint,
    client: "peer 0.2.0",
    isSelf: false,
    isAnnouncer: false,
    state: "done",
    part: 1,
    left: 0,
    downloadRate: 0,
    uploadRate: 0,
    ...changes,
  };
}
