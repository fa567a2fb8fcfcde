import assert from "node:assert/strict";
import { rangeReplyProblem } from "../../lib/protocol/range_reply.ts";

const ASKED = { position: 100, length: 50, fileLength: 1_000 };
const problem = (headers: Record<string, string>) =>
  rangeReplyProblem(206, (name) => headers[name] ?? null, ASKED);

Deno.test("rangeReplyProblem takes a range however its server spells it", () => {
  for (
    const range of ["bytes 100-149/1000", "Bytes 100-149/1000", "BYTES  100 - 149 / *", "bytes=100-149/1000"]
  ) {
    assert.equal(problem({ "content-range": range }), undefined, range);
    for (const encoding of ["identity", "Identity", ""]) {
      assert.equal(problem({ "content-range": range, "content-encoding": encoding }), undefined, encoding);
    }
  }
});

Deno.test("rangeReplyProblem refuses another range, another file and encoded bytes", () => {
  const others = [
    "",
    "bytes",
    "bytes 100-149",
    "bytes 99-149/1000",
    "bytes 100-150/1000",
    "bytes 100-149/999",
  ];
  for (const range of [...others, "lines 100-149/1000", "bytes */1000", "bytes 0x64-149/1000"]) {
    assert.equal(problem({ "content-range": range })?.isFinal, true, range);
  }
  assert.equal(problem({})?.isFinal, true);
  assert.equal(problem({ "content-range": "bytes 100-149/1000", "content-encoding": "gzip" })?.isFinal, true);
});
