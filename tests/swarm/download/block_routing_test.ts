import assert from "node:assert/strict";
import { fc } from "../../harness/data/fast_check.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { BLOCK_LENGTH, PieceLayout } from "../../../lib/protocol/piece_layout.ts";
import { BlockRouting, NOBODY } from "../../../lib/swarm/download/block_routing.ts";

/** Pieces of three blocks; the last piece has two, the second of them short. */
const layout = new PieceLayout(3 * BLOCK_LENGTH, [2 * 3 * BLOCK_LENGTH + BLOCK_LENGTH + 100]);
const buffer = () => new Uint8Array(layout.pieceLength);
const block = (length = BLOCK_LENGTH, value = 7) => new Uint8Array(length).fill(value);
/** Peers 1 to 3, of which none owes anything. */
const newDebtors = () => new Map([1, 2, 3].map((peer) => [peer, { outstanding: 0, released: 0 }]));

Deno.test("BlockRouting gives every block out once, then has none that is free", () => {
  const table = new BlockRouting(layout, buffer, newDebtors());
  const piece = table.activate(0, 1, false);
  assert.deepEqual([1, 2, 1, 2].map((peer) => table.ask(piece, peer, 0)), [0, 1, 2, -1]);
  assert.equal(table.hasFreeBlocks, false);
  assert.equal(piece.askerOf(1), 2);
});

Deno.test("BlockRouting copies a needed block and tells when the piece is complete", () => {
  const table = new BlockRouting(layout, buffer, newDebtors());
  const piece = table.activate(2, 1, false);
  for (let i = 0; i < 2; i++) table.ask(piece, 1, 0);
  assert.equal(table.receive(2, BLOCK_LENGTH, block(100, 9), 1, 0).kind, "needed");
  assert.equal(table.receive(2, 0, block(), 1, 0).kind, "complete");
  const taken = table.take(piece)!;
  assert.deepEqual([taken[0], taken[BLOCK_LENGTH], taken[BLOCK_LENGTH + 99]], [7, 9, 9]);
  assert.deepEqual([...piece.deliveredBy], [1, 1]);
  assert.deepEqual([table.size, table.bytes], [0, 0]);
});

Deno.test("BlockRouting takes a buffer with the first block of a piece that is let in, one a piece", () => {
  let taken = 0;
  const table = new BlockRouting(layout, () => (taken++, buffer()), newDebtors());
  const [first, second] = [0, 1].map((index) => table.activate(index, 1, false));
  for (let i = 0; i < 2; i++) table.ask(first, 1, 0);
  table.receive(0, 0, block(), 2, 0);
  table.receive(0, 0, block(5), 1, 0);
  assert.deepEqual([taken, table.bytes], [0, 2 * layout.pieceLength]);
  table.receive(0, BLOCK_LENGTH, block(), 1, 0);
  table.receive(0, 0, block(), 1, 0);
  assert.equal(taken, 1);
  assert.deepEqual([table.take(first)?.length, table.take(second)], [layout.pieceLength, undefined]);
});

Deno.test("BlockRouting counts the blocks that are asked of a peer, as first or second", () => {
  const debtors = newDebtors();
  const table = new BlockRouting(layout, buffer, debtors);
  const piece = table.activate(0, 1, false);
  for (const peer of [1, 1, 2]) table.ask(piece, peer, 0);
  table.askAgain(piece, 2, 0, 0);
  table.receive(0, BLOCK_LENGTH, block(), 1, 0);
  assert.deepEqual(Array.from(debtors.values(), ({ outstanding }) => outstanding), [1, 2, 0]);
  table.take(piece);
  assert.deepEqual([...debtors.values()], [1, 2, 0].map((released) => ({ outstanding: 0, released })));
});

