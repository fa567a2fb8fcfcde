import assert from "node:assert/strict";
import { WorkLines } from "../../lib/ui/work_progress.ts";

Deno.test("WorkLines writes a percent every few seconds and nothing for short work", () => {
  const lines: string[] = [];
  let now = 0;
  const progress = new WorkLines("hashing", (line) => lines.push(line), () => now);
  for (const [time, done] of [[100, 1], [4999, 20], [5000, 25], [7000, 30], [10_000, 50]]) {
    now = time;
    progress.update(done, 100);
  }
  progress.close();
  assert.deepEqual(lines, ["hashing: 25%", "hashing: 50%"]);
});
