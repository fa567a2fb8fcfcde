import assert from "node:assert/strict";
import { readEvents } from "../../lib/web/event_reader.ts";
import { applyMergePatch } from "../../lib/web/merge_patch.ts";
import { about, count, percent, rate } from "../../lib/web/numbers.ts";

/** The examples of RFC 7396, appendix A: original, patch, result. */
const PATCHES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [["a", "b"], ["c", "d"], ["c", "d"]],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

Deno.test("page: merge patches are applied as RFC 7396 says", () => {
  for (const [target, patch, result] of PATCHES) assert.deepEqual(applyMergePatch(target, patch), result);
});

Deno.test("page: a patch leaves what it does not touch as it was, and no prototype is changed", () => {
  const target = { a: { x: 1 }, b: { y: 1 } };
  const merged = applyMergePatch(target, { b: { y: 2 } }) as typeof target;
  assert.equal(merged.a, target.a);
  assert.deepEqual(target.b, { y: 1 });
  const hostile = applyMergePatch({}, JSON.parse('{"__proto__": {"polluted": true}}'));
  assert.equal((hostile as { polluted?: boolean }).polluted, undefined);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

Deno.test("page: events are read wherever the stream is cut", async () => {
  const stream =
    `: hello\n\nid: 7\nevent: state\ndata: {"a":\ndata: "ü"}\n\r\nid: 8\r\ndata: x\r\n\r\ndata: cut`;
  const expected = [{ id: "7", event: "state", data: '{"a":\n"ü"}' }, {
    id: "8",
    event: "message",
    data: "x",
  }];
  for (const size of [1, 2, 3, 7, stream.length]) {
    const parts = async function* () {
      for (let at = 0; at < stream.length; at += size) yield stream.slice(at, at + size);
    };
    assert.deepEqual(await Array.fromAsync(readEvents(parts())), expected, `parts of ${size}`);
  }
});

Deno.test("page: numbers are written for people", () => {
  assert.equal(percent(0.997), "99 %");
  assert.equal(percent(29 / 100), "29 %");
  assert.equal(percent(1), "100 %");
  assert.equal(rate(0), "–");
  assert.equal(rate(1_572_864), "1.5 MiB/s");
  assert.deepEqual([3, 31, 70, 150, 7_000, 400_000].map(about), [
    "a few seconds",
    "about 35 s",
    "about a minute",
    "about 3 min",
    "about 2 h",
    "about 5 days",
  ]);
  assert.equal(count(1, "host"), "1 host");
  assert.equal(count(1000, "copy", "copies"), "1,000 copies");
});
