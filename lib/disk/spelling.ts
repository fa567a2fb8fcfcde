/**
 * Finds files whose names on disk are the torrent's names in another spelling: an accented letter that is composed in
 * another way, or a character that our own names avoid because some systems forbid it.
 */
import fs from "node:fs";
import { join } from "node:path";
import type { Metainfo, TorrentFile } from "../protocol/metainfo.ts";
import { safeName } from "../protocol/safe_path.ts";
import type { Steps } from "../protocol/steps.ts";
import { dataFolder, pathOfFolder } from "./guarded_path.ts";
import { visitInSlices } from "./large/file_visits.ts";
import { inSlices } from "./time_slices.ts";

/** A torrent whose files have the names that they have on this disk. */
interface SpelledTorrent {
  readonly metainfo: Metainfo;
  /** Texts for people: how names in `shareable/` differ from the nearly equal names of missing files. */
  readonly problems: readonly string[];
}

/** The names in a folder. */
interface Names {
  /** Each name by the name that we would give the file. */
  readonly byOurs: ReadonlyMap<string, string>;
  /** Each name by its form without capitals. */
  readonly byFolded: ReadonlyMap<string, string>;
  /** Some of the names that cannot be opened. */
  readonly unreadable: readonly string[];
}

/** Names of a folder that are looked for one by one before all its names are read: it may belong to many torrents. */
const LOOKS_PER_FOLDER = 16;
/** Names looked at between two pauses. */
const NAMES_PER_STEP = 256;
/** Unreadable names remembered of a folder. */
const MAX_UNREADABLE = 16;
/** A name of these characters has one spelling only. */
const PLAIN = /^[\w \-.()[\],+&'!#@]+$/;
/** The character that stands in a name for bytes that are not UTF-8; such a name cannot be opened. */
const UNREADABLE = "\uFFFD";

/** Looks in HOME/shareable how the torrent's files and folders are spelled there; all others keep their names. */
export async function spelledAsOnDisk(
  metainfo: Metainfo,
  home: string,
  folder?: string,
): Promise<SpelledTorrent> {
  const spelling = new Spelling(pathOfFolder(dataFolder(home, folder)));
  const files: TorrentFile[] = [];
  await visitInSlices(metainfo.files, async (file) => {
    const path = file.isPadding ? file.path : await spelling.pathOf(file.path);
    files.push(path === file.path ? file : { ...file, path });
  });
  return { metainfo: { ...metainfo, files }, problems: [...spelling.problems] };
}

/** The spelling of names below one folder. */
class Spelling {
  readonly problems = new Set<string>();
  readonly #root: string;
  /** The names in each folder that was looked at. */
  readonly #folders = new Map<string, Names | undefined>();
  /** How many names of each folder were looked for one by one. */
  readonly #looks = new Map<string, number>();
  /** Paths of folders that are not there under any spelling, so that nothing below them is. */
  readonly #lacking = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** The path of a file as it is spelled on disk, as far as it is there. */
  async pathOf(path: readonly string[]): Promise<readonly string[]> {
    const spelled = [...path];
    let folder = this.#root;
    // A link is no folder: what lies behind one is neither looked for nor listed.
    let isAsSpelled = true;
    for (const [depth, name] of path.entries()) {
      const place = join(folder, name);
      if (this.#lacking.has(place)) break;
      isAsSpelled &&= !this.#folders.has(folder) && this.#isThere(folder, place, depth < path.length - 1);
      if (isAsSpelled) {
        folder = place;
        continue;
      }
      if (!this.#folders.has(folder)) this.#folders.set(folder, await namesIn(folder));
      const names = this.#folders.get(folder);
      const found = names?.byOurs.get(name);
      if (found === undefined) {
        if (depth < path.length - 1) this.#lacking.add(place);
        // Some systems do not tell capitals apart, so the name may work as it is.
        if (fs.existsSync(place)) break;
        for (const problem of problemsWith(name, names)) this.problems.add(problem);
        break;
      }
      spelled[depth] = found;
      folder = join(folder, found);
    }
    return spelled.every((name, depth) => name === path[depth]) ? path : spelled;
  }

  /** Whether one of the first few names of a folder is there as the torrent spells it. */
  #isThere(folder: string, place: string, asFolder: boolean): boolean {
    const looks = this.#looks.get(folder) ?? 0;
    if (looks >= LOOKS_PER_FOLDER) return false;
    this.#looks.set(folder, looks + 1);
    try {
      const found = fs.lstatSync(place, { throwIfNoEntry: false });
      return found !== undefined && (!asFolder || found.isDirectory());
    } catch {
      // The reason is reported where the file is opened.
      return false;
    }
  }
}

/** The names in a folder; undefined when there is no folder or it cannot be read. */
async function namesIn(folder: string): Promise<Names | undefined> {
  try {
    if (!(await fs.promises.lstat(folder)).isDirectory()) return undefined;
    return await inSlices(sortedOut(await fs.promises.readdir(folder)));
  } catch {
    // The reason is reported where the files in it are opened.
    return undefined;
  }
}

function* sortedOut(found: readonly string[]): Steps<Names> {
  const byOurs = new Map<string, string>();
  const byFolded = new Map<string, string>();
  const unreadable: string[] = [];
  const awkward: string[] = [];
  for (const [position, name] of found.entries()) {
    if (position % NAMES_PER_STEP === 0) yield;
    if (name.includes(UNREADABLE)) {
      unreadable.push(name);
      continue;
    }
    byOurs.set(name, name);
    byFolded.set(name.toLowerCase(), name);
    if (!PLAIN.test(name)) awkward.push(name);
  }
  // Of several names that we would spell in the same way, the first one counts.
  for (const [position, name] of awkward.sort().entries()) {
    if (position % NAMES_PER_STEP === 0) yield;
    const ours = oursFor(name);
    if (ours !== undefined && !byOurs.has(ours)) byOurs.set(ours, name);
  }
  return { byOurs, byFolded, unreadable: unreadable.sort().slice(0, MAX_UNREADABLE) };
}

/** The name that we would give a file of this name; undefined for a name that no torrent may have. */
function oursFor(name: string): string | undefined {
  try {
    return safeName(name);
  } catch {
    return undefined;
  }
}

/** Texts about names that a person would take for `name`: how each differs from it. */
function* problemsWith(name: string, names: Names | undefined): Generator<string> {
  const folded = names?.byFolded.get(name.toLowerCase());
  if (folded !== undefined) {
    yield `${folded} in shareable/ has other capitals than ${name}: rename it to ${name}`;
  }
  for (const unreadable of names?.unreadable ?? []) {
    if (!isReadable(unreadable, name)) continue;
    yield `a name like ${name} in shareable/ is not UTF-8, so that it cannot be opened: rename it to ${name}`;
  }
}

/** Whether `name` may be the name that a name with unreadable characters stands for. */
function isReadable(unreadable: string, name: string): boolean {
  const parts = unreadable.split(/\uFFFD+/);
  return name.length >= unreadable.length && name.startsWith(parts[0]) && name.endsWith(parts.at(-1)!);
}
