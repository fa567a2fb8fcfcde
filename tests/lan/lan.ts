/**
 * `deno task lan`: one announcer with a file and some peers that want it, each on a host of its own, on a LAN made of
 * network namespaces. Shows when each one was complete and from whom it got what, and checks every copy.
 */
import { createHash, randomFillSync } from "node:crypto";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { messageOf } from "../../lib/errors.ts";
import { parseBytes, parseWhole } from "../../lib/ui/option_values.ts";
import { formatBytes } from "../../lib/ui/number_format.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { Executable } from "../harness/processes/executable.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import { type CopiesSent, copiesSent } from "./copies.ts";
import { Lan } from "./namespaces.ts";
import { makeRunFolder, removeRunFolder } from "./run_folder.ts";
import { Story } from "./story.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLE = join(PROJECT, "shareable/age.txt");
/** What the file of the story has unless another size is named. */
const STORY_BYTES = 64 * 1024 * 1024;
const ANNOUNCER = 0;
const FIRST_PEER = 1;
const WINDOWS = "x86_64-pc-windows-msvc";
const ARM64 = "aarch64-unknown-linux-gnu";

interface Options {
  readonly hosts: number;
  readonly size?: number;
  readonly pieceLength?: string;
  /** Mbit/s; 0: no limit. */
  readonly rate: number;
  readonly stagger: number;
  readonly timeout: number;
  readonly tracker: boolean;
  readonly superSeed: boolean;
  readonly command?: string;
  /** So many hosts after the announcer run the program for Windows, and so many after those the one for arm64. */
  readonly windows: number;
  readonly arm64: number;
  /** Whether the first peer is killed in the middle of its download, and started again. */
  readonly kill: boolean;
  /** Whether the hosts form a fleet, and the first one shares a file with all of them. */
  readonly story: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  /** Further arguments of every `peer start`. */
  readonly peerArgs: string[];
}

/** What came of one host. */
interface HostResult {
  readonly address: string;
  readonly roleAtStart: string;
  readonly roleAtEnd: string;
  /** From the start of the process to `complete`; null when it never was, or was from the start. */
  readonly seconds: number | null;
  /** Bytes by address. */
  readonly sources: Record<string, number>;
  /** Whether the copy in its `shareable/` has the hash of the original. */
  readonly verified: boolean;
  readonly stoppedCleanly: boolean;
}

function parseOptions(args: string[]): Options {
  const notNegative = (text: string) => {
    const value = Number(text);
    if (!(value >= 0)) throw new RangeError(`Expected a number from 0 on, got ${JSON.stringify(text)}`);
    return value;
  };
  const bytes = (text: string) => {
    const value = parseBytes(text);
    if (value === undefined) throw new RangeError(`Expected a size such as 500K or 64MiB, got ${text}`);
    return Math.round(value);
  };
  const count = (text: string) => parseWhole(text, 0, 249);
  const command = new Command("deno task lan")
    .description("Runs an announcer and peers on a LAN of network namespaces. Linux and root only.")
    .usage("[options] [-- ARGS of every peer]")
    .option("--hosts <n>", "hosts, the announcer among them", (text) => parseWhole(text, 2, 250), 6)
    .option("--size <size>", "share a random file of this size, such as 64MiB (default: age.txt)", bytes)
    .option("--piece-length <size>", "piece length, such as 256KiB (default: peer's choice)")
    .option("--rate <mbit>", "rate of each link, each way, in Mbit/s; 0: unlimited", notNegative, 100)
    .option("--stagger <ms>", "pause between starts of peers", (text) => parseWhole(text, 0, 60_000), 100)
    .option("--timeout <seconds>", "give up after this time", notNegative, 300)
    .option("--no-tracker", "no tracker anywhere: hosts find each other by multicast")
    .option("--super-seed", "the announcer shows each piece to one peer only at first (BEP 16)", false)
    .option("--command <path>", "the program to run (default: this checkout, from source)")
    .option(
      "--windows <n>",
      "the n hosts after the announcer run the Windows executable, under Wine",
      count,
      0,
    )
    .option("--arm64 <n>", "the n hosts after those run the arm64 executable, under qemu", count, 0)
    .option("--kill", "kill the first peer when it has half of the data, and start it again", false)
    .option(
      "--story",
      "the hosts form a fleet, and the first one shares a file with all of them by one command",
      false,
    )
    .option("--json", "print the result as JSON", false)
    .option("--keep", "keep the hosts' folders and say where they are", false)
    .argument("[args...]")
    .parse(args, { from: "user" });
  return { ...command.opts<Omit<Options, "peerArgs">>(), peerArgs: command.args };
}

