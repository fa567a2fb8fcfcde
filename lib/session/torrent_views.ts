/** Looks at one torrent from near: what it is, its files, trackers, web seeds and pieces. Computed on demand. */
import type { Announcer, TrackerStatus } from "../net/tracker/announcer.ts";
import { missesOurTracker } from "../net/tracker/own_tracker.ts";
import { parseAnnounceAddress } from "../protocol/announce_address.ts";
import { shareCode } from "../protocol/share_code.ts";
import { formatMagnet, type Magnet } from "../protocol/magnet.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { Steps } from "../protocol/steps.ts";
import type { ScrapeCounts } from "../protocol/tracker_messages.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Choices } from "../swarm/policy.ts";
import type { SwarmSnapshot } from "../swarm/ports.ts";
import { type FileView, type PiecesView, viewFiles } from "../swarm/swarm_views.ts";
import type { JoinedTorrent } from "./joined_torrent.ts";
import type { Times } from "./kept/active_times.ts";

/** What a torrent is, beside its snapshot. Members without a value are left out. Sizes in bytes. */
export interface TorrentDetails {
  readonly infoHash: InfoHash;
  readonly name: string;
  readonly comment: string;
  readonly createdBy: string;
  /** In ms since 1970. */
  readonly createdAt?: number;
  readonly isPrivate: boolean;
  readonly magnet: string;
  /** The folder of its finished data. */
  readonly folder: string;
  /** The choices made for this torrent alone. */
  readonly choices: Partial<Choices>;
  /** Bytes of all runs. */
  readonly uploadedEver: number;
  readonly downloadedEver: number;
  /** How long it was downloaded and seeded in all runs. */
  readonly secondsDownloading: number;
  readonly secondsSeeding: number;
  /** Bytes of pieces that failed their hash in this run. */
  readonly corruptBytes: number;
  /** Whether it is fetched from the beginning to the end; false until its data has been checked. */
  readonly isSequential: boolean;
  /** How many files it has, without padding. */
  readonly files: number;
  readonly pieceLength: number;
  /** Four words by which others get it; left out for a private torrent. */
  readonly code?: string;
  /** Whether hosts near by that know no code see that it is shared. */
  readonly isListed: boolean;
}

/** One announce URL of a torrent. Members without a value are left out; times in ms since 1970. */
export interface TrackerView {
  /** The whole URL; or the address as it stands in the torrent, where that is no URL of a tracker. */
  readonly url: string;
  /** The number of its tier, from 0 (BEP 12). */
  readonly tier: number;
  /** Whether it is the tracker of this process. */
  readonly isOwn: boolean;
  /** Whether it is none of the torrent, but stands in for them while none of them answers. */
  readonly standsIn?: true;
  /** "idle": not asked yet. "not asked": it cannot be asked, or there are too many. */
  readonly state: "idle" | "announcing" | "ok" | "failed" | "not asked";
  readonly seeders?: number;
  readonly leechers?: number;
  /** How many peers have completed the download. */
  readonly downloads?: number;
  /** Peers that its last answer named; at our own tracker all that it lists. */
  readonly peersHeard: number;
  readonly lastAnnounceAt?: number;
  readonly nextAnnounceAt?: number;
  /** Safe to print. */
  readonly failure?: string;
}

/** One web seed of a torrent. Members without a value are left out. */
export interface WebSeedView {
  readonly url: string;
  /** Whether it delivers files (BEP 19) or pieces (BEP 17). */
  readonly kind: "files" | "pieces";
  /** Whether it is connected, as far as HTTP knows that. */
  readonly isConnected: boolean;
  /** Bytes per second, and bytes since it was connected. */
  readonly downloadRate: number;
  readonly downloaded: number;
  /** Its last defect. Safe to print. */
  readonly failure?: string;
}

/** The parts of a torrent that it is seen by. */
export interface TorrentParts {
  readonly infoHash: InfoHash;
  readonly metainfo: Metainfo | undefined;
  readonly magnet: Magnet | undefined;
  readonly joined: JoinedTorrent | undefined;
  /** Undefined while the torrent is not announced. */
  readonly announcer: Announcer | undefined;
}

/** What a torrent is. */
export function detailsOf(
  { infoHash, metainfo, magnet, joined }: TorrentParts,
  { name, uploaded, downloaded }: SwarmSnapshot,
  { folder, isListed }: Pick<TorrentDetails, "folder" | "isListed">,
  choices: Partial<Choices>,
  { downloadingMs, seedingMs }: Times,
): TorrentDetails {
  const trackers = (metainfo?.announceTiers.flat() ?? magnet?.trackers ?? []).map(urlOf);
  const webSeeds = metainfo?.webSeeds ?? magnet?.webSeeds ?? [];
  const { comment = "", createdBy = "", creationDate, isPrivate = false } = metainfo ?? {};
  return {
    infoHash,
    name,
    comment,
    createdBy,
    ...defined({ createdAt: creationDate === undefined ? undefined : creationDate * 1_000 }),
    isPrivate,
    magnet: formatMagnet({ infoHash, name, trackers, webSeeds }),
    folder,
    choices,
    uploadedEver: uploaded,
    downloadedEver: downloaded,
    secondsDownloading: Math.round(downloadingMs / 1_000),
    secondsSeeding: Math.round(seedingMs / 1_000),
    corruptBytes: joined?.swarm.corruptBytes ?? 0,
    isSequential: joined?.swarm.isSequential ?? false,
    files: metainfo?.files.filter(({ isPadding }) => !isPadding).length ?? 0,
    pieceLength: metainfo?.layout.pieceLength ?? 0,
    ...(isPrivate ? {} : { code: shareCode(infoHash) }),
    isListed,
  };
}

