import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTorrent, describeTorrent, type TorrentDescription } from "../../lib/session/torrent_tools.ts";
import { linesOf } from "../harness/processes/lines.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { findPython } from "../harness/processes/require_tool.ts";
import { Lan } from "./namespaces.ts";

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
    const folder = await Deno.makeTempDir({ prefix: "peer-class-" });
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

  /** Starts our program on a host; without a tracker, unless it is the announcer. */
  start(host: number, ...args: string[]): PeerRun {
    const home = ["--home", join(this.folder, String(host))];
    const [command, ...all] = new Program(Deno.env.get("PEER_BINARY")).commandLine(
      ["start", ...home, ...this.#trackerOption(host), "--progress", "json", ...args],
    );
    return new PeerRun(this.address(host), this.#spawn(host, command, all));
  }

  #trackerOption(host: number): string[] {
    return host === 0 && this.described.announce.length > 0 ? [] : ["--no-tracker"];
  }

  /** Starts libtorrent as a seeder on the first host; resolves when it listens. */
  async startLibtorrent(port: number): Promise<void> {
    const seeder = this.#spawn(0, findPython("libtorrent")!, [
      LIBTORRENT,
      this.torrent,
      join(this.folder, "0", "shareable"),
      `--listen=${this.address(0)}:${port}`,
    ]);
    const { promise: seeds, resolve } = Promise.withResolvers<void>();
    this.#reading.push(
      seeder.stderr.cancel(),
      readAll(seeder.stdout, (line) => {
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
    await this.#lan.close();
    await Promise.all(this.#reading);
    await Deno.remove(this.folder, { recursive: true });
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
