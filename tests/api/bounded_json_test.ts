import assert from "node:assert/strict";
import { parseBoundedJson } from "../../lib/api/bounded_json.ts";

const LIMITS = { maxDepth: 3, maxValues: 5 };

Deno.test("bounded JSON: depth and values are counted outside of strings", () => {
  assert.deepEqual(parseBoundedJson('{"a":{"b":[1]}}', LIMITS), { a: { b: [1] } });
  assert.deepEqual(parseBoundedJson('"[[[[[[,,,,,,\\"[[[["', LIMITS), '[[[[[[,,,,,,"[[[[');
  assert.throws(() => parseBoundedJson("[[[[]]]]", LIMITS), RangeError);
  assert.throws(() => parseBoundedJson("[1,2,3,4,5,6,7]", LIMITS), RangeError);
  assert.throws(() => parseBoundedJson("nonsense", LIMITS), SyntaxError);
});

Deno.test("bounded JSON: a million brackets are refused at once", () => {
  const began = performance.now();
  assert.throws(() => parseBoundedJson("[".repeat(1_000_000), LIMITS), RangeError);
  assert.ok(performance.now() - began < 50);
});
