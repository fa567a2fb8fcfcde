import assert from "node:assert/strict";
import { PeerPool } from "../../../lib/swarm/tracker/peer_pool.ts";
import { seededRandom } from "../../harness/data/random.ts";

interface Member {
  readonly name: number;
  position: number;
}

function poolOf(...names: number[]): { pool: PeerPool<Member>; members: Member[] } {
  const pool = new PeerPool<Member>();
  const members = names.map((name) => ({ name, position: 0 }));
  members.forEach((member) => pool.add(member));
  return { pool, members };
}

function visited(pools: PeerPool<Member>[], random: () => number, limit = Infinity): number[] {
  const names: number[] = [];
  PeerPool.visitAtRandom(pools, random, ({ name }) => {
    names.push(name);
    return names.length < limit;
  });
  return names;
}

Deno.test("PeerPool shows every member of all pools exactly once, whatever chance says", () => {
  for (let size = 0; size < 40; size++) {
    const names = Array.from({ length: size }, (_, name) => name);
    const pools = [poolOf(...names.slice(0, 7)).pool, poolOf().pool, poolOf(...names.slice(7)).pool];
    for (const random of [() => 0, () => 0.9999999, seededRandom(size)]) {
      assert.deepEqual(visited(pools, random).sort((a, b) => a - b), names);
    }
  }
});

Deno.test("PeerPool stops showing members when told to", () => {
  assert.equal(visited([poolOf(1, 2, 3, 4).pool], seededRandom(1), 2).length, 2);
});

Deno.test("PeerPool forgets removed members, first, last or in between", () => {
  const { pool, members } = poolOf(0, 1, 2, 3, 4);
  for (const name of [0, 4, 2]) pool.remove(members[name]);
  assert.equal(pool.size, 2);
  assert.deepEqual(visited([pool], () => 0).sort(), [1, 3]);
  pool.add(members[0]);
  assert.deepEqual(visited([pool], () => 0).sort(), [0, 1, 3]);
});
