import assert from "node:assert/strict";
import { fc } from "../../harness/data/fast_check.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { SendQueue } from "../../../lib/net/peers/send_queue.ts";
import { PIECE_HEADER_LENGTH } from "../../../lib/protocol/peer_messages.ts";

function take(queue: SendQueue): string {
  return Object.values(queue.takeBlock()).join(" ");
}

Deno.test("SendQueue hands messages out in order, over as many buffers as it takes", () => {
  const queue = new SendQueue();
  queue.pushMessage(Uint8Array.of(1, 2, 3));
  queue.pushMessage(new Uint8Array(0));
  queue.pushMessage(Uint8Array.of(4, 5, 6, 7));
  assert.equal(queue.messageBytes, 7);
  const target = new Uint8Array(4);
  assert.equal(queue.takeMessages(target, 1), 4);
  assert.deepEqual([...target], [0, 1, 2, 3]);
  assert.equal(queue.takeMessages(target, 4), 4, "no room");
  assert.equal(queue.takeMessages(target, 2), 4);
  assert.deepEqual([...target], [0, 1, 4, 5]);
  assert.equal(queue.isEmpty, false);
  assert.equal(queue.takeMessages(target, 0), 2);
  assert.deepEqual([...target.subarray(0, 2)], [6, 7]);
  assert.deepEqual([queue.isEmpty, queue.messageBytes], [true, 0]);
});

needs("fast-check")(
  "SendQueue hands out the bytes of all messages, whatever their lengths and however they are taken",
  () => {
    const length = fc.oneof(fc.nat(40), fc.integer({ min: 2_000, max: 2_100 }), fc.nat(5_000));
    const step = fc.record({ isPush: fc.boolean(), length });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const queue = new SendQueue();
        const pushed: number[] = [];
        const taken: number[] = [];
        const take = (length: number) => {
          const target = new Uint8Array(length);
          taken.push(...target.subarray(0, queue.takeMessages(target, 0)));
        };
        for (const { isPush, length } of steps) {
          if (!isPush) take(length);
          else {
            const message = Uint8Array.from({ length }, (_, i) => pushed.length + i);
            queue.pushMessage(message);
            pushed.push(...message);
            if (length < 2_000) message.fill(0);
          }
          assert.equal(queue.messageBytes, pushed.length - taken.length);
        }
        take(queue.messageBytes);
        assert.equal(queue.isEmpty, true);
        assert.deepEqual(Uint8Array.from(taken), Uint8Array.from(pushed));
      }),
      { seed: 1, numRuns: 40 },
    );
  },
);

/** Prints the memory that five queues need, and the bytes that wait in them; in a process where garbage can be collected. */
const MEMORY_OF_QUEUES = `
  const { SendQueue } = await import("${new URL("../../../lib/net/peers/send_queue.ts", import.meta.url)}");
  const used = () => {
    gc();
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  const queues = Array.from({ length: 5 }, () => new SendQueue());
  const before = used();
  for (const queue of queues) for (let i = 0; i < 40_000; i++) queue.pushMessage(new Uint8Array(17));
  const needed = used() - before;
  console.log(needed, queues.reduce((sum, queue) => sum + queue.messageBytes, 0));
`;

Deno.test("SendQueue needs little more memory for many small messages than they have bytes", async () => {
  const args = ["eval", "--quiet", "--v8-flags=--expose-gc", MEMORY_OF_QUEUES];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  assert(success, new TextDecoder().decode(stderr));
  const [needed, held] = new TextDecoder().decode(stdout).trim().split(" ").map(Number);
  assert.equal(held, 5 * 40_000 * 17);
  // Each in an array of its own would need fourteen times its bytes.
  assert(needed < 2 * held, `${needed} bytes for ${held}`);
});

Deno.test("SendQueue hands blocks out in order and knows how long the next one is on the wire", () => {
  const queue = new SendQueue();
  assert.equal(queue.nextBlockBytes, undefined);
  queue.pushBlock(1, 0, 100);
  queue.pushBlock(2, 16_384, 5);
  assert.equal(queue.nextBlockBytes, PIECE_HEADER_LENGTH + 100);
  assert.deepEqual([take(queue), take(queue)], ["1 0 100", "2 16384 5"]);
  assert.equal(queue.isEmpty, true);
});

Deno.test("SendQueue takes back blocks that were not sent, one or all", () => {
  const queue = new SendQueue();
  for (let index = 0; index < 4; index++) queue.pushBlock(index, 0, 1);
  take(queue);
  assert.equal(queue.dropBlock(0, 0, 1), false);
  assert.equal(queue.dropBlock(2, 0, 1), true);
  assert.equal(queue.dropBlock(3, 0, 2), false);
  const dropped: number[] = [];
  assert.equal(queue.dropBlocks((index) => dropped.push(index)), 2);
  assert.deepEqual(dropped, [1, 3]);
  assert.deepEqual([queue.blockCount, queue.isEmpty], [0, true]);
});

needs("fast-check")("SendQueue agrees with a plain list, whatever is pushed, taken and dropped", () => {
  const step = fc.tuple(fc.constantFrom("push", "push", "take", "drop", "dropAll", "many"), fc.nat(5));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const queue = new SendQueue();
      let model: string[] = [];
      for (const [action, index] of steps) {
        if (action === "push") {
          queue.pushBlock(index, 0, 1);
          model.push(`${index} 0 1`);
        } else if (action === "many") {
          // Enough to have what was sent cleared away.
          for (let i = 0; i < 1_100; i++) queue.pushBlock(9, i, 1);
          model.push(...Array.from({ length: 1_100 }, (_, i) => `9 ${i} 1`));
          for (let i = 0; i < 1_050; i++) assert.equal(take(queue), model.shift());
        } else if (action === "take") {
          if (model.length > 0) assert.equal(take(queue), model.shift());
        } else if (action === "drop") {
          const at = model.indexOf(`${index} 0 1`);
          assert.equal(queue.dropBlock(index, 0, 1), at >= 0);
          if (at >= 0) model.splice(at, 1);
        } else {
          const dropped: string[] = [];
          queue.dropBlocks((...fields) => dropped.push(fields.join(" ")));
          assert.deepEqual(dropped, model);
          model = [];
        }
        assert.equal(queue.blockCount, model.length);
      }
      while (model.length > 0) assert.equal(take(queue), model.shift());
      assert.equal(queue.isEmpty, true);
    }),
    { seed: 1, numRuns: 60 },
  );
});
