/** A change of one entry; without a value the entry is deleted. */
export interface Change {
  readonly key: Deno.KvKey;
  readonly value?: unknown;
}

/** Changes that are made in one step, and who waits for that. */
interface Step {
  readonly changes: readonly Change[];
  resolve(): void;
  reject(reason: unknown): void;
}

/** A transaction may have 1,000 changes and 800 KiB, and a value 64 KiB. */
export const CHANGES_PER_TRANSACTION = 12;

/**
 * Changes a database of Deno KV. Each transaction waits for the disk, so all steps that are asked for meanwhile share the
 * next ones: a thousand torrents that join at once would wait for a thousand turns of a hard disk otherwise.
 */
export class KvWrites {
  readonly #kv: Deno.Kv;
  #waiting: Step[] = [];
  #isWriting = false;

  constructor(kv: Deno.Kv) {
    this.#kv = kv;
  }

  /** Makes up to `CHANGES_PER_TRANSACTION` changes in one step, in the order of the calls. Errors: those of Deno KV. */
  make(...changes: readonly Change[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ changes, resolve, reject });
    if (!this.#isWriting) this.#writeAll();
    return promise;
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const steps = this.#takeSome();
      try {
        await this.#commit(steps);
        for (const step of steps) step.resolve();
      } catch (error) {
        if (steps.length === 1) steps[0].reject(error);
        // A step that the database refuses must not take others with it.
        else for (const step of steps) await this.#commit([step]).then(step.resolve, step.reject);
      }
    }
    this.#isWriting = false;
  }

  #takeSome(): Step[] {
    let changes = 0;
    const end = this.#waiting.findIndex((step) => (changes += step.changes.length) > CHANGES_PER_TRANSACTION);
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : Math.max(end, 1));
  }

  async #commit(steps: readonly Step[]): Promise<void> {
    const transaction = this.#kv.atomic();
    for (const { key, value } of steps.flatMap(({ changes }) => changes)) {
      if (value === undefined) transaction.delete(key);
      else transaction.set(key, value);
    }
    await transaction.commit();
  }
}
