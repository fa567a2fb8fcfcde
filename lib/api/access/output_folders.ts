/** The folders below which programs on the network may have data put. */
import fs from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";

/**
 * Whether a path lies in one of `allowed` or below it; all are absolute. Links are followed as far as the path exists,
 * so that a link in an allowed folder leads nowhere else.
 */
export function isAllowedFolder(path: string, allowed: readonly string[]): boolean {
  const real = realPath(resolve(path));
  return allowed.some((folder) => isWithin(real, realPath(resolve(folder))));
}

/** The path without links; steps that do not exist yet stay as they are. */
function realPath(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    // A link that leads to nothing is there, but where it leads is not known.
    if (!isMissing || parent === path || isThere(path)) return "";
    const known = realPath(parent);
    return known === "" ? "" : join(known, basename(path));
  }
}

function isThere(path: string): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isWithin(path: string, folder: string): boolean {
  if (path === "" || folder === "") return false;
  const steps = relative(folder, path);
  return steps !== ".." && !/^\.\.[/\\]/.test(steps) && !isAbsolute(steps);
}
