import assert from "node:assert/strict";
import { readRangeReply } from "../../lib/protocol/range_reply.ts";

const ASKED = { position: 100, length: 50, fileLength: 1_000 };
const read = (headers: Record<string, string>) => readRangeReply(206, (name) => headers[name] ?? null, ASKED);

const isFinal = (reply: ReturnType<typeof read>) => "isFinal" in reply && reply.isFinal;

Deno.test("readRangeReply takes a range however its server spells it", () => {
  for (
    const range of ["bytes 100-149/1000", "Bytes 100-149/1000", "BYTES  100 - 149 / *", "bytes=100-149/1000"]
  ) {
    assert.deepEqual(read({ "content-range": range }), { start: 100, end: 150 }, range);
    for (const encoding of ["identity", "Identity", ""]) {
      assert.ok("start" in read({ "content-range": range, "content-encoding": encoding }), encoding);
    }
  }
});

Deno.test("readRangeReply refuses another range, another file and encoded bytes", () => {
  const others = [
    "",
    "bytes",
    "bytes 100-149",
    "bytes 99-149/1000",
    "bytes 100-150/1000",
    "bytes 100-149/999",
  ];
  for (const range of [...others, "lines 100-149/1000", "bytes */1000", "bytes 0x64-149/1000"]) {
    assert.equal(isFinal(read({ "content-range": range })), true, range);
  }
  assert.equal(isFinal(read({})), true);
  assert.equal(isFinal(read({ "content-range": "bytes 100-149/1000", "content-encoding": "gzip" })), true);
});

Deno.test("readRangeReply takes a part of what was asked, and a whole file", () => {
  assert.deepEqual(read({ "content-range": "bytes 100-100/1000" }), { start: 100, end: 101 });
  const whole = (headers: Record<string, string>) =>
    readRangeReply(200, (name) => headers[name] ?? null, ASKED);
  assert.deepEqual(whole({}), { start: 0, end: 1_000 });
  assert.deepEqual(whole({ "content-length": "1000" }), { start: 0, end: 1_000 });
  assert.ok(isFinal(whole({ "content-length": "999" })));
  assert.ok(isFinal(whole({ "content-encoding": "gzip" })));
});
