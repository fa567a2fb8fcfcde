/** Wishes for files by their positions in the torrent, which change what was wished before. */
import type { FileRange } from "../protocol/magnet.ts";
import type { FileView } from "../session/session.ts";

type File = Pick<FileView, "position" | "isWanted" | "isFirst">;

/**
 * The wanted files after some have become wanted and others have ceased to be; a file in both lists is wanted.
 * Errors: `RangeError` when none is left, since an empty list would stand for all.
 */
export function wantedAfter(
  files: readonly File[],
  become: readonly number[] = [],
  cease: readonly number[] = [],
): FileRange[] {
  const ranges = positionsAfter(files.filter(({ isWanted }) => isWanted), become, cease);
  if (ranges.length === 0) throw new RangeError("Expected a file that is wanted, got none");
  return ranges;
}

/** The files that come before the others, in the same way; there may be none. */
export function firstAfter(
  files: readonly File[],
  become: readonly number[] = [],
  cease: readonly number[] = [],
): FileRange[] {
  return positionsAfter(files.filter(({ isFirst }) => isFirst), become, cease);
}

function positionsAfter(
  before: readonly File[],
  become: readonly number[],
  cease: readonly number[],
): FileRange[] {
  const after = new Set(before.map(({ position }) => position));
  for (const position of cease) after.delete(position);
  for (const position of become) after.add(position);
  return rangesOf([...after]);
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
