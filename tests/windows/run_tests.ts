/**
 * `deno task test:windows`: the tests under Wine. Files or folders may be named; all that Windows can change run otherwise.
 *
 * A test that Wine or Windows cannot run is ignored with the reason behind its name (`tests/harness/processes/abilities.ts`).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./commands.ts";
import { JOBS, LEFT_OUT } from "./jobs.ts";
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
/** One Windows for each core, by number; each has a server of its own, which limits it. */
const MACHINES = [1000, 1001];

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
