import { basename, join } from "node:path";
import type { Metainfo } from "../protocol/metainfo.ts";
import { describeMagnet, isMagnet, type MagnetDescription, readTorrent } from "../session/torrent_tools.ts";
import { MetainfoError } from "../errors.ts";
import { EXIT, Failure } from "./failure.ts";

export { isMagnet };

/** A torrent named on the command line, found and read. */
export interface NamedTorrent {
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
    if (error instanceof MetainfoError) throw new Failure(EXIT.badInput, argument, error.message);
    throw error;
  }
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

/** Path of the torrent an argument names, which need not exist. */
export async function locateTorrent(argument: string, home: string): Promise<string> {
  const isBareName = argument !== "" && basename(argument) === argument;
  return isBareName && !await exists(argument) ? join(home, "torrents", argument) : argument;
}

/** Whether there is anything at this path. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
