/** The user's wishes for files as Transmission says them: by lists of indices, which change what was wished before. */
import type { FileRange } from "../../../protocol/magnet.ts";
import { METAINFO_LIMITS } from "../../../settings.ts";
import { firstAfter, rangesOf, wantedAfter } from "../../file_positions.ts";
import type { Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";
import type { FileView, FileWishes } from "../../../session/session.ts";

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
    if (outside === undefined) return named?.map((index) => files[index].position);
    throw new RpcError("file index", `Expected file indices below ${files.length}, got ${outside}`);
  };
  const [wanted, unwanted, high, normal, low] = MEMBERS.map(indices);
  return {
    ...(wanted ?? unwanted) && {
      // As in Transmission, a file that a request names in both lists is wanted.
      positions: wantedAfter(files, wanted, unwanted),
    },
    ...(high ?? normal ?? low) && {
      firstPositions: firstAfter(files, high, [...normal ?? [], ...low ?? []]),
    },
  };
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
