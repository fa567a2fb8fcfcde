import { ControlClient } from "../../../lib/api/client.ts";
import { encodeHandshake, HANDSHAKE_LENGTH, parseHandshake } from "../../../lib/protocol/handshake.ts";
import { type InfoHash, parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { freePort } from "../../interop/arena.ts";
import type { RunningProcess } from "../../harness/processes/running_process.ts";
import { peerLaunch, readEvent } from "../deno_launch.ts";
import { type BenchOptions, say } from "../options.ts";
import { loopbackAddress } from "../own_network.ts";
import { anonymousBytes, cpuSeconds, mainThreadSeconds } from "../process_meter.ts";
import { figure, median, spread, table } from "../report.ts";
import { KIB, MIB, TestFile } from "../test_file.ts";
import { pause, until, Workshop } from "../workshop.ts";

const FILE_LENGTH = 16 * KIB;
/** Torrents over which connections are spread: few enough of one, as one address may have 64 connections to it. */
const CONNECTED_TORRENTS = 10;
const START_TIMEOUT_SECONDS = 300;
/** The garbage collector is given this long to settle. */
const SETTLE_MS = 3_000;

/** How much is asked of one process. */
interface Load {
  readonly torrents: number;
  readonly connections: number;
  readonly idleSeconds: number;
  /** Looks at the process from outside, of which the median counts. */
  readonly looks: number;
}

/** What one process with many torrents and then many idle connections needs. */
interface Needs {
  readonly readySeconds: number;
  readonly joinedSeconds: number;
  readonly idleCpuPercent: number;
  readonly torrentsBytes: number;
  readonly bytesPerConnection: number;
  readonly stateMs: number;
  readonly deltaMs: number;
  readonly statusSeconds: number;
}

/** One process with very many torrents, and with very many connections. */
export async function benchMany(options: BenchOptions): Promise<string> {
  const load: Load = options.isTiny
    ? { torrents: 10, connections: 5, idleSeconds: 1, looks: 1 }
    : { torrents: 1_000, connections: 500, idleSeconds: 20, looks: 15 };
  const needs: Needs[] = [];
  for (let run = 1; run <= options.runs; run++) {
    needs.push(await measureNeeds(load, options.parent));
    say(`many, run ${run}: all torrents joined after ${figure(needs.at(-1)!.joinedSeconds)} s`);
  }
  const row = (name: string, value: (needs: Needs) => number) => [name, spread(needs.map(value))];
  const how = `One process with ${load.torrents} torrents of one file of ${
    FILE_LENGTH / KIB
  } KiB each, all complete, found
in its folder for the first time. Another with ${CONNECTED_TORRENTS} torrents takes ${load.connections} connections that only say their handshake. Memory is RssAnon.`;
  return [
    how,
    table(["", "median (lowest–highest)"], [
      row("process start to `ready`, s", ({ readySeconds }) => readySeconds),
      row("process start to the last `torrent` event, s", ({ joinedSeconds }) => joinedSeconds),
      row(`CPU while idle (${load.idleSeconds} s), % of one core`, ({ idleCpuPercent }) => idleCpuPercent),
      row("memory with all torrents, MiB", ({ torrentsBytes }) => torrentsBytes / MIB),
      row("memory for each idle connection, KiB", ({ bytesPerConnection }) => bytesPerConnection / KIB),
      row("the whole state over the control socket, ms", ({ stateMs }) => stateMs),
      row("main thread for each delta of events, ms", ({ deltaMs }) => deltaMs),
      row("`peer status`, start to end, s", ({ statusSeconds }) => statusSeconds),
    ]),
  ].join("\n\n");
}

async function measureNeeds(load: Load, parent: string | undefined): Promise<Needs> {
  await using workshop = new Workshop(parent);
  const many = await joinAll(workshop, load.torrents);
  await pause(SETTLE_MS);
  const { pid } = many.program;
  const cpuBefore = cpuSeconds(pid);
  await pause(load.idleSeconds * 1000);
  const idleCpuPercent = 100 * (cpuSeconds(pid) - cpuBefore) / load.idleSeconds;
  const torrentsBytes = anonymousBytes(pid);
  const steering = await measureSteering(workshop, many, load);
  await many.program.stop();
  // In a process of its own: the garbage that a thousand starts left would hide what connections need.
  const few = await joinAll(workshop, CONNECTED_TORRENTS);
  return {
    readySeconds: many.readySeconds,
    joinedSeconds: many.joinedSeconds,
    idleCpuPercent,
    torrentsBytes,
    bytesPerConnection: await bytesOfConnections(few, load.connections) / load.connections,
    ...steering,
  };
}

/** What it costs to watch a process that has nothing to do. */
async function measureSteering(
  workshop: Workshop,
  { home, program: { pid } }: Joined,
  { idleSeconds: seconds, looks }: Load,
): Promise<Pick<Needs, "stateMs" | "deltaMs" | "statusSeconds">> {
  using client = await ControlClient.open(home);
  const stateMs: number[] = [];
  const statusSeconds: number[] = [];
  for (let look = 0; look < looks; look++) {
    const begin = performance.now();
    await client.get("/state");
    stateMs.push(performance.now() - begin);
    statusSeconds.push(await workshop.run(peerLaunch(["status", `--home=${home}`], home)));
  }
  const mainThreadMs = async () => {
    const before = mainThreadSeconds(pid);
    await pause(seconds * 1_000);
    return 1_000 * (mainThreadSeconds(pid) - before);
  };
  const unwatchedMs = await mainThreadMs();
  const leave = new AbortController();
  const events = client.events(undefined, leave.signal);
  await events.next();
  const watchedMs = await mainThreadMs();
  leave.abort();
  return {
    stateMs: median(stateMs),
    deltaMs: Math.max(0, watchedMs - unwatchedMs) / seconds,
    statusSeconds: median(statusSeconds),
  };
}

/** A process that has joined all its swarms. */
interface Joined {
  readonly home: string;
  readonly program: RunningProcess;
  readonly port: number;
  readonly infoHashes: readonly InfoHash[];
  readonly readySeconds: number;
  readonly joinedSeconds: number;
}

/** Starts a process with this many torrents and waits until it has joined every swarm. */
async function joinAll(workshop: Workshop, torrents: number): Promise<Joined> {
  const home = workshop.newFolder();
  makeTorrents(home, torrents);
  const port = freePort();
  const startedAt = performance.now();
  let readyAt = 0;
  const infoHashes: InfoHash[] = [];
  const options = [`--home=${home}`, `--port=${port}`, "--no-tracker", "--no-lsd", "--progress=json"];
  const program = workshop.start(peerLaunch(["start", ...options], home), (line) => {
    const { event, infoHash } = readEvent(line);
    if (event === "ready") readyAt = performance.now();
    if (event === "torrent") infoHashes.push(parseInfoHash(String(infoHash))!);
  });
  await until(() => infoHashes.length === torrents, [program], START_TIMEOUT_SECONDS);
  return {
    home,
    program,
    port,
    infoHashes,
    readySeconds: (readyAt - startedAt) / 1000,
    joinedSeconds: (performance.now() - startedAt) / 1000,
  };
}

/** Fills `torrents/` and `shareable/`. The announce address answers nothing, as a tracker that is switched off. */
function makeTorrents(home: string, count: number): void {
  for (const folder of ["torrents", "shareable"]) Deno.mkdirSync(`${home}/${folder}`);
  const announce = `http://${loopbackAddress()}:${freePort()}/announce`;
  for (let i = 0; i < count; i++) {
    const file = new TestFile(`${home}/shareable`, FILE_LENGTH, `file-${i}.bin`);
    file.writeTorrent(`${home}/torrents/file-${i}.torrent`, FILE_LENGTH, announce);
  }
}

/** Opens this many connections, spread over the torrents, and returns by how much the process's memory grew. */
async function bytesOfConnections({ program, port, infoHashes }: Joined, count: number): Promise<number> {
  await pause(SETTLE_MS);
  const before = anonymousBytes(program.pid);
  const connections: Deno.TcpConn[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const infoHash = infoHashes[i % infoHashes.length];
      const connection = await Deno.connect({ hostname: loopbackAddress(), port });
      connections.push(connection);
      await connection.write(encodeHandshake(infoHash, peerIdOf(i)));
      const reply = new Uint8Array(HANDSHAKE_LENGTH);
      for (let filled = 0; filled < reply.length;) {
        const received = await connection.read(reply.subarray(filled));
        if (received === null) throw new Error(`Expected a handshake on connection ${i}, got its end`);
        filled += received;
      }
      if (parseHandshake(reply)?.infoHash !== infoHash) {
        throw new Error("Expected our info-hash, got another");
      }
    }
    await pause(SETTLE_MS);
    return anonymousBytes(program.pid) - before;
  } finally {
    for (const connection of connections) connection.close();
  }
}

function peerIdOf(index: number): Uint8Array {
  return new TextEncoder().encode(`-BN0000-${String(index).padStart(12, "0")}`);
}
