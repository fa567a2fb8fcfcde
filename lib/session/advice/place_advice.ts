/** What to tell the user of files that cannot go to `shareable/`, because something else has or wants their place. */
import { inSlices } from "../../disk/time_slices.ts";
import { equalBytes } from "../../protocol/bytes.ts";
import { type Metainfo, pieceHash } from "../../protocol/metainfo.ts";
import type { Steps } from "../../protocol/steps.ts";
import { Swarm } from "../../swarm/swarm.ts";
import type { RegisteredSwarm } from "../../swarm/swarm_registry.ts";

/** Whether the file systems of this machine usually take `Notes` and `notes` for one name. */
const IGNORES_CASE = Deno.build.os !== "linux";

/** Files and pieces looked at between two pauses. */
const STEP = 1024;

/**
 * The path below `shareable/` at which two torrents have different files, or one has a file and the other a folder;
 * undefined where none is known. Two torrents may share a file of the same contents. `ignoresCase`: names that differ in
 * case only are one on disk.
 */
export function* clashOf(one: Metainfo, other: Metainfo, ignoresCase: boolean): Steps<string | undefined> {
  const keyOf = (path: readonly string[]) => {
    const name = path.join("/");
    return ignoresCase ? name.toLowerCase().toUpperCase() : name;
  };
  if (keyOf([one.name]) !== keyOf([other.name])) return undefined;
  const theirs = new Map<string, number>();
  const theirFolders = new Set<string>();
  let looked = 0;
  for (const [file, { path, isPadding }] of other.files.entries()) {
    if (++looked % STEP === 0) yield;
    if (isPadding) continue;
    theirs.set(keyOf(path), file);
    for (let depth = 1; depth < path.length; depth++) theirFolders.add(keyOf(path.slice(0, depth)));
  }
  for (const [file, { path, isPadding }] of one.files.entries()) {
    if (++looked % STEP === 0) yield;
    if (isPadding) continue;
    const same = theirs.get(keyOf(path));
    if (same !== undefined && (yield* areOther(one, file, other, same))) return path.join("/");
    if (theirFolders.has(keyOf(path))) return path.join("/");
    for (let depth = 1; depth < path.length; depth++) {
      if (theirs.has(keyOf(path.slice(0, depth)))) return path.slice(0, depth).join("/");
    }
  }
  return undefined;
}

/**
 * Whether two files may have different contents: their lengths differ, or a piece that lies in them alone, or their
 * pieces cannot be compared, as they begin elsewhere.
 */
function* areOther(one: Metainfo, file: number, other: Metainfo, same: number): Steps<boolean> {
  const { length } = one.files[file];
  if (other.files[same].length !== length) return true;
  if (length === 0) return false;
  const { layout } = one;
  const { pieceLength } = layout;
  const shift = other.layout.startOf(same) - layout.startOf(file);
  if (other.layout.pieceLength !== pieceLength || shift % pieceLength !== 0) return true;
  const isWithin = (metainfo: Metainfo, file: number, index: number) => {
    const { layout, files } = metainfo;
    const start = layout.startOf(file);
    const end = layout.offsetOf(index) + layout.lengthOf(index);
    return layout.offsetOf(index) >= start && end <= start + files[file].length;
  };
  const { first, last } = layout.piecesOf(file) ?? { first: 0, last: -1 };
  for (let index = first; index <= last; index++) {
    if ((index - first) % STEP === STEP - 1) yield;
    const theirs = index + shift / pieceLength;
    if (!isWithin(one, file, index) || !isWithin(other, same, theirs)) continue;
    if (layout.lengthOf(index) !== other.layout.lengthOf(theirs)) continue;
    if (!equalBytes(pieceHash(one, index), pieceHash(other, theirs))) return true;
  }
  return false;
}

/**
 * What to tell of a torrent that is to fill a place with other data than one of `others` is, so that at most one of the
 * two can be finished; undefined where there is none, or one of the two is finished already.
 */
export async function adviceOnSamePlace(
  swarm: Swarm,
  others: Iterable<RegisteredSwarm>,
): Promise<string | undefined> {
  for (const other of [...others]) {
    if (!(other instanceof Swarm) || other === swarm || other.isFinished || swarm.isFinished) continue;
    if (other.metainfo.name.toLowerCase() !== swarm.metainfo.name.toLowerCase()) continue;
    const path = await inSlices(clashOf(swarm.metainfo, other.metainfo, IGNORES_CASE));
    if (path === undefined) continue;
    return `the torrent ${other.infoHash} fills shareable/${path} too: unless both mean the same file, only one of ` +
      "them can be finished; give the other one another --home";
  }
}

/**
 * What to tell of files of the user's that lie at `paths`, where those of a torrent are to go in the end; undefined
 * where there are none.
 */
export function adviceOnFilesInTheWay(paths: readonly string[]): string | undefined {
  const [first] = paths;
  if (first === undefined) return undefined;
  const others = paths.length - 1;
  const more = others === 0 ? "" : ` (and so are ${others} more in shareable/)`;
  return `${first} is another file than that of the torrent, and is not replaced${more}: move it away before the ` +
    "download ends, or give the torrent another --home";
}
