/** Looks for the pieces of a torrent in old data of the user's, while the torrent is fetched already. */
import { messageOf } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { type Metainfo, pieceHash } from "../../protocol/metainfo.ts";
import type { HeldPieces } from "../../swarm/ports.ts";
import type { DiskWorkers } from "../disk_workers.ts";
import type { FileRow } from "../file_row.ts";
import { inSlices } from "../time_slices.ts";
import { changedSince, type OldRow, oldRowsAt, stampsOf } from "./old_data.ts";
import { PiecesByHash } from "./pieces_by_hash.ts";

/** Copies under way at once: enough that the thread which writes never waits for the next one. */
const COPIES_AT_ONCE = 8;

/** What a search works with. */
interface SearchContext {
  readonly metainfo: Metainfo;
  readonly workers: DiskWorkers;
  /** The pieces that the swarm does not fetch while they are looked for. */
  readonly held: HeldPieces;
  /** If nothing was looked at for so long, in ms, the swarm need not wait for the search any more. */
  readonly patienceMs: number;
  /** Copies piece `at` of a row as piece `index` of the torrent, if it has that hash. Errors: `StorageError`. */
  copy(from: FileRow, at: number, index: number): Promise<boolean>;
}

/** What a search has found. */
interface SearchResult {
  /** Pieces that are stored now. */
  readonly pieces: number;
  readonly bytes: number;
  /** What could not be used, in sentences for people. */
  readonly problems: readonly string[];
}

/** One search through several old files and folders. */
export class PieceSearch {
  readonly #context: SearchContext;
  readonly #problems: string[] = [];
  /** Pieces that were found and wait to be copied, or are being copied. */
  readonly #found: Bitfield;
  /** Those of them that are being copied. */
  readonly #copying = new Set<number>();
  #lookedAt = performance.now();
  #pieces = 0;
  #bytes = 0;

  constructor(context: SearchContext) {
    this.#context = context;
    this.#found = new Bitfield(context.metainfo.layout.pieceCount);
  }

