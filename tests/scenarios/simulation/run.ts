/** Runs one scenario, and tells what came of it. */
import { ONE_COPY_MS, type RunSize, Simulation } from "./simulation.ts";
import { SCENARIOS } from "./scenarios.ts";

/** What a run is asked for. */
export interface RunOptions extends RunSize {
  /** A name in `SCENARIOS`. */
  readonly scenario: string;
}

/** What came of a run. Durations are in times that one copy takes on a usual link. */
export interface Outcome extends RunOptions {
  /**
   * What no way to distribute the data beats: as a fluid it takes max(F / u_seed, F / least d, N · F / (u_seed + sum of
   * all u)), which is one copy in all scenarios, and where all begin together it comes in pieces: 1 + log2(N) / pieces.
   */
  readonly bound: number;
  /** From when a host could begin until it had everything, of the hosts that count. */
  readonly median: number;
  readonly p99: number;
  readonly last: number;
  /** Hosts that count and were not done in the end. */
  readonly unfinished: number;
  /** Copies that the first seeder sent. */
  readonly seederCopies: number;
  /** Most announces in one second. */
  readonly announcesPerSecond: number;
  readonly messagesPerHost: number;
  /** Seconds of this machine's time, and its memory in MiB. */
  readonly seconds: number;
  readonly memory: number;
}

/** Runs a scenario. Errors: `RangeError` for a name that no scenario has. */
export function simulate(options: RunOptions): Outcome {
  const scenario = SCENARIOS.get(options.scenario);
  if (scenario === undefined) {
    throw new RangeError(`Expected one of ${[...SCENARIOS.keys()].join(", ")}, got ${options.scenario}`);
  }
  const begunAt = performance.now();
  const simulation = new Simulation(options);
  scenario.play(simulation);
  const { room, receivers, length } = simulation;
  const counted = receivers.filter(({ counts }) => counts);
  const times = counted.flatMap(({ tracked: { host: { finishedAt } }, since }) =>
    finishedAt === undefined ? [] : [(finishedAt - since) / ONE_COPY_MS]
  ).sort((a, b) => a - b);
  const hosts = room.hosts.map(({ host }) => host);
  const messages = hosts.reduce((sum, { messagesReceived }) => sum + messagesReceived, 0);
  return {
    ...options,
    bound: scenario.joinsOthers ? 1 : 1 + Math.log2(options.hosts) / options.pieces,
    median: times[times.length >> 1],
    p99: times[Math.ceil(0.99 * times.length) - 1],
    last: times.at(-1)!,
    unfinished: counted.length - times.length,
    seederCopies: hosts[0].payloadSent / length,
    announcesPerSecond: Math.max(...room.announces.values()),
    messagesPerHost: messages / hosts.length,
    seconds: (performance.now() - begunAt) / 1_000,
    memory: Deno.memoryUsage().rss / 2 ** 20,
  };
}
