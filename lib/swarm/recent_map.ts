/** A map that keeps what was set last and forgets the oldest entries above a limit, for what others can make us note. */
export class RecentMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  /** `limit`: entries kept at most. */
  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  /** Sets an entry as the newest one. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    if (this.size > this.#limit) this.delete(this.keys().next().value!);
    return this;
  }
}
