/** Makes, changes, describes and checks torrents for the commands that need no session. */
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { checkTorrent as checkPieces } from "../disk/piece_checker.ts";
import { DiskWorkers } from "../disk/disk_workers.ts";
import { guardPath } from "../disk/guarded_path.ts";
import { renameOver } from "../disk/replace_file.ts";
import { storageFailure, tryAgain } from "../disk/storage_failure.ts";
import { inSlices } from "../disk/time_slices.ts";
import { makeTorrent, type TorrentPlan } from "../disk/torrent_maker.ts";
import { messageOf, MetainfoError, StorageError } from "../errors.ts";
import { announceProblems } from "../net/tracker/own_tracker.ts";
import { scrapeTracker } from "../net/tracker/tracker_client.ts";
import { parseAnnounceAddress } from "../protocol/announce_address.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { shareCode } from "../protocol/share_code.ts";
import { type FileRange, formatMagnet, parseMagnet } from "../protocol/magnet.ts";
import { type Metainfo, parseMetainfo, readMetainfo, replaceAnnounce } from "../protocol/metainfo.ts";
import { MAGNET_LIMITS, METAINFO_LIMITS, PORTS } from "../settings.ts";

export { isMagnet } from "../protocol/magnet.ts";
export { readShareCode, shareCode } from "../protocol/share_code.ts";
export { ownTiers } from "./fleet/shared_data.ts";
export { isTorrentFileName } from "../protocol/safe_path.ts";
export {
  isLoopbackAnnounce,
  nameForCommands,
  ownAnnounceUrl,
  reachableAddresses,
} from "./advice/announce_advice.ts";

/** The description of a torrent: `info --json` of `lib/ui/README.md`. Lengths in bytes. */
export interface TorrentDescription {
  readonly infoHash: string;
  readonly infoHashV2: string | null;
  readonly name: string;
  readonly length: number;
  readonly pieceLength: number;
  readonly pieces: number;
  readonly private: boolean;
  /** Addresses as they stand in the torrent, tier by tier. */
  readonly announce: readonly (readonly string[])[];
  readonly webSeeds: readonly string[];
  /** Web servers that deliver pieces (BEP 17); absent for none. */
  readonly httpSeeds?: readonly string[];
  readonly comment: string;
  readonly createdBy: string;
  /** ISO 8601. */
  readonly creationDate: string | null;
  /** Paths below `shareable/`, with `/` between their steps. */
  readonly files: readonly { readonly path: string; readonly length: number }[];
  readonly magnet: string;
  /** Four words by which others get it from a peer that has it; null for a private torrent. */
  readonly code: string | null;
}

/**
 * Reads a `.torrent` file.
 *
 * Errors: `MetainfoError`, also where there is no such file or it cannot be read: the input is bad either way.
 */
export async function readTorrent(path: string): Promise<Metainfo> {
  return (await readTorrentFile(path)).metainfo;
}

/** As `readTorrent`, with the bytes of the file. */
export async function readTorrentFile(
  path: string,
): Promise<{ metainfo: Metainfo; bytes: Uint8Array<ArrayBuffer> }> {
  const bytes = await readTorrentBytes(path);
  return { metainfo: await readTorrentIn(bytes), bytes };
}

/** As `readTorrent`, for the bytes of a file. */
export async function readTorrentIn(bytes: Uint8Array): Promise<Metainfo> {
  try {
    return await inSlices(readMetainfo(bytes, METAINFO_LIMITS));
  } catch (error) {
    const kind = kindOf(bytes);
    if (kind === undefined || !(error instanceof MetainfoError)) throw error;
    const why = `Expected a torrent, got ${kind} (${error.message}); fetch the torrent itself`;
    throw new MetainfoError(why, { cause: error });
  }
}

/** The kinds of file that people often save under the name of a torrent, each with a pattern of its first bytes. */
const KINDS: readonly (readonly [start: RegExp, kind: string])[] = [
  [/^$/, "an empty file"],
  [/^(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|!--|\?xml)/i, "a web page"],
  [/^\s*magnet:\?/i, "a magnet link in a file"],
  [/^PK/, "a zip archive"],
  // deno-lint-ignore no-control-regex
  [/^\x1f\x8b/, "a gzip archive"],
];

