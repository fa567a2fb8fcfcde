/** Runs jobs side by side, so many at once, and begins them in the order they came. */
export class Pool {
  #places: number;
  readonly #waiting: (() => void)[] = [];
  readonly #running = new Set<Promise<unknown>>();

  /** `places`: how many jobs run at once. */
  constructor(places: number) {
    this.#places = places;
  }

  /** Runs `job` as soon as there is a place for it; settles as it does. */
  async run<Result>(job: () => Promise<Result>): Promise<Result> {
    if (this.#places === 0) await new Promise<void>((begin) => this.#waiting.push(begin));
    else this.#places--;
    const running = job();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      const begin = this.#waiting.shift();
      if (begin === undefined) this.#places++;
      else begin();
    }
  }

  /** Forgets the jobs that have not begun, which then never settle, and waits for the end of those that have. */
  async drain(): Promise<void> {
    this.#waiting.length = 0;
    await Promise.allSettled(this.#running);
  }
}
