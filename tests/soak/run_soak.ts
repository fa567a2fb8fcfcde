import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { formatBytes } from "../../lib/ui/number_format.ts";
import { TestFile } from "../bench/test_file.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import type { Program } from "../harness/processes/program.ts";
import { seededRandom } from "../harness/data/random.ts";
import { type Sample, sampleOf } from "./memory.ts";
import { Visitors } from "./visitors.ts";

const PIECE_LENGTH = 1024 * 1024;
const SAMPLE_MS = 1_000;
/** Part of the rate that the resident takes: so it downloads all the time, and the file is not too large. */
const RESIDENT_SHARE = 1 / 12;
/** Events that must not come: something is wrong with the data or a disk. */
const FAILURES: readonly string[] = ["corrupt", "error"];

/** What is to be done. */
interface SoakOptions {
  readonly minutes: number;
  /** What the seeder sends at most, in bytes per second. */
  readonly rate: number;
  /** How many visitors there are at once. */
  readonly visitors: number;
  readonly seed: number;
  readonly program: Program;
  /** Hears how it goes, about once a minute. */
  say(text: string): void;
}

/** What came out. */
interface SoakResult {
  /** By who was looked at: "seeder" (with the tracker), and "resident", which downloads and gives all the time. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  /** What the seeder sent, in bytes per second over the whole time. */
  readonly rate: number;
  readonly visitors: Pick<Visitors, "came" | "killed" | "unclean" | "pieces">;
  /** Events that must not come. */
  readonly failures: readonly string[];
}

/** A seeder and a resident run all the time while visitors come and go, and it is looked at what they hold. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  await using soak = new Soak(options);
  return await soak.run();
}

class Soak implements AsyncDisposable {
  readonly #options: SoakOptions;
  readonly #folder = Deno.makeTempDirSync({ prefix: "peer-soak-" });
  readonly #over = new AbortController();
  readonly #failures: string[] = [];
  readonly #samples = new Map<string, Sample[]>([["seeder", []], ["resident", []]]);
  readonly #pids = new Map<string, number>();
  readonly #runs: PeerRun[] = [];
  #visiting: Promise<unknown> = Promise.resolve();
  /** What the seeder sent, in bytes. */
  #uploaded = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
  }

  /** Errors: `Error` when a process ends that should not. */
  async run(): Promise<SoakResult> {
    const { seed, rate } = this.#options;
    const torrent = await this.#startSeeder();
    const limit = ["--max-download", String(Math.ceil(rate * RESIDENT_SHARE)), "--no-tracker", torrent];
    await this.#startLasting("resident", limit).joined;
    const visitors = new Visitors({
      folder: this.#folder,
      random: seededRandom(seed),
      start: (home, onEvent) => this.#start("visitor", home, ["--no-tracker", torrent], onEvent),
    });
    const places = Array.from({ length: this.#options.visitors });
    this.#visiting = Promise.all(places.map(() => visitors.run(this.#over.signal)));
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1_000;
    const sentBefore = this.#uploaded;
    await Promise.race([this.#look(seconds), this.#visiting, ...this.#runs.map(({ ended }) => ended)]);
    const sent = (this.#uploaded - sentBefore) / seconds();
    this.#over.abort();
    await this.#visiting;
    return { samples: this.#samples, rate: sent, visitors, failures: this.#failures };
  }

  /** Starts the seeder and returns the path of its torrent, once it shares that. */
  async #startSeeder(): Promise<string> {
    const { minutes, rate } = this.#options;
    const home = join(this.#folder, "seeder");
    for (const name of ["shareable", "torrents"]) await Deno.mkdir(join(home, name), { recursive: true });
    const { promise: trackerPort, resolve } = Promise.withResolvers<unknown>();
    const seeder = this.#startLasting(
      "seeder",
      ["--tracker-port", "0", "--max-upload", String(rate)],
      (event) => {
        if (event.event === "ready") resolve(event.trackerPort);
        if (event.event === "progress") this.#uploaded = Number(event.uploaded);
      },
    );
    const announce = `http://127.0.0.1:${await trackerPort}/announce`;
    // More than the resident can have got in the end, so that it is never done.
    const length = Math.ceil(rate * RESIDENT_SHARE * (minutes + 1) * 60);
    const torrent = join(home, "torrents", "data.torrent");
    new TestFile(join(home, "shareable"), length).writeTorrent(torrent, PIECE_LENGTH, announce);
    await Promise.race([seeder.joined, seeder.ended]);
    return torrent;
  }

  /** Starts a process that is to run until the end and is looked at. */
  #startLasting(name: string, args: string[], onEvent: (event: PeerEvent) => void = () => {}): PeerRun {
    const run = this.#start(name, join(this.#folder, name), args, (event) => {
      if (event.event === "ready") this.#pids.set(name, Number(event.pid));
      onEvent(event);
    });
    this.#runs.push(run);
    return run;
  }

  #start(name: string, home: string, args: string[], onEvent: (event: PeerEvent) => void): PeerRun {
    const all = ["start", "--home", home, "--host", "127.0.0.1", "--port", "0", "--no-lsd", ...args];
    const command = this.#options.program.with([...all, "--progress", "json", "--log-level", "error"], {
      stdout: "piped",
      stderr: "piped",
    });
    return new PeerRun(name, command.spawn(), (event) => {
      if (FAILURES.includes(event.event)) this.#failures.push(`${name}: ${JSON.stringify(event)}`);
      onEvent(event);
    });
  }

  /** Takes samples until the time is over. */
  async #look(secondsSoFar: () => number): Promise<void> {
    for (let seconds = 0; seconds < this.#options.minutes * 60; await pause(SAMPLE_MS)) {
      seconds = secondsSoFar();
      for (const [name, pid] of this.#pids) this.#samples.get(name)!.push(sampleOf(pid, seconds));
      if (this.#samples.get("seeder")!.length % 60 === 0) this.#tell(seconds);
    }
  }

  #tell(seconds: number): void {
    const now = [...this.#samples].map(([name, samples]) => {
      const { residentBytes, anonymousBytes, descriptors } = samples.at(-1)!;
      const memory = `${formatBytes(residentBytes)}, ${formatBytes(anonymousBytes)} of it its own`;
      return `${name}: ${memory}, ${descriptors} descriptors`;
    });
    this.#options.say(`${Math.round(seconds)} s, ${formatBytes(this.#uploaded)} sent; ${now.join("; ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.allSettled([this.#visiting, ...this.#runs.map((run) => run.stop())]);
    await Deno.remove(this.#folder, { recursive: true });
  }
}
