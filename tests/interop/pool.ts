/** Runs jobs side by side, so many at once, and begins them in the order they came. Each is known by a `Key`. */
export class Pool<Key> {
  #places: number;
  /** Jobs that have not begun, each with what begins it. */
  readonly #waiting = new Map<Key, () => void>();
  readonly #running = new Set<Promise<unknown>>();

  /** `places`: how many jobs run at once. */
  constructor(places: number) {
    this.#places = places;
  }

  /** Runs `job` as soon as there is a place for it; settles as it does. */
  async run<Result>(key: Key, job: () => Promise<Result>): Promise<Result> {
    const { promise: turn, resolve: begin } = Promise.withResolvers<void>();
    this.#waiting.set(key, begin);
    this.#beginNext();
    await turn;
    const running = job();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
      this.#places++;
      this.#beginNext();
    }
  }

  /** Begins a job that waits, whether there is a place for it or not. */
  hurry(key: Key): void {
    const begin = this.#waiting.get(key);
    if (begin === undefined) return;
    this.#waiting.delete(key);
    this.#places--;
    begin();
  }

  /** Forgets the jobs that have not begun, which then never settle, and waits for the end of those that have. */
  async drain(): Promise<void> {
    this.#waiting.clear();
    await Promise.allSettled(this.#running);
  }

  #beginNext(): void {
    if (this.#places <= 0) return;
    for (const key of this.#waiting.keys()) return this.hurry(key);
  }
}
