/** Reads the list of files in an info dictionary (BEP 3, BEP 47) with pauses: counts it and makes its paths safe. */
import { MetainfoError } from "../errors.ts";
import {
  type BencodeDictionary,
  bytesIn,
  encodedBytes,
  type EncodedItem,
  encodedItems,
  encodedNumber,
  isEncodedDictionary,
  numberIn,
} from "./bencode.ts";
import { fromStrictUtf8, fromUtf8 } from "./bytes.ts";
import { SafePaths } from "./safe_path.ts";
import type { Steps } from "./steps.ts";

/** Files that are read between two pauses. */
const FILES_PER_STEP = 128;

/** What a list of files may contain at most. */
export interface FileListLimits {
  readonly files: number;
  /** Strings, numbers, lists and dictionaries in the list; most of them are names in paths. */
  readonly fileValues: number;
}

/** One file of a torrent. */
export interface TorrentFile {
  /** Safe path below `shareable/`: `[name]`, or `[folder, …, name]` in a torrent of several files. */
  readonly path: readonly string[];
  /** Bytes. */
  readonly length: number;
  /** Padding (BEP 47): zero bytes that exist in the pieces only, never on disk. */
  readonly isPadding: boolean;
}

/**
 * The files of an info dictionary with safe paths. `list` is its encoded member `files`; undefined where it has none.
 * Errors: `MetainfoError`.
 */
export function* filesOf(
  info: BencodeDictionary,
  list: Iterable<EncodedItem> | undefined,
  limits: FileListLimits,
): Steps<TorrentFile[]> {
  const paths = new SafePaths();
  const files: TorrentFile[] = [];
  yield* readFiles(info, list, limits, ({ path, length, isPadding }) => {
    files.push({ path: paths.add(path), length, isPadding });
  });
  yield* paths.check();
  return files;
}

/** Counts the list before anything is built from it. Errors: `MetainfoError` for a list that is empty or too large. */
function* refuseTooMany(list: Iterable<EncodedItem>, limits: FileListLimits): Steps<void> {
  let files = 0;
  let values = 0;
  for (const file of list) {
    values += file.values;
    if (++files % FILES_PER_STEP === 0) yield;
  }
  if (files === 0 || files > limits.files) {
    throw new MetainfoError(`Expected 1 to ${limits.files} files, got ${files}`);
  }
  if (values > limits.fileValues) {
    throw new MetainfoError(
      `Expected at most ${limits.fileValues} values in the list of files, got ${values}`,
    );
  }
}

/** Paths of the files as the torrent gives them, without those of symbolic links. Errors: `MetainfoError`. */
export function* rawPathsOf(
  info: BencodeDictionary,
  list: Iterable<EncodedItem> | undefined,
  limits: FileListLimits,
): Steps<string[][]> {
  const paths: string[][] = [];
  yield* readFiles(info, list, limits, ({ path }) => paths.push(path));
  return paths;
}

/** A file with the path that the torrent gives. */
interface RawFile extends Omit<TorrentFile, "path"> {
  readonly path: string[];
}

/** Calls `take` for each file that is no symbolic link. Errors: `MetainfoError`. */
function* readFiles(
  info: BencodeDictionary,
  list: Iterable<EncodedItem> | undefined,
  limits: FileListLimits,
  take: (file: RawFile) => void,
): Steps<void> {
  const name = nameIn(info, "name");
  if (name === undefined) throw new MetainfoError("Expected a name, got none");
  if (list === undefined) {
    return take({ path: [name], length: checkedLength(numberIn(info, "length")), isPadding: false });
  }
  yield* refuseTooMany(list, limits);
  let count = 0;
  let taken = 0;
  for (const item of list) {
    const { isSymlink, ...file } = readFile(item, name);
    if (!isSymlink) take(file);
    if (!isSymlink) taken++;
    if (++count % FILES_PER_STEP === 0) yield;
  }
  if (taken === 0) throw new MetainfoError("Expected files, got symbolic links only");
}

function readFile({ bytes, members }: EncodedItem, name: string) {
  if (!isEncodedDictionary(bytes)) {
    throw new MetainfoError("Expected a dictionary for each file, got something else");
  }
  const steps = encodedItems(members.get("path.utf-8")) ?? encodedItems(members.get("path")) ?? [];
  const path = [name];
  for (const step of steps) {
    const text = encodedBytes(step.bytes);
    if (text === undefined) throw new MetainfoError("Expected names in a path, got something else");
    path.push(fromUtf8(text));
  }
  if (path.length === 1) throw new MetainfoError("Expected a path for each file, got none");
  const attributes = fromUtf8(encodedBytes(members.get("attr")) ?? new Uint8Array());
  const isSymlink = attributes.includes("l");
  return {
    path,
    length: isSymlink ? 0 : checkedLength(encodedNumber(members.get("length"))),
    isPadding: attributes.includes("p"),
    isSymlink,
  };
}

function checkedLength(length: number | undefined): number {
  if (length === undefined || length < 0) {
    throw new MetainfoError(`Expected a length of 0 or more for each file, got ${length ?? "none"}`);
  }
  return length;
}

/** The name under a key, taken from its `.utf-8` variant where that is well-formed. */
function nameIn(dictionary: BencodeDictionary, key: string): string | undefined {
  const utf8 = bytesIn(dictionary, `${key}.utf-8`);
  const bytes = bytesIn(dictionary, key);
  return (utf8 && fromStrictUtf8(utf8)) ?? (bytes && fromUtf8(bytes));
}
