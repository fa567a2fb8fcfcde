import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { needs } from "../harness/processes/require_tool.ts";

const MODULE = JSON.stringify(new URL("../../lib/ui/stop_signals.ts", import.meta.url).href);

/** Windows' numbers of the events of a console, by the signals that Deno makes of them. */
const CONSOLE_EVENTS: Partial<Record<Deno.Signal, number>> = { SIGINT: 0, SIGBREAK: 1, SIGHUP: 2 };

/**
 * Stops cleanly, after a second, when it is asked to. Its arguments are those of `StopSignals`, and console events with
 * their times: as Windows does, it starts a thread for each in the system's own routine.
 */
const PROGRAM = `
  import { StopSignals } from ${MODULE};
  const signals = new StopSignals(...JSON.parse(Deno.args[0]));
  const events = JSON.parse(Deno.args[1]);
  const kernel = events.length === 0 ? undefined : Deno.dlopen("kernel32.dll", {
    CtrlRoutine: { type: "pointer" },
    CreateThread: { parameters: ["pointer", "usize", "pointer", "usize", "u32", "pointer"], result: "isize" },
  });
  for (const [event, ms] of events) {
    const { CtrlRoutine, CreateThread } = kernel.symbols;
    setTimeout(() => CreateThread(null, 0n, CtrlRoutine, BigInt(event), 0, null), ms);
  }
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  Deno.unrefTimer(setTimeout(() => Deno.exit(99), 20_000));
  console.log("ready");
  while (!signals.stop.aborted) await wait(10);
  await wait(1000);
  signals.close();
`;

/** The exit code of the program when it gets these signals so many milliseconds after it is ready. */
async function exitCodeAfter(
  signals: readonly (readonly [name: Deno.Signal, ms: number])[],
  hasTerminal?: boolean,
): Promise<number> {
  const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
  const isWindows = Deno.build.os === "windows";
  const events = isWindows ? signals.map(([name, ms]) => [CONSOLE_EVENTS[name], ms]) : [];
  const args = [[hasTerminal].filter(isKnown), events].map((words) => JSON.stringify(words));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--config", config, PROGRAM, ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  const timers = isWindows ? [] : signals.map(([name, ms]) => setTimeout(() => child.kill(name), ms));
  const { code } = await child.status;
  timers.forEach(clearTimeout);
  await Promise.all([output.cancel(), child.stderr.cancel()]);
  return code;
}

function isKnown(value: unknown): boolean {
  return value !== undefined;
}

Deno.test("StopSignals asks for a clean stop, also when one Ctrl-C comes twice, and exits at a second one", async () => {
  const interrupts = (...times: number[]) => exitCodeAfter(times.map((ms) => ["SIGINT", ms] as const));
  assert.deepEqual(await Promise.all([interrupts(0), interrupts(0, 50), interrupts(0, 700)]), [0, 0, 130]);
});

needs("windows")("StopSignals stops when the window of the console closes, and at Ctrl-Break", async () => {
  const codes = [exitCodeAfter([["SIGHUP", 0]], true), exitCodeAfter([["SIGHUP", 0]], false)];
  assert.deepEqual(await Promise.all([...codes, exitCodeAfter([["SIGBREAK", 0]])]), [0, 0, 0]);
});

needs("signals to processes")(
  "StopSignals takes a hang-up for the end of the terminal, and ignores it where there is none",
  async () => {
    // Two hang-ups far apart would end at once what takes them for signals to stop.
    const hangUps = [["SIGHUP", 0], ["SIGHUP", 700], ["SIGTERM", 800]] as const;
    assert.deepEqual(
      await Promise.all([
        exitCodeAfter(hangUps),
        exitCodeAfter([["SIGHUP", 0]], true),
        exitCodeAfter(hangUps, true),
      ]),
      [0, 0, 130],
    );
  },
);
