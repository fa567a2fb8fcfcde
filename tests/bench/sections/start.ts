import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../../lib/errors.ts";
import { freePort } from "../../interop/arena.ts";
import type { Launch } from "../../harness/processes/running_process.ts";
import { denoLaunch, type PeerLaunch, peerLaunches, readEvent } from "../deno_launch.ts";
import { type BenchOptions, say } from "../options.ts";
import { loopbackAddress } from "../own_network.ts";
import { figure, median, quantile, table } from "../report.ts";
import { KIB, TestFile } from "../test_file.ts";
import { exists, until, Workshop } from "../workshop.ts";

const AGE = fileURLToPath(new URL("../../../shareable/age.txt", import.meta.url));
const AGE_LENGTH = exists(AGE) ? Deno.statSync(AGE).size : 32 * KIB;
const PIECE_LENGTH = 16 * KIB;
/** Starts scatter more than transfers. */
const LEAST_RUNS = 15;
const TIMEOUT_SECONDS = 30;
/** The events of a download, in the order in which they come first. */
const STEPS = ["ready", "torrent", "connected", "piece", "complete"] as const;

type Step = typeof STEPS[number];

/** Where the time goes from the start of a process until its file is there. */
export async function benchStart(options: BenchOptions): Promise<string> {
  const runs = options.isTiny ? 1 : Math.max(options.runs, LEAST_RUNS);
  const how =
    `Starts of processes, one after another in turn, ${runs} of each; milliseconds from the start of the process.
Commands are measured until their end, events of a download of age.txt (${AGE_LENGTH} bytes) from another process until
their line arrives: ready (the state is open, ports are bound), torrent (checked and joined), connected, piece (the first
one is verified), complete. The compiled program is measured where \`PEER_BINARY\` names it.`;
  const sections: string[] = [];
  for (const [name, launch] of peerLaunches()) sections.push(await startsOf(name, launch, runs, options));
  return [how, ...sections].join("\n\n");
}

async function startsOf(
  name: string,
  launch: PeerLaunch,
  runs: number,
  { parent }: BenchOptions,
): Promise<string> {
  // Not in memory: the compiled program may not write below /dev.
  await using workshop = new Workshop(parent ?? tmpdir());
  const address = loopbackAddress();
  const file = new TestFile(workshop.folder, AGE_LENGTH, "age.txt");
  const trackerPort = freePort();
  const torrent = `${workshop.folder}/age.torrent`;
  file.writeTorrent(torrent, PIECE_LENGTH, `http://${address}:${trackerPort}/announce`);
  const start = (home: string, args: readonly string[], onLine: (line: string) => void) => {
    const common = [
      "start",
      `--home=${home}`,
      `--host=${address}`,
      `--port=${freePort()}`,
      "--progress=json",
    ];
    return workshop.start(launch([...common, "--no-web", ...args, torrent], home), onLine);
  };

  const seederHome = workshop.newFolder();
  Deno.mkdirSync(`${seederHome}/shareable`);
  Deno.linkSync(file.path, `${seederHome}/shareable/${file.name}`);
  let isSeeding = false;
  const seeder = start(seederHome, [`--tracker-port=${trackerPort}`], (line) => {
    isSeeding ||= readEvent(line).event === "torrent";
  });
  await until(() => isSeeding, [seeder], TIMEOUT_SECONDS);

  const commands = new Map<string, Launch>();
  const empty = await emptyProgram(workshop, name === "compiled");
  if (empty !== undefined) commands.set("runtime: an empty program", empty);
  commands.set("`peer --version`", launch(["--version"], workshop.folder));
  commands.set("`peer status`", launch(["status", `--home=${seederHome}`], workshop.folder));
  const ends = new Map([...commands.keys()].map((command) => [command, [] as number[]]));
  const steps = new Map(STEPS.map((step) => [step, [] as number[]]));
  for (let run = 1; run <= runs; run++) {
    for (const [command, how] of commands) ends.get(command)!.push(1_000 * await workshop.run(how));
    const startedAt = performance.now();
    const seen = new Map<Step, number>();
    const leecher = start(workshop.newFolder(), ["--no-tracker"], (line) => {
      const step = STEPS.find((step) => step === readEvent(line).event);
      if (step !== undefined && !seen.has(step)) seen.set(step, performance.now() - startedAt);
    });
    await until(() => seen.has("complete"), [leecher], TIMEOUT_SECONDS);
    await leecher.stop();
    for (const [step, at] of seen) steps.get(step)!.push(at);
    say(`start ${name}, run ${run}: complete after ${figure(seen.get("complete")!)} ms`);
  }
  const row = (what: string, values: number[]) => [
    what,
    figure(Math.min(...values)),
    figure(median(values)),
    figure(quantile(values, 0.9)),
  ];
  const rows = [
    ...Array.from(ends, ([command, values]) => row(command, values)),
    ...Array.from(steps, ([step, values]) => row(`download: \`${step}\``, values)),
  ];
  return `### Run ${name}\n\n` + table(["", "least", "median", "p90"], rows);
}

/** A program that does nothing; undefined where none can be compiled here. */
async function emptyProgram(workshop: Workshop, isCompiled: boolean): Promise<Launch | undefined> {
  const folder = workshop.newFolder();
  await Deno.writeTextFile(`${folder}/empty.js`, "");
  if (!isCompiled) {
    return { ...denoLaunch("", [], folder), args: ["run", "--no-config", `${folder}/empty.js`] };
  }
  const args = ["compile", "--quiet", "--no-config", "--output", `${folder}/empty`, `${folder}/empty.js`];
  try {
    await workshop.run({ command: Deno.execPath(), args, cwd: folder, env: Deno.env.toObject() });
    return { command: `${folder}/empty`, args: [], cwd: folder };
  } catch (error) {
    say(`skipped: an empty program: ${messageOf(error)}`);
  }
}
