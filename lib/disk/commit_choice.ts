import process from "node:process";
import { STORAGE } from "../settings.ts";

/** Both in ms since some fixed moment. */
interface ProcessTime {
  /** The time that has passed. */
  passed(): number;
  /** The processor time of all threads; asking takes as long as hashing 20 KB. */
  computed(): number;
}

const processTime: ProcessTime = {
  passed: () => performance.now(),
  computed: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

/**
 * Chooses the thread that verifies and writes a piece.
 *
 * The main thread has just received the piece, which still lies in the cache of its core: hashing there costs a fifth
 * less processor time than in another thread. But the main thread must not wait for a disk, and where the process
 * needs more than one core, two threads are faster.
 */
export class CommitChoice {
  readonly #time: ProcessTime;
  /** When the processor time was asked for last, and what it was then, in ms. */
  #sampledAt: number;
  #computedThen: number;
  #cores = 0;
  #quickInARow = 0;
  /** When the last slow commit ended, in ms as `passed`. */
  #slowAt = -Infinity;

  constructor(time = processTime) {
    this.#time = time;
    this.#sampledAt = time.passed();
    this.#computedThen = time.computed();
  }

  /** Whether the main thread should commit a piece of this number of bytes in this number of files. */
  isForMainThread(bytes: number, files = 1): boolean {
    const { maxBytes, maxFiles, maxCores, sampleMs } = STORAGE.mainThread;
    const { pauseMs, quickCommits } = STORAGE.patience;
    if (bytes > maxBytes || files > maxFiles || this.#quickInARow < quickCommits) return false;
    const now = this.#time.passed();
    if (now - this.#slowAt < pauseMs) return false;
    const passed = now - this.#sampledAt;
    if (passed >= sampleMs) {
      const computed = this.#time.computed();
      this.#cores = (computed - this.#computedThen) / passed;
      this.#sampledAt = now;
      this.#computedThen = computed;
    }
    return this.#cores < maxCores;
  }

  /** Notes the time that a commit took, in either thread. */
  took(milliseconds: number): void {
    if (milliseconds <= STORAGE.patience.slowCommitMs) {
      this.#quickInARow++;
    } else {
      this.#quickInARow = 0;
      this.#slowAt = this.#time.passed();
    }
  }
}

/**
 * Says whether the main thread is to read what is uploaded of one torrent, which is cheapest while the data lies in
 * memory or on a quick disk: another thread costs several times as much. Others read until the disk has shown that it is
 * quick, and again once slow reads have held up the main thread for more than a third of the time: at first for a short
 * while, and longer each time that the disk is slow again. On a busy machine many reads of either thread are slow, too; a
 * slow disk has hardly a quick one.
 */
export class ReadChoice {
  readonly #now: () => number;
  #isForMainThread = false;
  /** How many reads of other threads were quick, less the slow ones times `slowCounts`; from 0 to `quickReads`. */
  #trust = 0;
  /** How long slow reads have held up the main thread, less their share (`heldShare`) of the time since then; in ms. */
  #heldMs = 0;
  /** When `#heldMs` was reckoned last, in ms. */
  #heldAt = 0;
  /** When that was too long the last time, in ms. */
  #slowAt = -Infinity;
  /** How long other threads read after it at least, in ms. */
  #pauseMs = 0;

  /** `now`: a monotonic clock in ms. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether the main thread may read. */
  get isForMainThread(): boolean {
    return this.#isForMainThread;
  }

  /** Reads in the main thread by `here`, which is done on return, or else by `elsewhere`. */
  read(here: () => void, elsewhere: () => Promise<void>): Promise<void> | void {
    const begin = this.#now();
    if (!this.isForMainThread) return elsewhere().finally(() => this.#othersTook(this.#now() - begin));
    try {
      here();
    } finally {
      this.#mainThreadTook(this.#now() - begin);
    }
  }

  #mainThreadTook(milliseconds: number): void {
    const { slowReadMs, maxHeldMs, heldShare, firstPauseMs, pauseMs } = STORAGE.patience;
    if (milliseconds <= slowReadMs) return;
    const now = this.#now();
    this.#heldMs = Math.max(this.#heldMs - heldShare * (now - this.#heldAt), 0) + milliseconds;
    this.#heldAt = now;
    if (this.#heldMs <= maxHeldMs) return;
    const isAgain = now - this.#slowAt < 2 * pauseMs;
    this.#pauseMs = isAgain ? Math.min(2 * this.#pauseMs, pauseMs) : firstPauseMs;
    this.#slowAt = now;
    this.#isForMainThread = false;
    this.#trust = this.#heldMs = 0;
  }

  #othersTook(milliseconds: number): void {
    const { slowReadMs, quickReads, slowCounts } = STORAGE.patience;
    const trust = this.#trust + (milliseconds <= slowReadMs ? 1 : -slowCounts);
    this.#trust = Math.min(Math.max(trust, 0), quickReads);
    if (this.#trust === quickReads && this.#now() - this.#slowAt >= this.#pauseMs) {
      this.#isForMainThread = true;
    }
  }
}
