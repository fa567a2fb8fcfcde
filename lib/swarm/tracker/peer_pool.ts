/** Members in no order, added and removed in constant time. A member is in one pool at a time. */
export class PeerPool<Member extends { position: number }> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  add(member: Member): void {
    member.position = this.#members.length;
    this.#members.push(member);
  }

  /** Removes a member of this pool; the last member moves to its position. */
  remove(member: Member): void {
    const last = this.#members.pop()!;
    if (last === member) return;
    this.#members[member.position] = last;
    last.position = member.position;
  }

  /**
   * Visits members of several pools in a random order, each at most once, until `visit` returns false.
   *
   * It walks from a random start with a random stride that has no factor in common with the number of members, so that
   * it reaches all of them without copying or shuffling.
   */
  static visitAtRandom<Member extends { position: number }>(
    pools: readonly PeerPool<Member>[],
    random: () => number,
    visit: (member: Member) => boolean,
  ): void {
    const total = pools.reduce((sum, pool) => sum + pool.size, 0);
    if (total === 0) return;
    let at = Math.floor(random() * total);
    let stride = 1 + Math.floor(random() * (total - 1));
    while (greatestCommonDivisor(stride, total) !== 1) stride++;
    for (let seen = 0; seen < total; seen++) {
      let position = at;
      let pool = 0;
      while (position >= pools[pool].size) position -= pools[pool++].size;
      if (!visit(pools[pool].#members[position])) return;
      at = (at + stride) % total;
    }
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
