/** A peer in the middle of a download, in this process, and the interface by which remote controls steer it. */
import assert from "node:assert/strict";
import { Api } from "../../../lib/api/api.ts";
import { createLogger } from "../../../lib/log.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import type { Session, TorrentSnapshot } from "../../../lib/session/session.ts";
import { describeTorrent, readTorrent } from "../../../lib/session/torrent_tools.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { Machine } from "../../harness/sessions/machine.ts";

const KIB = 1024;
/** Slow enough that a download is still under way when the last order is given. */
const DOWNLOAD_RATE = 256 * KIB;
const FILE_BYTES = 8 * 1024 * KIB;
/** How long a test waits until an order is seen to have taken effect. */
const PATIENCE_MS = 20_000;

/** A torrent that the seeder has and the steered peer does not know yet. */
export interface Offered {
  /** Of its `.torrent` file, outside of the steered peer's home. */
  readonly path: string;
  readonly infoHash: InfoHash;
  readonly magnet: string;
}

/** A peer whose interface is served on a port of 127.0.0.1, and a seeder for what it is told to download. */
export class SteeredPeer implements AsyncDisposable {
  readonly machine: Machine;
  /** A folder with two files, `course/a.bin` and `course/b.bin`. */
  readonly course: Offered;
  /** The single file `film.mkv`. */
  readonly film: Offered;
  /** Warnings and errors of the interface. */
  readonly log: readonly string[];
  readonly #api: Api;
  readonly #stops: { count: number };
  readonly #parts: AsyncDisposableStack;

  private constructor(
    parts: Pick<SteeredPeer, "machine" | "course" | "film" | "log">,
    api: Api,
    stops: { count: number },
    opened: AsyncDisposableStack,
  ) {
    this.machine = parts.machine;
    this.course = parts.course;
    this.film = parts.film;
    this.log = parts.log;
    this.#api = api;
    this.#stops = stops;
    this.#parts = opened;
  }

  static async start(): Promise<SteeredPeer> {
    await using opened = new AsyncDisposableStack();
    const seeder = opened.use(await Machine.start());
    const offer = async (seed: number, ...names: string[]): Promise<Offered> => {
      const files = new Map(names.map((name, at) => [name, randomBytes(FILE_BYTES, 2 * seed + at)]));
      const path = await seeder.publish(files, [seeder.tracker], 256 * KIB);
      const metainfo = await readTorrent(path);
      await seeder.completes(await seeder.session.add(path, []));
      return { path, infoHash: metainfo.infoHash, magnet: describeTorrent(metainfo).magnet };
    };
    const course = await offer(1, "course/a.bin", "course/b.bin");
    const film = await offer(2, "film.mkv");
    const machine = opened.use(await Machine.start({ choices: { maxDownload: DOWNLOAD_RATE } }));
    const log: string[] = [];
    const stops = { count: 0 };
    const api = await Api.start(machine.session, {
      home: machine.home,
      web: { host: "127.0.0.1", port: 0 },
      passwordFile: undefined,
      isRpcOpen: false,
      outputFolders: [],
      log: createLogger("warn", (line) => log.push(line)),
      stop: () => stops.count++,
    });
    opened.defer(() => api.stop());
    return new SteeredPeer({ machine, course, film, log }, api, stops, opened.move());
  }

  get session(): Session {
    return this.machine.session;
  }

  /** Where it is served, such as `http://127.0.0.1:40000`. */
  get url(): string {
    return this.#api.addresses[0];
  }

  get port(): string {
    return new URL(this.url).port;
  }

  /** The password for basic authentication, behind any user name. */
  get password(): string {
    return this.#api.page!.split("#token=")[1];
  }

  /** How often a client asked to end the process. */
  get stops(): number {
    return this.#stops.count;
  }

  /** The torrent as it is now; undefined when the peer does not have it. */
  find({ infoHash }: Offered): TorrentSnapshot | undefined {
    return this.session.snapshot().find((torrent) => torrent.infoHash === infoHash);
  }

  /** Waits until a torrent is there and so; fails with its last state. */
  async when(torrent: Offered, what: string, isSo: (snapshot: TorrentSnapshot) => boolean): Promise<void> {
    const isThereAndSo = () => {
      const snapshot = this.find(torrent);
      return snapshot !== undefined && isSo(snapshot);
    };
    await until(isThereAndSo, what, PATIENCE_MS);
  }

  /** Waits until a torrent downloads from the seeder. */
  async runs(torrent: Offered): Promise<void> {
    await this.when(
      torrent,
      "downloading",
      ({ state, have, downloadRate }) => state === "downloading" && have > 0 && downloadRate > 0,
    );
  }

  /** Waits until a torrent has left. */
  async leaves(torrent: Offered): Promise<void> {
    await until(() => this.find(torrent) === undefined, "left", PATIENCE_MS);
  }

  /** Fails the test when the interface logged anything. */
  assertNoFault(): void {
    assert.deepEqual(this.log, []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

/** Runs a program to its end and returns all it printed. Errors: fails the test for an exit code above 0. */
export async function outputOf(command: string, ...args: string[]): Promise<string> {
  const { success, code, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert.ok(success, `${command} ${args.join(" ")} ended with ${code}: ${text}`);
  return text;
}

/** Whether a file or folder is there. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
