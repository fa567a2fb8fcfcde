import type { InferOutput } from "valibot";
import type { FileView, FileWishes } from "../../session/session.ts";
import { firstAfter, wantedAfter } from "../file_positions.ts";
import { Refusal } from "../problem.ts";
import type { FileSelection } from "./bodies.ts";

type Selection = InferOutput<typeof FileSelection>;

/** The wishes of globs as the session takes them. */
export function wishesOf({ sequential, files: _, ...globs }: Selection): FileWishes {
  return { ...globs, isSequential: sequential };
}

/**
 * The wishes of positions for a torrent that has these files now. Errors: `Refusal` for a position that no file has and
 * for globs beside positions; `RangeError` when no file would be wanted.
 */
export function wishesAfter(selection: Selection, files: readonly FileView[]): FileWishes {
  const { wanted, unwanted, first, notFirst } = selection.files ?? {};
  const isMixed = [selection.only, selection.skip, selection.first].some((globs) => globs !== undefined);
  if (isMixed) throw new Refusal(400, "Expected globs or positions of files, got both");
  const known = new Set(files.map(({ position }) => position));
  for (const position of [wanted, unwanted, first, notFirst].flatMap((positions) => positions ?? [])) {
    if (!known.has(position)) throw new Refusal(400, `Expected the position of a file, got ${position}`);
  }
  return {
    isSequential: selection.sequential,
    ...wanted !== undefined || unwanted !== undefined
      ? { positions: wantedAfter(files, wanted, unwanted) }
      : {},
    ...first !== undefined || notFirst !== undefined
      ? { firstPositions: firstAfter(files, first, notFirst) }
      : {},
  };
}
