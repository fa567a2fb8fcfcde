import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { encodeInfo, encodeMetainfo, PIECE_HASH_LENGTH } from "../../../lib/protocol/metainfo.ts";
import type { Launch } from "../../harness/processes/running_process.ts";
import { statusBytes } from "../../harness/processes/process_status.ts";
import { freePort } from "../../interop/arena.ts";
import type { Contender, Part } from "../clients/contender.ts";
import { libtorrentTuned } from "../clients/libtorrent.ts";
import { peer } from "../clients/peer.ts";
import { peerLaunch, readEvent } from "../deno_launch.ts";
import { MeetingTracker } from "../meeting_tracker.ts";
import { attempt, type BenchOptions, findContenders, say } from "../options.ts";
import { loopbackAddress } from "../own_network.ts";
import { cpuSeconds } from "../process_meter.ts";
import { figure, median, spread, table } from "../report.ts";
import { GIB, KIB, MIB } from "../test_file.ts";
import { pause, until, Workshop } from "../workshop.ts";

const POLL_MS = 10;
const TIMEOUT_SECONDS = 900;
const FILES_PER_FOLDER = 1_000;

/** What one step on a big torrent takes. */
interface Need {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** The longest time that its tracker took for an answer; NaN of a program that has none. */
  readonly longestWaitMs: number;
}

/** Torrents that are big in one way, each with what programs do with it. */
export async function benchBig(options: BenchOptions): Promise<string> {
  const scale = options.isTiny ? 0.001 : options.scale;
  const needs = new Map<string, Need[]>();
  const measured = async (step: string, measure: () => Promise<Need>) => {
    const need = await attempt(step, measure);
    if (need === undefined) return;
    needs.set(step, [...needs.get(step) ?? [], need]);
    say(`big: ${step}: ${figure(need.seconds)} s, ${figure(need.peakBytes / MIB)} MiB`);
  };
  const { present } = await findContenders(options, [peer, libtorrentTuned]);
  for (let run = 1; run <= options.runs; run++) {
    await measureLength(scale, options, measured);
    await measurePieces(scale, options, measured);
    await measureFiles(scale, options, present, measured);
  }
  const how =
    `Each step is a process of its own. \`join\` is counted from its start until the swarm is joined, a download from the
start of the leecher until it says that it is complete; memory is the highest that the process ever had (VmHWM), of the
leecher in a download. The wait is the longest that the process's own HTTP tracker took for one of the requests that
come every ${POLL_MS} ms, on a machine that the other programs of the measurement use too. Scale: ${scale}.`;
  const column = (all: readonly Need[], value: (need: Need) => number) => spread(all.map(value));
  const rows = Array.from(needs, ([step, all]) => [
    step,
    column(all, ({ seconds }) => seconds),
    column(all, ({ cpuSeconds }) => cpuSeconds),
    figure(median(all.map(({ peakBytes }) => peakBytes / MIB))),
    figure(median(all.map(({ longestWaitMs }) => longestWaitMs))),
  ]);
  return [how, table(["", "s", "CPU s", "peak MiB", "longest wait, ms"], rows)].join("\n\n");
}

type Measured = (step: string, measure: () => Promise<Need>) => Promise<void>;

/** One file of 1 TiB: its torrent, without the data. */
async function measureLength(scale: number, { parent }: BenchOptions, measured: Measured): Promise<void> {
  await using workshop = new Workshop(parent);
  const pieceLength = 4 * MIB;
  const pieces = Math.ceil(1024 * GIB * scale / pieceLength);
  const what = `${figure(pieces * pieceLength / GIB)} GiB in one file`;
  const torrent = `${workshop.folder}/long.torrent`;
  const hash = createHash("sha1").update(new Uint8Array(pieceLength)).digest();
  const hashes = new Uint8Array(pieces * PIECE_HASH_LENGTH);
  for (let index = 0; index < pieces; index++) hashes.set(hash, index * PIECE_HASH_LENGTH);
  const info = encodeInfo(
    "long.bin",
    [{ path: [], length: pieces * pieceLength }],
    pieceLength,
    hashes,
    false,
  );
  Deno.writeFileSync(torrent, encodeMetainfo(info, { announceTiers: [[silentTracker()]] }));
  await measured(`${what}: info`, () => commandNeed(workshop, ["info", torrent]));
  await measured(`${what}: join`, () => joinNeed(workshop, torrent, workshop.newFolder()));
}

