import process from "node:process";
import { STORAGE } from "../settings.ts";

/** The time that has passed and the processor time of all threads, both in ms since some fixed moment. */
export interface ProcessTime {
  readonly passed: number;
  readonly computed: number;
}

function processTime(): ProcessTime {
  const { user, system } = process.cpuUsage();
  return { passed: performance.now(), computed: (user + system) / 1000 };
}

/**
 * Chooses the thread that verifies and writes a piece.
 *
 * The main thread has just received the piece, which still lies in the cache of its core: hashing there costs a fifth
 * less processor time than in another thread. But the main thread must not wait for a disk, and where the process
 * needs more than one core, two threads are faster.
 */
export class CommitChoice {
  readonly #now: () => ProcessTime;
  #last: ProcessTime;
  #cores = 0;
  #quickInARow = 0;
  /** When the last slow commit ended, in ms as `passed`. */
  #slowAt = -Infinity;

  constructor(now = processTime) {
    this.#now = now;
    this.#last = now();
  }

  /** Whether the main thread should commit a piece of this number of bytes in this number of files. */
  isForMainThread(bytes: number, files = 1): boolean {
    const { maxBytes, maxFiles, maxCores, sampleMs } = STORAGE.mainThread;
    const { pauseMs, quickCommits } = STORAGE.patience;
    if (bytes > maxBytes || files > maxFiles || this.#quickInARow < quickCommits) return false;
    const time = this.#now();
    if (time.passed - this.#slowAt < pauseMs) return false;
    const passed = time.passed - this.#last.passed;
    if (passed >= sampleMs) {
      this.#cores = (time.computed - this.#last.computed) / passed;
      this.#last = time;
    }
    return this.#cores < maxCores;
  }

  /** Notes the time that a commit took, in either thread. */
  took(milliseconds: number): void {
    if (milliseconds <= STORAGE.patience.slowCommitMs) {
      this.#quickInARow++;
    } else {
      this.#quickInARow = 0;
      this.#slowAt = this.#now().passed;
    }
  }
}

/**
 * Says whether the main thread is to read what is uploaded, which is cheapest while the data lies in memory or on a
 * quick disk. After one slow read other threads read, until the disk has been quick for a while: at first a short while,
 * since a busy processor makes a read slow too, and longer each time that the disk is slow again.
 */
export class ReadChoice {
  readonly #now: () => number;
  /** Whether a read was slow and too few reads were quick since then. */
  #isSlow = false;
  #quickInARow = 0;
  /** When the last slow read ended, in ms. */
  #slowAt = -Infinity;
  /** How long other threads read after it at least, in ms. */
  #pauseMs = 0;

  /** `now`: a monotonic clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the main thread may read. */
  get isForMainThread(): boolean {
    return !this.#isSlow;
  }

  /** The time in ms, for `tookSince`. */
  now(): number {
    return this.#now();
  }

  /** Notes that a read which began at `begin` (ms) has ended, in either thread. */
  tookSince(begin: number): void {
    const now = this.#now();
    const { slowReadMs, quickReads, firstPauseMs, pauseMs } = STORAGE.patience;
    if (now - begin > slowReadMs) {
      const isAgain = now - this.#slowAt < 2 * pauseMs;
      this.#pauseMs = isAgain ? Math.min(2 * this.#pauseMs, pauseMs) : firstPauseMs;
      this.#isSlow = true;
      this.#quickInARow = 0;
      this.#slowAt = now;
    } else if (this.#isSlow && ++this.#quickInARow >= quickReads && now - this.#slowAt >= this.#pauseMs) {
      this.#isSlow = false;
    }
  }
}
