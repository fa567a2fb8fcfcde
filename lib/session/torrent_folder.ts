/** Reads, saves and removes the files in `torrents/`. */
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { makeFolders } from "../disk/guarded_path.ts";
import { renameOver } from "../disk/replace_file.ts";
import { storageFailure } from "../disk/storage_failure.ts";
import { StorageError } from "../errors.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { encodeMetainfo, type Metainfo } from "../protocol/metainfo.ts";
import { isTorrentFileName, torrentFileName } from "../protocol/safe_path.ts";
import { STORAGE } from "../settings.ts";
import { readTorrent } from "./torrent_tools.ts";

export { lookOf } from "../disk/folder_watch.ts";

/** The number of hex digits of the info-hash in a file's name where another torrent has the plain name. */
const MARK_DIGITS = 8;

/** Remembers the torrent in each `.torrent` file that was read. */
export class NamedTorrents {
  readonly #byPath = new Map<string, InfoHash>();

  /** Notes the torrent in a file; returns the one that it held before. */
  note(path: string, infoHash: InfoHash): InfoHash | undefined {
    const before = this.forget(path);
    this.#byPath.set(resolve(path), infoHash);
    return before;
  }

  /** Forgets a file, and returns the torrent that it held. */
  forget(path: string): InfoHash | undefined {
    const before = this.#byPath.get(resolve(path));
    this.#byPath.delete(resolve(path));
    return before;
  }

  /** Whether any file holds this torrent. */
  has(infoHash: InfoHash): boolean {
    return this.#byPath.values().some((named) => named === infoHash);
  }
}

/** Paths of the `.torrent` files in a folder, sorted, whatever their contents are. Errors: `StorageError`. */
export async function torrentPaths(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const files = entries.filter(({ name, isDirectory }) => !isDirectory && isTorrentFileName(name));
    return files.map(({ name }) => join(folder, name)).sort();
  } catch (error) {
    throw storageFailure(`read the folder ${folder}`, error);
  }
}

/** The torrent with this info-hash in `folder`, undefined when there is none; files that cannot be read are skipped. */
export async function findTorrent(folder: string, infoHash: InfoHash): Promise<Metainfo | undefined> {
  for (const path of await torrentPaths(folder)) {
    const metainfo = await readTorrent(path).catch(() => undefined);
    if (metainfo?.infoHash === infoHash) return metainfo;
  }
}

/** Removes all files of a torrent from `torrents/`, so that the next start does not join it. Errors: `StorageError`. */
export async function removeTorrentFiles(home: string, infoHash: InfoHash): Promise<void> {
  for (const path of await torrentPaths(join(home, "torrents"))) {
    const metainfo = await readTorrent(path).catch(() => undefined);
    if (metainfo?.infoHash !== infoHash) continue;
    try {
      await Deno.remove(path);
    } catch (error) {
      throw storageFailure(`remove ${path}`, error);
    }
  }
}

/**
 * Saves a torrent as HOME/torrents/NAME.torrent, or with a part of its info-hash after the name where another file has
 * that name; a file that holds this torrent already stays. `bytes` are those of its file, where there was one. Returns
 * the path.
 *
 * Errors: `StorageError` when both names are taken, when the file cannot be written, and when `torrents/` is a link.
 */
export async function saveTorrent(
  home: string,
  metainfo: Metainfo,
  bytes: Uint8Array<ArrayBuffer> = encodeMetainfo(metainfo.rawInfo, metainfo),
): Promise<string> {
  const { name, infoHash } = metainfo;
  const folder = makeFolders(home, ["torrents"]);
  for (const mark of ["", `-${infoHash.slice(0, MARK_DIGITS)}`]) {
    const path = join(folder, torrentFileName(name, mark));
    if (await saveNewFile(path, bytes)) return path;
    const there = await readTorrent(path).catch(() => undefined);
    if (there?.infoHash === infoHash) return path;
  }
  throw new StorageError(`Expected no file ${torrentFileName(name, "")} in ${folder}, got another torrent`);
}

/**
 * Makes a data folder that the user chose, where it is missing, and returns its path; undefined for `shareable/`. Errors: `RangeError` for one that is
 * no absolute path, or that the program needs for itself; `StorageError`.
 */
export async function makeDataFolder(home: string, folder: string): Promise<string | undefined> {
  if (!isAbsolute(folder)) throw new RangeError(`Expected the absolute path of a folder, got ${folder}`);
  const path = resolve(folder);
  const own = ["state", "torrents"].find((name) => {
    const steps = relative(join(home, name), path);
    return steps === "" || (!steps.startsWith("..") && !isAbsolute(steps));
  });
  if (own !== undefined) {
    throw new RangeError(`Expected a folder outside ${own}/ of this home, got ${folder}`);
  }
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    throw storageFailure(`make the folder ${path}`, error);
  }
  return path === resolve(home, "shareable") ? undefined : path;
}

/**
 * The paths of old data that the user named, with all links in them followed, so that nobody can make them lead elsewhere
 * later. Errors: `RangeError` for one that is no absolute path, and for too many; `StorageError` where there is nothing.
 */
export async function findOldData(paths: readonly string[]): Promise<string[]> {
  if (paths.length > STORAGE.oldPaths) {
    throw new RangeError(`Expected at most ${STORAGE.oldPaths} paths of old data, got ${paths.length}`);
  }
  const found: string[] = [];
  for (const path of paths) {
    if (!isAbsolute(path)) throw new RangeError(`Expected the absolute path of old data, got ${path}`);
    found.push(
      await Deno.realPath(path).catch((error) => {
        throw storageFailure(`find old data at ${path}`, error);
      }),
    );
  }
  return found;
}

/** Writes a file that is there whole or not at all. Returns false where another one has its name. Errors: `StorageError`. */
async function saveNewFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  if (await isThere(path)) return false;
  const temporary = join(dirname(path), `.${crypto.randomUUID()}.tmp`);
  try {
    await Deno.writeFile(temporary, bytes, { createNew: true });
    try {
      // Unlike a rename, a link never replaces a file that came meanwhile.
      await Deno.link(temporary, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists || await isThere(path)) return false;
      // Some file systems know no links.
      await renameOver(temporary, path);
    }
    return true;
  } catch (error) {
    throw storageFailure(`write ${path}`, error);
  } finally {
    await Deno.remove(temporary).catch(() => {});
  }
}

function isThere(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}