/** One sparse file of two million pieces. */
async function measurePieces(scale: number, { parent }: BenchOptions, measured: Measured): Promise<void> {
  await using workshop = new Workshop(parent);
  const pieceLength = 16 * KIB;
  const pieces = Math.ceil(2_000_000 * scale);
  const what = `${pieces.toLocaleString("en")} pieces of 16 KiB`;
  const home = workshop.newFolder();
  const torrent = `${home}/pieces.torrent`;
  const path = `${home}/shareable/pieces.bin`;
  Deno.mkdirSync(`${home}/shareable`);
  Deno.writeFileSync(path, new Uint8Array());
  Deno.truncateSync(path, pieces * pieceLength);
  await measured(
    `${what}: create`,
    () => createNeed(workshop, path, torrent, home, silentTracker(), "16KiB"),
  );
  await measured(`${what}: info`, () => commandNeed(workshop, ["info", torrent]));
  await measured(`${what}: check`, () => commandNeed(workshop, ["check", torrent, `--home=${home}`]));
  await measured(`${what}: join, no data`, () => joinNeed(workshop, torrent, workshop.newFolder()));
}

/** A folder of a hundred thousand files of 1 KiB. */
async function measureFiles(
  scale: number,
  { parent }: BenchOptions,
  contenders: readonly Contender[],
  measured: Measured,
): Promise<void> {
  await using workshop = new Workshop(parent);
  const meeting = new MeetingTracker(loopbackAddress());
  workshop.defer(() => meeting.close());
  const files = Math.ceil(100_000 * scale);
  const what = `${files.toLocaleString("en")} files of 1 KiB`;
  const home = workshop.newFolder();
  const torrent = `${home}/many.torrent`;
  const data = `${home}/shareable/many`;
  makeFiles(data, files);
  await measured(`${what}: create`, () => createNeed(workshop, data, torrent, home, meeting.url));
  await measured(`${what}: info`, () => commandNeed(workshop, ["info", torrent]));
  await measured(`${what}: check`, () => commandNeed(workshop, ["check", torrent, `--home=${home}`]));
  await measured(`${what}: join, all there`, () => joinNeed(workshop, torrent, home));
  for (const contender of contenders) {
    await measured(
      `${what}: download, ${contender.name}`,
      () => downloadNeed(contender, torrent, data, meeting, parent),
    );
  }
}

function makeFiles(folder: string, count: number): void {
  const bytes = new Uint8Array(KIB);
  for (let file = 0; file < count; file++) {
    const place = `${folder}/${Math.floor(file / FILES_PER_FOLDER)}`;
    if (file % FILES_PER_FOLDER === 0) Deno.mkdirSync(place, { recursive: true });
    new DataView(bytes.buffer).setUint32(0, file);
    Deno.writeFileSync(`${place}/${file}.bin`, bytes);
  }
}

/** The address of a tracker that is switched off. */
function silentTracker(): string {
  return `http://${loopbackAddress()}:${freePort()}/announce`;
}

function createNeed(
  workshop: Workshop,
  path: string,
  torrent: string,
  home: string,
  announce: string,
  pieceLength = "64KiB",
): Promise<Need> {
  const options = [`--home=${home}`, `--output=${torrent}`, `--announce=${announce}`];
  return commandNeed(workshop, ["create", path, `--piece-length=${pieceLength}`, ...options]);
}

async function commandNeed(workshop: Workshop, args: readonly string[]): Promise<Need> {
  const launch = peerLaunch([...args, "--json"], workshop.folder);
  return await needUntil(workshop, launch, ({ hasEnded }) => hasEnded);
}

async function joinNeed(workshop: Workshop, torrent: string, home: string): Promise<Need> {
  const trackerPort = freePort();
  const ports = [`--port=${freePort()}`, `--tracker-port=${trackerPort}`, `--host=${loopbackAddress()}`];
  const args = ["start", torrent, `--home=${home}`, ...ports, "--no-lsd", "--no-web", "--progress=json"];
  return await needUntil(
    workshop,
    peerLaunch(args, home),
    ({ lines }) => lines.some((line) => readEvent(line).event === "torrent"),
    `http://${loopbackAddress()}:${trackerPort}/scrape`,
  );
}