Deno.test("BlockRouting says how long a block took, and which other peer need not send it any more", () => {
  const debtors = newDebtors();
  const table = new BlockRouting(layout, buffer, debtors);
  const piece = table.activate(0, 1, false);
  table.ask(piece, 1, 100);
  table.askAgain(piece, 2, 0, 300);
  assert.deepEqual(table.receive(0, 0, block(), 1, 350), { kind: "needed", latencyMs: 50, others: [2] });
  assert.deepEqual(debtors.get(1), { outstanding: 0, released: 0 });
  assert.deepEqual(debtors.get(2), { outstanding: 0, released: 1 });
  assert.deepEqual([table.excuse(2), table.excuse(2)], [true, false]);
});

Deno.test("BlockRouting tells duplicate, unrequested and invalid blocks apart", () => {
  const table = new BlockRouting(layout, buffer, newDebtors());
  const piece = table.activate(0, 1, false);
  table.ask(piece, 1, 0);
  assert.equal(table.receive(0, 0, block(), 2, 0).kind, "unrequested");
  assert.equal(table.receive(0, BLOCK_LENGTH, block(), 1, 0).kind, "unrequested");
  assert.equal(table.receive(1, 0, block(), 1, 0).kind, "unrequested");
  assert.equal(table.receive(0, 0, block(), 1, 0).kind, "needed");
  assert.equal(table.receive(0, 0, block(), 1, 0).kind, "duplicate");
  const invalid: [number, number, number][] = [
    [3, 0, BLOCK_LENGTH],
    [0xffffffff, 0, BLOCK_LENGTH],
    [0, 1, BLOCK_LENGTH],
    [0, 3 * BLOCK_LENGTH, BLOCK_LENGTH],
    [0, BLOCK_LENGTH, BLOCK_LENGTH - 1],
    [0, BLOCK_LENGTH, 0],
    [2, BLOCK_LENGTH, BLOCK_LENGTH],
    [2, 2 * BLOCK_LENGTH, 100],
  ];
  for (const [index, begin, length] of invalid) {
    assert.equal(
      table.receive(index, begin, block(length), 1, 0).kind,
      "invalid",
      `${index} ${begin} ${length}`,
    );
  }
});

Deno.test("BlockRouting lets a late block in, but not into a piece that is another's alone", () => {
  const debtors = newDebtors();
  const table = new BlockRouting(layout, buffer, debtors);
  table.activate(0, 1, false);
  table.activate(1, 1, true);
  debtors.get(2)!.released = 1;
  assert.equal(table.receive(1, 0, block(), 2, 0).kind, "unrequested");
  assert.equal(table.receive(0, 0, block(), 2, 0).kind, "needed");
  assert.equal(debtors.get(2)!.released, 0);
});

Deno.test("BlockRouting asks a second peer in endgame, never a third and never the same one", () => {
  const table = new BlockRouting(layout, buffer, newDebtors());
  const piece = table.activate(2, 1, false);
  table.ask(piece, 1, 0);
  assert.equal(table.askAgain(piece, 1, 0, 0), -1);
  assert.equal(table.askAgain(piece, 2, 0, 0), 0);
  assert.equal(table.askAgain(piece, 3, 0, 0), -1);
  assert.equal(table.release(2, 0, 1), true);
  assert.equal(table.hasFreeBlocks, true, "the block never asked for");
  assert.equal(piece.askerOf(0), 2);
  assert.equal(table.release(2, 0, 2), true);
  assert.equal(piece.freeBlocks, 2);
});

Deno.test("BlockRouting takes back what is overdue, from the one it was asked of first", () => {
  const debtors = newDebtors();
  const table = new BlockRouting(layout, buffer, debtors);
  const piece = table.activate(0, 1, false);
  table.ask(piece, 1, 100);
  table.ask(piece, 2, 200);
  table.ask(piece, 1, 300);
  table.releaseOverdue((peer) => peer === 1 ? 250 : -Infinity);
  assert.deepEqual(Array.from(debtors.values(), ({ released }) => released), [1, 0, 0]);
  assert.equal(table.ask(piece, 3, 400), 0, "the first free block");
});

