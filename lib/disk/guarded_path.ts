/**
 * Follows paths below a folder that the user chose, step by step and never through a symbolic link.
 *
 * The chosen folder (`root`) may itself be a link. Below it, a link would let whoever planted it send our reads
 * and writes elsewhere, so each step is looked at before it is used.
 */
import fs from "node:fs";
import { join, sep } from "node:path";
import { ObstacleError, StorageError } from "../errors.ts";
import { errorCode, storageFailure } from "./storage_failure.ts";

/** The entry at a guarded path. */
export interface GuardedPath {
  readonly path: string;
  /** Undefined when the path does not exist. */
  readonly stats: Deno.FileInfo | undefined;
}

/**
 * Folders checked a moment ago, so that work on many files checks each only once. The set holds until another task or
 * program runs: after that, a link may stand in the place of a folder.
 */
export type KnownFolders = Set<string>;

/**
 * The path of `steps` below `root`, and what is there.
 *
 * Errors: `ObstacleError` when a step is a symbolic link, or one before the last is no folder.
 */
export function guardPath(root: string, steps: readonly string[], known?: KnownFolders): GuardedPath {
  let path = root;
  let stats: Deno.FileInfo | undefined;
  for (let depth = 0; depth < steps.length; depth++) {
    if (stats !== undefined && !stats.isDirectory) throw notAFolder(steps.slice(0, depth));
    path = stepFrom(path, steps, depth);
    const isLast = depth === steps.length - 1;
    if (!isLast && known?.has(path)) {
      stats = undefined;
      continue;
    }
    stats = statsOf(path, steps);
    if (stats === undefined) return { path: join(root, ...steps), stats };
    if (stats.isSymlink) {
      throw new ObstacleError(`Expected no symbolic link, got one at ${steps.slice(0, depth + 1).join("/")}`);
    }
    if (!isLast && stats.isDirectory) known?.add(path);
  }
  return { path, stats };
}

/** The path one step further, `path` being that of the steps before. Steps are names: only the root needs the slow `join`. */
function stepFrom(path: string, steps: readonly string[], depth: number): string {
  return depth === 0 ? join(path, steps[0]) : path + sep + steps[depth];
}

/** The looks that one read takes while other threads wait for the disk, by path: each is taken once. */
export type LooksOfRead = Map<string, Promise<Deno.FileInfo>>;

/** Does the same as `guardPath` while other threads wait for the disk. Errors: the same, and those of Deno. */
export async function guardPathLater(
  root: string,
  steps: readonly string[],
  looks: LooksOfRead = new Map(),
): Promise<GuardedPath> {
  let path = root;
  const looking = steps.map((_, depth) => {
    path = stepFrom(path, steps, depth);
    const look = looks.get(path) ?? Deno.lstat(path);
    looks.set(path, look);
    return look;
  });
  const all = await Promise.all(looking);
  const wrong = all.findIndex((stats, depth) =>
    depth === steps.length - 1 ? stats.isSymlink : !stats.isDirectory
  );
  if (wrong >= 0) throw notAFolder(steps.slice(0, wrong + 1));
  return { path, stats: all[all.length - 1] };
}

/** Deno's own call, as that of `node:fs` takes twice as long. */
function statsOf(path: string, steps: readonly string[]): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw storageFailure(`look at ${steps.join("/")}`, error);
  }
}

function notAFolder(steps: readonly string[]): ObstacleError {
  return new ObstacleError(`Expected a folder at ${steps.join("/")}, got a file`);
}

/**
 * Makes the folders `steps` below `root`, one inside another, where they are missing; returns the path of the last.
 *
 * Errors: `StorageError`, also when a link or a file is in the way.
 */
export function makeFolders(root: string, steps: readonly string[], known: KnownFolders = new Set()): string {
  let path = root;
  for (let depth = 0; depth < steps.length; depth++) {
    path = stepFrom(path, steps, depth);
    if (known.has(path)) continue;
    const here = steps.slice(0, depth + 1);
    const { stats } = guardPath(root, here, known);
    if (stats !== undefined && !stats.isDirectory) throw notAFolder(here);
    if (stats === undefined) makeFolder(path, here, () => guardPath(root, here, known));
    known.add(path);
  }
  return path;
}

/** Makes one folder; `look` guards what somebody else may have made there meanwhile. Errors: as `makeFolders`. */
function makeFolder(path: string, steps: readonly string[], look: () => GuardedPath): void {
  try {
    fs.mkdirSync(path);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw storageFailure(`make the folder ${steps.join("/")}`, error);
    if (!look().stats?.isDirectory) throw notAFolder(steps);
  }
}

/** Where the finished files of a torrent are, or are to go. Plain data that can be posted to a worker. */
export interface DataFolder {
  /** A folder that the user chose; nothing below it may be a symbolic link. */
  readonly root: string;
  /** Folders from there to where the torrent's own paths begin. */
  readonly base: readonly string[];
}

/** The folder of a torrent's data by the absolute path that the user chose; undefined stands for `shareable/` in `home`. */
export function dataFolder(home: string, folder: string | undefined): DataFolder {
  return folder === undefined ? { root: home, base: ["shareable"] } : { root: folder, base: [] };
}

/** The path of a data folder. */
export function pathOfFolder({ root, base }: DataFolder): string {
  return join(root, ...base);
}

/** Checks that a folder is there before its files are looked for. Errors: `StorageError`. */
export function requireFolder(folder: string): void {
  const stats = fs.statSync(folder, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return;
  const found = stats === undefined ? "nothing; is its drive there?" : "a file";
  throw new StorageError(`Expected the folder ${folder}, got ${found}`);
}
