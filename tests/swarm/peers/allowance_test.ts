import assert from "node:assert/strict";
import { Allowance, Allowances } from "../../../lib/swarm/peers/allowance.ts";

Deno.test("Allowance lets so many through at once, and more as time passes, but never saves up more", () => {
  const allowance = new Allowance({ burst: 3, perSecond: 2 });
  const taken = (now: number) => {
    let count = 0;
    while (allowance.take(now)) count++;
    return count;
  };
  assert.equal(taken(0), 3);
  assert.equal(taken(400), 0);
  assert.equal(taken(500), 1);
  assert.equal(taken(1_500), 2);
  assert.equal(taken(1_000_000), 3);
});

Deno.test("Allowance counts dear things for several, all or nothing, and earns no time twice", () => {
  const allowance = new Allowance({ burst: 10, perSecond: 1 });
  assert.deepEqual([allowance.take(5_000, 8), allowance.take(5_000, 3), allowance.take(5_000, 2)], [
    true,
    false,
    true,
  ]);
  assert.equal(allowance.take(0), false);
  assert.equal(allowance.take(5_000), false);
  assert.equal(allowance.take(6_000), true);
});

Deno.test("Allowance says how long to wait for the next time", () => {
  const allowance = new Allowance({ burst: 1, perSecond: 2 });
  assert.deepEqual([allowance.waitMs, allowance.take(1_000), allowance.waitMs], [0, true, 500]);
  assert.deepEqual([allowance.take(1_250), allowance.waitMs], [false, 250]);
  assert.equal(allowance.take(1_500), true);
});

Deno.test("Allowances count each key by itself, and forget the one that was used least recently", () => {
  const allowances = new Allowances({ burst: 1, perSecond: 1 }, 2);
  assert.deepEqual(["a", "b", "a", "b"].map((key) => allowances.take(key, 0)), [true, true, false, false]);
  assert.deepEqual(["c", "b", "a"].map((key) => allowances.take(key, 0)), [true, false, true]);
});
