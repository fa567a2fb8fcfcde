import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Availability, findProgram } from "../../interop/clients/client.ts";
import { libtorrent } from "../../interop/clients/libtorrent.ts";
import type { Launch } from "../../harness/processes/running_process.ts";
import { peerLaunch } from "../deno_launch.ts";
import { attempt, type BenchOptions, say } from "../options.ts";
import { figure, median, spread, table } from "../report.ts";
import { GIB, MIB, TestFile } from "../test_file.ts";
import { Workshop } from "../workshop.ts";

const PIECE_LENGTH = 1 * MIB;
const ANNOUNCE = "http://127.0.0.1:6969/announce";
const LIBTORRENT_SCRIPT = fileURLToPath(new URL("../clients/libtorrent_hash.py", import.meta.url));

/** What is hashed. */
interface Job {
  readonly torrent: string;
  /** The torrent's file, which lies in `home/shareable`. */
  readonly path: string;
  readonly home: string;
  /** An empty folder for what is written. */
  readonly output: string;
}

/** A program that hashes the whole file once and ends. */
interface Hasher {
  readonly name: string;
  find(): Promise<Availability>;
  launch(job: Job): Launch;
}

const CORES = navigator.hardwareConcurrency;
const findPeer = () => Promise.resolve({ version: "" });
const libtorrentLaunch = (mode: string, input: string, output: string): Launch => ({
  command: "/usr/bin/python3",
  args: [LIBTORRENT_SCRIPT, mode, input, output, `--threads=${CORES}`],
  cwd: output,
});

const HASHERS: readonly Hasher[] = [
  {
    name: "peer check",
    find: findPeer,
    launch: ({ torrent, home }) => peerLaunch(["check", torrent, `--home=${home}`, "--json"], home),
  },
  {
    name: "libtorrent check",
    find: libtorrent.find,
    launch: ({ torrent, home }) => libtorrentLaunch("check", torrent, `${home}/shareable`),
  },
  {
    name: "peer create",
    find: findPeer,
    launch: ({ path, home, output }) => {
      const options = [`--piece-length=${PIECE_LENGTH / MIB}MiB`, `--announce=${ANNOUNCE}`, "--json"];
      return peerLaunch(
        ["create", path, `--home=${home}`, `--output=${output}/new.torrent`, ...options],
        home,
      );
    },
  },
  {
    name: "libtorrent create",
    find: libtorrent.find,
    launch: ({ path, output }) => libtorrentLaunch("create", path, output),
  },
  {
    name: "mktorrent",
    find: () => findProgram("mktorrent", ["-h"], /mktorrent ([\d.]+)/),
    launch: ({ path, output }) => {
      const pieceBits = String(Math.log2(PIECE_LENGTH));
      const args = ["-t", `${CORES}`, "-l", pieceBits, "-a", ANNOUNCE, "-o", `${output}/new.torrent`, path];
      return { command: "mktorrent", args, cwd: output };
    },
  },
];

/** Checking and creating a torrent of one large file, with all cores. */
export async function benchHash(options: BenchOptions): Promise<string> {
  const length = options.isTiny ? 16 * MIB : 4 * GIB;
  await using workshop = new Workshop(options.parent);
  const home = workshop.newFolder();
  Deno.mkdirSync(`${home}/shareable`);
  const file = new TestFile(`${home}/shareable`, length);
  const torrent = `${home}/data.torrent`;
  file.writeTorrent(torrent, PIECE_LENGTH, ANNOUNCE);

  const speeds = new Map<Hasher, number[]>();
  for (const hasher of HASHERS) {
    const found = await hasher.find();
    if ("version" in found) speeds.set(hasher, []);
    else say(`skipped: ${hasher.name}: ${found.missing}`);
  }
  const oneCore: number[] = [];
  for (let run = 1; run <= options.runs; run++) {
    oneCore.push(sha1Speed(length));
    for (const [hasher, gibPerSecond] of speeds) {
      const output = workshop.newFolder();
      const launch = hasher.launch({ torrent, path: file.path, home, output });
      const seconds = await attempt(hasher.name, () => workshop.run(launch));
      if (seconds === undefined) continue;
      gibPerSecond.push(length / GIB / seconds);
      say(`hash, run ${run}: ${hasher.name}: ${figure(gibPerSecond.at(-1)!)} GiB/s`);
    }
  }
  const rows = [["one core's SHA-1, in this process", spread(oneCore), "1.00"]];
  for (const [{ name }, gibPerSecond] of speeds) {
    rows.push([name, spread(gibPerSecond), figure(median(gibPerSecond) / median(oneCore))]);
  }
  const how = `One file of ${length / MIB} MiB in memory, pieces of ${
    PIECE_LENGTH / MIB
  } MiB, ${CORES} threads where one
can say so; whole processes from start to exit.`;
  return [how, table(["", "GiB/s", "× one core"], rows)].join("\n\n");
}

/** GiB/s of SHA-1 over data that stays in the processor's cache. */
function sha1Speed(length: number): number {
  const buffer = new Uint8Array(PIECE_LENGTH);
  const begin = performance.now();
  for (let hashed = 0; hashed < length; hashed += buffer.length) createHash("sha1").update(buffer).digest();
  return length / GIB / ((performance.now() - begin) / 1000);
}
