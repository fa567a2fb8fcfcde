import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTorrent, describeTorrent, type TorrentDescription } from "../../lib/session/torrent_tools.ts";
import { linesOf } from "../harness/processes/lines.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { findPython } from "../harness/processes/require_tool.ts";
import { Lan } from "./namespaces.ts";
import { makeRunFolder, removeRunFolder } from "./run_folder.ts";

const SLOW_DISK = fileURLToPath(new URL("programs/slow_disk.ts", import.meta.url));
const WRONG_CLOCK = fileURLToPath(new URL("programs/wrong_clock.ts", import.meta.url));
const LIBTORRENT = fileURLToPath(new URL("../interop/clients/libtorrent_client.py", import.meta.url));
const RATE_MBIT = 1_000;
const FILE = "random.bin";

/** Hosts on a LAN; the first one has a file and the torrent of it. */
export class ClassRoom implements AsyncDisposable {
  readonly folder: string;
  readonly described: TorrentDescription;
  readonly torrent: string;
  readonly #lan: Lan;
  readonly #data: Uint8Array;
  /** What reads the output of processes, until they end. */
  readonly #reading: Promise<void>[] = [];

  private constructor(
    lan: Lan,
    folder: string,
    torrent: string,
    described: TorrentDescription,
    data: Uint8Array,
  ) {
    this.#lan = lan;
    this.folder = folder;
    this.torrent = torrent;
    this.described = described;
    this.#data = data;
  }

  /** So many hosts that are to share `data`; the torrent names the first one as announcer only where told to. */
  static async of(hosts: number, data: Uint8Array, hasAnnouncer = false): Promise<ClassRoom> {
    const lan = await Lan.create(hosts, RATE_MBIT);
    const folder = makeRunFolder(hosts * data.length, false);
    await Deno.mkdir(join(folder, "0", "shareable"), { recursive: true });
    await Deno.writeFile(join(folder, "0", "shareable", FILE), data);
    const plan = {
      path: join(folder, "0", "shareable", FILE),
      home: join(folder, "0"),
      // Other programs know nothing of addresses without a scheme.
      announceTiers: hasAnnouncer ? [[`http://${lan.address(0)}:6969/announce`]] : [],
      isPrivate: false,
    };
    const { path, metainfo } = await createTorrent(plan, () => {});
    return new ClassRoom(lan, folder, path, describeTorrent(metainfo), data);
  }

  address(host: number): string {
    return this.#lan.address(host);
  }

  /** Pulls a host's cable out, or plugs it in again. */
  setLink(host: number, isUp: boolean): Promise<void> {
    return this.#lan.setLink(host, isUp);
  }

  /** Changes the rate of a host's link, in Mbit/s. */
  setRate(host: number, rateMbit: number): Promise<void> {
    return this.#lan.setRate(host, rateMbit);
  }

  /** The folder of a host. */
  home(host: number): string {
    return join(this.folder, String(host));
  }