/** The files of a torrent, none while it lacks the metadata. */
export function* filesOf({ metainfo, joined }: TorrentParts): Steps<FileView[]> {
  if (joined !== undefined) return yield* joined.swarm.files();
  return metainfo === undefined ? [] : yield* viewFiles(metainfo, undefined, undefined);
}

/** The pieces of a torrent; nothing is stored before its data has been checked. */
export function* piecesOf({ metainfo, joined }: TorrentParts): Steps<PiecesView> {
  if (joined !== undefined) return yield* joined.swarm.pieces();
  const count = metainfo?.layout.pieceCount ?? 0;
  const nothing = () => new Uint8Array(Math.ceil(count / 8));
  return { have: nothing(), wanted: nothing(), availability: new Uint16Array(count), active: [] };
}

/** The trackers of a torrent, tier by tier. `own`: the counts of our own tracker, and how many peers it lists. */
export function trackersOf(
  { metainfo, magnet, joined, announcer }: TorrentParts,
  own: { readonly counts: ScrapeCounts | undefined; readonly listed: number },
  { now, wallClock }: Pick<Surroundings, "now" | "wallClock">,
): TrackerView[] {
  const tiers = metainfo?.announceTiers ?? magnet?.trackers.map((address) => [address]) ?? [];
  const since1970 = wallClock() - now();
  const viewOf = (address: string, tier: number): TrackerView => {
    const parsed = parseAnnounceAddress(address);
    if (parsed === undefined) return { url: address, tier, isOwn: false, state: "not asked", peersHeard: 0 };
    const url = parsed.href;
    const isOwn = joined?.isOwnTracker(url) ?? false;
    if (isOwn) {
      const failure = missesOurTracker(parsed);
      if (failure !== undefined) return { url, tier, isOwn, state: "not asked", peersHeard: 0, failure };
      const { complete, incomplete, downloaded } = own.counts ?? {};
      const counts = defined({ seeders: complete, leechers: incomplete, downloads: downloaded });
      return { url, tier, isOwn, state: "ok", ...counts, peersHeard: own.listed };
    }
    const status = announcer?.statusOf(url);
    if (status === undefined) {
      return { url, tier, isOwn, state: announcer === undefined ? "idle" : "not asked", peersHeard: 0 };
    }
    return { url, tier, isOwn, ...statusView(status, since1970) };
  };
  return tiers.flatMap((tier, number) => tier.map((address) => viewOf(address, number)));
}

/** The trackers that stand in for those of a torrent while none of these answers, as tiers behind its own. */
export function standInsOf(
  { metainfo, magnet, announcer }: TorrentParts,
  { now, wallClock }: Pick<Surroundings, "now" | "wallClock">,
): TrackerView[] {
  const tiers = metainfo?.announceTiers.length ?? magnet?.trackers.length ?? 0;
  return (announcer?.isHandedOver ? announcer.successorUrls : []).flatMap((url, at) => {
    const status = announcer!.statusOf(url);
    const view = { url, tier: tiers + at, isOwn: false, standsIn: true } as const;
    return status === undefined ? [] : [{ ...view, ...statusView(status, wallClock() - now()) }];
  });
}

/** What is known of a tracker; `since1970` is 1970 on the announcer's clock, in ms. */
function statusView(
  { state, seeders, leechers, downloads, peersHeard, lastAnnounceAt, nextAnnounceAt, failure }: TrackerStatus,
  since1970: number,
) {
  const wall = (moment: number | undefined) => moment && Math.round(moment + since1970);
  const times = { lastAnnounceAt: wall(lastAnnounceAt), nextAnnounceAt: wall(nextAnnounceAt) };
  return { state, peersHeard, ...defined({ seeders, leechers, downloads, ...times, failure }) };
}

/** The web seeds of a torrent. */
export function webSeedsOf({ metainfo, magnet, joined }: TorrentParts, now: number): WebSeedView[] {
  const peers = new Map(joined?.swarm.webSeeds(now).map((peer) => [peer.url, peer]));
  const viewOf = (kind: WebSeedView["kind"]) => (url: string): WebSeedView => {
    const { downloadRate = 0, downloaded = 0 } = peers.get(url) ?? {};
    const failure = defined({ failure: joined?.webSeedDefects.get(url) });
    return { url, kind, isConnected: peers.has(url), downloadRate, downloaded, ...failure };
  };
  const { webSeeds = magnet?.webSeeds ?? [], httpSeeds = [] } = metainfo ?? {};
  return [...webSeeds.map(viewOf("files")), ...httpSeeds.map(viewOf("pieces"))];
}

function urlOf(address: string): string {
  return parseAnnounceAddress(address)?.href ?? address;
}

/** The members that have a value. */
function defined<Value extends object>(
  value: Value,
): { [Name in keyof Value]?: Exclude<Value[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Name in keyof Value]?: Exclude<Value[Name], undefined>;
  };
}
