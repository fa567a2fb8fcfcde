/**
 * `deno task test:windows`: the tests under Wine. Files or folders may be named; all that Windows can change run otherwise.
 *
 * A test that Wine or Windows cannot run is ignored with the reason behind its name (`tests/harness/processes/abilities.ts`).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./commands.ts";
import { TestMachine } from "./test_machine.ts";
import { Wine } from "./wine.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** The parts of the project that the tests read. */
const COPIED = [
  "lib",
  "tests",
  "torrents",
  "shareable",
  "main.ts",
  "deno.json",
  "deno.lock",
  "README.md",
  "LICENSE",
];
/** Where the copy lies, below the root of Wine. */
const FOLDER = "/files/tests";
/** Each is one run of `deno test`. The longest come first, so that both machines end together. */
const JOBS: readonly (readonly string[])[] = [
  ["tests/loopback"],
  ["tests/disk/crash_test.ts"],
  ["tests/net"],
  ["tests/disk"],
  ["tests/ui", "tests/log_test.ts"],
  ["tests/session"],
  ["tests/api", "tests/web"],
];

const PURE = "pure code, which makes no call of the system";
const OF_LINUX = "needs namespaces, addresses or signals that only Linux has";
/** What else is in `tests/`, and why it does not run here. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "tests/protocol": PURE,
  "tests/swarm": PURE,
  "tests/scenarios": PURE,
  "tests/fuzz": PURE,
  "tests/architecture_test.ts": "reads the sources only",
  "tests/hostile": OF_LINUX,
  "tests/chaos": OF_LINUX,
  "tests/soak": OF_LINUX,
  "tests/lan": OF_LINUX,
  "tests/bench": OF_LINUX,
  "tests/interop": "needs clients of Linux",
  "tests/compiled": "has a task of its own",
  "tests/compiled_test.ts": "has a task of its own",
  "tests/harness": "holds no tests",
  "tests/windows": "holds no tests",
};
/** One Windows for each core, by number; each has a server of its own, which limits it. */
const MACHINES = [1000, 1001];

/** Errors: `Error` for a part of `tests/` that has neither a job nor a reason to have none. */
function assertNoneForgotten(): void {
  const known = [...JOBS.flat(), ...Object.keys(LEFT_OUT)];
  for (const { name, isDirectory } of Deno.readDirSync(join(PROJECT, "tests"))) {
    const path = `tests/${name}`;
    if ((isDirectory || name.endsWith("_test.ts")) && !known.includes(path)) {
      throw new Error(`Expected a job for ${path}, or a reason why it has none, got neither`);
    }
  }
}

/** Runs all jobs on all machines, and resolves with whether all tests passed. */
async function runJobs(wine: Wine, named: readonly string[], stop: AbortSignal): Promise<boolean> {
  const jobs = named.length > 0 ? [named] : [...JOBS];
  /** A file that has a job of its own is left out of its folder's. */
  const files = jobs.flat().filter((path) => path.endsWith("_test.ts"));
  const results: boolean[] = [];
  const work = async (number: number) => {
    await using machine = await TestMachine.start(wine, number);
    for (let job = jobs.shift(); job !== undefined && !stop.aborted; job = jobs.shift()) {
      const others = files.filter((path) => !job!.includes(path));
      results.push(await machine.test(FOLDER, job, others, stop));
    }
  };
  await Promise.all(MACHINES.slice(0, jobs.length).map(work));
  return !stop.aborted && results.every(Boolean);
}

async function main(named: readonly string[]): Promise<boolean> {
  assertNoneForgotten();
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stopping.abort());
  }
  const wine = await Wine.prepare();
  await wine.installDeno();
  // A second run waits until this one has ended.
  using lock = await Deno.open(`${wine.root}.tests.lock`, { create: true, write: true });
  await lock.lock(true);
  const copy = join(wine.root, FOLDER);
  await Deno.remove(copy, { recursive: true }).catch(() => {});
  await Deno.mkdir(copy);
  try {
    await run("cp", "-r", ...COPIED.map((name) => join(PROJECT, name)), copy);
    await wine.fetchPackages(FOLDER);
    return await runJobs(wine, named, stopping.signal);
  } finally {
    await Deno.remove(copy, { recursive: true });
    for (const [path, why] of Object.entries(LEFT_OUT)) console.log(`left out: ${path}: ${why}`);
  }
}

const unavailable = Wine.unavailable();
if (unavailable !== undefined) {
  console.error(`test:windows: ${unavailable}`);
  Deno.exit(1);
}
Deno.exit(await main(Deno.args) ? 0 : 1);
