import fs from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isTorrentFileName } from "../protocol/safe_path.ts";
import type { Steps } from "../protocol/steps.ts";
import { STORAGE } from "../settings.ts";
import { inSlices } from "./time_slices.ts";

/** What each file looks like (`lookOf`), by path. */
export type FileLooks = ReadonlyMap<string, string | undefined>;

/** Hears of changes in a folder. */
interface FolderListener {
  /** Called for a file that appeared or changed. */
  came(path: string): void;
  /** Called for a file that was taken out. */
  left(path: string): void;
}

/** A file counts as taken out when it is missing at this many looks: a file that is being renamed is back by then. */
const LOOKS_UNTIL_GONE = 3;

/**
 * Tells of every `.torrent` file that comes into a folder, changes there or is taken out, until the signal is aborted.
 *
 * Shape: `known` are files not to be told of as long as they look like that. A file counts once it looked the same
 * twice, so that nobody reads one that is still being written; one that went away and came back counts again. A folder
 * that cannot be read now may be readable at the next look.
 * Units: `everyMs` between two looks.
 */
export async function watchFolder(
  folder: string,
  known: FileLooks,
  listener: FolderListener,
  signal: AbortSignal,
  everyMs: number = STORAGE.folderWatchMs,
): Promise<void> {
  const told = new Map(known);
  let before = new Map<string, string>();
  const missed = new Map<string, number>();
  while (!signal.aborted) {
    const looks = await inSlices(lookingIn(folder));
    if (looks !== undefined) {
      for (const path of told.keys()) {
        const misses = looks.has(path) ? 0 : (missed.get(path) ?? 0) + 1;
        missed.set(path, misses);
        if (misses < LOOKS_UNTIL_GONE) continue;
        told.delete(path);
        missed.delete(path);
        listener.left(path);
      }
      for (const [path, look] of looks) {
        if (told.get(path) === look || before.get(path) !== look) continue;
        told.set(path, look);
        listener.came(path);
      }
      before = looks;
    }
    await setTimeout(everyMs, undefined, { signal }).catch(() => {});
  }
}

/**
 * Finds out what every file called `.torrent` in a folder looks like, sorted by path; undefined when it cannot be read. A
 * step looks at one file.
 */
function* lookingIn(folder: string): Steps<Map<string, string> | undefined> {
  const looks = new Map<string, string>();
  try {
    for (const name of fs.readdirSync(folder).filter(isTorrentFileName).sort()) {
      const path = join(folder, name);
      const look = lookOf(path);
      if (look !== undefined) looks.set(path, look);
      yield;
    }
    return looks;
  } catch {
    return undefined;
  }
}

/**
 * Size, time of change and inode, which tell a file from another one that is put in its place; undefined for what is
 * no file. Links are followed: the user put them there.
 */
export function lookOf(path: string): string | undefined {
  try {
    const stats = fs.statSync(path);
    return stats.isFile() ? `${stats.size} ${stats.mtimeMs} ${stats.ino}` : undefined;
  } catch {
    return undefined;
  }
}
