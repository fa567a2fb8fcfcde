/** The interfaces through which the logic uses the world. `net/` and `disk/` implement them, and tests fake them. */
import type { StorageError } from "../errors.ts";
import type { Bitfield } from "../protocol/bitfield.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Steps } from "../protocol/steps.ts";

/** Why a connection has ended that the other side closed. */
export const CLOSED_BY_PEER = "it closed the connection";

/** The sending half of one connection, as the swarm sees it. Every method returns at once. */
export interface PeerSender {
  /** Queues an encoded message. The array is kept until it is sent. */
  send(message: Uint8Array): void;
  /** Queues a message that may wait a few hundredths of a second for others to travel with. */
  sendSoon(message: Uint8Array): void;
  /** Queues a block to be read from disk at the moment it is sent. `begin` and `length` in bytes. */
  queueBlock(index: number, begin: number, length: number): void;
  /** Takes one block out of the queue; false when it is not there, or no longer. */
  dropBlock(index: number, begin: number, length: number): boolean;
  /** Takes all blocks out of the queue and returns how many; `each` hears of every one. */
  dropBlocks(each: (index: number, begin: number, length: number) => void): number;
  /** Blocks queued and not yet handed to the operating system. */
  readonly queuedBlocks: number;
  /** Closes the connection; the swarm hears `peerClosed` with this reason. */
  close(reason: string): void;
}

/**
 * The store of one torrent's pieces.
 *
 * A piece buffer has one owner at a time: `takeBuffer` gives it to the swarm, `commit` or `giveBuffer` takes it back.
 */
export interface PieceStorage {
  /** A buffer of `pieceLength` bytes with undefined contents. */
  takeBuffer(): Uint8Array<ArrayBuffer>;
  /** Returns a buffer that was not committed. */
  giveBuffer(buffer: Uint8Array<ArrayBuffer>): void;
  /** Verifies and writes a piece. The answers come later through `PieceStorageListener`, in any order. */
  commit(index: number, buffer: Uint8Array<ArrayBuffer>): void;
  /**
   * Fills `target` with bytes of a stored piece from `begin` on, either before it returns or until the returned promise
   * resolves. Errors: `StorageError`, thrown or as rejection.
   */
  readInto(index: number, begin: number, target: Uint8Array): Promise<void> | void;
  /** Whether few enough bytes are being committed that more may be received. */
  hasRoom(): boolean;
  /** Resolves when `hasRoom()` is true again, or the store is closed. */
  whenRoom(): Promise<void>;
  /**
   * Moves the wanted files to their final place, as they are complete. Calls `dataFinished` or `storageFailed` later.
   */
  finish(): void;
  /** Other files are wanted from now on: pieces that are committed later go to these files. */
  select(selection: Selection): void;
}

/** The pieces that are looked for in data which is here already, and are not fetched meanwhile. */
export interface HeldPieces {
  /** Those held now. */
  readonly pieces: Bitfield;
  /** Holds all missing pieces, with pauses. */
  holdMissing(): Steps<void>;
  /** Holds a piece; false when it is not missing: not wanted, being fetched, or stored. */
  hold(index: number): boolean;
  /** The piece was not found: it is to be fetched. */
  letGo(index: number): void;
  /** Lets go of all of which `isMeant` says so, with pauses. */
  letGoOf(isMeant: (index: number) => boolean): Steps<void>;
}

/** How fast bytes may move; the limit may change at any time. */
export interface RateLimit {
  /** The lowest of all limits that hold, in bytes per second; `Infinity` where there is none. */
  readonly lowestRate: number;
  /** Most bytes to move at once, so that the rate stays even; `Infinity` where there is no limit. */
  readonly portion: number;
  /** Counts bytes that were moved, and resolves when more may move. Rejects when `signal` aborts. */
  spend(bytes: number, signal: AbortSignal): Promise<void>;
}

/** The limits that hold for the connections of one torrent. */
export interface RateLimits {
  readonly upload: RateLimit;
  readonly download: RateLimit;
}

/** The part of a torrent that the user wants. */
export interface Selection {
  /** Wanted files by position, without padding. */
  readonly files: Bitfield;
  /** Wanted pieces: all that hold a part of a wanted file. */
  readonly pieces: Bitfield;
}

