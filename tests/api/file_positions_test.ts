import assert from "node:assert/strict";
import { firstAfter, wantedAfter } from "../../lib/api/file_positions.ts";

/** Files with these positions, of which some are wanted and some come first. */
const files = (wanted: readonly number[], first: readonly number[]) =>
  [0, 1, 3, 4].map((position) => ({
    position,
    isWanted: wanted.includes(position),
    isFirst: first.includes(position),
  }));

Deno.test("positions of files change what was wished before", () => {
  const now = files([0, 1], [3]);
  assert.deepEqual(wantedAfter(now, [3, 4], [0]), [{ first: 1, last: 1 }, { first: 3, last: 4 }]);
  assert.deepEqual(wantedAfter(now, [0], [0, 1]), [{ first: 0, last: 0 }]);
  assert.deepEqual(firstAfter(now, [0], [3]), [{ first: 0, last: 0 }]);
  assert.deepEqual(firstAfter(now, [], [3]), []);
});

Deno.test("to want no file at all is refused, as an empty list would mean all", () => {
  assert.throws(() => wantedAfter(files([0, 1], []), [], [0, 1]), RangeError);
  assert.throws(() => wantedAfter(files([1], []), undefined, [1]), RangeError);
});
