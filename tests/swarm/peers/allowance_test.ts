import assert from "node:assert/strict";
import { Allowance } from "../../../lib/swarm/peers/allowance.ts";

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
