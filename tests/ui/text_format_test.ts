import assert from "node:assert/strict";
import { formatBytes, formatDuration, formatRate, percentOf } from "../../lib/ui/number_format.ts";
import { cutToWidth, fitToWidth, widthOf } from "../../lib/ui/text_format.ts";

Deno.test("formatBytes shows at most three digits", () => {
  const expected: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1 KiB"],
    [16_384, "16 KiB"],
    [1_572_864, "1.5 MiB"],
    [1023 * 1024, "1 MiB"],
    [5 * 1024 ** 4, "5 TiB"],
  ];
  for (const [bytes, text] of expected) assert.equal(formatBytes(bytes), text);
  assert.equal(formatRate(2048), "2 KiB/s");
});

Deno.test("formatDuration rounds up to the last unit it shows", () => {
  const expected: [number, string][] = [[0, "0s"], [41.2, "42s"], [185, "3m05s"], [7620, "2h07m"], [
    432_000,
    "5d",
  ]];
  for (const [seconds, text] of expected) assert.equal(formatDuration(seconds), text);
});

Deno.test("percentOf says 100 only when nothing is missing", () => {
  assert.equal(percentOf(999, 1000), 99);
  assert.equal(percentOf(1000, 1000), 100);
  assert.equal(percentOf(0, 0), 100);
});

Deno.test("cutToWidth counts columns, not characters, and keeps characters whole", () => {
  assert.equal(cutToWidth("plain", 5), "plain");
  assert.equal(cutToWidth("plain", 4), "pla…");
  assert.equal(cutToWidth("日本語", 5), "日本…");
  assert.equal(cutToWidth("日本語", 4), "日…");
  assert.equal(cutToWidth("e\u0301e\u0301e\u0301", 2), "e\u0301…");
  assert.equal(cutToWidth("plain", 0), "");
});

Deno.test("fitToWidth fills what cutToWidth leaves free", () => {
  assert.equal(fitToWidth("日本語", 4), "日… ");
  assert.equal(fitToWidth("a", 3), "a  ");
  assert.equal(widthOf(fitToWidth("日本語", 10)), 10);
});
