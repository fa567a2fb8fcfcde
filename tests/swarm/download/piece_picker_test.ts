import assert from "node:assert/strict";
import { fc } from "../../harness/data/fast_check.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { PiecePicker } from "../../../lib/swarm/download/piece_picker.ts";
import { pickerOf, piecesIn } from "../../harness/data/pictures.ts";
import { seededRandom } from "../../harness/data/random.ts";

/** All missing pieces in the order in which they would be picked from somebody who has everything. */
function pickingOrder(picker: PiecePicker, random: number): number[] {
  const picked: number[] = [];
  for (;;) {
    const index = picker.pickRarest((index) => !picked.includes(index), random);
    if (index < 0) return picked;
    picked.push(index);
  }
}

Deno.test("PiecePicker prefers the rarest piece", () => {
  const picker = pickerOf(
    "......",
    "###.##",
    "#.#.##",
    "#.#..#",
  );
  for (const random of [0, 0.5, 0.999]) {
    assert.deepEqual(pickingOrder(picker, random).slice(0, 3), [3, 1, 4]);
    assert.equal(picker.pickRarest(piecesIn("######").has.bind(piecesIn("######")), random), 3);
  }
});

Deno.test("PiecePicker picks the rarest of what the peer has, and nothing when it has nothing of use", () => {
  const picker = pickerOf("#...", "####", "##..", "#.#.");
  const of = (picture: string) => (index: number) => piecesIn(picture).has(index);
  assert.equal(picker.pickRarest(of("####"), 0), 3);
  assert.equal(picker.pickRarest(of("###."), 0.99) > 0, true);
  assert.equal(picker.pickRarest(of("#..."), 0), -1);
  assert.equal(picker.pickAny(of("#..."), 0), -1);
  assert.equal(picker.pickAny(of(".#.."), 0), 1);
});

Deno.test("PiecePicker picks by chance among equally rare pieces", () => {
  const picker = pickerOf("..........", "#####.....");
  const random = seededRandom(3);
  const picks = new Map<number, number>();
  for (let i = 0; i < 5_000; i++) {
    const index = picker.pickRarest(() => true, random());
    picks.set(index, (picks.get(index) ?? 0) + 1);
  }
  assert.deepEqual([...picks.keys()].sort(), [5, 6, 7, 8, 9]);
  for (const count of picks.values()) assert(count > 900 && count < 1_100, `${count} of 5000`);
});

Deno.test("PiecePicker picks any piece for the first one, rare or not", () => {
  const picker = pickerOf("....", "#...", "##..", "###.");
  const picks = new Set([0, 0.25, 0.5, 0.75].map((random) => picker.pickAny(() => true, random)));
  assert.equal(picks.size, 4);
});

Deno.test("PiecePicker counts missing pieces, and a piece that is removed twice only once", () => {
  const picker = pickerOf("##...", "#####");
  assert.equal(picker.missing, 3);
  picker.remove(2);
  picker.remove(2);
  picker.remove(0);
  assert.equal(picker.missing, 2);
  picker.restore(2);
  picker.restore(2);
  assert.equal(picker.missing, 3);
  assert.equal(new PiecePicker(new Bitfield(0)).pickRarest(() => true, 0), -1);
});

needs("fast-check")("PiecePicker agrees with a plain model whatever happens in whatever order", () => {
  const PIECES = 9;
  const step = fc.tuple(
    fc.constantFrom("peerHas", "peerLost", "remove", "restore"),
    fc.nat(PIECES - 1),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  );
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: PIECES }),
      fc.array(step, { maxLength: 80, size: "max" }),
      (stored, steps) => {
        const lacking = Bitfield.full(PIECES);
        for (const index of stored) if (index < PIECES) lacking.delete(index);
        const picker = new PiecePicker(lacking);
        const availability = new Array<number>(PIECES).fill(0);
        const missing = new Set([...availability.keys()].filter((index) => !stored.includes(index)));
        for (const [action, index, random] of steps) {
          if (action === "peerLost" && availability[index] === 0) continue;
          picker[action as "peerHas"](index);
          if (action === "peerHas") availability[index]++;
          else if (action === "peerLost") availability[index]--;
          else if (action === "remove") missing.delete(index);
          else missing.add(index);

          assert.equal(picker.missing, missing.size);
          availability.forEach((count, index) => {
            assert.equal(picker.availabilityOf(index), count);
            assert.equal(picker.isMissing(index), missing.has(index));
          });
          const order = pickingOrder(picker, random);
          assert.deepEqual([...order].sort(), [...missing].sort());
          const counts = order.map((index) => availability[index]);
          assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
        }
      },
    ),
    { seed: 1, numRuns: 150 },
  );
});
