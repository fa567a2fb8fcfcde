/** A map that forgets its oldest entries above a limit. It is for entries that remote peers can make us add. */
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
