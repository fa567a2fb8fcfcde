/**
 * `deno task test:windows`: the tests under Wine. Files or folders may be named; all run otherwise.
 *
 * A test that Wine or Windows cannot run is ignored with the reason behind its name (`tests/harness/processes/abilities.ts`).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./commands.ts";
import { Wine } from "./wine.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** What of the project the tests read. */
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
/** Each is one run of `deno test`; the longest come first, so that the lanes end together. */
const JOBS: readonly (readonly string[])[] = [
  ["tests/disk/crash_test.ts"],
  ["tests/loopback"],
  ["tests/disk"],
  ["tests/net"],
  ["tests/ui", "tests/session", "tests/log_test.ts"],
  ["tests/chaos", "tests/fuzz", "tests/soak", "tests/hostile"],
  ["tests/swarm", "tests/scenarios", "tests/protocol"],
];
/** What a job of its own, or this folder itself, has no place for here. */
const NOT_HERE = ["compiled_test.ts", "windows"];

/** All that no job names. */
function otherTests(): string[] {
  const named = JOBS.flat();
  return [...Deno.readDirSync(join(PROJECT, "tests"))]
    .filter(({ name, isDirectory }) => (isDirectory || name.endsWith("_test.ts")) && !NOT_HERE.includes(name))
    .map(({ name }) => `tests/${name}`).filter((path) => !named.includes(path)).sort();
}
/** Much of a test is waiting, under Wine for its server, so there is more than one lane for a core. */
const LANES = 3;
/**
 * The network of the tests, with loopback alone. At an address of an interface Wine opens a UDP socket for all addresses
 * in truth, so that none can be opened for another address on the same port; Windows and the UDP tracker do so.
 */
const NAMESPACE = `peer-windows-${Deno.pid}`;
/** The number of the Windows that sees it. */
const MACHINE = 0;
/** A job that takes longer hangs. */
const TIMEOUT_MS = 6 * 60_000;

/** What came of one run of a job. */
interface JobResult {
  readonly isGood: boolean;
  readonly text: string;
}

/** Runs one job, and a second time where it fails: under Wine a test waits for ever now and then. */
async function runJob(...args: Parameters<typeof tryJob>): Promise<boolean> {
  let result = await tryJob(...args);
  if (!result.isGood) {
    // Indented, so that nobody counts it among the results.
    console.log(`${result.text.replace(/^/gm, "  ")}\n== tried again`);
    result = await tryJob(...args);
  }
  console.log(result.text);
  return result.isGood;
}

/** Runs one job; what it says is shown later, in one piece. */
async function tryJob(
  wine: Wine,
  machine: Record<string, string>,
  folder: string,
  paths: readonly string[],
): Promise<JobResult> {
  const startedAt = performance.now();
  // A file that has a job of its own is left out of its folder's.
  const ignored = JOBS.flat().filter((path) => path.endsWith(".ts") && !paths.includes(path));
  const flags = ["--allow-all", "--no-check", "--quiet", ...ignored.map((path) => `--ignore=${path}`)];
  const [command, ...args] = wine.denoLine(["test", ...flags, ...paths]);
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", NAMESPACE, command, ...args],
    env: { ...wine.denoEnvironment(folder), ...machine },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // The child may have ended while others still hold its output, and cannot be killed any more then.
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const timer = setTimeout(() => hasEnded || child.kill("SIGKILL"), TIMEOUT_MS);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("\n");
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  // What follows a failure is a list of addresses that nobody can read.
  const shown = text.replace(/\nStack backtrace:[^]*/, "");
  return { isGood: success, text: `\n== Windows: ${paths.join(" ")} (${seconds} s)\n${shown}` };
}

async function main(named: readonly string[]): Promise<boolean> {
  const wine = await Wine.prepare();
  await wine.installDeno();
  const folder = `/files/tests-${Deno.pid}`;
  const copy = join(wine.root, folder);
  await Deno.mkdir(copy, { recursive: true });
  try {
    await run("ip", "netns", "add", NAMESPACE);
    await run("ip", "-netns", NAMESPACE, "link", "set", "lo", "multicast", "on", "up");
    const machine = await wine.machine(MACHINE);
    await run("cp", "-r", ...COPIED.map((name) => join(PROJECT, name)), copy);
    const jobs = named.length > 0 ? [named] : [...JOBS, otherTests()];
    const results: boolean[] = [];
    const lane = async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        results.push(await runJob(wine, machine, folder, job));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return results.every(Boolean);
  } finally {
    await run("ip", "netns", "delete", NAMESPACE);
    await Deno.remove(copy, { recursive: true });
  }
}

const unavailable = Wine.unavailable();
if (unavailable !== undefined) {
  console.error(`test:windows: ${unavailable}`);
  Deno.exit(1);
}
Deno.exit(await main(Deno.args) ? 0 : 1);
