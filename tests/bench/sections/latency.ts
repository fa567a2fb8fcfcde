import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { freePort } from "../../interop/arena.ts";
import type { RunningProcess } from "../../harness/processes/running_process.ts";
import { type PeerEvent, type PeerLaunch, peerLaunches, readEvent } from "../deno_launch.ts";
import { type BenchOptions, say } from "../options.ts";
import { loopbackAddress } from "../own_network.ts";
import { figure, median, quantile, table } from "../report.ts";
import { KIB, TestFile } from "../test_file.ts";
import { exists, until, Workshop } from "../workshop.ts";

const AGE = fileURLToPath(new URL("../../../shareable/age.txt", import.meta.url));
const AGE_LENGTH = exists(AGE) ? Deno.statSync(AGE).size : 32 * KIB;
const PIECE_LENGTH = 16 * KIB;
/** Peers besides the announcer. */
const PEERS = 4;
/** Starts scatter more than transfers. */
const LEAST_RUNS = 10;
const TIMEOUT_SECONDS = 30;

/** One process of ours and when it told what. */
interface Observed {
  readonly program: RunningProcess;
  readonly port: number;
  readonly startedAt: number;
  readonly events: { readonly at: number; readonly event: PeerEvent }[];
}

/** How fast a small file arrives through the announcer, and how fast everybody knows of a newcomer. */
export async function benchLatency(options: BenchOptions): Promise<string> {
  const runs = options.isTiny ? 1 : Math.max(options.runs, LEAST_RUNS);
  const how =
    `An announcer with a file the size of age.txt (${AGE_LENGTH} bytes), then ${PEERS} peers, one after another.
A newcomer is known when every process that was there before has it in a \`peers\` event or is connected to it.
${runs} runs of ${PEERS} newcomers each; milliseconds, seen when the event's line arrives. The compiled program is
measured where \`PEER_BINARY\` names it.`;
  const sections: string[] = [];
  for (const [name, launch] of peerLaunches()) sections.push(await latencyOf(name, launch, runs, options));
  return [how, ...sections].join("\n\n");
}

async function latencyOf(
  name: string,
  launch: PeerLaunch,
  runs: number,
  { parent }: BenchOptions,
): Promise<string> {
  const completions: number[] = [], knowings: number[] = [], lags: number[] = [];
  for (let run = 1; run <= runs; run++) {
    const { complete, known } = await measureArrivals(launch, parent);
    completions.push(...complete);
    knowings.push(...known);
    lags.push(...known.map((at, i) => at - complete[i]));
    const [completeMs, knownMs] = [complete, known].map((times) => figure(median(times)));
    say(`latency ${name}, run ${run}: complete after ${completeMs} ms, known to all after ${knownMs} ms`);
  }
  const row = (what: string, values: number[]) => [
    what,
    figure(Math.min(...values)),
    figure(median(values)),
    figure(quantile(values, 0.9)),
    figure(Math.max(...values)),
  ];
  return `### Run ${name}\n\n` + table(["", "least", "median", "p90", "most"], [
    row("process start to `complete`", completions),
    row("process start to known by everybody", knowings),
    row("`complete` to known by everybody (below 0: known earlier)", lags),
  ]);
}

/** Starts an announcer and one peer after another. Times in ms since the start of each peer's process. */
async function measureArrivals(
  launch: PeerLaunch,
  parent: string | undefined,
): Promise<{ complete: number[]; known: number[] }> {
  // Not in memory: the compiled program may not write below /dev.
  await using workshop = new Workshop(parent ?? tmpdir());
  const address = loopbackAddress();
  const trackerPort = freePort();
  const file = new TestFile(workshop.folder, AGE_LENGTH, "age.txt");
  const torrent = `${workshop.folder}/age.torrent`;
  file.writeTorrent(torrent, PIECE_LENGTH, `http://${address}:${trackerPort}/announce`);

  const start = (home: string, ...args: string[]): Observed => {
    const port = freePort();
    const startedAt = performance.now();
    const events: Observed["events"] = [];
    const common = ["start", `--home=${home}`, `--host=${address}`, `--port=${port}`, "--progress=json"];
    const program = workshop.start(
      launch([...common, ...args, torrent], home),
      (line) => events.push({ at: performance.now(), event: readEvent(line) }),
    );
    return { program, port, startedAt, events };
  };
  const when = async (observed: Observed, matches: (event: PeerEvent) => boolean): Promise<number> => {
    const find = () => observed.events.find(({ event }) => matches(event));
    await until(() => find() !== undefined, [observed.program], TIMEOUT_SECONDS);
    return find()!.at;
  };

  const announcerHome = workshop.newFolder();
  Deno.mkdirSync(`${announcerHome}/shareable`);
  Deno.linkSync(file.path, `${announcerHome}/shareable/${file.name}`);
  const present = [start(announcerHome, `--tracker-port=${trackerPort}`)];
  await when(present[0], ({ event }) => event === "torrent");

  const complete: number[] = [], known: number[] = [];
  for (let i = 0; i < PEERS; i++) {
    const newcomer = start(workshop.newFolder(), "--no-tracker");
    const completedAt = await when(newcomer, ({ event }) => event === "complete");
    const knownAt = await Promise.all(present.map((observer) => when(observer, namesPort(newcomer.port))));
    complete.push(completedAt - newcomer.startedAt);
    known.push(Math.max(...knownAt) - newcomer.startedAt);
    present.push(newcomer);
  }
  return { complete, known };
}

/** Whether an event says that a peer listening on `port` is known or connected. */
function namesPort(port: number): (event: PeerEvent) => boolean {
  const isIt = (endpoint: unknown) => String(endpoint).endsWith(`:${port}`);
  return ({ event, peers, peer }) =>
    (event === "peers" && (peers as unknown[]).some(isIt)) || (event === "connected" && isIt(peer));
}
