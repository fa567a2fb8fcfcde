/** A job that is due at some moment of virtual time. */
interface Due {
  readonly at: number;
  /** How many jobs were asked for before this one. */
  readonly order: number;
  readonly run: () => void;
}

function isEarlier(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/**
 * Virtual time: jobs to come, kept in a binary heap, so that asking for one and taking the next cost only a few
 * comparisons however many wait. Jobs for this very moment need no heap.
 */
export class VirtualClock {
  /** The present moment in ms. */
  now: number;
  readonly #heap: Due[] = [];
  /** Jobs of this moment, in the order in which they were asked for; all in the heap were asked for before them. */
  #atOnce: (() => void)[] = [];
  /** How many of these have run. */
  #ranAtOnce = 0;
  #order = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** Runs `job` after `ms` of virtual time; of jobs due together, the one asked for first comes first. */
  after(ms: number, job: () => void): void {
    if (ms === 0) return void this.#atOnce.push(job);
    const heap = this.#heap;
    const due = { at: this.now + ms, order: this.#order++, run: job };
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!isEarlier(due, heap[parent])) break;
      heap[at] = heap[parent];
      at = parent;
    }
    heap[at] = due;
  }

  /** Goes to the next job and runs it; false, with the time at `end`, when none is due until then. */
  step(end: number): boolean {
    const heap = this.#heap;
    if (this.#atOnce.length > 0 && (heap.length === 0 || heap[0].at > this.now)) {
      this.#nextAtOnce()();
      return true;
    }
    if (heap.length === 0 || heap[0].at > end) {
      this.now = end;
      return false;
    }
    const next = heap[0];
    this.#fillTop(heap.pop()!);
    this.now = next.at;
    next.run();
    return true;
  }

  #nextAtOnce(): () => void {
    const job = this.#atOnce[this.#ranAtOnce++];
    if (this.#ranAtOnce === this.#atOnce.length) {
      this.#atOnce = [];
      this.#ranAtOnce = 0;
    }
    return job;
  }

  /** Puts `last`, which was taken from the end, to where it belongs, from the top down. */
  #fillTop(last: Due): void {
    const heap = this.#heap;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isEarlier(heap[child + 1], heap[child])) child++;
      if (!isEarlier(heap[child], last)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
  }
}
