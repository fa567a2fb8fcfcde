import { BusyStorageError, StorageError } from "../errors.ts";
import type { PieceLayout } from "../protocol/piece_layout.ts";
import { STORAGE } from "../settings.ts";
import { CommitChoice } from "./commit_choice.ts";
import type { DiskAnswer, DiskJob, DiskRequest, HashedPieces } from "./disk_worker.ts";
import type { FileRow, FileRowDescription } from "./file_row.ts";
import { writePiece } from "./piece_hasher.ts";
import { pack } from "./large/packed_files.ts";
import { pauseAfter, tryAgain } from "./storage_failure.ts";
import { giveWay } from "./time_slices.ts";

/** The result of a commit, the writing of a piece. */
interface CommitResult {
  /** "stored": verified and written. "corrupt": wrong hash, not written. Otherwise the reason of the disk's refusal. */
  readonly outcome: "stored" | "corrupt" | StorageError;
  /** The memory that the caller gave, with the same length but maybe as another object. */
  readonly buffer: Uint8Array<ArrayBuffer>;
}

/** Messages that a worker has at once: enough that it never waits for the next one. */
const MAX_MESSAGES = 4;
/** Bytes of pieces in one message. Small pieces travel together, as a message costs as much as copying one of them. */
const MESSAGE_BYTES = 1024 * 1024;

/** A request that is not sent yet. `bytes` is the length of the buffer that it transfers. */
interface QueuedRequest {
  readonly request: DiskRequest;
  readonly transfer: Transferable[];
  readonly bytes: number;
}

/**
 * One worker thread and the requests it has not answered.
 *
 * While the worker is busy, requests for small pieces gather and travel together, both ways.
 */
class DiskWorkerThread {
  readonly #worker = new Worker(new URL("./disk_worker.ts", import.meta.url), { type: "module" });
  readonly #waiting = new Map<number, (answer: DiskAnswer) => void>();
  readonly #rows = new Map<FileRowDescription, number>();
  #queued: QueuedRequest[] = [];
  #messages = 0;
  #lastId = 0;
  #lastRow = 0;