/** A download from a seeder of the same kind, compared byte by byte in the end. */
async function downloadNeed(
  contender: Contender,
  torrent: string,
  data: string,
  meeting: MeetingTracker,
  parent: string | undefined,
): Promise<Need> {
  await using workshop = new Workshop(parent);
  const seederPort = freePort();
  const part = (role: Part["role"], number: number, port: number): Part => ({
    role,
    torrent,
    name: "many",
    home: workshop.newFolder(),
    address: loopbackAddress(number),
    port,
    seeder: `${loopbackAddress()}:${seederPort}`,
  });
  const [seeding, leeching] = [part("seeder", 0, seederPort), part("leecher", 1, freePort())];
  for (const each of [seeding, leeching]) Deno.mkdirSync(contender.dataFolder(each), { recursive: true });
  await workshop.run({
    command: "cp",
    args: ["-al", data, contender.dataFolder(seeding)],
    cwd: workshop.folder,
  });
  const seeder = workshop.start((await contender.prepare(seeding)).launch);
  await until(() => meeting.hasSeeder(seederPort), [seeder], TIMEOUT_SECONDS);
  const { launch, saysComplete } = await contender.prepare(leeching);
  const need = await needUntil(workshop, launch, ({ lines }) => lines.some((line) => saysComplete!(line)));
  compareFolders(data, `${contender.dataFolder(leeching)}/many`);
  return need;
}

/** Errors: `Error` when the folders do not hold the same. */
function compareFolders(one: string, other: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(one)) {
    const [ours, theirs] = [join(one, name), join(other, name)];
    if (isDirectory) compareFolders(ours, theirs);
    else if (Buffer.compare(Deno.readFileSync(ours), Deno.readFileSync(theirs)) !== 0) {
      throw new Error(`Expected ${theirs} to be as ${ours}, got other bytes`);
    }
  }
}

/** How far a program is. `lines`: those that it said since the last look. */
interface Progress {
  readonly hasEnded: boolean;
  readonly lines: readonly string[];
}

/** Runs a program until `isDone`, stops it, and says what it took. `tracker` is asked again and again meanwhile. */
async function needUntil(
  workshop: Workshop,
  launch: Launch,
  isDone: (progress: Progress) => boolean,
  tracker?: string,
): Promise<Need> {
  let lines: string[] = [];
  let peakBytes = 0, cpu = 0;
  const begin = performance.now();
  const program = workshop.start(launch, (line) => lines.push(line));
  const waits = tracker === undefined ? undefined : new Waits(tracker);
  const mayEnd = tracker === undefined;
  try {
    for (;;) {
      const hasEnded = program.exitCode !== undefined;
      if (hasEnded && program.exitCode !== 0) throw new Error(`It failed: ${program.tail}`);
      const heard = lines;
      lines = [];
      if (isDone({ hasEnded, lines: heard })) break;
      if (hasEnded && !mayEnd) throw new Error(`It ended early: ${program.tail}`);
      try {
        peakBytes = Math.max(peakBytes, statusBytes(program.pid, "VmHWM") ?? 0);
        cpu = cpuSeconds(program.pid);
      } catch (error) {
        // It has ended just now.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
      if (performance.now() - begin > TIMEOUT_SECONDS * 1000) throw new Error("Expected an end, got none");
      await pause(POLL_MS);
    }
    const seconds = (performance.now() - begin) / 1000;
    return { seconds, cpuSeconds: cpu, peakBytes, longestWaitMs: await waits?.stop() ?? NaN };
  } finally {
    await waits?.stop();
    await program.stop();
  }
}

/** Asks an HTTP server again and again, once it answers at all, and remembers the longest wait for an answer. */
class Waits {
  #isStopped = false;
  #longestMs = 0;
  readonly #asking: Promise<void>;

  constructor(url: string) {
    this.#asking = this.#ask(url);
  }

  /** Resolves with the longest wait, in ms. */
  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#asking;
    return this.#longestMs;
  }

  async #ask(url: string): Promise<void> {
    while (!this.#isStopped) {
      const begin = performance.now();
      try {
        await (await fetch(url)).body?.cancel();
        this.#longestMs = Math.max(this.#longestMs, performance.now() - begin);
      } catch {
        // It does not listen yet.
      }
      await pause(POLL_MS);
    }
  }
}