Deno.test("BlockRouting goes on with blocks of an earlier run, which nobody delivered", () => {
  const table = new BlockRouting(layout, buffer, newDebtors());
  const piece = table.activate(0, NOBODY, false);
  table.markReceived(piece, buffer(), [0, 2]);
  assert.equal(piece.receivedBlocks, 2);
  assert.equal(table.ask(piece, 1, 0), 1);
  assert.equal(table.hasFreeBlocks, false);
  assert.equal(table.receive(0, BLOCK_LENGTH, block(), 1, 0).kind, "complete");
  assert.deepEqual([...piece.deliveredBy], [NOBODY, 1, NOBODY]);
});

needs("fast-check")("BlockRouting agrees with a plain model whatever happens in whatever order", () => {
  const step = fc.record({
    action: fc.constantFrom("ask", "askAgain", "release", "releaseAll", "receive", "late"),
    index: fc.nat(2),
    at: fc.nat(2),
    peer: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const debtors = newDebtors();
      const table = new BlockRouting(layout, buffer, debtors);
      const counts = [3, 3, 2];
      const pieces = counts.map((_, index) => table.activate(index, NOBODY, false));
      const askers = counts.map((count) => Array.from({ length: count }, () => [] as number[]));
      const received = counts.map((count) => new Array<boolean>(count).fill(false));
      for (const { action, index, at, peer } of steps) {
        const piece = pieces[index];
        const model = askers[index];
        if (piece.isComplete || at >= counts[index]) continue;
        const isFree = (number: number) => model[number].length === 0 && !received[index][number];
        if (action === "ask") {
          const expected = model.findIndex((_, number) => isFree(number));
          assert.equal(table.ask(piece, peer, 0), expected);
          if (expected >= 0) model[expected].push(peer);
        } else if (action === "askAgain") {
          const expected = model.findIndex((asked, number) =>
            number >= at && asked.length === 1 && asked[0] !== peer
          );
          assert.equal(table.askAgain(piece, peer, at, 0), expected);
          if (expected >= 0) model[expected].push(peer);
        } else if (action === "release") {
          const wasAsked = model[at].includes(peer);
          assert.equal(table.release(index, at * BLOCK_LENGTH, peer), wasAsked);
          model[at] = model[at].filter((other) => other !== peer);
        } else if (action === "releaseAll") {
          const asked = askers.flat().filter((asked) => asked.includes(peer)).length;
          assert.equal(table.releaseAll(peer), asked);
          askers.forEach((model) =>
            model.forEach((asked, number) => model[number] = asked.filter((other) => other !== peer))
          );
        } else {
          const isWelcome = action === "late" || model[at].includes(peer);
          const length = layout.blockLength(index, at * BLOCK_LENGTH);
          debtors.get(peer)!.released = action === "late" ? 1 : 0;
          const result = table.receive(index, at * BLOCK_LENGTH, block(length), peer, 0).kind;
          if (received[index][at]) assert.equal(result, "duplicate");
          else if (!isWelcome) assert.equal(result, "unrequested");
          else {
            received[index][at] = true;
            model[at] = [];
            assert.equal(result, received[index].every(Boolean) ? "complete" : "needed");
          }
        }
        let free = 0;
        pieces.forEach((piece, index) => {
          const isFree = (number: number) => askers[index][number].length === 0 && !received[index][number];
          const numbers = [...askers[index].keys()];
          assert.equal(piece.freeBlocks, numbers.filter(isFree).length);
          assert.equal(piece.receivedBlocks, received[index].filter(Boolean).length);
          for (const number of numbers) {
            assert.equal(piece.askerOf(number), askers[index][number][0] ?? NOBODY);
            assert.equal(piece.secondAskerOf(number), askers[index][number][1] ?? NOBODY);
          }
          free += piece.freeBlocks;
        });
        assert.equal(table.hasFreeBlocks, free > 0);
        for (const [peer, { outstanding }] of debtors) {
          assert.equal(outstanding, askers.flat().filter((asked) => asked.includes(peer)).length);
        }
      }
      for (const piece of pieces) table.take(piece);
      assert.deepEqual([table.size, table.bytes, table.hasFreeBlocks], [0, 0, false]);
      assert(debtors.values().every(({ outstanding }) => outstanding === 0));
    }),
    { seed: 1, numRuns: 300 },
  );
});
