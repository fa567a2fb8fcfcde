/**
 * File names from torrents, made safe for Linux, macOS and Windows alike. Every path we touch is built here.
 *
 * A path that would leave its folder (absolute, drive letter, `..`) is refused. A name that some system cannot hold
 * (reserved characters and device names, trailing dots, control and direction marks, too long) is changed in the same
 * way on every system, so that a folder can be carried from one to another.
 */
import { MetainfoError } from "../errors.ts";
import { toUtf8 } from "./bytes.ts";
import { printable } from "./printable.ts";
import { finish, type Steps } from "./steps.ts";

/** Longest name most file systems take, in UTF-8 bytes. */
const MAX_NAME_BYTES = 255;
/** Most names in a path. */
const MAX_DEPTH = 100;
/** Paths checked between two pauses. */
const PATHS_PER_STEP = 256;
/** Bytes kept free in a name for the mark that distinguishes equal names, and for the `_` before a device name. */
const MARK_BYTES = 12;

/** Matches a whole step `.` or `..`, a start at the root or a drive, and a path in place of a name. */
const LEAVES_FOLDER = /(^|[/\\])\.\.?([/\\]|$)|^([a-z]:)?\\|\//i;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)/i;

/**
 * Makes one safe path component from a name in a torrent.
 *
 * Errors: `MetainfoError` for a name that is empty, is or contains `.` or `..` as a path step, contains `/`,
 * begins at the root or names a drive.
 */
export function safeName(name: string): string {
  if (name === "" || LEAVES_FOLDER.test(name)) {
    throw new MetainfoError(`Expected a file name inside the torrent, got ${quoted(name)}`);
  }
  // The time of normalising grows with the square of the length, so only a short text is normalised.
  const normal = shorten(name, 4 * MAX_NAME_BYTES).normalize("NFC");
  const plain = printable(normal).replace(/[<>:"|?*\\\uFFFD]/g, "_");
  // Windows drops spaces around a name and dots at its end, so there such a name would mean another file.
  const safe = shorten(plain, MAX_NAME_BYTES - MARK_BYTES)
    .replace(/^ +|[. ]+$/g, (dropped) => "_".repeat(dropped.length));
  return WINDOWS_DEVICE.test(safe) ? `_${safe}` : safe;
}

/**
 * Name of the `.torrent` file for a torrent's safe name, which is cut where it is too long; `mark` follows it.
 *
 * Errors: `MetainfoError` for a name that is not safe.
 */
export function torrentFileName(name: string, mark: string): string {
  const ending = `${mark}.torrent`;
  return `${shorten(safeName(name), MAX_NAME_BYTES - MARK_BYTES - ending.length)}${ending}`;
}

/** Whether a file with this name counts as a torrent; some systems write extensions in capitals. */
export function isTorrentFileName(name: string): boolean {
  return /\.torrent$/i.test(name);
}

/**
 * Safe paths for all files of a torrent, in order; each is `[name, …components]`.
 *
 * Of files whose paths are equal on a system that ignores case, all but the first get a mark such as ` (2)`.
 * Errors: `MetainfoError` for a path that is a file and a folder at once, or that is nested too deeply.
 */
export function safePaths(paths: readonly (readonly string[])[]): string[][] {
  const makers = new SafePaths();
  const made = paths.map((path) => makers.add(path));
  finish(makers.check());
  return made;
}

/** Makes safe paths as `safePaths` does, one by one: a torrent may have very many. */
export class SafePaths {
  /** The keys of the paths made so far. */
  readonly #taken = new Set<string>();
  /** The keys of the folders in them. */
  readonly #folders = new Set<string>();
  /** Safe names of folders by their names: most files share their folders with others. */
  readonly #folderNames = new Map<string, string>();
  /** The mark to try next for a path that is taken; without it, the time would grow with the square of equal names. */
  readonly #nextMarks = new Map<string, number>();

  /** The safe path of the next file. Errors: `MetainfoError`. */
  add(path: readonly string[]): string[] {
    if (path.length === 0 || path.length > MAX_DEPTH) {
      throw new MetainfoError(`Expected a path of 1 to ${MAX_DEPTH} names, got ${path.length}`);
    }
    const name = safeName(path[path.length - 1]);
    const safe = path.map((folder, depth) => depth === path.length - 1 ? name : this.#folderName(folder));
    const wanted = folded(safe);
    let key = wanted;
    for (let mark = this.#nextMarks.get(wanted) ?? 2; this.#taken.has(key); mark++) {
      safe[safe.length - 1] = marked(name, mark);
      key = folded(safe);
      this.#nextMarks.set(wanted, mark + 1);
    }
    this.#taken.add(key);
    for (let end = key.lastIndexOf("/"); end > 0; end = key.lastIndexOf("/", end - 1)) {
      const folder = key.slice(0, end);
      if (this.#folders.has(folder)) break;
      this.#folders.add(folder);
    }
    return safe;
  }

  #folderName(folder: string): string {
    const known = this.#folderNames.get(folder);
    if (known !== undefined) return known;
    const made = safeName(folder);
    this.#folderNames.set(folder, made);
    return made;
  }

  /** Refuses a path that is a file and a folder at once. Errors: `MetainfoError`. */
  *check(): Steps<void> {
    let count = 0;
    for (const key of this.#taken) {
      if (this.#folders.has(key)) {
        throw new MetainfoError(`Expected a file or a folder, got both under ${quoted(key)}`);
      }
      if (++count % PATHS_PER_STEP === 0) yield;
    }
  }
}

/** The key of a path: equal for paths that would be one file in a file system that ignores case. */
function folded(path: readonly string[]): string {
  // Both conversions are needed: `ς` and `σ` become equal only in upper case, `ẞ` and `ß` only after lower case.
  return path.join("/").normalize("NFC").toLowerCase().toUpperCase();
}

/** A name for an error message. */
function quoted(name: string): string {
  return JSON.stringify(printable(name.slice(0, MAX_NAME_BYTES)));
}

/** Adds a mark to a name: `notes.txt` with mark 2 becomes `notes (2).txt`. */
function marked(name: string, mark: number): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)} (${mark})${name.slice(dot)}` : `${name} (${mark})`;
}

/** Cuts a name between characters to `maxBytes` of UTF-8, but keeps a short extension. */
function shorten(name: string, maxBytes: number): string {
  if (3 * name.length <= maxBytes || toUtf8(name).length <= maxBytes) return name;
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
