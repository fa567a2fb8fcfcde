import assert from "node:assert/strict";
import { FakeTerminal } from "../../harness/processes/fake_terminal.ts";
import { WorkBar, WorkLines } from "../../../lib/ui/progress/work_progress.ts";

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

Deno.test("WorkBar draws now and then, and how it ended", () => {
  const terminal = new FakeTerminal(80, 24);
  let now = 0;
  const bar = new WorkBar("hashing", terminal, () => now);
  const shown = () => /\d+%/.exec(terminal.lines().join("|"))?.[0];
  for (
    const [time, done, expected] of [[0, 1, "1%"], [50, 20, "1%"], [100, 30, "30%"], [
      120,
      99,
      "30%",
    ]] as const
  ) {
    now = time;
    bar.update(done, 100);
    assert.equal(shown(), expected);
  }
  bar.close();
  assert.equal(shown(), "99%");
  assert.equal(terminal.lines().length, 1);
  assert(terminal.isAsOthersExpect);
});
