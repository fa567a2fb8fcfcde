/**
 * Paths below a folder the user chose, followed step by step and never through a symbolic link.
 *
 * The chosen folder (`root`) may itself be a link. Below it, a link would let whoever planted it send our reads
 * and writes elsewhere, so each step is looked at before it is used.
 */
import fs from "node:fs";
import { join } from "node:path";
import { StorageError } from "../errors.ts";
import { errorCode, storageFailure } from "./storage_failure.ts";

/** What lies at a guarded path. */
export interface GuardedPath {
  readonly path: string;
  /** Undefined when there is nothing. */
  readonly stats: fs.Stats | undefined;
}

/**
 * The path of `steps` below `root`, and what is there.
 *
 * Errors: `StorageError` when a step is a symbolic link, or one before the last is no folder.
 */
export function guardPath(root: string, steps: readonly string[]): GuardedPath {
  const whole = join(root, ...steps);
  let path = root;
  let stats: fs.Stats | undefined;
  for (let depth = 0; depth < steps.length; depth++) {
    if (stats !== undefined && !stats.isDirectory()) throw notAFolder(steps.slice(0, depth));
    path = join(path, steps[depth]);
    stats = statsOf(path, steps);
    if (stats === undefined) return { path: whole, stats };
    if (stats.isSymbolicLink()) {
      throw new StorageError(`Expected no symbolic link, got one at ${steps.slice(0, depth + 1).join("/")}`);
    }
  }
  return { path: whole, stats };
}

function statsOf(path: string, steps: readonly string[]): fs.Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw storageFailure(`look at ${steps.join("/")}`, error);
  }
}

function notAFolder(steps: readonly string[]): StorageError {
  return new StorageError(`Expected a folder at ${steps.join("/")}, got a file`);
}

/**
 * Makes the folders `steps` below `root`, one in another, where they are missing; returns the last one's path.
 *
 * Errors: `StorageError`, also when a link or a file is in the way.
 */
export function makeFolders(root: string, steps: readonly string[]): string {
  for (let depth = 1; depth <= steps.length; depth++) {
    const here = steps.slice(0, depth);
    const { path, stats } = guardPath(root, here);
    if (stats?.isDirectory()) continue;
    if (stats !== undefined) throw notAFolder(here);
    try {
      fs.mkdirSync(path);
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw storageFailure(`make the folder ${here.join("/")}`, error);
    }
  }
  return guardPath(root, steps).path;
}
