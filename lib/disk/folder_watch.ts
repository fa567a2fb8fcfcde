import fs from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
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
    const now = torrentsIn(folder) ?? before;
    for (const [path, look] of now) {
      if (told.has(path) || before.get(path) !== look) continue;
      told.add(path);
      onFile(path);
    }
    for (const path of told) if (!now.has(path)) told.delete(path);
    before = now;
    await setTimeout(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** Size and time of change of each `.torrent` file, by path; undefined when the folder cannot be read. */
function torrentsIn(folder: string): Map<string, string> | undefined {
  const looks = new Map<string, string>();
  try {
    for (const name of fs.readdirSync(folder).sort()) {
      const look = name.endsWith(".torrent") ? lookOf(join(folder, name)) : undefined;
      if (look !== undefined) looks.set(join(folder, name), look);
    }
  } catch {
    return undefined;
  }
  return looks;
}

/** Undefined for what is no file. Links are followed: the user put them there. */
function lookOf(path: string): string | undefined {
  try {
    const stats = fs.statSync(path);
    return stats.isFile() ? `${stats.size} ${stats.mtimeMs}` : undefined;
  } catch {
    return undefined;
  }
}
