import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const MODULE = JSON.stringify(new URL("../../lib/ui/stop_signals.ts", import.meta.url).href);

/** Stops cleanly, after a second, when it is asked to. */
const PROGRAM = `
  import { StopSignals } from ${MODULE};
  const signals = new StopSignals();
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  console.log("ready");
  while (!signals.stop.aborted) await wait(10);
  await wait(1000);
  signals.close();
`;

/** The exit code of the program when it gets signals at these times after it is ready, in milliseconds. */
async function exitCodeAfter(...times: number[]): Promise<number> {
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--config", config, PROGRAM],
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  const timers = times.map((ms) => setTimeout(() => child.kill("SIGINT"), ms));
  const { code } = await child.status;
  timers.forEach(clearTimeout);
  await output.cancel();
  return code;
}

Deno.test({
  name: "StopSignals asks for a clean stop, also when one Ctrl-C comes twice, and exits at a second one",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    assert.deepEqual(await Promise.all([exitCodeAfter(0), exitCodeAfter(0, 50), exitCodeAfter(0, 700)]), [
      0,
      0,
      130,
    ]);
  },
});
