import { basename, dirname, join } from "node:path";
import type { Metainfo } from "../protocol/metainfo.ts";
import {
  describeMagnet,
  isMagnet,
  isTorrentFileName,
  type MagnetDescription,
  readTorrent,
} from "../session/torrent_tools.ts";
import { MetainfoError } from "../errors.ts";
import { didYouMean } from "./did_you_mean.ts";
import { EXIT, Failure } from "./failure.ts";

export { isMagnet };

/** A torrent that the command line names, found and read. */
interface NamedTorrent {
  readonly path: string;
  readonly metainfo: Metainfo;
}

/**
 * Finds and reads the torrent that an argument names: a path or, where there is none and the argument is a bare
 * name, a file in HOME/torrents.
 *
 * Errors: `Failure` with exit code 3.
 */
export async function readNamedTorrent(argument: string, home: string): Promise<NamedTorrent> {
  if (isMagnet(argument)) {
    throw new Failure(EXIT.badInput, argument, "Expected a torrent file, got a magnet link");
  }
  const path = await locateTorrent(argument, home);
  try {
    return { path, metainfo: await readTorrent(path) };
  } catch (error) {
    if (!(error instanceof MetainfoError)) throw error;
    throw new Failure(EXIT.badInput, argument, error.message + await hintFor(argument, path, home));
  }
}

/** The advice about a path that names no torrent; empty where there is none. */
async function hintFor(argument: string, path: string, home: string): Promise<string> {
  const stat = await Deno.stat(path).catch(() => undefined);
  if (stat === undefined) {
    return didYouMean(basename(argument), await knownTorrents(home)) ||
      didYouMean(argument, await torrentPathsIn(dirname(argument)));
  }
  const name = basename(path);
  if (isTorrentFileName(name) && !stat.isDirectory) return "";
  return `; this is not a torrent: to share it, peer create ${argument}, then peer ${name}.torrent`;
}

/** Names of the files in `torrents/`, which name their torrents on the command line. */
export async function knownTorrents(home: string): Promise<string[]> {
  return (await namesIn(join(home, "torrents"))).filter(isTorrentFileName);
}

async function torrentPathsIn(folder: string): Promise<string[]> {
  return (await namesIn(folder)).filter(isTorrentFileName).map((name) => join(folder, name));
}

/** Names in a folder, sorted; an empty list where it cannot be read. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
  } catch {
    return [];
  }
}

/** `; did you mean …?` for a path where there is no file; empty where there is one, and where no name is near. */
export async function nearestPathHint(path: string): Promise<string> {
  if (await exists(path)) return "";
  const folder = dirname(path);
  return didYouMean(basename(path), await namesIn(folder));
}

/** Reads a magnet link. Errors: `Failure` with exit code 3. */
export function readNamedMagnet(link: string): MagnetDescription {
  try {
    return describeMagnet(link);
  } catch (error) {
    if (error instanceof MetainfoError) throw new Failure(EXIT.badInput, link, error.message);
    throw error;
  }
}

/** The path of the torrent that an argument names; it need not exist. */
export async function locateTorrent(argument: string, home: string): Promise<string> {
  const isBareName = argument !== "" && basename(argument) === argument;
  return isBareName && !await exists(argument) ? join(home, "torrents", argument) : argument;
}

/** Whether there is a file, a folder or a link at this path. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