/** Hears the answers of a `PieceStorage`; the swarm implements it. */
export interface PieceStorageListener {
  /** The piece hashed right and is written (not necessarily synced). */
  pieceStored(index: number): void;
  /** The piece hashed wrong; nothing was written. `buffer` holds the wrong bytes and is borrowed during the call. */
  pieceCorrupt(index: number, buffer: Uint8Array): void;
  /** The disk refused, or another program changed the data (`DataChangedError`): the torrent has failed. */
  storageFailed(error: StorageError): void;
  /** All wanted files are in their final place; `path` names it for the user. */
  dataFinished(path: string): void;
}

/** The state of a torrent in this process. A "queued" one waits until others are done. */
export type TorrentState =
  | "fetching metadata"
  | "checking"
  | "downloading"
  | "seeding"
  | "paused"
  | "queued"
  | "failed"
  | "leaving";

/** What a process is for one torrent (roles in `lib/ui/README.md`). */
export type Role = "announcer" | "seeder" | "peer";

/** Where we heard of a peer. */
export type PeerSource = "tracker" | "broadcast" | "pex" | "lsd" | "dht" | "user" | "incoming";

/** Why a peer has an upload slot or has none; an empty text before that was decided for the first time. */
export type SlotReason =
  | ""
  // Reasons to give a slot, as in `Decision`.
  | "fastest"
  | "by chance"
  | "free place"
  // Reasons to take it away.
  | "others are faster"
  | "others wait"
  | "others want our data"
  | "takes nothing"
  | "asks for nothing"
  | "wants nothing";

/** Why a peer is a download source or is none; an empty text before that was decided for the first time. */
export type SourceReason =
  | ""
  // Reasons to make it one.
  | "fastest"
  | "by chance"
  | "free place"
  | "on trial"
  | "was better before"
  | "web seed"
  // Reasons to let it go.
  | "others are faster"
  | "others are tried"
  | "has nothing to ask for"
  | "near ones come first"
  | "chokes us"
  | "refused a request"
  | "snubbed";

/** A peer that has an upload slot, or is a source. */
export interface GivenPlace<Reason> {
  readonly peer: string;
  readonly reason: Reason;
  /** In bytes per second. */
  readonly rate: number;
}

/** Something that happened in a swarm and that a user or a program may want to know. */
export type SwarmNews =
  | { readonly event: "status"; readonly role: Role; readonly seeding: boolean }
  | { readonly event: "peers"; readonly source: PeerSource; readonly peers: readonly string[] }
  | { readonly event: "connected"; readonly peer: string; readonly client: string }
  | {
    readonly event: "disconnected";
    readonly peer: string;
    readonly client: string;
    readonly reason: string;
  }
  | { readonly event: "corrupt"; readonly piece: number; readonly peers: readonly string[] }
  | {
    /** A piece has all its blocks and was compared with its hash; told only while `watchesPieces` says so. */
    readonly event: "piece";
    readonly piece: number;
    /** The peers that delivered it; empty when an earlier run had received all of it. */
    readonly peers: readonly string[];
    /** Whether it hashed right. */
    readonly good: boolean;
    /** The file that the piece begins in, as a path within the torrent, and the position of its first byte there. */
    readonly file: string;
    readonly offset: number;
  }
  | {
    /** The slots and sources were given anew, as each 30 s. */
    readonly event: "rechoke";
    /** The peers with an upload slot, and the measure by which the fastest were found; rates by that measure. */
    readonly slots: readonly GivenPlace<SlotReason>[];
    readonly slotsBy: "what they give" | "what they take";
    /** Peers that want our data and have no slot. */
    readonly waitingForSlot: number;
    readonly sources: readonly GivenPlace<SourceReason>[];
    /** Peers that have something for us and are no source. */
    readonly waitingAsSource: number;
  }
  | {
    /** The list of our own tracker has changed. Peers are named as `host:port`. */
    readonly event: "tracker";
    readonly joined: readonly string[];
    readonly left: readonly string[];
    /** Listed peers that have everything by now. */
    readonly finished: readonly string[];
    /** The names that some of these gave themselves, by `host:port`. */
    readonly names: Readonly<Record<string, string>>;
    /** How many peers the tracker lists, ourselves not counted. */
    readonly known: number;
    /** How many connected peers got the news by `lan_peers`. */
    readonly pushedTo: number;
  }
  | {
    readonly event: "complete";
    readonly name: string;
    readonly path: string;
    readonly seconds: number;
    /** Payload bytes received in this run, by sender (`host:port`). */
    readonly sources: Readonly<Record<string, number>>;
  }
  | {
    /** A search for pieces in old data has ended: so many pieces and bytes were there, of `length` bytes in all. */
    readonly event: "reused";
    readonly name: string;
    readonly pieces: number;
    readonly bytes: number;
    readonly length: number;
  }
  | { readonly event: "warning" | "error"; readonly code: string; readonly message: string };

