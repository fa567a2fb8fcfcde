import assert from "node:assert/strict";
import { fc } from "../harness/data/fast_check.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { applyPatch, type JsonObject, mergePatch } from "../../lib/api/merge_patch.ts";

/** The examples of RFC 7396, appendix A, between objects: original, patch, result. */
const EXAMPLES: readonly (readonly [JsonObject, JsonObject, JsonObject])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [{ a: "foo" }, { b: { c: null } }, { a: "foo", b: {} }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

Deno.test("merge patch: a patch is applied as RFC 7396 says", () => {
  for (const [state, patch, result] of EXAMPLES) assert.deepEqual(applyPatch(state, patch), result);
});

Deno.test("merge patch: what a patch does not touch stays the same object, and no prototype is changed", () => {
  const state = { a: { x: 1 }, b: { y: 1 } };
  const changed = applyPatch(state, { b: { y: 2 } });
  assert.equal(changed.a, state.a);
  assert.deepEqual(state.b, { y: 1 });
  applyPatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

needs("fast-check")("merge patch: the patch between two states makes one out of the other", () => {
  const { state } = fc.letrec<{ state: JsonObject; value: JsonObject[string] }>((tie) => ({
    state: fc.dictionary(fc.constantFrom("a", "b", "c", "d"), tie("value"), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    value: fc.oneof(
      { depthSize: "small" },
      fc.integer(),
      fc.array(fc.nat(3), { maxLength: 2 }),
      tie("state"),
    ),
  }));
  fc.assert(fc.property(state, state, (from, to) => {
    const patch = mergePatch(from, to);
    assert.deepEqual(applyPatch(from, patch ?? {}), to);
    assert.equal(mergePatch(to, to), undefined);
  }));
});