/** The kind of a file that is no torrent, in words; undefined where its first bytes do not show it. */
function kindOf(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 256));
  return KINDS.find(([pattern]) => pattern.test(start))?.[1];
}

async function readTorrentBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const { isFile, size } = await Deno.stat(path);
    if (!isFile) throw new MetainfoError("Expected a torrent file, got something else");
    if (size > METAINFO_LIMITS.fileBytes) {
      throw new MetainfoError(`Expected at most ${METAINFO_LIMITS.fileBytes} bytes, got ${size}`);
    }
    return await tryAgain(() => Deno.readFile(path));
  } catch (error) {
    if (error instanceof MetainfoError) throw error;
    throw new MetainfoError(
      error instanceof Deno.errors.NotFound
        ? "Expected a torrent file, got nothing at this path"
        : storageFailure("read it", error).message,
    );
  }
}

/** The plan of a new torrent, and the path of its file. */
interface NewTorrent extends Omit<TorrentPlan, "workers" | "creationDate" | "beforeHashing"> {
  readonly home: string;
  /** The `.torrent` file, or the folder for NAME.torrent, which is made where it lacks; HOME/torrents when undefined. */
  readonly output?: string | undefined;
}

/**
 * Makes a `.torrent` file; the same data and options give the same bytes.
 *
 * `onProgress` hears pieces done and pieces in all. Returns: where the file is, and what it says.
 * Errors: `StorageError`, also where a file is in the way: only a torrent at a named output is replaced.
 */
export async function createTorrent(
  { home, output, ...plan }: NewTorrent,
  onProgress: (done: number, total: number) => void,
): Promise<{ path: string; metainfo: Metainfo }> {
  const { path: folder } = guardPath(home, output === undefined ? ["torrents"] : []);
  const name = `${basename(resolve(plan.path))}.torrent`;
  const path = resolve(
    output === undefined ? join(folder, name) : await isFolder(output) ? join(output, name) : output,
  );
  const target = await Deno.lstat(path).then(() => refuseToReplace(path, output !== undefined), () => path);
  const workers = new DiskWorkers();
  try {
    const { bytes, metainfo } = await makeTorrent(
      { ...plan, workers, beforeHashing: () => tryToWriteBeside(target) },
      onProgress,
    );
    await replaceFile(target, bytes);
    return { path, metainfo };
  } finally {
    workers.close();
  }
}