/** The executables of other systems that hosts run, by the number of the host. Errors: `Error` where one is missing. */
async function executablesOf({ hosts, windows, arm64 }: Options): Promise<Map<number, Executable>> {
  if (windows + arm64 >= hosts) throw new RangeError(`Expected fewer than ${hosts} hosts of other systems`);
  const executables = new Map<number, Executable>();
  for (
    const [target, first, count] of [[WINDOWS, FIRST_PEER, windows], [
      ARM64,
      FIRST_PEER + windows,
      arm64,
    ]] as const
  ) {
    if (count === 0) continue;
    const path = join(PROJECT, "dist", `peer-${target}${target === WINDOWS ? ".exe" : ""}`);
    const executable = await Executable.at(path, target);
    for (let host = first; host < first + count; host++) executables.set(host, executable);
  }
  return executables;
}

/** The command line that starts the program, without its arguments. */
function programOf({ command }: Options): string[] {
  if (command !== undefined) return [Deno.realPathSync(command)];
  const [_deno, ...args] = denoConfig.tasks.peer.split(" ");
  return [Deno.execPath(), ...args];
}

function writeRandomFile(path: string, bytes: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true });
  const block = new Uint8Array(1024 * 1024);
  for (let written = 0; written < bytes;) {
    const part = randomFillSync(block).subarray(0, bytes - written);
    written += file.writeSync(part);
  }
}