  /** What it has found so far. */
  get result(): SearchResult {
    return { pieces: this.#pieces, bytes: this.#bytes, problems: this.#problems };
  }

  /**
   * Looks at everything at `paths`, and returns whether it came to the end of it before `signal` aborted. A missing piece
   * is held until its own place was looked at: most likely it is there. What cannot be read is a problem and no error.
   */
  async run(paths: readonly string[], signal: AbortSignal): Promise<boolean> {
    const { metainfo, held, patienceMs } = this.#context;
    this.#lookedAt = performance.now();
    let lettingGo = Promise.resolve();
    const watching = setInterval(() => {
      lettingGo = lettingGo.then(() => this.#letGoIfLate());
    }, patienceMs / 4);
    try {
      await inSlices(held.holdMissing());
      if (held.pieces.count === 0) return true;
      const lacking = await inSlices(PiecesByHash.of(metainfo, held.pieces));
      const rows: OldRow[] = [];
      for (const path of paths) {
        await this.#orProblem(signal, async () => {
          rows.push(...await oldRowsAt(path, metainfo, signal));
        });
      }
      const covered = (index: number, rows: readonly OldRow[]) =>
        rows.some(({ pieces, isInPlace }) => isInPlace && index < pieces.length && pieces.has(index));
      await inSlices(held.letGoOf((index) => !covered(index, rows)));
      for (const [position, old] of rows.entries()) {
        const later = rows.slice(position + 1);
        await this.#orProblem(
          signal,
          () =>
            this.#lookThrough(old, lacking, (index) => {
              if (old.isInPlace && !covered(index, later)) held.letGo(index);
            }, signal),
        );
      }
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    } finally {
      clearInterval(watching);
      await lettingGo;
      await inSlices(held.letGoOf(() => true));
    }
  }

  /** Where the old data does not answer, all is fetched that is not being copied; what is found later is still of use. */
  async #letGoIfLate(): Promise<void> {
    if (performance.now() - this.#lookedAt < this.#context.patienceMs) return;
    await inSlices(this.#context.held.letGoOf((index) => !this.#copying.has(index)));
  }

  async #orProblem(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      this.#problems.push(messageOf(error));
    }
  }

  /**
   * Copies what is found in a row; `missed` hears of each piece of the row that is not in its own place. Where a piece most
   * likely lies is tried first, by copying it: so it is read and hashed once. All other data is hashed, and then copied.
   */
  async #lookThrough(
    old: OldRow,
    lacking: PiecesByHash,
    missed: (index: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { metainfo, workers } = this.#context;
    const { row, pieces } = old;
    const before = await stampsOf(row);
    const copies = new Copies(signal, (at, index) => this.#copy(row, at, index));
    const foundAt = (at: number, hash: Uint8Array) => {
      for (const index of lacking.take(hash)) {
        if (this.#copying.has(index) || !this.#context.held.hold(index)) continue;
        this.#found.add(index);
        copies.add(at, index);
      }
    };
    const tell = (at: number, hash: Uint8Array | undefined) => {
      this.#lookedAt = performance.now();
      if (hash !== undefined && !copies.hasFailed) foundAt(at, hash);
      if (at < metainfo.layout.pieceCount && !this.#found.has(at)) missed(at);
    };
    const rest = new Bitfield(pieces.length);
    try {
      await workers.onAllCores(async () => {
        try {
          await this.#lookAtPlaces(old, rest, copies, foundAt, missed, signal);
          await copies.ended();
          await workers.hashPieces(row.description, row.layout, rest, tell, signal);
          await copies.ended();
        } finally {
          await copies.settled();
        }
      });
    } finally {
      await workers.release(row.description);
    }
    signal.throwIfAborted();
    const changed = await changedSince(row, before);
    if (changed !== undefined) this.#problems.push(`${changed} was changed while it was read`);
  }

  /** Copies the pieces of a row that lie in their own places; `rest` gets all others. Errors: `StorageError`. */
  async #lookAtPlaces(
    { row, pieces, isInPlace }: OldRow,
    rest: Bitfield,
    copies: Copies,
    foundAt: (at: number, hash: Uint8Array) => void,
    missed: (index: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { metainfo, held } = this.#context;
    for (const index of pieces) {
      signal.throwIfAborted();
      if (!isInPlace || index >= metainfo.layout.pieceCount || !held.pieces.has(index)) {
        rest.add(index);
        continue;
      }
      await copies.place();
      // Another piece of the same hash may have been copied there.
      if (this.#found.has(index) || !held.pieces.has(index)) continue;
      copies.begin(async () => {
        if (await this.#copy(row, index, index, missed)) foundAt(index, pieceHash(metainfo, index));
        else rest.add(index);
      });
    }
  }

  /** Copies a piece if it has its hash; otherwise it is let go, or `missed` hears of it. Errors: `StorageError`. */
  async #copy(
    row: FileRow,
    at: number,
    index: number,
    missed: (index: number) => void = (index) => this.#context.held.letGo(index),
  ): Promise<boolean> {
    const { copy, held, metainfo: { layout } } = this.#context;
    let isCopied = false;
    try {
      // It may have been let go meanwhile, and be fetched already.
      if (!held.hold(index)) return false;
      this.#copying.add(index);
      isCopied = await copy(row, at, index);
    } finally {
      this.#copying.delete(index);
      this.#found.delete(index);
      if (!isCopied) missed(index);
    }
    this.#lookedAt = performance.now();
    if (!isCopied) return false;
    this.#pieces++;
    this.#bytes += layout.lengthOf(index);
    return true;
  }
}

/** Copies under way, a few at once, and those that wait for their turn. */
class Copies {
  readonly #signal: AbortSignal;
  readonly #copy: (at: number, index: number) => Promise<unknown>;
  /** Pairs of places, `at` in the row and `index` in the torrent. */
  readonly #waiting: [at: number, index: number][] = [];
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;

  constructor(signal: AbortSignal, copy: (at: number, index: number) => Promise<unknown>) {
    this.#signal = signal;
    this.#copy = copy;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Copies a piece when it is its turn. */
  add(at: number, index: number): void {
    this.#waiting.push([at, index]);
    this.#beginNext();
  }

  /** Begins a copy at once. */
  begin(work: () => Promise<unknown>): void {
    const running: Promise<void> = Promise.resolve(work())
      .then(() => {}, (error) => void (this.#failure ??= error))
      .finally(() => {
        this.#running.delete(running);
        this.#beginNext();
      });
    this.#running.add(running);
  }

  #beginNext(): void {
    if (this.hasFailed || this.#signal.aborted) this.#waiting.length = 0;
    for (let next; this.#running.size < COPIES_AT_ONCE && (next = this.#waiting.pop()) !== undefined;) {
      const [at, index] = next;
      this.begin(() => this.#copy(at, index));
    }
  }

  /** Waits until one more may begin. Errors: those of copies. */
  async place(): Promise<void> {
    while (this.#running.size >= COPIES_AT_ONCE) await Promise.race(this.#running);
    if (this.hasFailed) throw this.#failure;
  }

  /** Waits for all. Errors: those of copies. */
  async ended(): Promise<void> {
    await this.settled();
    if (this.hasFailed) throw this.#failure;
  }

  /** Waits for all. Never rejects. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
