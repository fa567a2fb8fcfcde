/** The part of a session that Transmission's RPC shows and steers. */
import type { InfoHash } from "../../protocol/info_hash.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type {
  Choices,
  FileView,
  PiecesView,
  SwarmSnapshot,
  TorrentDetails as KnownDetails,
  TrackerView,
} from "../../session/session.ts";

export type { FileView, PeerView, PiecesView, TrackerView } from "../../session/session.ts";

/** The user's wishes for the files of a torrent; a wish that is left out stays as it was. */
export interface FileWishes {
  /** Wanted files by position; an empty list stands for all. */
  readonly positions?: readonly FileRange[];
  /** Files that are fetched before the others, by position. */
  readonly firstPositions?: readonly FileRange[];
  readonly isSequential?: boolean;
}

/** The choices that the RPC knows, beside those there are already. */
export interface RpcChoices extends Choices {
  /** The ratio of sent to received bytes at which a torrent pauses; `Infinity` for none. */
  readonly seedRatio: number;
  /** Unfinished torrents that run at once; `Infinity` for no limit. */
  readonly maxActive: number;
  readonly altMaxUpload: number;
  readonly altMaxDownload: number;
  readonly altIsOn: boolean;
  readonly altSchedule: AlternativeSchedule | "none";
}

/** Choices to make; for undefined, the value for all torrents, or the default, holds again. */
export type RpcChanges = { readonly [Name in keyof RpcChoices]?: RpcChoices[Name] | undefined };

/** The time of day in which the alternative limits hold. */
export interface AlternativeSchedule {
  /** Minutes since midnight. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** A bit for each day of the week, 1 for Sunday. */
  readonly days: number;
}

/** One torrent at one moment. Times in ms since 1970. */
export interface TorrentSnapshot extends SwarmSnapshot {
  /** A number that no other torrent ever had in this home. */
  readonly number: number;
  readonly labels: readonly string[];
  readonly addedAt: number;
  readonly completedAt?: number;
  readonly queuePosition: number;
  readonly isPaused: boolean;
  /** Bytes wanted and lacking. */
  readonly left: number;
  readonly etaS?: number;
  /** Why it rests although the user did not pause it. */
  readonly pauseReason?: string;
}

/** What a torrent is. */
export interface TorrentDetails extends KnownDetails {
  readonly secondsDownloading?: number;
  readonly secondsSeeding?: number;
  readonly isSequential?: boolean;
}

/** The process at one moment. */
export interface ProcessSnapshot {
  readonly version: string;
  readonly port: number;
  readonly startedAt: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly downloaded: number;
  readonly uploaded: number;
  readonly downloadedEver: number;
  readonly uploadedEver: number;
  readonly choices: RpcChoices;
  readonly isAlternative: boolean;
}

/** The source of a torrent. */
export type TorrentOrigin =
  | { readonly path: string }
  | { readonly bytes: Uint8Array }
  | { readonly magnet: string }
  | { readonly url: string };

/** The wishes with which a torrent is taken in. */
export interface AddOptions {
  readonly files?: FileWishes;
  readonly isPaused?: boolean;
  readonly labels?: readonly string[];
  readonly folder?: string;
}

/** The methods of a session that the RPC uses. */
export interface RpcSession {
  open(origin: TorrentOrigin, options?: AddOptions): Promise<{ infoHash: InfoHash; isNew: boolean }>;
  remove(infoHash: InfoHash, deletesData: boolean): Promise<void>;
  pause(infoHash: InfoHash): Promise<void>;
  resume(infoHash: InfoHash): Promise<void>;
  verify(infoHash: InfoHash): Promise<void>;
  reannounce(infoHash: InfoHash): void;
  select(infoHash: InfoHash, wishes: FileWishes): Promise<void>;
  choose(choices: RpcChanges, infoHash?: InfoHash): Promise<void>;
  choices(infoHash?: InfoHash): Partial<RpcChoices>;
  label(infoHash: InfoHash, labels: readonly string[]): Promise<void>;
  addTracker(infoHash: InfoHash, url: string, tier?: number): Promise<void>;
  dropTracker(infoHash: InfoHash, url: string): Promise<void>;
  queueMove(infoHash: InfoHash, to: "top" | "up" | "down" | "bottom"): Promise<void>;
  snapshot(): TorrentSnapshot[];
  details(infoHash: InfoHash): TorrentDetails;
  files(infoHash: InfoHash): FileView[];
  trackers(infoHash: InfoHash): TrackerView[];
  webSeeds(infoHash: InfoHash): { readonly url: string }[];
  pieces(infoHash: InfoHash): PiecesView;
  process(): ProcessSnapshot;
}
