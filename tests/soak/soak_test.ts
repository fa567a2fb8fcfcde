import assert from "node:assert/strict";
import { Program } from "../harness/processes/program.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { growthPerHour, type Sample } from "./memory.ts";
import { runSoak } from "./run_soak.ts";

const MIB = 1024 * 1024;

function sample(seconds: number, anonymousBytes: number): Sample {
  return { seconds, anonymousBytes, residentBytes: 0, descriptors: 0 };
}

Deno.test("growthPerHour is the slope of the second half, whatever the first one was", () => {
  const first = [0, 1, 2, 3].map((seconds) => sample(seconds, 1_000 * seconds));
  const second = [4, 5, 6, 7].map((seconds) => sample(seconds, 50 + 2 * seconds + (seconds % 2)));
  const growth = growthPerHour([...first, ...second], ({ anonymousBytes }) => anonymousBytes);
  assert.ok(Math.abs(growth - 2.2 * 3_600) < 1e-6, `${growth}`);
});

needs("linux")("soak: peers come and go, and nobody who stays ends, fails or holds much", async () => {
  const { samples, rate, visitors, failures } = await runSoak({
    minutes: 0.2,
    rate: 4 * MIB,
    visitors: 2,
    seed: 3,
    program: new Program(),
    say() {},
  });
  assert.deepEqual([failures, visitors.unclean], [[], 0]);
  assert.ok(rate > MIB && rate < 6 * MIB, `${rate} bytes per second`);
  assert.ok(visitors.came >= 2 && visitors.pieces > 0, `${visitors.came} came, ${visitors.pieces} pieces`);
  for (const [name, each] of samples) {
    assert.ok(each.length >= 6, `${each.length} looks at the ${name}`);
    const most = Math.max(...each.map(({ anonymousBytes }) => anonymousBytes));
    assert.ok(most > 10 * MIB && most < 400 * MIB, `the ${name} holds ${most} bytes`);
  }
});
