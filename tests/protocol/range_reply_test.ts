import assert from "node:assert/strict";
import { readPieceReply, readRangeReply } from "../../lib/protocol/range_reply.ts";

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

Deno.test("readPieceReply takes the range or the whole piece by its length, and a pause from the body or the header", () => {
  const piece = (status: number, headers: Record<string, string> = {}, pause = "") =>
    readPieceReply(status, (name) => headers[name] ?? null, ASKED, pause);
  for (const status of [200, 206]) {
    assert.deepEqual(piece(status), { start: 100, end: 150 });
    assert.deepEqual(piece(status, { "content-length": "50" }), { start: 100, end: 150 });
    assert.deepEqual(piece(status, { "content-length": "1000" }), { start: 0, end: 1_000 });
    assert.ok(isFinal(piece(status, { "content-length": "49" })));
    assert.ok(isFinal(piece(status, { "content-encoding": "gzip" })));
  }
  const busy = { reason: "Expected status 200, got 503", isFinal: false };
  assert.deepEqual(piece(503, { "retry-after": "9" }, " 30\n"), { ...busy, retryAfterMs: 30_000 });
  assert.deepEqual(piece(503, { "retry-after": "9" }, "soon"), { ...busy, retryAfterMs: 9_000 });
  assert.deepEqual(piece(503, {}, "1.5"), { ...busy, retryAfterMs: 0 });
});