  constructor() {
    this.#worker.onmessage = (event: MessageEvent<DiskAnswer[]>) => {
      this.#messages--;
      this.#post();
      for (const answer of event.data) this.#answer(answer);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#failAll(event.message);
    };
  }

  /** Requests that the worker has not answered. */
  get unanswered(): number {
    return this.#waiting.size;
  }

  /** Resolves with the worker's answer and never rejects: a failure is in `error`. `buffer` is transferred. */
  call(job: DiskJob, buffer?: ArrayBuffer): Promise<DiskAnswer> {
    const request: DiskRequest = { id: ++this.#lastId, job };
    const transfer = buffer === undefined ? [] : [buffer];
    return new Promise((resolve) => {
      this.#waiting.set(request.id, resolve);
      this.#queued.push({ request, transfer, bytes: buffer?.byteLength ?? 0 });
      this.#post();
    });
  }

  #post(): void {
    while (this.#messages < MAX_MESSAGES && this.#queued.length > 0) {
      let bytes = 0;
      const fitting = this.#queued.findIndex((queued) => (bytes += queued.bytes) > MESSAGE_BYTES);
      const batch = this.#queued.splice(0, fitting < 0 ? this.#queued.length : Math.max(fitting, 1));
      this.#messages++;
      this.#worker.postMessage(
        batch.map(({ request }) => request),
        batch.flatMap(({ transfer }) => transfer),
      );
    }
  }

  /** The number of a row in this thread; the first call for a row sends the row to the thread. */
  rowNumber(description: FileRowDescription): number {
    const known = this.#rows.get(description);
    if (known !== undefined) return known;
    const row = ++this.#lastRow;
    this.#rows.set(description, row);
    this.call({ kind: "open", row, description: { ...description, files: pack(description.files) } });
    return row;
  }

  async release(description: FileRowDescription): Promise<void> {
    const row = this.#rows.get(description);
    if (row === undefined) return;
    this.#rows.delete(description);
    await this.call({ kind: "close", row });
  }

  /** Closes the files of all rows. */
  async releaseAll(): Promise<void> {
    await Promise.all(Array.from(this.#rows.keys(), (description) => this.release(description)));
  }

  terminate(): void {
    this.#worker.terminate();
    // It has no file open any more that would be waited for.
    this.#rows.clear();
    this.#failAll("the disk worker was stopped");
  }

  #answer(answer: DiskAnswer): void {
    const resolve = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    resolve?.(answer);
  }

  #failAll(error: string): void {
    for (const id of [...this.#waiting.keys()]) this.#answer({ id, error });
  }
}

/**
 * Does disk work: one worker thread writes, unless the main thread writes faster itself, and while data is checked
 * there are up to as many worker threads as the machine has cores.
 *
 * A thread starts when it is first needed. The threads that check end with the check, the one that writes with `close`.
 */
export class DiskWorkers {
  readonly #choice: CommitChoice;
  #writer: DiskWorkerThread | undefined;
  #checkers: DiskWorkerThread[] = [];
  #runningChecks = 0;
  /** How many of them copy what they find. */
  #copyingOnAll = 0;
  #isClosed = false;

  constructor(choice = new CommitChoice()) {
    this.#choice = choice;
  }

  /** Starts the writing thread, so that it is ready when the first piece is. */
  prepare(): void {
    if (!this.#isClosed) this.#writing();
  }

  /**
   * Verifies a piece against `hash` and writes it to a row of files; tries again after a while when the disk is busy.
   *
   * Shape: `buffer` may be transferred; the caller always gets a view of the same memory back. `unmade`: files of the
   * piece that must exist; others are unmade where they lack.
   */
  async commit(
    row: FileRow,
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
    hash: Uint8Array,
    unmade: readonly number[] = [],
  ): Promise<CommitResult> {
    let result = await this.#commit(row, index, buffer, hash, unmade);
    for (let tries = 1; tries < STORAGE.busyTries; tries++) {
      if (!(result.outcome instanceof BusyStorageError) || this.#isClosed) break;
      await pauseAfter(tries);
      result = await this.#commit(row, index, result.buffer, hash, unmade);
    }
    return result;
  }

  async #commit(
    row: FileRow,
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
    hash: Uint8Array,
    unmade: readonly number[],
  ): Promise<CommitResult> {
    if (this.#isClosed) return { outcome: stopped(), buffer };
    const { length } = buffer;
    const fileCount = row.layout.filesIn(row.layout.offsetOf(index), row.layout.lengthOf(index));
    if (this.#choice.isForMainThread(length, fileCount)) {
      return this.#commitHere(row, index, buffer, hash, unmade);
    }
    const thread = this.#writing();
    const rowNumber = thread.rowNumber(row.description);
    const job: DiskJob = { kind: "commit", row: rowNumber, index, buffer, hash: hash.slice(), unmade };
    const answer = await thread.call(job, buffer.buffer);
    if (answer.tookMs !== undefined) this.#choice.took(answer.tookMs);
    return {
      outcome: answer.error !== undefined ? failureOf(answer) : answer.result ? "stored" : "corrupt",
      buffer: answer.buffer ?? new Uint8Array(length),
    };
  }

  #commitHere(
    row: FileRow,
    index: number,
    buffer: Uint8Array<ArrayBuffer>,
    hash: Uint8Array,
    unmade: readonly number[],
  ): CommitResult {
    const begin = performance.now();
    try {
      return { outcome: writePiece(row, index, buffer, hash, unmade) ? "stored" : "corrupt", buffer };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return { outcome: error, buffer };
    } finally {
      this.#choice.took(performance.now() - begin);
    }
  }

  /** Has all cores copy pieces while `work` is under way, which ends when all copies have. */
  async onAllCores(work: () => Promise<void>): Promise<void> {
    this.#runningChecks++;
    this.#copyingOnAll++;
    try {
      await work();
    } finally {
      this.#copyingOnAll--;
      await Promise.all(this.#checkers.map((thread) => thread.releaseAll()));
      this.#endCheck();
    }
  }

  /**
   * Copies piece `at` of one row of files to another, as piece `index`, if it has the hash of that; false when it has not.
   * `unmade`: as in `commit`, of the other row. Errors: `StorageError`.
   */
  async copyPiece(
    from: FileRowDescription,
    at: number,
    to: FileRowDescription,
    index: number,
    hash: Uint8Array,
    unmade: readonly number[],
  ): Promise<boolean> {
    const thread = this.#copying();
    const rows = { row: thread.rowNumber(from), to: thread.rowNumber(to) };
    return await tryAgain(async () =>
      resultOf(await thread.call({ kind: "copy", ...rows, at, index, hash: hash.slice(), unmade })) as boolean
    );
  }

  /**
   * Hashes pieces as they lie on disk, on all cores. `onHashed` hears each piece's SHA-1, in any order, and
   * undefined for a piece without data.
   *
   * Errors: `StorageError`; the signal's reason when it is aborted.
   */
  async hashPieces(
    row: FileRowDescription,
    layout: PieceLayout,
    indices: Iterable<number>,
    onHashed: (index: number, hash: Uint8Array | undefined) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    const batches = batchesOf(indices, layout);
    // Starting a thread takes longer than hashing a batch, so there are no more threads than batches.
    const first: number[][] = [];
    for (let next = batches.next(); !next.done; next = batches.next()) {
      if (first.push(next.value) === mostCheckers()) break;
    }
    if (first.length === 0) return;
    if (this.#isClosed) throw stopped();
    this.#runningChecks++;
    let isEnding = false;
    const threads = new Set<DiskWorkerThread>();
    const work = async (thread: DiskWorkerThread, batch: readonly number[] | undefined) => {
      for (; batch !== undefined && !isEnding; batch = batches.next().value) {
        const indices = batch;
        const hashes = await tryAgain(async () => {
          signal?.throwIfAborted();
          const answer = await thread.call({ kind: "hash", row: thread.rowNumber(row), indices });
          return resultOf(answer) as HashedPieces;
        });
        indices.forEach((index, position) => onHashed(index, hashes[position]));
      }
    };
    // The main thread takes 20 ms to start a thread and to tell it of very many files, so each begins in a turn of its own.
    const begin = async (at: number): Promise<void> => {
      if (isEnding || at === first.length) return;
      if (this.#isClosed) throw stopped();
      const thread = this.#checker(first.length === 1, threads);
      threads.add(thread);
      await Promise.all([work(thread, first[at]), giveWay().then(() => begin(at + 1))]);
    };
    try {
      await begin(0);
    } finally {
      isEnding = true;
      // A thread that is ended leaves its files open on Windows, where nobody could replace them then.
      await Promise.all(Array.from(threads, (thread) => thread.release(row)));
      this.#endCheck();
    }
  }

  /** Closes all files of a row; resolves when no thread has one open. */
  async release(row: FileRowDescription): Promise<void> {
    await this.#writer?.release(row);
    await Promise.all(this.#checkers.map((thread) => thread.release(row)));
  }

  /** Ends all threads at once. Their unfinished jobs fail with `StorageError`. */
  close(): void {
    this.#isClosed = true;
    this.#writer?.terminate();
    this.#writer = undefined;
    this.#endChecking();
  }

  #writing(): DiskWorkerThread {
    if (this.#isClosed) throw stopped();
    return this.#writer ??= new DiskWorkerThread();
  }

  /** The thread that copies a piece: the one that writes, or, while all cores copy, the one that has least to do. */
  #copying(): DiskWorkerThread {
    const writer = this.#writing();
    if (this.#copyingOnAll === 0) return writer;
    const least = idlestOf([writer, ...this.#checkers])!;
    if (least.unanswered === 0 || this.#checkers.length + 1 >= mostCheckers()) return least;
    return this.#startChecker();
  }

  /**
   * One more thread for a check that has `taken` some: for a single batch the thread that writes, if it is idle; else an
   * idle one that checks, or a new one while there may be more, or the one that has least to do.
   */
  #checker(isSingle: boolean, taken: ReadonlySet<DiskWorkerThread>): DiskWorkerThread {
    if (isSingle && this.#writer?.unanswered === 0) return this.#writer;
    const least = idlestOf(this.#checkers.filter((thread) => !taken.has(thread)));
    if (least !== undefined && (least.unanswered === 0 || this.#checkers.length >= mostCheckers())) {
      return least;
    }
    return this.#startChecker();
  }

  #startChecker(): DiskWorkerThread {
    const started = new DiskWorkerThread();
    this.#checkers.push(started);
    return started;
  }

  #endCheck(): void {
    this.#runningChecks--;
    if (this.#runningChecks === 0) this.#endChecking();
  }

  #endChecking(): void {
    for (const thread of this.#checkers) thread.terminate();
    this.#checkers = [];
  }
}

function idlestOf(threads: readonly DiskWorkerThread[]): DiskWorkerThread | undefined {
  return threads.toSorted((a, b) => a.unanswered - b.unanswered)[0];
}

function mostCheckers(): number {
  return Math.min(navigator.hardwareConcurrency, STORAGE.checkWorkers);
}

function stopped(): StorageError {
  return new StorageError("Expected running disk workers, got stopped ones");
}

function failureOf({ error, mayPass }: DiskAnswer): StorageError {
  return mayPass ? new BusyStorageError(error) : new StorageError(error);
}

function resultOf(answer: DiskAnswer): boolean | HashedPieces {
  if (answer.error !== undefined) throw failureOf(answer);
  return answer.result!;
}

/** Pieces in batches of about `STORAGE.checkBatch`. */
function* batchesOf(indices: Iterable<number>, layout: PieceLayout): Generator<number[], undefined> {
  let batch: number[] = [];
  let bytes = 0;
  let files = 0;
  for (const index of indices) {
    batch.push(index);
    bytes += layout.lengthOf(index);
    files += layout.filesIn(layout.offsetOf(index), layout.lengthOf(index));
    if (bytes < STORAGE.checkBatch.bytes && files < STORAGE.checkBatch.files) continue;
    yield batch;
    batch = [];
    bytes = files = 0;
  }
  if (batch.length > 0) yield batch;
}
