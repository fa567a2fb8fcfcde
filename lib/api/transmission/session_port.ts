/** The part of a session that Transmission's RPC shows and steers. */
import type { InfoHash } from "../../protocol/info_hash.ts";
import type * as session from "../../session/session.ts";

export type {
  FileView,
  FileWishes,
  PeerView,
  PiecesView,
  ProcessSnapshot,
  TorrentSnapshot,
  TrackerView,
} from "../../session/session.ts";

/** The choices that the RPC knows. */
export interface RpcChoices extends session.Choices {
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

/** What a torrent is. */
export interface TorrentDetails extends session.TorrentDetails {
  readonly isSequential?: boolean;
}

/** The source of a torrent. */
export type TorrentOrigin = session.TorrentOrigin | { readonly url: string };

/** The wishes with which a torrent is taken in. */
export interface AddOptions extends session.AddOptions {
  readonly folder?: string;
}

/** The methods of a session that the RPC uses. */
export interface RpcSession extends
  Pick<
    session.Session,
    | "remove"
    | "pause"
    | "resume"
    | "verify"
    | "reannounce"
    | "select"
    | "label"
    | "snapshot"
    | "files"
    | "trackers"
    | "webSeeds"
    | "pieces"
  > {
  open(origin: TorrentOrigin, options?: AddOptions): Promise<session.OpenedTorrent>;
  choose(choices: RpcChanges, infoHash?: InfoHash): Promise<void>;
  choices(infoHash?: InfoHash): Partial<RpcChoices>;
  details(infoHash: InfoHash): TorrentDetails;
  process(): session.ProcessSnapshot & { readonly isAlternative?: boolean };
  addTracker?(infoHash: InfoHash, url: string, tier?: number): Promise<void>;
  dropTracker?(infoHash: InfoHash, url: string): Promise<void>;
  queueMove?(infoHash: InfoHash, to: "top" | "up" | "down" | "bottom"): Promise<void>;
}