  /** Starts aria2 on a host. Its output is read and left. */
  startAria2(host: number, ...args: string[]): void {
    const child = this.#spawn(host, "aria2c", [
      ...[
        "--no-conf",
        "--enable-dht=false",
        "--seed-time=60",
        "--bt-enable-lpd=true",
        "--allow-overwrite=true",
      ],
      `--dir=${this.home(host)}`,
      ...args,
      this.torrent,
    ]);
    this.#reading.push(child.stderr.cancel(), readAll(child.stdout, () => {}));
  }

  /** Starts our program on a host in a terminal, which is tmux, and returns a function that looks at its screen. */
  async startOnTerminal(
    host: number,
    size: { readonly columns: number; readonly rows: number },
    ...args: string[]
  ): Promise<() => Promise<string>> {
    const tmux = async (...words: string[]) => {
      const { stdout } = await this.#spawn(host, "tmux", ["-L", "peer-class", "-f", "/dev/null", ...words])
        .output();
      return new TextDecoder().decode(stdout);
    };
    const home = ["--home", join(this.folder, String(host))];
    const program = new Program(Deno.env.get("PEER_BINARY")).commandLine(["start", ...home, ...args]);
    const line = program.map((word) => `'${word}'`).join(" ");
    await tmux("new-session", "-d", "-x", `${size.columns}`, "-y", `${size.rows}`, line);
    return () => tmux("capture-pane", "-e", "-p");
  }

  /** Whether all hosts run trackers, as they do unless told otherwise; else the announcer alone. */
  allHaveTrackers = false;

  /** Runs a command of our program on a host, for the process that runs there, and returns what it printed. */
  async command(host: number, ...args: string[]): Promise<string> {
    const [command, ...all] = new Program(Deno.env.get("PEER_BINARY")).commandLine(
      [...args, "--home", join(this.folder, String(host))],
    );
    const { stdout, stderr } = await this.#spawn(host, command, all).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  }

  /** Runs a program on a host with this standard input; throws what it said where it fails. */
  async runOn(host: number, command: string, input: string, ...args: string[]): Promise<void> {
    const child = this.#lan.spawn(host, command, args, { stdin: "piped", stdout: "piped", stderr: "piped" });
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { success, stderr } = await child.output();
    if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  }

  /** Replaces the firewall of a host by rules that drop what is named, such as `tcp dport 6881`. */
  async drop(host: number, ...what: readonly string[]): Promise<void> {
    const rules = ["type filter hook input priority 0; policy accept;", "ct state established accept"];
    const chain = [...rules, ...what.map((each) => `${each} drop`)].join("\n");
    const table = `flush ruleset\ntable inet filter {\nchain input {\n${chain}\n}\n}\n`;
    await this.runOn(host, "nft", table, "-f", "-");
  }

  /** Lets a program of another kind listen on a TCP port of a host; resolves when it does. */
  async occupy(host: number, port: number): Promise<void> {
    const code = `Deno.listen({ port: ${port} }); console.log("listens"); setInterval(() => {}, 1e6);`;
    const child = this.#spawn(host, Deno.execPath(), ["eval", code]);
    const { promise: listens, resolve } = Promise.withResolvers<void>();
    this.#reading.push(child.stderr.cancel(), readAll(child.stdout, () => resolve()));
    await listens;
  }

  /** Starts our program on a host; without a tracker, unless it is the announcer or all have one. */
  start(host: number, ...args: string[]): PeerRun {
    return this.#start(host, new Program(Deno.env.get("PEER_BINARY")), args);
  }

  /** The same with a disk that takes 400 KB a second. */
  startOnSlowDisk(host: number, ...args: string[]): PeerRun {
    return this.#start(host, new Program(undefined, SLOW_DISK), args);
  }

  /** The same with a clock that is an hour ahead. */
  startWithWrongClock(host: number, ...args: string[]): PeerRun {
    return this.#start(host, new Program(undefined, WRONG_CLOCK), args);
  }

  #start(host: number, program: Program, args: readonly string[]): PeerRun {
    const home = ["--home", join(this.folder, String(host))];
    const [command, ...all] = program.commandLine(
      ["start", ...home, ...this.#trackerOption(host), "--progress", "json", ...args],
    );
    return new PeerRun(this.address(host), this.#spawn(host, command, all));
  }

  #trackerOption(host: number): string[] {
    return this.allHaveTrackers || host === 0 && this.described.announce.length > 0 ? [] : ["--no-tracker"];
  }

  /** Starts libtorrent on a host, of which the first one has the data; resolves when it has everything. */
  async startLibtorrent(host: number, port: number): Promise<void> {
    const folder = join(this.folder, String(host), "shareable");
    await Deno.mkdir(folder, { recursive: true });
    const client = this.#spawn(host, findPython("libtorrent")!, [
      LIBTORRENT,
      this.torrent,
      folder,
      `--listen=${this.address(host)}:${port}`,
    ]);
    const { promise: seeds, resolve } = Promise.withResolvers<void>();
    this.#reading.push(
      client.stderr.cancel(),
      readAll(client.stdout, (line) => {
        if (line.includes("state changed to: seeding")) resolve();
      }),
    );
    await seeds;
  }

  #spawn(host: number, command: string, args: string[]): Deno.ChildProcess {
    return this.#lan.spawn(host, command, args, { stdin: "null", stdout: "piped", stderr: "piped" });
  }

  async assertHas(host: number): Promise<void> {
    assert.deepEqual(
      await Deno.readFile(join(this.folder, String(host), "shareable", FILE)),
      Uint8Array.from(this.#data),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using end = new AsyncDisposableStack();
    end.defer(() => removeRunFolder(this.folder));
    await this.#lan.close();
    await Promise.all(this.#reading);
  }
}

/** Reads a stream to its end, for who writes to it must not be stopped; `onLine` hears every line. */
async function readAll(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  onLine: (line: string) => void,
): Promise<void> {
  for await (const line of linesOf(stream)) onLine(line);
}

/** The sources by which a peer heard of others, each once. */
export function sourcesOf(run: PeerRun): unknown[] {
  const events: PeerEvent[] = run.lines.map((line) => JSON.parse(line));
  return [...new Set(events.filter(({ event }) => event === "peers").map(({ source }) => source))];
}