/** Whether a path names a folder, by what is there or by the slash at its end. */
async function isFolder(path: string): Promise<boolean> {
  return path.endsWith("/") || path.endsWith(sep) ||
    await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

function isTorrent(path: string): Promise<boolean> {
  return readTorrent(path).then(() => true, () => false);
}

/** The path of the file to replace, or of the one that a symbolic link names. Errors: `StorageError`. */
async function refuseToReplace(path: string, isNamed: boolean): Promise<string> {
  if (!isNamed) throw new StorageError(`Expected no file at ${path}, got one; name another with --output`);
  if (!await isTorrent(path)) {
    throw new StorageError(`Expected no file or a torrent at ${path}, got another file`);
  }
  return await Deno.realPath(path);
}

/**
 * Hashing may take hours, so a trial in the nearest folder that exists shows before whether `path` can be written.
 * Errors: `StorageError`.
 */
async function tryToWriteBeside(path: string): Promise<void> {
  let folder = dirname(path);
  while (!await Deno.lstat(folder).then(() => true, hasFailedOtherwise) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  const trial = join(folder, `.${crypto.randomUUID()}.tmp`);
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(trial, new Uint8Array(), { createNew: true });
    await Deno.remove(trial);
  } catch (error) {
    throw storageFailure(`write ${path}`, error);
  }
}

/** Whether an error has another reason than a missing file. */
function hasFailedOtherwise(error: unknown): boolean {
  return !(error instanceof Deno.errors.NotFound);
}

/** The state of a torrent's data on this machine: `check --json` of `lib/ui/README.md`. */
export interface CheckReport {
  readonly infoHash: string;
  readonly pieces: number;
  /** Number of pieces with the right data. */
  readonly good: number;
  /** Indices of pieces with wrong data. */
  readonly bad: readonly number[];
  /** Indices of pieces with no data. */
  readonly missing: readonly number[];
  /** Paths of files that are longer than they are to be, and of empty ones that lack; absent for none. */
  readonly wrongSizes?: readonly string[];
  readonly complete: boolean;
}

/**
 * Hashes a torrent's data in HOME/shareable and HOME/state/tmp. Changes nothing.
 *
 * `onProgress` hears pieces done and pieces in all. Errors: `StorageError`.
 */
export async function checkTorrent(
  metainfo: Metainfo,
  home: string,
  onProgress: (done: number, total: number) => void,
): Promise<CheckReport> {
  const pieces = metainfo.layout.pieceCount;
  const workers = new DiskWorkers();
  try {
    const { good, bad, missing, wrongSizes } = await checkPieces(
      metainfo,
      home,
      workers,
      (done) => onProgress(done, pieces),
    );
    const complete = good.isFull && wrongSizes.length === 0;
    const report = { infoHash: metainfo.infoHash, pieces, good: good.count, bad, missing, complete };
    return wrongSizes.length === 0 ? report : { ...report, wrongSizes };
  } finally {
    workers.close();
  }
}

/** What others are told of a torrent that is shared; the length in bytes. */
export interface ShareDescription extends Pick<TorrentDescription, "name" | "length" | "magnet"> {
  readonly infoHash: InfoHash;
  /** How many it has. */
  readonly files: number;
}

/** Describes a torrent to those who are to get it. */
export function describeShare(metainfo: Metainfo): ShareDescription {
  const { name, length, files, magnet } = describeTorrent(metainfo);
  return { infoHash: metainfo.infoHash, name, length, files: files.length, magnet };
}

/** Describes a torrent. */
export function describeTorrent(metainfo: Metainfo): TorrentDescription {
  const { infoHash, infoHashV2, name, layout, isPrivate, announceTiers } = metainfo;
  const { webSeeds, httpSeeds, comment, createdBy, creationDate } = metainfo;
  const files = metainfo.files.filter((file) => !file.isPadding);
  return {
    infoHash,
    infoHashV2,
    name,
    length: files.reduce((sum, file) => sum + file.length, 0),
    pieceLength: layout.pieceLength,
    pieces: layout.pieceCount,
    private: isPrivate,
    announce: announceTiers,
    webSeeds,
    ...(httpSeeds.length === 0 ? {} : { httpSeeds }),
    comment,
    createdBy,
    creationDate: isoDate(creationDate),
    files: files.map(({ path, length }) => ({ path: path.join("/"), length })),
    magnet: magnetOf(metainfo),
    code: isPrivate ? null : shareCode(infoHash),
  };
}

/** A time in seconds since 1970 as ISO 8601; null for undefined and for a number that is no date. */
function isoDate(seconds: number | undefined): string | null {
  const date = new Date((seconds ?? NaN) * 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** The magnet link (BEP 9) of a torrent, with whole announce URLs. */
function magnetOf({ infoHash, name, announceTiers, webSeeds }: Metainfo): string {
  const trackers = announceTiers.flat().map((address) => announceUrl(address) ?? address);
  return formatMagnet({ infoHash, name, trackers, webSeeds });
}

/** The description of a magnet link: the members of `info --json` of `lib/ui/README.md` that a link contains. */
export interface MagnetDescription
  extends Pick<TorrentDescription, "infoHash" | "name" | "announce" | "webSeeds" | "magnet"> {
  /** Peers to connect to, `host:port` each. */
  readonly peers: readonly string[];
  /** Ranges of positions of the files wanted, both ends included; an empty list stands for all files. */
  readonly selectOnly: readonly FileRange[];
}

/** Describes a magnet link. Errors: `MetainfoError`. */
export function describeMagnet(link: string): MagnetDescription {
  const magnet = parseMagnet(link, MAGNET_LIMITS);
  const { infoHash, name, trackers, webSeeds, peers, selectOnly } = magnet;
  const announce = trackers.map((tracker) => [tracker]);
  return { infoHash, name, announce, webSeeds, peers, selectOnly, magnet: formatMagnet(magnet) };
}

/** Warnings for people about the parts of a magnet link that cannot be used. Errors: `MetainfoError`. */
export function magnetWarnings(link: string): readonly string[] {
  return parseMagnet(link, MAGNET_LIMITS).warnings;
}

/** The answer of a tracker about one torrent: `info --swarm`. */
export interface TrackerReport {
  /** The announce URL of the tracker. */
  readonly announce: string;
  /** Number of peers with all data; null where the tracker did not answer. */
  readonly complete: number | null;
  /** Number of peers without all data; null where the tracker did not answer. */
  readonly incomplete: number | null;
  /** Number of downloads that peers have completed, as they told the tracker. */
  readonly downloaded: number | null;
  /** The reason why there are no counts; null where there are. Safe to print. */
  readonly error: string | null;
}

/** Asks all trackers of a torrent at the same time how many peers they know; a failure becomes part of the report. */
export async function askTrackers(
  { infoHash, announce }: Pick<TorrentDescription, "infoHash" | "announce">,
): Promise<TrackerReport[]> {
  const { signal } = new AbortController();
  const urls = new Set(announce.flat().flatMap((address) => announceUrl(address) ?? []));
  return await Promise.all([...urls].map(async (url) => {
    try {
      const { complete, incomplete, downloaded } = await scrapeTracker(url, infoHash as InfoHash, signal);
      return { announce: url, complete, incomplete, downloaded, error: null };
    } catch (error) {
      const none = { complete: null, incomplete: null, downloaded: null };
      return { announce: url, ...none, error: messageOf(error) };
    }
  }));
}

/** The whole URL of an announce address; undefined for a text that is no announce address. */
export function announceUrl(address: string): string | undefined {
  return parseAnnounceAddress(address)?.href;
}

/** Warnings for people about announce addresses at which others would not find the tracker of this machine. */
export function announceWarnings(announceTiers: readonly (readonly string[])[]): Promise<string[]> {
  return announceProblems(announceTiers.flat(), PORTS.tracker);
}

/**
 * Changes the announce addresses of a `.torrent` file; all other bytes stay, and so does its info-hash.
 *
 * Errors: `MetainfoError` when the file is no torrent; `StorageError` when it cannot be written, or when a symbolic
 * link below `home`, which another user may have planted, leads to it. The file is whole at every moment: the old one
 * or the new one.
 */
export async function editAnnounce(
  path: string,
  announceTiers: readonly (readonly string[])[],
  home: string,
): Promise<Metainfo> {
  const steps = relative(resolve(home), resolve(path)).split(sep);
  if (steps[0] !== ".." && !isAbsolute(steps[0])) guardPath(home, steps);
  const bytes = replaceAnnounce(await readTorrentBytes(path), announceTiers, METAINFO_LIMITS);
  // Through a link, so that the file it names is replaced and not the link.
  await replaceFile(await Deno.realPath(path), bytes);
  return parseMetainfo(bytes, METAINFO_LIMITS);
}

/** Writes a new file, or replaces one so that it is the old or the new one at every moment. Errors: `StorageError`. */
async function replaceFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${crypto.randomUUID()}.tmp`);
  try {
    await Deno.mkdir(folder, { recursive: true });
    const mode = await Deno.stat(path).then(({ mode }) => mode, () => null);
    const options = mode === null ? {} : { mode: mode & 0o777 };
    await Deno.writeFile(temporary, bytes, { createNew: true, ...options });
    await renameOver(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw storageFailure(`write ${path}`, error);
  }
}
