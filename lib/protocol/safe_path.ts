/**
 * File names from torrents, made safe for Linux, macOS and Windows alike. Every path we touch is built here.
 *
 * What tries to leave its folder (absolute, drive letter, `..`) is refused. What is merely awkward on some
 * system (reserved characters and device names, trailing dots, control and direction marks, too long) is
 * changed, in the same way everywhere, so that a folder can be carried from one system to another.
 */
import { MetainfoError } from "../errors.ts";
import { toUtf8 } from "./bytes.ts";
import { printable } from "./printable.ts";

/** Longest name most file systems take, in UTF-8 bytes. */
const MAX_NAME_BYTES = 255;
/** Folders below one another in a torrent. */
const MAX_DEPTH = 100;
/** Room kept free in a name for the mark that tells apart equal names. */
const MARK_BYTES = 8;

const WINDOWS_DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/**
 * One safe path component from a name in a torrent.
 *
 * Errors: `MetainfoError` for a name that is empty, is or contains `.` or `..` as a path step, is absolute,
 * or names a drive.
 */
export function safeName(name: string): string {
  const steps = name.split(/[/\\]/);
  if (name === "" || steps.includes("..") || steps.includes(".")) {
    throw new MetainfoError(`Expected a file name, got ${JSON.stringify(printable(name))}`);
  }
  if (/^[/\\]/.test(name) || /^[a-z]:[/\\]/i.test(name) || name.includes("/")) {
    throw new MetainfoError(`Expected a name inside the torrent, got ${JSON.stringify(printable(name))}`);
  }
  let safe = printable(name.normalize("NFC")).replace(/[<>:"|?*\\\uFFFD]/g, "_");
  safe = shorten(safe, MAX_NAME_BYTES - MARK_BYTES);
  // Windows drops trailing dots and spaces, so such a name would mean another file there.
  safe = safe.replace(/[. ]+$/, (tail) => "_".repeat(tail.length)).replace(/^ +/, (head) => "_".repeat(head.length));
  return WINDOWS_DEVICE.test(safe) ? `_${safe}` : safe;
}

/**
 * Safe paths for all files of a torrent, in order; each is `[name, …components]`.
 *
 * Two files whose paths are the same on a system that ignores case get a mark, ` (2)`. A path that is a file
 * and a folder at once is refused with `MetainfoError`, as is one nested too deeply.
 */
export function safePaths(paths: readonly (readonly string[])[]): string[][] {
  const taken = new Set<string>();
  const folders = new Set<string>();
  const folded = (path: readonly string[]) => path.join("/").normalize("NFKC").toLowerCase();
  const safePaths = paths.map((path) => {
    if (path.length === 0 || path.length > MAX_DEPTH) {
      throw new MetainfoError(`Expected a path of 1 to ${MAX_DEPTH} names, got ${path.length}`);
    }
    const safe = path.map(safeName);
    for (let mark = 2; taken.has(folded(safe)); mark++) {
      if (mark > 999) throw new MetainfoError(`Expected different file names, got one over 998 times`);
      safe[safe.length - 1] = marked(safeName(path[path.length - 1]), mark);
    }
    taken.add(folded(safe));
    for (let depth = 1; depth < safe.length; depth++) folders.add(folded(safe.slice(0, depth)));
    return safe;
  });
  for (const path of safePaths) {
    if (folders.has(folded(path))) {
      throw new MetainfoError(`Expected a file or a folder, got both under ${JSON.stringify(path.join("/"))}`);
    }
  }
  return safePaths;
}

/** `notes.txt` with mark 2 is `notes (2).txt`. */
function marked(name: string, mark: number): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)} (${mark})${name.slice(dot)}` : `${name} (${mark})`;
}

/** Cuts a name to `maxBytes` of UTF-8 between characters, keeping a short extension. */
function shorten(name: string, maxBytes: number): string {
  if (toUtf8(name).length <= maxBytes) return name;
  const extension = /\.[^. ]{1,16}$/.exec(name)?.[0] ?? "";
  let stem = "";
  let room = maxBytes - toUtf8(extension).length;
  for (const character of name.slice(0, name.length - extension.length)) {
    room -= toUtf8(character).length;
    if (room < 0) break;
    stem += character;
  }
  return stem + extension;
}
