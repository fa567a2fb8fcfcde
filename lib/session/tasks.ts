/** Work under way that its owner waits for in the end, however each piece of it ends. */
export class Tasks {
  readonly #running = new Set<Promise<unknown>>();

  /** Nobody else need look at how the work ends. */
  add(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work.catch(() => {}).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  /** Resolves when nothing is under way, not even what was begun meanwhile. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
