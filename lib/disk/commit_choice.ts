import process from "node:process";
import { STORAGE } from "../settings.ts";

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
  /** When the last slow commit ended, in ms as `passed`. */
  #slowAt = -Infinity;

  constructor(now = processTime) {
    this.#now = now;
    this.#last = now();
  }

  /** Whether the main thread is to commit a piece of so many bytes. */
  isForMainThread(bytes: number): boolean {
    const { maxBytes, maxCores, sampleMs } = STORAGE.mainThread;
    const { pauseMs, quickCommits } = STORAGE.patience;
    if (bytes > maxBytes || this.#quickInARow < quickCommits) return false;
    const time = this.#now();
    if (time.passed - this.#slowAt < pauseMs) return false;
    const passed = time.passed - this.#last.passed;
    if (passed >= sampleMs) {
      this.#cores = (time.computed - this.#last.computed) / passed;
      this.#last = time;
    }
    return this.#cores < maxCores;
  }

  /** A commit took this long in whatever thread did it. */
  took(milliseconds: number): void {
    if (milliseconds <= STORAGE.patience.slowCommitMs) {
      this.#quickInARow++;
    } else {
      this.#quickInARow = 0;
      this.#slowAt = this.#now().passed;
    }
  }
}
