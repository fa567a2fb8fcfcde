/** Work under way that its owner awaits in the end, whether each task succeeds or fails. */
export class Tasks {
  readonly #running = new Set<Promise<unknown>>();

  /** Adds a task. A rejection is dropped, so a caller that needs the error handles it before. */
  add(work: Promise<unknown>): void {
    const tracked: Promise<unknown> = work.catch(() => {}).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  /** Resolves when no task is under way, including tasks added meanwhile. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
