import { sha1 } from "../../../lib/protocol/info_hash.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { freePort } from "../../interop/arena.ts";
import type { Availability } from "../../interop/clients/client.ts";
import type { Launch } from "../../harness/processes/running_process.ts";
import { bittorrentTracker, type InteropTracker, opentracker } from "../../interop/trackers.ts";
import type { LoadPlan, LoadResult } from "../announce_load.ts";
import { denoLaunch, peerLaunch } from "../deno_launch.ts";
import { attempt, type BenchOptions, say } from "../options.ts";
import { figure, median, spread, table } from "../report.ts";
import { pause, until, Workshop } from "../workshop.ts";

const START_TIMEOUT_SECONDS = 30;

/** A tracker to load. */
interface TrackerContender {
  readonly name: string;
  find(): Promise<Availability>;
  prepare(
    home: string,
    address: string,
    port: number,
    infoHashes: readonly string[],
  ): Promise<Launch> | Launch;
}

const BARE = "bare Deno TCP server, fixed replies";
const available = () => Promise.resolve({ version: "" });

const TRACKERS: readonly TrackerContender[] = [
  {
    name: BARE,
    find: available,
    prepare: (home, address, port) =>
      denoLaunch("tests/bench/fixed_reply_server.ts", [address, `${port}`], home),
  },
  {
    name: "peer",
    find: available,
    prepare: (home, address, port) => {
      const options = [
        `--home=${home}`,
        `--host=${address}`,
        "--port=0",
        `--tracker-port=${port}`,
        "--open-tracker",
      ];
      return peerLaunch(["start", ...options, "--progress=none"], home);
    },
  },
  {
    ...fromInterop(opentracker),
    prepare: async (home, address, port, infoHashes) => {
      const launch = await fromInterop(opentracker).prepare(home, address, port, infoHashes);
      await Deno.writeTextFile(`${home}/allowed`, `${infoHashes.join("\n")}\n`);
      return launch;
    },
  },
  fromInterop(bittorrentTracker),
];

function fromInterop(tracker: InteropTracker): TrackerContender {
  return {
    name: tracker.name,
    find: tracker.find,
    prepare: (home, address, port, infoHashes) =>
      tracker.prepare({ infoHash: parseInfoHash(infoHashes[0])!, home, address, port }),
  };
}

/** Announces per second of the embedded tracker over HTTP, with many peers in many swarms. */
export async function benchTracker(options: BenchOptions): Promise<string> {
  const swarms = options.isTiny ? 5 : 100;
  const plan = {
    connections: options.isTiny ? 4 : 32,
    seconds: options.isTiny ? 0.5 : 5,
    infoHashes: Array.from({ length: swarms }, (_, i) => sha1(toUtf8(`swarm ${i}`)).toHex()),
    peers: 100 * swarms,
  };
  const present: TrackerContender[] = [];
  for (const tracker of TRACKERS) {
    const found = await tracker.find();
    if ("version" in found) present.push(tracker);
    else say(`skipped: ${tracker.name}: ${found.missing}`);
  }
  const sections: string[] = [];
  for (const keepAlive of [true, false]) {
    const results = new Map(present.map((tracker): [string, LoadResult[]] => [tracker.name, []]));
    for (let run = 1; run <= options.runs; run++) {
      for (const tracker of present) {
        const measured = () => measureTracker(tracker, { ...plan, keepAlive }, options.parent);
        const result = await attempt(tracker.name, measured);
        if (result === undefined) continue;
        results.get(tracker.name)!.push(result);
        const speed = figure(result.announcesPerSecond);
        say(`tracker, keep-alive ${keepAlive}, run ${run}: ${tracker.name}: ${speed} announces/s`);
      }
    }
    const rows = [...results].map(([name, all]) => [
      name,
      spread(all.map(({ announcesPerSecond }) => announcesPerSecond)),
      figure(median(all.map(({ medianMs }) => medianMs))),
      figure(median(all.map(({ p99Ms }) => p99Ms))),
      figure(median(all.map(({ opened, announcesPerSecond }) => announcesPerSecond * plan.seconds / opened))),
    ]);
    const title = keepAlive ? "### Many announces on a connection" : "### A connection for each announce";
    const header = ["", "announces/s", "median ms", "p99 ms", "announces per connection"];
    sections.push(`${title}\n\n${table(header, rows)}`);
  }
  const how =
    `HTTP announces for ${plan.peers} peers in ${swarms} swarms, 50 peers wanted, ${plan.connections} connections
each with one announce under way, ${plan.seconds} s, from a process of its own (raw TCP). A tracker that closes connections
although it is asked to keep them shows one announce per connection. "–": no connection was opened after the first. The load
generator, one thread of Deno, can do at least what the fastest row shows.`;
  return [how, ...sections].join("\n\n");
}

async function measureTracker(
  tracker: TrackerContender,
  plan: Omit<LoadPlan, "hostname" | "port">,
  parent: string | undefined,
): Promise<LoadResult> {
  await using workshop = new Workshop(parent);
  // Only here, not at other addresses of the interface, does Linux use the ports of ended connections again at once.
  const hostname = "127.0.0.1";
  const port = freePort();
  const home = workshop.newFolder();
  const program = workshop.start(await tracker.prepare(home, hostname, port, plan.infoHashes));
  let isListening = false;
  const probe = async () => {
    while (!isListening && program.exitCode === undefined) {
      isListening = await Deno.connect({ hostname, port }).then(
        (connection) => (connection.close(), true),
        () => false,
      );
      await pause(50);
    }
  };
  probe();
  await until(() => isListening, [program], START_TIMEOUT_SECONDS);

  let result: LoadResult | undefined;
  const fullPlan: LoadPlan = { ...plan, hostname, port };
  const generator = denoLaunch("tests/bench/announce_load.ts", [JSON.stringify(fullPlan)], home);
  await workshop.run(generator, (line) => result = JSON.parse(line));
  return result!;
}
