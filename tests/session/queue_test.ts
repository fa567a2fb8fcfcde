import assert from "node:assert/strict";
import { fc } from "../harness/data/fast_check.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { reachedGoal } from "../../lib/session/goals.ts";
import { balance, ranksAfter } from "../../lib/session/queue.ts";

Deno.test("balance lets the first ones run, counts those alone that are to be downloaded, and holds before it frees", () => {
  const said: string[] = [];
  const torrent = (name: string, isDemanding: boolean) => ({
    isDemanding,
    hold: (isHeld: boolean) => void said.push(`${isHeld ? "hold" : "free"} ${name}`),
  });
  const queue = [torrent("done", false), torrent("a", true), torrent("b", true), torrent("c", true)];
  balance(queue, 1);
  assert.deepEqual(said.splice(0), ["hold b", "hold c", "free done", "free a"]);
  balance(queue, Infinity);
  assert(said.every((each) => each.startsWith("free")));
});

needs("fast-check")("ranksAfter moves one torrent, and nearly always changes its rank alone", () => {
  const order = (ranks: readonly number[], names: readonly string[]) =>
    ranks.map((rank, at) => [rank, names[at]] as const).sort(([a], [b]) => a - b).map(([, name]) => name);
  const move = fc.tuple(fc.nat(5), fc.constantFrom("top", "up", "down", "bottom"));
  fc.assert(fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
    let names = ["a", "b", "c", "d", "e", "f"];
    let ranks = [1, 2, 3, 4, 5, 6];
    for (const [position, to] of moves) {
      const model = [...names];
      const [moved] = model.splice(position, 1);
      const target = { top: 0, up: Math.max(position - 1, 0), down: position + 1, bottom: 5 }[to];
      model.splice(target, 0, moved);
      const changed = ranksAfter(ranks, position, to);
      const next = ranks.map((rank, at) => changed.get(at) ?? rank);
      assert.deepEqual(order(next, names), model);
      assert(new Set(next).size === 6 && (changed.size <= 1 || changed.size === 6));
      names = order(next, names);
      ranks = next.toSorted((a, b) => a - b);
    }
  }));
  assert.equal(ranksAfter([1, 1, 1], 2, "up").size, 3, "equal ranks are told apart");
});

Deno.test("reachedGoal tells which goal was reached first", () => {
  const seeded = { uploaded: 200, downloaded: 100, have: 10, pieceLength: 10, length: 95 };
  const none = { seedRatio: Infinity, seedTimeMs: Infinity };
  assert.equal(reachedGoal(seeded, none, 1e12), undefined);
  assert.equal(reachedGoal(seeded, { ...none, seedRatio: 2 }, 0), "ratio 2 reached");
  assert.equal(reachedGoal(seeded, { ...none, seedRatio: 2.1 }, 0), undefined);
  assert.equal(
    reachedGoal({ ...seeded, downloaded: 0 }, { ...none, seedRatio: 2.1 }, 0),
    "ratio 2.1 reached",
  );
  assert.equal(
    reachedGoal({ ...seeded, downloaded: 1, uploaded: 94 }, { ...none, seedRatio: 1 }, 0),
    undefined,
  );
  assert.equal(reachedGoal({ ...seeded, uploaded: 0 }, { ...none, seedRatio: 0 }, 0), "ratio 0 reached");
  assert.equal(reachedGoal(seeded, { ...none, seedTimeMs: 90_000 }, 89_999), undefined);
  assert.equal(
    reachedGoal(seeded, { ...none, seedTimeMs: 90_000 }, 90_000),
    "seeding time of 1.5 minutes reached",
  );
});
