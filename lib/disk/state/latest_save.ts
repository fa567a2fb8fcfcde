/** Saves what changes often: one save at a time, each with all changes up to its beginning. */
export class LatestSave {
  readonly #work: () => Promise<void>;
  /** Ends when the last save that has begun or waits is over. Never rejects. */
  #saving: Promise<void> = Promise.resolve();
  /** The save that waits for the one under way. */
  #next: Promise<void> | undefined;

  /** `work` saves the present values. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when all present values are saved. Errors: those of `work`. */
  save(): Promise<void> {
    if (this.#next !== undefined) return this.#next;
    const next = this.#saving.then(() => {
      this.#next = undefined;
      return this.#work();
    });
    this.#next = next;
    this.#saving = next.catch(() => {});
    return next;
  }

  /** Resolves when no save is under way. Never rejects. */
  async settled(): Promise<void> {
    for (let saving; saving !== this.#saving;) await (saving = this.#saving);
  }
}
