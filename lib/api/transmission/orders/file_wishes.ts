/** The user's wishes for files as Transmission says them: by lists of indices, which change what was wished before. */
import type { FileRange } from "../../../protocol/magnet.ts";
import { METAINFO_LIMITS } from "../../../settings.ts";
import type { Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";
import type { FileView, FileWishes } from "../session_port.ts";

/** The members of a request about files: an empty list means all files. */
const MEMBERS = [
  "files_wanted",
  "files_unwanted",
  "priority_high",
  "priority_normal",
  "priority_low",
] as const;

/** Whether a request says anything about files. */
export function speaksOfFiles(params: Params): boolean {
  return MEMBERS.some((name) => params.has(name));
}

/**
 * The wishes after a request, for a torrent that has these files now. We know no low priority: such files are like
 * normal ones. Errors: `RpcError` when an index names no file.
 */
export function wishesAfter(params: Params, files: readonly FileView[]): FileWishes {
  const indices = (name: string) => {
    const named = params.integers(name);
    if (named?.length === 0) return files.keys().toArray();
    const outside = named?.find((index) => index < 0 || index >= files.length);
    if (outside === undefined) return named;
    throw new RpcError("file index", `Expected file indices below ${files.length}, got ${outside}`);
  };
  const [wanted, unwanted, high, normal, low] = MEMBERS.map(indices);
  return {
    ...(wanted ?? unwanted) && {
      positions: changed(files, ({ isWanted }) => isWanted, wanted, unwanted),
    },
    ...(high ?? normal ?? low) && {
      firstPositions: changed(files, ({ isFirst }) => isFirst, high, [...normal ?? [], ...low ?? []]),
    },
  };
}

/** The positions of the files that are so after some have become so and others have ceased to be. */
function changed(
  files: readonly FileView[],
  isSo: (file: FileView) => boolean,
  become: readonly number[] = [],
  cease: readonly number[] = [],
): FileRange[] {
  const after = new Set(files.keys().filter((index) => isSo(files[index])));
  // As in Transmission, the files that are wanted come last when a request names some in both lists.
  for (const index of cease) after.delete(index);
  for (const index of become) after.add(index);
  return rangesOf([...after].map((index) => files[index].position));
}

/**
 * The wishes of a request that adds a torrent, whose files we do not know yet: the indices are positions in the torrent,
 * and files that no list names are wanted. Errors: `RpcError` when an index cannot be a position.
 */
export function wishesForNew(params: Params): FileWishes {
  const [wanted = [], unwanted, high] = MEMBERS.map((name) => {
    const named = params.integers(name);
    const outside = named?.find((index) => index < 0 || index >= METAINFO_LIMITS.files);
    if (outside === undefined) return named;
    throw new RpcError("file index", `Expected file indices below ${METAINFO_LIMITS.files}, got ${outside}`);
  });
  const isWanted = new Set(wanted);
  const skipped = unwanted?.filter((index) => !isWanted.has(index)) ?? [];
  return {
    ...skipped.length > 0 && { positions: gapsBetween(rangesOf(skipped)) },
    // An empty list stands for all files, and then none comes before the others.
    ...high !== undefined && { firstPositions: rangesOf(high) },
  };
}

/** All positions that lie in none of the ranges, which are in order. */
function gapsBetween(ranges: readonly FileRange[]): FileRange[] {
  const starts = [0, ...ranges.map(({ last }) => last + 1)];
  const ends = [...ranges.map(({ first }) => first - 1), METAINFO_LIMITS.files];
  return starts.map((first, at) => ({ first, last: ends[at] })).filter(({ first, last }) => first <= last);
}

/** Ranges of positions, in order. */
export function rangesOf(positions: readonly number[]): FileRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const position of positions.toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && position <= range.last + 1) range.last = Math.max(range.last, position);
    else ranges.push({ first: position, last: position });
  }
  return ranges;
}