/** SHA-256 of a file in hex; undefined when there is none. */
async function hashOf(path: string): Promise<string | undefined> {
  try {
    const hash = createHash("sha256");
    const file = await Deno.open(path);
    for await (const part of file.readable) hash.update(part);
    return hash.digest("hex");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** One run of the whole LAN; a step after the other. */
class Run {
  readonly #options: Options;
  readonly #folder: string;
  readonly #program: string[];
  readonly #executables: ReadonlyMap<number, Executable>;
  readonly #lan: Lan;
  readonly #fileName: string;
  readonly #peers: PeerRun[] = [];
  readonly #hasHalf = Promise.withResolvers<void>();

  constructor(options: Options, folder: string, lan: Lan, executables: ReadonlyMap<number, Executable>) {
    this.#executables = executables;
    this.#options = options;
    this.#folder = folder;
    this.#program = programOf(options);
    this.#lan = lan;
    this.#fileName = options.size === undefined ? basename(EXAMPLE) : "random.bin";
  }

  /** Gives the announcer the file, and everybody the torrent of it. */
  async prepare(): Promise<void> {
    for (let host = 0; host < this.#lan.hosts; host++) {
      for (const name of ["torrents", "shareable"]) {
        await Deno.mkdir(join(this.#home(host), name), { recursive: true });
      }
    }
    const original = this.#copy(ANNOUNCER);
    if (this.#options.size === undefined) await Deno.copyFile(EXAMPLE, original);
    else writeRandomFile(original, this.#options.size);

    const torrent = this.#torrent(ANNOUNCER);
    const args = ["create", original, "--announce", this.#lan.address(ANNOUNCER), "--output", torrent];
    if (this.#options.pieceLength !== undefined) args.push("--piece-length", this.#options.pieceLength);
    const { success, stderr } = await this.#spawn(ANNOUNCER, args).output();
    if (!success) throw new Error(`peer create: ${new TextDecoder().decode(stderr).trim()}`);
    for (let host = 1; host < this.#lan.hosts; host++) {
      await Deno.copyFile(torrent, this.#torrent(host));
    }
  }

  /** Starts the announcer and, once it is there, the peers; resolves when all of them are complete. */
  async transfer(stop: AbortSignal): Promise<void> {
    const announcer = await this.#start(ANNOUNCER);
    await Promise.race([announcer.joined, announcer.ended]);
    let killed = Promise.resolve();
    for (let host = 1; host < this.#lan.hosts; host++) {
      await this.#start(host);
      if (this.#options.kill && host === FIRST_PEER) {
        killed = this.#killAndStart(host);
        // The wait below is told.
        killed.catch(() => {});
      }
      await pause(this.#options.stagger, undefined, { signal: stop });
    }
    await killed;
    const completed = this.#peers.slice(1).map((peer) => peer.completed);
    await Promise.race([Promise.all(completed), ...this.#peers.map((peer) => peer.ended)]);
  }

  /** How often the data left the announcer; to be asked once all have stopped. */
  copiesSent(size: number): CopiesSent | undefined {
    const [announcer, ...others] = this.#peers.map(({ lines }) =>
      lines.map((line): PeerEvent => JSON.parse(line))
    );
    return copiesSent(announcer, others.flat(), size);
  }

  /** Stops every process that was started, and tells how each one fared. */
  async finish(): Promise<HostResult[]> {
    const [announcer, ...peers] = this.#peers;
    // The announcer last, as its tracker is told of the others' leaving.
    const peersStopped = await Promise.all(peers.map((peer) => peer.stop()));
    const stopped = [await announcer.stop(), ...peersStopped];
    const original = await hashOf(this.#copy(ANNOUNCER));
    return await Promise.all(this.#peers.map(async (peer, host) => {
      if (this.#options.keep) await Deno.writeTextFile(`${this.#home(host)}.jsonl`, peer.lines.join("\n"));
      return {
        address: this.#lan.address(host),
        roleAtStart: peer.firstRole,
        roleAtEnd: peer.role,
        seconds: peer.seconds ?? null,
        sources: peer.sources,
        verified: await hashOf(this.#copy(host)) === original,
        stoppedCleanly: stopped[host],
      };
    }));
  }

  /** Kills a host when it has half of the data, and starts it again. */
  async #killAndStart(host: number): Promise<void> {
    await Promise.race([this.#hasHalf.promise, this.#peers[host].completed, this.#peers[host].ended]);
    await this.#peers[host].kill();
    await this.#start(host);
  }

  async #start(host: number): Promise<PeerRun> {
    const { tracker, superSeed, peerArgs } = this.#options;
    const args = ["start", "--home", this.#home(host), "--progress", "json", ...peerArgs];
    const executable = this.#executables.get(host);
    // At an address of an interface Wine opens a UDP socket for all in truth, so it can run no tracker at each one.
    if (!tracker || executable?.isWindows) args.push("--no-tracker");
    if (superSeed && host === ANNOUNCER) args.push("--super-seed");
    const env = await executable?.hostEnvironment(host) ?? {};
    const child = this.#spawn(host, [...args, this.#torrent(host)], env);
    const peer = new PeerRun(this.#lan.address(host), child, (event) => {
      if (host === FIRST_PEER && isHalf(event)) this.#hasHalf.resolve();
    });
    this.#peers[host] = peer;
    return peer;
  }

  #spawn(host: number, args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
    const [command, ...all] = this.#executables.get(host)?.commandLine(args) ?? [...this.#program, ...args];
    const options = { cwd: PROJECT, stdin: "null", stdout: "piped", stderr: "piped" } as const;
    return this.#lan.spawn(host, command, all, { ...options, env });
  }

  #home(host: number): string {
    return join(this.#folder, this.#lan.address(host));
  }

  #copy(host: number): string {
    return join(this.#home(host), "shareable", this.#fileName);
  }

  #torrent(host: number): string {
    return join(this.#home(host), "torrents", "shared.torrent");
  }
}

/** Whether a peer tells that it has half of the pieces. */
function isHalf(event: PeerEvent): boolean {
  return event.event === "progress" && Number(event.have) * 2 >= Number(event.pieces);
}

function printTable(results: HostResult[]): void {
  const rows = results.map((result) => [
    result.address,
    result.roleAtStart,
    result.roleAtEnd,
    result.seconds?.toFixed(2) ?? "-",
    result.verified ? "yes" : "NO",
    Object.entries(result.sources).sort(([, a], [, b]) => b - a)
      .map(([address, bytes]) => `${address} ${formatBytes(bytes)}`).join(", "),
  ]);
  const table = [["host", "at start", "at end", "seconds", "verified", "from"], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  for (const row of table) {
    console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
  }
}

function printCopies({ untilFirstComplete, inAll }: CopiesSent): void {
  console.log(
    `the announcer sent ${untilFirstComplete.toFixed(2)} copies until another host had everything, ` +
      `${inAll.toFixed(2)} in all`,
  );
}

/** Tells the story of a fleet; resolves with whether it ended well. */
async function tellStory(
  options: Options,
  lan: Lan,
  folder: string,
  executables: ReadonlyMap<number, Executable>,
  stop: AbortSignal,
): Promise<boolean> {
  const file = join(folder, "image.vhdx");
  writeRandomFile(file, options.size ?? STORY_BYTES);
  const story = new Story({ lan, folder, file, program: programOf(options), executables, stop, hashOf });
  try {
    return await story.tell();
  } finally {
    await story.end();
  }
}

/** Runs it all and cleans up; resolves with whether every peer got the right data and all stopped cleanly. */
async function main(options: Options, stop: AbortSignal): Promise<boolean> {
  const stopped = new Promise<never>((_, reject) =>
    stop.addEventListener("abort", () => reject(stop.reason))
  );
  await using lan = await Lan.create(options.hosts, options.rate || undefined);
  const size = options.size ?? Deno.statSync(EXAMPLE).size;
  const folder = makeRunFolder(size * options.hosts, options.keep);
  try {
    const executables = await executablesOf(options);
    await using stack = new AsyncDisposableStack();
    for (const executable of new Set(executables.values())) stack.use(await executable.share(folder));
    if (options.story) return await tellStory(options, lan, folder, executables, stop);
    const run = new Run(options, folder, lan, executables);
    await Promise.race([run.prepare(), stopped]);
    const failure = await Promise.race([run.transfer(stop), stopped]).then(() => null, messageOf);
    const results = await run.finish();
    const copies = run.copiesSent(size);
    if (options.json) {
      console.log(JSON.stringify({ size, rateMbit: options.rate || null, failure, copies, hosts: results }));
    } else {
      printTable(results);
      if (copies !== undefined) printCopies(copies);
    }
    if (failure !== null) console.error(`lan: ${failure}`);
    const unclean = results.filter((result) => !result.stoppedCleanly);
    for (const { address } of unclean) console.error(`lan: ${address} did not stop cleanly`);
    return failure === null && unclean.length === 0 && results.every((result) => result.verified);
  } finally {
    await lan.close();
    if (options.keep) console.error(`lan: kept ${folder}`);
    else removeRunFolder(folder);
  }
}

const unavailable = Lan.unavailable();
if (unavailable !== undefined) {
  console.error(`lan: ${unavailable}`);
  Deno.exit(1);
}
try {
  const options = parseOptions(Deno.args);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const timer = setTimeout(
    () => stop.abort(new Error(`not complete after ${options.timeout} s`)),
    options.timeout * 1000,
  );
  const succeeded = await main(options, stop.signal);
  clearTimeout(timer);
  Deno.exit(succeeded ? 0 : 1);
} catch (error) {
  console.error(`lan: ${messageOf(error)}`);
  Deno.exit(1);
}
