/**
 * The worker that hashes, reads and writes pieces, so that the main thread never waits for a disk.
 *
 * A message carries several requests; the worker answers each once, in order, and sends the answers of one message
 * together. Buffers are transferred both ways. The worker opens files by itself, and "close" makes it close them.
 */
import { BusyStorageError, messageOf } from "../errors.ts";
import { STORAGE } from "../settings.ts";
import { PieceLayout } from "../protocol/piece_layout.ts";
import { FileRow, type FileRowDescription } from "./file_row.ts";
import { OpenFiles } from "./open_files.ts";
import { type PackedFiles, UnpackedFiles } from "./large/packed_files.ts";
import { hashStoredPiece, writePiece } from "./piece_hasher.ts";

/** The description of a row of files as plain data. */
type PackedRow = Omit<FileRowDescription, "files"> & { readonly files: PackedFiles };

/** One job of the worker. A number, set by "open", stands for each row. */
export type DiskJob =
  | { readonly kind: "open"; readonly row: number; readonly description: PackedRow }
  | { readonly kind: "close"; readonly row: number }
  /** Writes a piece if it has the right hash; the answer is whether it has. */
  | {
    readonly kind: "commit";
    readonly row: number;
    readonly index: number;
    readonly buffer: Uint8Array<ArrayBuffer>;
    readonly hash: Uint8Array;
    /** Files of the piece that are to be made where they lack. */
    readonly unmade: readonly number[];
  }
  /** Hashes pieces as they lie on disk; the answer is `HashedPieces`. */
  | { readonly kind: "hash"; readonly row: number; readonly indices: readonly number[] }
  /** Copies piece `at` to another row, as piece `index`, if it has the hash of that; the answer is whether it has. */
  | {
    readonly kind: "copy";
    readonly row: number;
    readonly to: number;
    readonly at: number;
    readonly index: number;
    readonly hash: Uint8Array;
    /** Files of the other row that are to be made where they lack. */
    readonly unmade: readonly number[];
  };

/** The hash of each piece that was asked for, in order; undefined where there is no data for it. */
export type HashedPieces = readonly (Uint8Array<ArrayBuffer> | undefined)[];

/** A job with the number that its answer will carry. */
export interface DiskRequest {
  readonly id: number;
  readonly job: DiskJob;
}

/** The answer to a request. */
export interface DiskAnswer {
  readonly id: number;
  readonly result?: boolean | HashedPieces;
  /** Set when the disk refused, for `StorageError`, or `BusyStorageError` where that `mayPass`. */
  readonly error?: string;
  readonly mayPass?: boolean;
  /** The buffer of a commit, whether it succeeded or not. */
  readonly buffer?: Uint8Array<ArrayBuffer>;
  /** The time that a commit took, in ms. */
  readonly tookMs?: number;
}

/** The few members of a worker's global object used here; the project is checked with the main thread's types. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<DiskRequest[]>) => void) | null;
  postMessage(answers: DiskAnswer[], transfer: Transferable[]): void;
}

const scope = globalThis as unknown as WorkerScope;
const openFiles = new OpenFiles(STORAGE.workerOpenFiles);
const rows = new Map<number, FileRow>();
let scratch = new Uint8Array(STORAGE.hashReadBytes);

scope.onmessage = ({ data: requests }) => {
  const answers = requests.map(answer);
  scope.postMessage(answers, answers.flatMap(({ buffer }) => buffer?.buffer ?? []));
};

function answer({ id, job }: DiskRequest): DiskAnswer {
  const begin = performance.now();
  const answer = answerTo(id, job);
  if (job.kind !== "commit") return answer;
  return { ...answer, buffer: job.buffer, tookMs: performance.now() - begin };
}

function answerTo(id: number, job: DiskJob): DiskAnswer {
  try {
    return { id, result: run(job) };
  } catch (error) {
    return { id, error: messageOf(error), mayPass: error instanceof BusyStorageError };
  }
}

function run(job: DiskJob): boolean | HashedPieces {
  switch (job.kind) {
    case "open":
      rows.set(job.row, unpackedRow(job.description));
      return true;
    case "close":
      rows.get(job.row)?.close();
      return rows.delete(job.row);
    case "commit":
      return writePiece(rows.get(job.row)!, job.index, job.buffer, job.hash, job.unmade);
    case "hash":
      return job.indices.map((index) => hashStoredPiece(rows.get(job.row)!, index, scratch));
    case "copy":
      return copyPiece(rows.get(job.row)!, rows.get(job.to)!, job);
  }
}

function unpackedRow({ files, ...description }: PackedRow): FileRow {
  const layout = new PieceLayout(description.pieceLength, files.lengths);
  return new FileRow({ ...description, files: new UnpackedFiles(files) }, openFiles, layout);
}

function copyPiece(
  from: FileRow,
  to: FileRow,
  { at, index, hash, unmade }: DiskJob & { kind: "copy" },
): boolean {
  const length = to.layout.lengthOf(index);
  if (from.layout.lengthOf(at) < length) return false;
  if (scratch.length < length) scratch = new Uint8Array(length);
  const piece = scratch.subarray(0, length);
  return from.tryRead(from.layout.offsetOf(at), piece) && writePiece(to, index, piece, hash, unmade);
}
