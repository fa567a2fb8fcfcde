import assert from "node:assert/strict";
import { readEvents } from "../../lib/api/event_reader.ts";
import { about, count, percent, rate } from "../../lib/web/numbers.ts";

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
