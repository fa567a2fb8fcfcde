import { encodeHandshake, parseHandshake } from "../../lib/protocol/handshake.ts";
import { type InfoHash, parseInfoHash } from "../../lib/protocol/info_hash.ts";
import { freePort } from "../interop/arena.ts";
import type { RunningProcess } from "../interop/process.ts";
import { peerLaunch, readEvent } from "./deno_launch.ts";
import { type BenchOptions, say } from "./options.ts";
import { loopbackAddress } from "./own_network.ts";
import { anonymousBytes, cpuSeconds } from "./process_meter.ts";
import { figure, spread, table } from "./report.ts";
import { KIB, MIB, TestFile } from "./test_file.ts";
import { pause, until, Workshop } from "./workshop.ts";

const FILE_LENGTH = 16 * KIB;
const START_TIMEOUT_SECONDS = 300;
/** The garbage collector is given this long to settle. */
const SETTLE_MS = 3_000;

/** How much is asked of one process. */
interface Load {
  readonly torrents: number;
  readonly connections: number;
  readonly idleSeconds: number;
}

/** What one process with many torrents and then many idle connections needs. */
interface Needs {
  readonly readySeconds: number;
  readonly joinedSeconds: number;
  readonly idleCpuPercent: number;
  readonly torrentsBytes: number;
  readonly bytesPerConnection: number;
}

/** One process with very many torrents, and with very many connections. */
export async function benchMany(options: BenchOptions): Promise<string> {
  const load: Load = options.isTiny
    ? { torrents: 10, connections: 5, idleSeconds: 1 }
    : { torrents: 1_000, connections: 500, idleSeconds: 20 };
  const needs: Needs[] = [];
  for (let run = 1; run <= options.runs; run++) {
    needs.push(await measureNeeds(load, options.parent));
    say(`many, run ${run}: all torrents joined after ${figure(needs.at(-1)!.joinedSeconds)} s`);
  }
  const row = (name: string, value: (needs: Needs) => number) => [name, spread(needs.map(value))];
  const how = `One process with ${load.torrents} torrents of one file of ${
    FILE_LENGTH / KIB
  } KiB each, all complete, found
in its folder for the first time; then ${load.connections} connections that only said their handshake. Memory is RssAnon.`;
  return [
    how,
    table(["", "median (lowest–highest)"], [
      row("process start to `ready`, s", ({ readySeconds }) => readySeconds),
      row("process start to the last `torrent` event, s", ({ joinedSeconds }) => joinedSeconds),
      row(`CPU while idle (${load.idleSeconds} s), % of one core`, ({ idleCpuPercent }) => idleCpuPercent),
      row("memory with all torrents, MiB", ({ torrentsBytes }) => torrentsBytes / MIB),
      row("memory for each idle connection, KiB", ({ bytesPerConnection }) => bytesPerConnection / KIB),
    ]),
  ].join("\n\n");
}

async function measureNeeds(load: Load, parent: string | undefined): Promise<Needs> {
  await using workshop = new Workshop(parent);
  const home = workshop.newFolder();
  makeTorrents(home, load.torrents);

  const address = loopbackAddress();
  const port = freePort();
  const startedAt = performance.now();
  let readyAt = 0;
  const joined: InfoHash[] = [];
  const options = [
    `--home=${home}`,
    `--host=${address}`,
    `--port=${port}`,
    "--no-tracker",
    "--progress=json",
  ];
  const program = workshop.start(peerLaunch(["start", ...options], home), (line) => {
    const { event, infoHash } = readEvent(line);
    if (event === "ready") readyAt = performance.now();
    if (event === "torrent") joined.push(parseInfoHash(String(infoHash))!);
  });
  await until(() => joined.length === load.torrents, [program], START_TIMEOUT_SECONDS);
  const joinedAt = performance.now();

  await pause(SETTLE_MS);
  const cpuBefore = cpuSeconds(program.pid);
  await pause(load.idleSeconds * 1000);
  const idleCpuSeconds = cpuSeconds(program.pid) - cpuBefore;
  const torrentsBytes = anonymousBytes(program.pid);
  const connectionsBytes = await bytesOfConnections(
    program,
    address,
    port,
    joined.slice(0, load.connections),
  );
  return {
    readySeconds: (readyAt - startedAt) / 1000,
    joinedSeconds: (joinedAt - startedAt) / 1000,
    idleCpuPercent: 100 * idleCpuSeconds / load.idleSeconds,
    torrentsBytes,
    bytesPerConnection: connectionsBytes / load.connections,
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

/** Opens a connection for each info-hash and returns by how much the program's memory grew. */
async function bytesOfConnections(
  program: RunningProcess,
  hostname: string,
  port: number,
  infoHashes: readonly InfoHash[],
): Promise<number> {
  const before = anonymousBytes(program.pid);
  const connections: Deno.TcpConn[] = [];
  try {
    for (const [i, infoHash] of infoHashes.entries()) {
      const connection = await Deno.connect({ hostname, port });
      connections.push(connection);
      await connection.write(encodeHandshake(infoHash, peerIdOf(i)));
      const reply = new Uint8Array(68);
      for (let filled = 0; filled < reply.length;) {
        const count = await connection.read(reply.subarray(filled));
        if (count === null) throw new Error(`Expected a handshake from connection ${i}, got its end`);
        filled += count;
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