/** The same with the swarm it happened in (the JSON events of `lib/ui/README.md`). */
export type SwarmEvent = { readonly infoHash: InfoHash } & SwarmNews;

/** One connection in a snapshot. Rates in bytes per second. */
export interface RemotePeerSnapshot {
  /** Its name for the user: `host:port` where it listens or comes from, or the address of a web seed. */
  readonly endpoint: string;
  /** Where the connection leads: for an incoming one, not where the peer listens. A web seed has "0.0.0.0" and 0. */
  readonly address: string;
  readonly port: number;
  /** 40 hex digits; a process has one for all its addresses. */
  readonly peerId: string;
  readonly client: string;
  readonly source: PeerSource | "web seed";
  readonly isIncoming: boolean;
  /** Whether the payload is encrypted. */
  readonly isEncrypted: boolean;
  /** Pieces it has. */
  readonly have: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  /** The rate at which it gets the data from anybody, as it tells of pieces. */
  readonly progressRate: number;
  /** Bytes since the connection began. */
  readonly downloaded: number;
  readonly uploaded: number;
  readonly isUploadSlot: boolean;
  readonly isDownloadSource: boolean;
  /** Whether we refuse its requests, and whether it refuses ours. */
  readonly weChoke: boolean;
  readonly peerChokes: boolean;
  /** Whether we have told it that we want something of it, and whether it has told us that. */
  readonly weWant: boolean;
  readonly peerWants: boolean;
  /** Whether it is passed over as a source because it owed us blocks and was silent. */
  readonly isSnubbed: boolean;
  /** Whether it has everything. */
  readonly isSeed: boolean;
  /** Blocks that it was asked for and has not sent yet. */
  readonly requests: number;
  /** Why it has an upload slot or has none. */
  readonly reason: SlotReason;
  /** Why it is a download source or is none. */
  readonly sourceReason: SourceReason;
}

/** Why a torrent that wants something receives nothing. */
export interface Waiting {
  /** A sentence without its end. */
  readonly reason: string;
  /** When a tracker is asked again, in ms from now; undefined if that would not help. */
  readonly nextTryInMs: number | undefined;
}

/** One swarm at one moment, as plain data. Sizes in bytes, rates in bytes per second. */
export interface SwarmSnapshot {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly role: Role;
  readonly seeding: boolean;
  readonly length: number;
  readonly pieceLength: number;
  readonly pieces: number;
  readonly have: number;
  /** Pieces that are wanted and lacking. */
  readonly missing: number;
  /** Bytes of these pieces. */
  readonly left: number;
  /** Those of these pieces that are looked for in older data, and not fetched meanwhile. */
  readonly held: number;
  /** Whether all wanted data is in its final place; with `seeding`, all data there is. */
  readonly finished: boolean;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly connections: number;
  /** Connected peers that have something we want and lack. */
  readonly offering: number;
  /** Endpoints heard of, connected or not. */
  readonly known: number;
  readonly uploadSlotsUsed: number;
  readonly downloadSourcesUsed: number;
  /** Whether only the info-hash is known, from a magnet link. Numbers that come from the metadata are 0 then. */
  readonly lacksMetadata: boolean;
  /** How many pieces on disk have been checked so far; undefined once all are. */
  readonly checked: number | undefined;
  readonly state: TorrentState;
  /** Why it stands still, or why it could not begin; undefined unless its state is "failed". */
  readonly failure: string | undefined;
  /** Why nothing comes although something is wanted; undefined while data comes, or when that was not looked at. */
  readonly waiting: Waiting | undefined;
  readonly peers: readonly RemotePeerSnapshot[];
}
