import process from "node:process";

/** Cores in use by the whole process from which on a second thread is worth what it costs. */
const BUSY_CORES = 0.85;
/** How often the use of the processor is looked at, in ms. */
const SAMPLE_MS = 200;
/** A commit that takes longer than this, in ms, was held up by the disk; 4 MiB take a third of it. */
const SLOW_COMMIT_MS = 25;
/** After a slow commit, so many must be quick before the main thread dares again. */
const QUICK_COMMITS = 16;
/** Larger pieces would hold the main thread up by themselves, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Time that passed and time that all threads of this process computed, both in ms since whenever. */
export interface ProcessTime {
  readonly passed: number;
  readonly computed: number;
}

function processTime(): ProcessTime {
  const { user, system } = process.cpuUsage();
  return { passed: performance.now(), computed: (user + system) / 1000 };
}

/**
 * Says which thread is to verify and write a piece.
 *
 * The main thread has just received it, so the piece lies in the cache of its core: to hash it there costs a fifth less
 * of the processor than in another thread. But the main thread must wait for no disk, and where the process needs more
 * than one core, two threads are faster.
 */
export class CommitChoice {
  readonly #now: () => ProcessTime;
  #last: ProcessTime;
  #cores = 0;
  #quickInARow = 0;

  constructor(now = processTime) {
    this.#now = now;
    this.#last = now();
  }

  /** Whether the main thread is to commit a piece of so many bytes. */
  isForMainThread(bytes: number): boolean {
    if (bytes > MAX_BYTES || this.#quickInARow < QUICK_COMMITS) return false;
    const time = this.#now();
    const passed = time.passed - this.#last.passed;
    if (passed >= SAMPLE_MS) {
      this.#cores = (time.computed - this.#last.computed) / passed;
      this.#last = time;
    }
    return this.#cores < BUSY_CORES;
  }

  /** A commit took this long in whatever thread did it. */
  took(milliseconds: number): void {
    this.#quickInARow = milliseconds > SLOW_COMMIT_MS ? 0 : this.#quickInARow + 1;
  }
}
