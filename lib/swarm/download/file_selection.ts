/** Which files of a torrent the user wants, and in which order, as globs and as files and pieces. */
import { Bitfield } from "../../protocol/bitfield.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import type { Selection } from "../ports.ts";
import { globMatcher } from "./glob.ts";

/**
 * The user's choice of files, for any torrent.
 *
 * A glob with a `/`, as `disc 1/*.flac` or `/*.flac`, must match the path within the torrent. A glob without one, as
 * `*.flac`, must match the name of the file in any folder. `glob.ts` lists the special characters. Files whose names
 * begin with a dot are treated as all others.
 */
export interface FileChoice {
  /** Globs of the wanted files; all files are wanted when it is empty. */
  readonly only: readonly string[];
  /** Globs of files that are not wanted, even if `only` names them. */
  readonly skip: readonly string[];
  /** Globs of files that are fetched before the others. */
  readonly first: readonly string[];
  /** Whether pieces are fetched in the order of the files, instead of the rarest first. */
  readonly isSequential: boolean;
}

/** All files in no particular order. */
export const EVERYTHING: FileChoice = { only: [], skip: [], first: [], isSequential: false };

/** A choice for one torrent. */
export interface FileSelection extends Selection {
  /** Files that are fetched before the others, by position. */
  readonly firstFiles: Bitfield;
  /** Pieces that are fetched before the others. */
  readonly firstPieces: Bitfield;
  readonly isSequential: boolean;
}

/**
 * Applies a choice to a torrent. `positions` are the wanted files as programs and magnet links (BEP 53) name them, empty
 * for all files. They count only if the choice names no files in `only`. Files of `firstPositions` come first too.
 *
 * Errors: `RangeError` when no file is left to be wanted.
 */
export function selectFiles(
  metainfo: Metainfo,
  choice: FileChoice,
  positions: readonly FileRange[] = [],
  firstPositions: readonly FileRange[] = [],
): FileSelection {
  const only = matcher(choice.only);
  const skip = matcher(choice.skip);
  const named = filesIn(positions, metainfo);
  const isNamed = (_path: string, file: number) => positions.length === 0 || named.has(file);
  const isAskedFor = choice.only.length > 0 ? only : isNamed;
  const wanted = filesThat(metainfo, (path, file) => isAskedFor(path, file) && !skip(path));
  if (wanted.count === 0) throw nothingWanted(metainfo, choice, positions);
  const isEverything = wanted.count === filesThat(metainfo, () => true).count;
  const isFirst = matcher(choice.first);
  const namedFirst = filesIn(firstPositions, metainfo);
  const first = filesThat(metainfo, (path, file) => isFirst(path) || namedFirst.has(file));
  return {
    files: wanted,
    pieces: isEverything ? Bitfield.full(metainfo.layout.pieceCount) : piecesOf(metainfo, wanted),
    firstFiles: first,
    firstPieces: piecesOf(metainfo, first),
    isSequential: choice.isSequential,
  };
}

/** Globs of `skip` and `first` that match no file of a torrent, each with its option. Most likely they are mistyped. */
export function globsWithoutFile(
  metainfo: Metainfo,
  { skip = [], first = [] }: {
    readonly skip?: readonly string[] | undefined;
    readonly first?: readonly string[] | undefined;
  },
): string[] {
  const isIdle = (glob: string) => filesThat(metainfo, matcher([glob])).count === 0;
  return [
    ...skip.filter(isIdle).map((glob) => `--skip ${glob}`),
    ...first.filter(isIdle).map((glob) => `--first ${glob}`),
  ];
}

function nothingWanted(
  { name, files }: Metainfo,
  { only, skip }: FileChoice,
  positions: readonly FileRange[],
): RangeError {
  const asked = only.length > 0 ? only : positions.map(({ first, last }) => `${first}-${last}`);
  const wishes = [...asked, ...skip.map((glob) => `not ${glob}`)].join(", ");
  return new RangeError(
    `Expected one of ${files.length} files of ${name} to be wanted (${wishes}), got none`,
  );
}

/** Makes a function that says whether a path matches one of the globs. Without globs no path matches. */
function matcher(globs: readonly string[]): (path: string) => boolean {
  const matches = globs.map((glob) => {
    const match = globMatcher(glob.replace(/^(\.?\/)+/, ""));
    return glob.includes("/") ? match : (path: string) => match(path.slice(path.lastIndexOf("/") + 1));
  });
  return (path) => matches.some((match) => match(path));
}

function filesThat({ files }: Metainfo, isMeant: (path: string, file: number) => boolean): Bitfield {
  const found = new Bitfield(files.length);
  files.forEach(({ path, isPadding }, file) => {
    // In a torrent of several files, all paths begin with its name.
    const within = path.length > 1 ? path.slice(1) : path;
    if (!isPadding && isMeant(within.join("/"), file)) found.add(file);
  });
  return found;
}

/** The files at these positions; positions behind the last file are left out. */
function filesIn(positions: readonly FileRange[], { files }: Metainfo): Bitfield {
  const found = new Bitfield(files.length);
  for (const { first, last } of positions) {
    for (let file = Math.max(first, 0); file <= Math.min(last, files.length - 1); file++) found.add(file);
  }
  return found;
}

function piecesOf({ layout }: Metainfo, files: Bitfield): Bitfield {
  const pieces = new Bitfield(layout.pieceCount);
  for (const file of files) {
    const { first, last } = layout.piecesOf(file) ?? { first: 0, last: -1 };
    for (let index = first; index <= last; index++) pieces.add(index);
  }
  return pieces;
}
