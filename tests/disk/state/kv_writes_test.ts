import assert from "node:assert/strict";
import { KvWrites } from "../../../lib/disk/state/kv_writes.ts";

/** A database in memory, and the number of its transactions. */
class CountedKv implements Disposable {
  readonly kv: Deno.Kv;
  transactions = 0;

  private constructor(kv: Deno.Kv) {
    this.kv = kv;
    const atomic = kv.atomic.bind(kv);
    kv.atomic = () => {
      this.transactions++;
      return atomic();
    };
  }

  static async open(): Promise<CountedKv> {
    return new CountedKv(await Deno.openKv(":memory:"));
  }

  [Symbol.dispose](): void {
    this.kv.close();
  }
}

Deno.test("KvWrites puts all steps that are asked for during a transaction into the next ones, in their order", async () => {
  using counted = await CountedKv.open();
  const writes = new KvWrites(counted.kv);
  const steps = Array.from(
    { length: 1_000 },
    (_, step) => writes.make({ key: ["step", step % 500], value: step }),
  );
  steps.push(writes.make({ key: ["step", 0] }));
  await Promise.all(steps);
  assert(counted.transactions < 100, `${counted.transactions} transactions`);
  for (const at of [1, 499]) assert.equal((await counted.kv.get(["step", at])).value, 500 + at);
  assert.equal((await counted.kv.get(["step", 0])).value, null);
});

Deno.test("a step that the database refuses fails alone, and as a whole", async () => {
  using counted = await CountedKv.open();
  const writes = new KvWrites(counted.kv);
  const before = writes.make({ key: ["before"], value: 1 });
  const outcomes = await Promise.allSettled([
    writes.make({ key: ["a"], value: 1 }),
    writes.make({ key: ["b"], value: 1 }, { key: ["large"], value: new Uint8Array(100_000) }),
    writes.make({ key: ["c"], value: 1 }),
  ]);
  await before;
  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
  const there = await Promise.all(["a", "b", "c"].map(async (name) => (await counted.kv.get([name])).value));
  assert.deepEqual(there, [1, null, 1]);
});

Deno.test("KvWrites goes on after a failure", async () => {
  using counted = await CountedKv.open();
  const writes = new KvWrites(counted.kv);
  await assert.rejects(writes.make({ key: ["large"], value: new Uint8Array(100_000) }));
  await writes.make({ key: ["small"], value: 1 });
  assert.equal((await counted.kv.get(["small"])).value, 1);
});
