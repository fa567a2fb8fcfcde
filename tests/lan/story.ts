/**
 * `deno task lan --story`: a teacher's file reaches a whole room by one command. The hosts form a fleet once; then one
 * of them is switched off, one has too little room, and the first one shares a file with all.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Executable } from "../harness/processes/executable.ts";
import { linesOf } from "../harness/processes/lines.ts";
import type { Lan } from "./namespaces.ts";

const LEAD = 0;
/** What the host with too little room may hold. */
const SMALL_QUOTA = "1MiB";
const LOOK_MS = 200;

/** What a story is told with. */
interface StoryOptions {
  readonly lan: Lan;
  /** Holds a home for each host, and the file. */
  readonly folder: string;
  /** The file that is shared. */
  readonly file: string;
  /** The command line of the program, for hosts without an executable of another system. */
  readonly program: readonly string[];
  readonly executables: ReadonlyMap<number, Executable>;
  readonly stop: AbortSignal;
  hashOf(path: string): Promise<string | undefined>;
}

/** The hosts and what they do. */
export class Story {
  readonly #options: StoryOptions;
  readonly #peers = new Map<number, Deno.ChildProcess>();

  constructor(options: StoryOptions) {
    this.#options = options;
  }

  get #away(): number {
    return this.#options.lan.hosts - 1;
  }

  get #full(): number {
    return this.#options.lan.hosts - 2;
  }

  /** Tells it; resolves with whether every host that has room got the right file. */
  async tell(): Promise<boolean> {
    const { lan, file, stop } = this.#options;
    const others = Array.from({ length: lan.hosts - 1 }, (_, i) => i + 1);
    console.log(
      "Once. Every machine runs a peer; the first one makes a fleet, the others join it by a code:\n",
    );
    await Promise.all([LEAD, ...others].map((host) => this.#start(host)));
    await this.#shown(LEAD, "fleet", "create", "room 7");
    const code = await this.#shown(LEAD, "fleet", "invite");
    const words = /fleet join (.*)/.exec(code)![1].trim().split(" ");
    const join = (host: number) => this.#run(host, ["fleet", "join", ...words, ...this.#wishes(host)]);
    await Promise.all(others.map(join));
    console.log(`\n(${others.length} machines)$ peer fleet join ${words.join(" ")} --accept lead`);
    console.log(
      `(${nameOf(this.#full)} with --quota ${SMALL_QUOTA}; ${nameOf(this.#away)} is switched off now)`,
    );
    await this.#end(this.#away);

    console.log("\nFrom then on, one command:\n");
    const startedAt = performance.now();
    const share = this.#follow("share", file, "--to", "all");
    const awake = others.filter((host) => host !== this.#full && host !== this.#away);
    await Promise.race([Promise.all(awake.map((host) => this.#has(host))), share]);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    console.log(
      `\n(after ${seconds} s ${awake.length} machines have it; ${nameOf(this.#away)} is switched on)\n`,
    );
    await this.#start(this.#away);
    await Promise.race([this.#has(this.#away), share]);
    await pause(2_000, undefined, { signal: stop });
    console.log();
    await this.#shown(LEAD, "fleet", "offers");
    console.log();
    await this.#shown(LEAD, "hosts", "1");
    return await this.#areRight([...awake, this.#away]);
  }

  /** Stops every peer. */
  async end(): Promise<void> {
    await Promise.all([...this.#peers.keys()].map((host) => this.#end(host)));
  }

  #wishes(host: number): string[] {
    return ["--accept", "lead", ...host === this.#full ? ["--quota", SMALL_QUOTA] : []];
  }

  #home(host: number): string {
    return join(this.#options.folder, nameOf(host));
  }

  #copy(host: number): string {
    return join(this.#home(host), "shareable", this.#options.file.split("/").at(-1)!);
  }

  async #spawn(host: number, args: readonly string[], output: "piped" | "null"): Promise<Deno.ChildProcess> {
    const { lan, program, executables } = this.#options;
    const executable = executables.get(host);
    const all = [...args, "--home", this.#home(host)];
    const [command, ...rest] = executable?.commandLine(all) ?? [...program, ...all];
    const env = await executable?.hostEnvironment(host) ?? {};
    return lan.spawn(host, command, rest, { stdin: "null", stdout: output, stderr: output, env });
  }

  /** Starts the peer of a host; resolves once it can be steered. */
  async #start(host: number): Promise<void> {
    await Deno.mkdir(this.#home(host), { recursive: true });
    // At an address of an interface Wine opens a UDP socket for all in truth, so it can run no tracker at each one.
    const tracker = this.#options.executables.get(host)?.isWindows ? ["--no-tracker"] : [];
    const args = ["start", "--name", nameOf(host), "--progress", "none", "--no-web", ...tracker];
    this.#peers.set(host, await this.#spawn(host, args, "null"));
    const isReady = async () => (await (await this.#spawn(host, ["status"], "null")).status).success;
    while (!await isReady()) await pause(LOOK_MS, undefined, { signal: this.#options.stop });
  }

  async #end(host: number): Promise<void> {
    const peer = this.#peers.get(host)!;
    this.#peers.delete(host);
    peer.kill("SIGINT");
    await peer.status;
  }

  /** Runs a command to its end, and resolves with what it printed. Errors: `Error` with what it said when it failed. */
  async #run(host: number, args: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await (await this.#spawn(host, args, "piped")).output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes).trim());
    if (!success) throw new Error(`${nameOf(host)}: peer ${args.join(" ")}: ${err}`);
    return out;
  }

  /** The same, and shows it as on a terminal. */
  async #shown(host: number, ...args: string[]): Promise<string> {
    const output = await this.#run(host, args);
    console.log(
      `${nameOf(host)}$ peer ${args.map((word) => word.includes(" ") ? `"${word}"` : word).join(" ")}`,
    );
    if (output !== "") console.log(output);
    return output;
  }

  /** Shows what a command says at the lead for as long as the story lasts; rejects when it ends before. */
  async #follow(...args: string[]): Promise<never> {
    console.log(`${nameOf(LEAD)}$ peer ${args.map((word) => word.split("/").at(-1)).join(" ")}`);
    const child = await this.#spawn(LEAD, [...args, "--progress", "plain"], "piped");
    for await (const line of linesOf(child.stdout)) console.log(line);
    throw new Error(`peer ${args.join(" ")} has ended`);
  }

  async #has(host: number): Promise<void> {
    const isThere = () => Deno.stat(this.#copy(host)).then(() => true, () => false);
    while (!await isThere()) await pause(LOOK_MS, undefined, { signal: this.#options.stop });
  }

  async #areRight(hosts: readonly number[]): Promise<boolean> {
    const { file, hashOf } = this.#options;
    const right = await hashOf(file);
    const hashes = await Promise.all(hosts.map((host) => hashOf(this.#copy(host))));
    const wrong = hosts.filter((_, i) => hashes[i] !== right);
    for (const host of wrong) console.error(`lan: ${nameOf(host)} has another file`);
    return wrong.length === 0;
  }
}

function nameOf(host: number): string {
  return `pc-${String(host + 1).padStart(2, "0")}`;
}
