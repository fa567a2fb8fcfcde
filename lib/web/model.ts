/** The JSON of the API as the page reads it (`lib/api/README.md`). Members without a value are absent. */

/** What `GET /api/v1/state` answers, and what merge patches keep up to date. */
export interface State {
  readonly process: ProcessState;
  readonly torrents: Readonly<Record<string, TorrentState>>;
}

/** The running program. Sizes in bytes, rates in bytes per second, times in ms since 1970. */
export interface ProcessState {
  readonly version: string;
  readonly hostname?: string;
  readonly home?: string;
  readonly port: number;
  readonly trackerPort?: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly connections: number;
  readonly startedAt: number;
}

/** One torrent. */
export interface TorrentState {
  readonly infoHash: string;
  readonly number: number;
  readonly name: string;
  readonly state:
    | "fetching metadata"
    | "checking"
    | "downloading"
    | "seeding"
    | "paused"
    | "queued"
    | "failed"
    | "leaving";
  readonly role: "announcer" | "seeder" | "peer";
  readonly finished: boolean;
  readonly length: number;
  readonly pieceLength: number;
  readonly pieces: number;
  readonly have: number;
  readonly missing: number;
  readonly left?: number;
  readonly checked?: number;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly connections: number;
  readonly failure?: string;
  readonly pauseReason?: string;
  /** Why nothing comes; `nextTryAt` is when a tracker is asked again. */
  readonly waiting?: { readonly reason: string; readonly nextTryAt?: number };
  readonly labels?: readonly string[];
  readonly addedAt?: number;
  readonly completedAt?: number;
  readonly etaS?: number;
  /** The room in numbers; absent until somebody else is known. */
  readonly room?: RoomState;
}

/** All hosts of a torrent in numbers, this one among them. */
export interface RoomState {
  readonly hosts: number;
  readonly done: number;
  readonly gone: number;
  readonly slow: number;
  /** Part of all data of all hosts that is there, 0 to 1. */
  readonly together: number;
  /** Seconds until the last host is done, as far as it can be told. */
  readonly lastInS?: number;
  /** Copies of the piece that the fewest connected peers have, ours included. */
  readonly rarest?: number;
  /** Copies of the data that this machine has sent, and the others among themselves. */
  readonly sentCopies?: number;
  readonly othersCopies?: number;
}

/** A machine that takes part in a torrent. */
export interface Host {
  /** Its address with its port: one name for its whole life. */
  readonly endpoint: string;
  readonly name?: string;
  readonly client?: string;
  readonly isSelf?: boolean;
  readonly isAnnouncer?: boolean;
  readonly state: "downloading" | "done" | "paused" | "failed" | "checking" | "waiting" | "gone";
  /** Part of the data that it has, 0 to 1. */
  readonly part?: number;
  readonly left?: number;
  readonly downloadRate?: number;
  readonly uploadRate?: number;
  readonly etaS?: number;
  /** Why it is slow, in a few words. */
  readonly slow?: string;
  readonly firstSeenAt?: number;
  readonly doneAt?: number;
  readonly goneSince?: number;
}

/** A file of a torrent. */
export interface TorrentFile {
  readonly position: number;
  readonly path: string;
  readonly length: number;
  readonly have: number;
  readonly isWanted: boolean;
  readonly isFirst: boolean;
}

/** A connected peer. */
export interface Peer {
  readonly endpoint: string;
  readonly client: string;
  readonly have: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly isUploadSlot: boolean;
  readonly isDownloadSource: boolean;
  readonly weChoke?: boolean;
  readonly peerChokes?: boolean;
  readonly weWant?: boolean;
  readonly peerWants?: boolean;
  readonly isSnubbed?: boolean;
  readonly isEncrypted?: boolean;
  readonly isIncoming?: boolean;
  readonly reason: string;
  readonly sourceReason?: string;
}

/** A tracker of a torrent. */
export interface Tracker {
  readonly url: string;
  readonly tier: number;
  readonly isOwn: boolean;
  readonly state: string;
  readonly seeders?: number;
  readonly leechers?: number;
  readonly peersHeard?: number;
  readonly lastAnnounceAt?: number;
  readonly nextAnnounceAt?: number;
  readonly failure?: string;
}

/** The pieces of a torrent; bit fields in base64. */
export interface Pieces {
  readonly have: string;
  readonly wanted: string;
  readonly availability: readonly number[];
}

/** Facts of a torrent that do not change every second. */
export interface Details {
  readonly comment?: string;
  readonly createdBy?: string;
  readonly isPrivate?: boolean;
  readonly magnet?: string;
  readonly folder?: string;
  readonly choices?: Readonly<Record<string, number | boolean>>;
}

/** An event of the program, with its time. */
export interface LogEntry {
  readonly event: string;
  readonly time?: number;
  readonly infoHash?: string;
  readonly message?: string;
  readonly [member: string]: unknown;
}
