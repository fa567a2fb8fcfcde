import assert from "node:assert/strict";
import { type BottleneckFacts, bottleneckOf, DiskPressure } from "../../lib/swarm/bottleneck.ts";

const source = { wantedPieces: 3, peerChokes: false };
const facts: BottleneckFacts = {
  state: "downloading",
  failure: undefined,
  peers: [source],
  diskPressure: 0,
  downloadRate: 100,
  limit: Infinity,
};
const told = (changes: Partial<BottleneckFacts>) => bottleneckOf({ ...facts, ...changes });

Deno.test("bottleneck: each cause is told by its own facts", () => {
  assert.equal(told({}), "link");
  assert.equal(told({ diskPressure: 0.9, limit: 100 }), "disk");
  assert.equal(told({ limit: 101 }), "limit");
  assert.equal(told({ peers: [{ wantedPieces: 0, peerChokes: false }] }), "sources");
  assert.equal(told({ peers: [] }), "sources");
  assert.equal(
    told({ peers: [{ ...source, peerChokes: true }, { wantedPieces: 0, peerChokes: false }] }),
    "slots",
  );
  assert.equal(told({ state: "failed", failure: "Cannot write a.bin: no space left on device" }), "full");
  assert.equal(told({ state: "failed", failure: "Cannot write a.bin: permission denied" }), undefined);
  assert.equal(told({ state: "seeding" }), undefined);
});

Deno.test("bottleneck: the disk's pressure follows the last seconds", () => {
  const pressure = new DiskPressure();
  const look = (keepsUp: boolean, from: number, to: number) => {
    for (let now = from; now < to; now += 100) pressure.look(keepsUp, undefined, now);
  };
  look(true, 0, 5_000);
  assert.equal(pressure.value, 0);
  look(false, 5_000, 10_000);
  assert.ok(pressure.value > 0.7);
  look(true, 10_000, 20_000);
  assert.ok(pressure.value < 0.1);
});
