/** Which files of a torrent the user wants, and in which order, as globs and as files and pieces. */
import { Bitfield } from "../../protocol/bitfield.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import type { Steps } from "../../protocol/steps.ts";
import type { Selection } from "../ports.ts";
import { globMatcher } from "./glob.ts";

/** Files looked at between two pauses. */
const FILES_PER_STEP = 256;
/** Pieces counted between two pauses. */
const PIECES_PER_STEP = 16_384;

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
 * Applies a choice to a torrent, with pauses, as it may have very many files. `positions` are the wanted files as programs
 * and magnet links (BEP 53) name them, empty for all files. They count only if the choice names no files in `only`. Files
 * of `firstPositions` come first too.
 *
 * Errors: `RangeError` when no file is left to be wanted.
 */
export function* fileSelecting(
  metainfo: Metainfo,
  choice: FileChoice,
  positions: readonly FileRange[],
  firstPositions: readonly FileRange[],
): Steps<FileSelection> {
  const { files, layout: { pieceCount } } = metainfo;
  const all = yield* filesThat(metainfo, (file) => !files[file].isPadding);
  const padding = Bitfield.full(files.length).without(all);
  const named = choice.only.length > 0
    ? yield* filesMatching(metainfo, choice.only)
    : positions.length > 0
    ? filesIn(positions, metainfo).without(padding)
    : all;
  const wanted = named.without(yield* filesMatching(metainfo, choice.skip));
  if (wanted.count === 0) throw nothingWanted(metainfo, choice, positions);
  const firstFiles = yield* filesMatching(metainfo, choice.first);
  firstFiles.addAll(filesIn(firstPositions, metainfo).without(padding));
  return {
    files: wanted,
    pieces: wanted.count === all.count ? Bitfield.full(pieceCount) : yield* piecesOf(metainfo, wanted),
    firstFiles,
    firstPieces: yield* piecesOf(metainfo, firstFiles),
    isSequential: choice.isSequential,
  };
}

/** Globs whose matching no file is worth telling. */
interface TellingGlobs {
  readonly skip?: readonly string[] | undefined;
  readonly first?: readonly string[] | undefined;
}

/**
 * Globs of `skip` and `first` that match no file of a torrent, each with its option. Most likely they are mistyped. It
 * looks for them with pauses.
 */
export function* seekingIdleGlobs(
  metainfo: Metainfo,
  { skip = [], first = [] }: TellingGlobs,
): Steps<string[]> {
  const idle: string[] = [];
  for (const [option, globs] of [["--skip", skip], ["--first", first]] as const) {
    for (const glob of globs) {
      if ((yield* filesMatching(metainfo, [glob])).count === 0) idle.push(`${option} ${glob}`);
    }
  }
  return idle;
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

/** The files whose paths match one of the globs. */
function* filesMatching(metainfo: Metainfo, globs: readonly string[]): Steps<Bitfield> {
  if (globs.length === 0) return new Bitfield(metainfo.files.length);
  const matches = matcher(globs);
  return yield* filesThat(metainfo, (file) => {
    const { path, isPadding } = metainfo.files[file];
    // In a torrent of several files, all paths begin with its name.
    return !isPadding && matches((path.length > 1 ? path.slice(1) : path).join("/"));
  });
}

function* filesThat({ files }: Metainfo, isMeant: (file: number) => boolean): Steps<Bitfield> {
  const found = new Bitfield(files.length);
  for (let file = 0; file < files.length; file++) {
    if (isMeant(file)) found.add(file);
    if (file % FILES_PER_STEP === 0) yield;
  }
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

function* piecesOf({ layout }: Metainfo, files: Bitfield): Steps<Bitfield> {
  const pieces = new Bitfield(layout.pieceCount);
  for (const file of files) {
    const { first, last } = layout.piecesOf(file) ?? { first: 0, last: -1 };
    for (let index = first; index <= last; index++) {
      pieces.add(index);
      if (index % PIECES_PER_STEP === 0) yield;
    }
    if (file % FILES_PER_STEP === 0) yield;
  }
  return pieces;
}
