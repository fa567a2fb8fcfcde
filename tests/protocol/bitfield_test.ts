import assert from "node:assert/strict";
import { Bitfield } from "../../lib/protocol/bitfield.ts";

Deno.test("Bitfield puts index 0 into the highest bit of the first byte", () => {
  const bitfield = new Bitfield(10);
  bitfield.add(0);
  bitfield.add(9);
  assert.deepEqual(bitfield.toBytes(), Uint8Array.of(0x80, 0x40));
});

Deno.test("Bitfield.fromBytes reads what toBytes wrote", () => {
  for (const length of [0, 1, 7, 8, 9, 64, 1001]) {
    const bitfield = new Bitfield(length);
    for (let index = 0; index < length; index += 3) bitfield.add(index);
    const copy = Bitfield.fromBytes(bitfield.toBytes(), length)!;
    assert.deepEqual([...copy], [...bitfield]);
    assert.equal(copy.count, bitfield.count);
  }
});

Deno.test("Bitfield.fromBytes refuses every wrong byte count", () => {
  for (const length of [0, 1, 8, 9, 17]) {
    const right = Math.ceil(length / 8);
    for (let bytes = 0; bytes <= right + 2; bytes++) {
      assert.equal(Bitfield.fromBytes(new Uint8Array(bytes), length) !== undefined, bytes === right);
    }
  }
});

Deno.test("Bitfield.fromBytes refuses spare bits that are set", () => {
  for (let spare = 0; spare < 7; spare++) {
    assert.equal(Bitfield.fromBytes(Uint8Array.of(0, 1 << spare), 9), undefined);
  }
  assert.equal(Bitfield.fromBytes(Uint8Array.of(0, 0x80), 9)?.has(8), true);
});

Deno.test("Bitfield.fromBytes keeps a copy", () => {
  const bytes = Uint8Array.of(0x80);
  const bitfield = Bitfield.fromBytes(bytes, 8)!;
  bytes[0] = 0;
  assert.ok(bitfield.has(0));
});

Deno.test("Bitfield counts its members through add and delete", () => {
  const bitfield = new Bitfield(3);
  assert.equal(bitfield.add(1), true);
  assert.equal(bitfield.add(1), false);
  assert.equal(bitfield.count, 1);
  assert.equal(bitfield.delete(1), true);
  assert.equal(bitfield.delete(1), false);
  assert.equal(bitfield.count, 0);
});

Deno.test("Bitfield.full has every index and no spare bit", () => {
  const bitfield = Bitfield.full(11);
  assert.ok(bitfield.isFull);
  assert.deepEqual(bitfield.toBytes(), Uint8Array.of(0xff, 0xe0));
  assert.ok(Bitfield.full(0).isFull);
});

Deno.test("Bitfield has no index outside its length, and adds none", () => {
  const bitfield = Bitfield.full(9);
  for (const index of [9, 15, 16, 0xffffffff, -1]) {
    assert.equal(bitfield.has(index), false);
    assert.throws(() => bitfield.add(index), RangeError);
    assert.throws(() => bitfield.delete(index), RangeError);
  }
  assert.throws(() => bitfield.add(0.5), RangeError);
});

Deno.test("Bitfield iterates its members in rising order across empty bytes", () => {
  const bitfield = new Bitfield(40);
  for (const index of [39, 0, 8, 31, 7]) bitfield.add(index);
  assert.deepEqual([...bitfield], [0, 7, 8, 31, 39]);
});

Deno.test("Bitfield tells what it has beyond another one, and whether that is nothing", () => {
  const some = new Bitfield(20);
  for (const index of [0, 7, 8, 19]) some.add(index);
  const others = new Bitfield(20);
  for (const index of [7, 9]) others.add(index);
  const rest = some.without(others);
  assert.deepEqual([...rest], [0, 8, 19]);
  assert.equal(rest.count, 3);
  assert.ok(some.includesAll(rest));
  assert.ok(!some.includesAll(others));
  assert.ok(Bitfield.full(20).includesAll(some));
  const all = some.copy();
  all.addAll(others);
  assert.deepEqual([...all], [0, 7, 8, 9, 19]);
  assert.equal(all.count, 5);
  assert.equal(some.count, 4);
});

Deno.test("Bitfield shows what is deleted and added behind the place of an iteration", () => {
  const bitfield = Bitfield.full(4);
  bitfield.delete(3);
  const seen: number[] = [];
  for (const index of bitfield) {
    if (index === 0) bitfield.delete(1);
    if (index === 0) bitfield.add(3);
    seen.push(index);
  }
  assert.deepEqual(seen, [0, 2, 3]);
});
