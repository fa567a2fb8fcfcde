import assert from "node:assert/strict";
import type { PeerEvent } from "../harness/processes/peer_run.ts";
import { copiesSent } from "./copies.ts";

const progress = (time: number, uploaded: number) =>
  ({ event: "progress", time, uploaded }) as unknown as PeerEvent;
const complete = (time: number) => ({ event: "complete", time }) as unknown as PeerEvent;

Deno.test("copiesSent counts until the first one is complete, between two reports in proportion", () => {
  const seeder = [progress(1_000, 0), progress(2_000, 100), progress(3_000, 140), progress(4_000, 180)];
  assert.deepEqual(copiesSent(seeder, [complete(3_500), complete(2_500)], 100), {
    untilFirstComplete: 1.2,
    inAll: 1.8,
  });
  assert.equal(copiesSent(seeder, [complete(9_000)], 100)?.untilFirstComplete, 1.8);
  assert.equal(copiesSent(seeder, [complete(500)], 100)?.untilFirstComplete, 0);
});

Deno.test("copiesSent says nothing where nobody completed or the seeder told nothing", () => {
  assert.equal(copiesSent([progress(1_000, 5)], [], 100), undefined);
  assert.equal(copiesSent([], [complete(1)], 100), undefined);
});
