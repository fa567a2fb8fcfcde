import fs from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { isTorrentFileName } from "../protocol/safe_path.ts";
import { STORAGE } from "../settings.ts";

/**
 * Calls `onFile` with the path of every `.torrent` file that comes into a folder, until the signal is aborted.
 *
 * Shape: `known` are paths not to be told of. A file counts once it looked the same twice, so that nobody reads
 * one that is still being written; one that went away and came back counts again. A folder that cannot be
 * read now may be at the next look.
 * Units: `everyMs` between two looks.
 */
export async function watchFolder(
  folder: string,
  known: Iterable<string>,
  onFile: (path: string) => void,
  signal: AbortSignal,
  everyMs: number = STORAGE.folderWatchMs,
): Promise<void> {
  const told = new Set(known);
  let before = new Map<string, string>();
  while (!signal.aborted) {
    const paths = torrentsIn(folder);
    if (paths !== undefined) {
      const fresh = new Map<string, string>();
      for (const path of paths) {
        const look = told.has(path) ? undefined : lookOf(path);
        if (look === undefined) continue;
        if (before.get(path) === look) {
          told.add(path);
          onFile(path);
        } else fresh.set(path, look);
      }
      const present = new Set(paths);
      for (const path of told) if (!present.has(path)) told.delete(path);
      before = fresh;
    }
    await setTimeout(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** Paths of what is called `.torrent` in a folder, sorted; undefined when it cannot be read. */
function torrentsIn(folder: string): string[] | undefined {
  try {
    const names = fs.readdirSync(folder).filter(isTorrentFileName);
    return names.sort().map((name) => join(folder, name));
  } catch {
    return undefined;
  }
}

/** Size and time of change; undefined for what is no file. Links are followed: the user put them there. */
function lookOf(path: string): string | undefined {
  try {
    const stats = fs.statSync(path);
    return stats.isFile() ? `${stats.size} ${stats.mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}
