/** The JSON that a running process answers, as far as the commands read it. Sizes in bytes, rates in bytes per second. */

/** A torrent in the state. */
export interface TorrentSummary {
  readonly infoHash: string;
  readonly name: string;
  readonly number: number;
  readonly state: string;
  readonly length: number;
  readonly pieceLength: number;
  readonly pieces: number;
  readonly have: number;
  readonly missing: number;
  readonly checked?: number;
  readonly finished: boolean;
  readonly lacksMetadata: boolean;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly connections: number;
  readonly known: number;
  /** Seconds. */
  readonly etaS?: number;
  readonly labels?: readonly string[];
  readonly failure?: string;
  readonly pauseReason?: string;
  /** `nextTryAt` in milliseconds since 1970. */
  readonly waiting?: { readonly reason: string; readonly nextTryAt?: number };
  /** Absent while no other machine is known. */
  readonly room?: RoomView;
}

/** The machines of a torrent in numbers. */
export interface RoomView {
  readonly hosts: number;
  readonly done: number;
  readonly lastInS?: number;
}

/** A machine that takes part in a torrent. Times in milliseconds since 1970. */
export interface HostView {
  readonly endpoint: string;
  readonly name?: string;
  readonly client?: string;
  readonly isSelf: boolean;
  readonly state: string;
  /** 0 to 1. */
  readonly part?: number;
  readonly left?: number;
  readonly downloadRate?: number;
  /** Seconds. */
  readonly etaS?: number;
  readonly slow?: string;
  readonly doneAt?: number;
  readonly goneSince?: number;
}

/** The whole state. */
export interface State {
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly process: {
    readonly version: string;
    readonly port: number;
    readonly trackerPort?: number;
    readonly pid: number;
    readonly hostname?: string;
    readonly startedAt?: number;
  };
  readonly torrents: Readonly<Record<string, TorrentSummary>>;
}

/** A file of a torrent. */
export interface FileView {
  readonly position: number;
  readonly path: string;
  readonly length: number;
  /** Bytes stored. */
  readonly have: number;
  readonly isWanted: boolean;
  readonly isFirst: boolean;
}

/** A connected peer. */
export interface PeerView {
  readonly endpoint: string;
  readonly client: string;
  readonly have: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly isUploadSlot: boolean;
  readonly isDownloadSource: boolean;
  readonly isSnubbed?: boolean;
  readonly weWant?: boolean;
  readonly peerChokes?: boolean;
  readonly peerWants?: boolean;
  readonly source?: string;
  readonly reason: string;
  readonly sourceReason?: string;
}

/** A tracker of a torrent; moments in ms since 1970. */
export interface TrackerView {
  readonly url: string;
  readonly tier: number;
  readonly isOwn: boolean;
  readonly state: string;
  readonly seeders?: number;
  readonly leechers?: number;
  readonly peersHeard: number;
  readonly lastAnnounceAt?: number;
  readonly nextAnnounceAt?: number;
  readonly failure?: string;
}

/** The pieces of a torrent; bitfields in base64. */
export interface PiecesView {
  readonly have: string;
  readonly wanted: string;
  /** Copies of each piece at connected peers. */
  readonly availability: readonly number[];
  /** Pieces under way: blocks in all, and blocks received. */
  readonly active: readonly {
    readonly index: number;
    readonly blocks: number;
    readonly done: number;
    /** Peers that sent blocks of it. */
    readonly from: readonly string[];
    /** Peers that were asked for blocks of it and have not sent them yet. */
    readonly asked: readonly string[];
  }[];
}

/** A choice as a program makes it: "none" is no limit, null returns to the default. */
export type Choice = number | boolean | string | object | null;

/** Choices for a torrent or for the process; rates in bytes per second, times in milliseconds. */
export interface Choices {
  readonly maxDownload?: Choice;
  readonly maxUpload?: Choice;
  readonly uploadSlots?: Choice;
  readonly downloadSources?: Choice;
  readonly rechokeMs?: Choice;
  readonly superSeeds?: Choice;
  readonly peerExchange?: Choice;
  readonly seedRatio?: Choice;
  readonly seedTimeMs?: Choice;
  readonly maxActive?: Choice;
  readonly altIsOn?: Choice;
  readonly altMaxDownload?: Choice;
  readonly altMaxUpload?: Choice;
}
