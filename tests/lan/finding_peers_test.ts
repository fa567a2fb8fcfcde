/**
 * How soon hosts of a LAN without a tracker find each other, and a magnet link gives its data. With `PEER_BINARY` it
 * is that program, and otherwise this checkout.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createTorrent, describeTorrent, type TorrentDescription } from "../../lib/torrent_tools.ts";
import { linesOf } from "../helpers/lines.ts";
import { type PeerEvent, PeerRun } from "../helpers/peer_run.ts";
import { Program } from "../helpers/program.ts";
import { randomBytes } from "../helpers/random.ts";
import { findPython, needs } from "../helpers/require_tool.ts";
import { Lan } from "./namespaces.ts";

const LIBTORRENT = fileURLToPath(new URL("../interop/clients/libtorrent_client.py", import.meta.url));
const RATE_MBIT = 1_000;
const FILE = "random.bin";
const data = randomBytes(1024 * 1024, 11);
const lanTest = needs("linux", "root", "ip", "tc");

/** Hosts on a LAN without a tracker; the first one has a file and the torrent of it. */
class Class implements AsyncDisposable {
  readonly folder: string;
  readonly described: TorrentDescription;
  readonly torrent: string;
  readonly #lan: Lan;
  /** What reads the output of processes, until they end. */
  readonly #reading: Promise<void>[] = [];

  private constructor(lan: Lan, folder: string, torrent: string, described: TorrentDescription) {
    this.#lan = lan;
    this.folder = folder;
    this.torrent = torrent;
    this.described = described;
  }

  static async of(hosts: number): Promise<Class> {
    const lan = await Lan.create(hosts, RATE_MBIT);
    const folder = await Deno.makeTempDir({ prefix: "peer-class-" });
    await Deno.mkdir(join(folder, "0", "shareable"), { recursive: true });
    await Deno.writeFile(join(folder, "0", "shareable", FILE), data);
    const plan = {
      path: join(folder, "0", "shareable", FILE),
      home: join(folder, "0"),
      announceTiers: [],
      isPrivate: false,
    };
    const { path, metainfo } = await createTorrent(plan, () => {});
    return new Class(lan, folder, path, describeTorrent(metainfo));
  }

  address(host: number): string {
    return this.#lan.address(host);
  }

  /** Starts our program on a host, without a tracker. */
  start(host: number, ...args: string[]): PeerRun {
    const home = ["--home", join(this.folder, String(host))];
    const [command, ...all] = new Program(Deno.env.get("PEER_BINARY")).commandLine(
      ["start", ...home, "--no-tracker", "--progress", "json", ...args],
    );
    return new PeerRun(this.address(host), this.#spawn(host, command, all));
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
      Uint8Array.from(data),
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
function sourcesOf(run: PeerRun): unknown[] {
  const events: PeerEvent[] = run.lines.map((line) => JSON.parse(line));
  return [...new Set(events.filter(({ event }) => event === "peers").map(({ source }) => source))];
}

/** Waits until a peer is complete, and returns the seconds from the start of its process. */
async function secondsOf(run: PeerRun): Promise<number> {
  await Promise.race([run.completed, run.ended]);
  return run.seconds!;
}

/** Runs of which one must be quick enough: the limits are for a machine that has nothing else to do. */
const ATTEMPTS = 3;

/** Asserts that it takes less than so many seconds, as `attempt` measures them. */
async function assertWithin(seconds: number, attempt: () => Promise<number>): Promise<void> {
  const taken: number[] = [];
  do taken.push(await attempt()); while (taken.at(-1)! >= seconds && taken.length < ATTEMPTS);
  assert(taken.at(-1)! < seconds, `it took ${taken.join(", ")} s`);
}

lanTest(
  "Two hosts find each other by local discovery alone in less than two seconds",
  () =>
    assertWithin(2, async () => {
      await using room = await Class.of(2);
      const seeder = room.start(0, room.torrent);
      await seeder.joined;
      const leecher = room.start(1, room.torrent);
      const seconds = await secondsOf(leecher);
      assert.deepEqual(sourcesOf(leecher), ["lsd"]);
      await room.assertHas(1);
      assert(await leecher.stop() && await seeder.stop());
      return seconds;
    }),
);

lanTest("A third host joins through peer exchange alone", async () => {
  await using room = await Class.of(3);
  const seeder = room.start(0, room.torrent, "--no-lsd", "--port=6881", "--max-upload=200K");
  await seeder.joined;
  const leecher = room.start(1, room.torrent, "--no-lsd", "--port=6881", `--peer=${room.address(0)}:6881`);
  await leecher.joined;
  const third = room.start(2, room.torrent, "--no-lsd", `--peer=${room.address(1)}:6881`);
  await Promise.race([third.completed, third.ended]);
  assert.deepEqual(sourcesOf(third), ["user", "pex"]);
  assert(third.sources[room.address(0)] > 0, "the seeder gave it data");
  await room.assertHas(2);
  for (const run of [third, leecher, seeder]) assert(await run.stop());
});

lanTest(
  "A magnet link gives its data in less than a second from a seeder of ours",
  () =>
    assertWithin(1, async () => {
      await using room = await Class.of(2);
      const seeder = room.start(0, room.torrent, "--port=6881");
      await seeder.joined;
      const leecher = room.start(1, `${room.described.magnet}&x.pe=${room.address(0)}:6881`);
      const seconds = await secondsOf(leecher);
      await room.assertHas(1);
      assert(await leecher.stop() && await seeder.stop());
      return seconds;
    }),
);

lanTest("A magnet link needs nothing but local discovery", () =>
  assertWithin(2, async () => {
    await using room = await Class.of(2);
    const seeder = room.start(0, room.torrent);
    await seeder.joined;
    const leecher = room.start(1, room.described.magnet);
    const seconds = await secondsOf(leecher);
    assert.equal(sourcesOf(leecher)[0], "lsd");
    assert(await leecher.stop() && await seeder.stop());
    return seconds;
  }));

needs("linux", "root", "ip", "tc", "libtorrent")(
  "A magnet link gives its data in less than a second from libtorrent",
  () =>
    assertWithin(1, async () => {
      await using room = await Class.of(2);
      await room.startLibtorrent(6881);
      const leecher = room.start(1, "--no-lsd", `${room.described.magnet}&x.pe=${room.address(0)}:6881`);
      const seconds = await secondsOf(leecher);
      await room.assertHas(1);
      assert(await leecher.stop());
      return seconds;
    }),
);
