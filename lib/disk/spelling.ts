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

/** Files looked up between two pauses. */
const FILES_PER_STEP = 256;
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
  const problems = new Set<string>();
  const files = await inSlices(
    spelledFiles(metainfo.files, pathOfFolder(dataFolder(home, folder)), problems),
  );
  return { metainfo: { ...metainfo, files }, problems: [...problems] };
}

function* spelledFiles(
  files: readonly TorrentFile[],
  root: string,
  problems: Set<string>,
): Steps<TorrentFile[]> {
  const folders = new Map<string, Names | undefined>();
  const spelled: TorrentFile[] = [];
  for (const file of files) {
    const path = file.isPadding ? file.path : spelledPath(file.path, root, folders, problems);
    if (spelled.push(path === file.path ? file : { ...file, path }) % FILES_PER_STEP === 0) yield;
  }
  return spelled;
}

function spelledPath(
  path: readonly string[],
  root: string,
  folders: Map<string, Names | undefined>,
  problems: Set<string>,
): readonly string[] {
  const spelled = [...path];
  let folder = root;
  for (const [depth, name] of path.entries()) {
    if (!folders.has(folder)) folders.set(folder, namesIn(folder));
    const names = folders.get(folder);
    const found = names?.byOurs.get(name);
    if (found === undefined) {
      // Some systems do not tell capitals apart, so the name may work as it is.
      if (fs.existsSync(join(folder, name))) break;
      for (const problem of problemsWith(name, names)) problems.add(problem);
      break;
    }
    spelled[depth] = found;
    folder = join(folder, found);
  }
  return spelled.every((name, depth) => name === path[depth]) ? path : spelled;
}

/** The names in a folder; undefined when there is no folder or it cannot be read. */
function namesIn(folder: string): Names | undefined {
  try {
    if (!fs.lstatSync(folder).isDirectory()) return undefined;
    const found = fs.readdirSync(folder).sort();
    const readable = found.filter((name) => !name.includes(UNREADABLE));
    const byOurs = new Map(readable.map((name) => [name, name]));
    for (const name of readable) {
      const ours = oursFor(name);
      if (ours !== undefined && !byOurs.has(ours)) byOurs.set(ours, name);
    }
    return {
      byOurs,
      byFolded: new Map(readable.map((name) => [name.toLowerCase(), name])),
      unreadable: found.filter((name) => name.includes(UNREADABLE)).slice(0, MAX_UNREADABLE),
    };
  } catch {
    // The reason is reported where the files in it are opened.
    return undefined;
  }
}

/** The name that we would give a file of this name; undefined for a name that no torrent may have. */
function oursFor(name: string): string | undefined {
  try {
    return PLAIN.test(name) ? name : safeName(name);
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
