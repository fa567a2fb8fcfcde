import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { encodeMetainfo } from "../../lib/protocol/metainfo.ts";
import { PeerRun } from "../harness/processes/peer_run.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Lan } from "./namespaces.ts";

const lanTest = needs("linux", "root", "ip", "tc");
const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const PORT = 6881;
const TRACKER_PORT = 6969;
const data = randomBytes(2_000_000, 1);
const metainfo = metainfoOf(data, 65_536);

/** A LAN whose hosts share one torrent, each in a folder of its own; host 0 has the data. */
class SharingLan implements AsyncDisposable {
  readonly #peers: PeerRun[] = [];

  private constructor(readonly lan: Lan, readonly folder: string) {}

  static async create(hosts: number, announce: (lan: Lan) => string[]): Promise<SharingLan> {
    const lan = await Lan.create(hosts);
    const sharing = new SharingLan(lan, await Deno.makeTempDir());
    const announceTiers = announce(lan).map((url) => [url]);
    for (let host = 0; host < hosts; host++) {
      await Deno.mkdir(join(sharing.#home(host), "torrents"), { recursive: true });
      await Deno.writeFile(sharing.#torrent(host), encodeMetainfo(metainfo.rawInfo, { announceTiers }));
    }
    await Deno.mkdir(join(sharing.#home(0), "shareable"));
    await Deno.writeFile(join(sharing.#home(0), "shareable", metainfo.name), data);
    return sharing;
  }

  /** Starts the program on a host; resolves when it has joined the swarm. */
  async start(host: number, ...args: string[]): Promise<PeerRun> {
    const [_deno, ...run] = denoConfig.tasks.peer.split(" ");
    const start = [
      "start",
      "--home",
      this.#home(host),
      "--port",
      `${PORT}`,
      "--progress",
      "json",
      "--no-lsd",
      ...args,
    ];
    const child = this.lan.spawn(host, Deno.execPath(), [...run, ...start, this.#torrent(host)], {
      cwd: PROJECT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    const peer = new PeerRun(`host ${host}`, child);
    this.#peers.push(peer);
    await Promise.race([peer.joined, peer.ended]);
    return peer;
  }

  /** Waits until a host has all data; returns the addresses it came from, and asserts that it is the same. */
  async sourcesOf(host: number, peer: PeerRun): Promise<string[]> {
    await Promise.race([peer.completed, peer.ended]);
    const copy = await Deno.readFile(join(this.#home(host), "shareable", metainfo.name));
    assert.deepEqual(new Uint8Array(copy), data);
    return Object.keys(peer.sources).sort();
  }

  #home(host: number): string {
    return join(this.folder, `${host}`);
  }

  #torrent(host: number): string {
    return join(this.#home(host), "torrents", "shared.torrent");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using end = new AsyncDisposableStack();
    end.defer(() => Deno.remove(this.folder, { recursive: true }));
    end.defer(() => this.lan.close());
    // The first one last, whose tracker is told of the others' leaving.
    for (const peer of this.#peers) end.defer(async () => void await peer.stop());
  }
}

lanTest("peer downloads from a link-local address with its zone, and is known by its own", async () => {
  await using sharing = await SharingLan.create(2, () => []);
  const { lan } = sharing;
  const seeder = await sharing.start(0, "--no-tracker");
  const peer = `[${lan.linkLocalAddress(0)}]:${PORT}`;
  const leecher = await sharing.start(1, "--no-tracker", "--peer", peer);
  assert.deepEqual(await sharing.sourcesOf(1, leecher), [`[${lan.linkLocalAddress(0)}]`]);
  const known = seeder.lines.map((line) => JSON.parse(line)).find(({ event }) => event === "connected");
  assert.match(known.peer, /^\[fe80::2%eth0\]:\d+$/);
});

lanTest("peer finds others by an IPv6 tracker, and they share among themselves over IPv6 only", async () => {
  const tracker = (lan: Lan) => [`http://[${lan.address6(0)}]:${TRACKER_PORT}/announce`];
  await using sharing = await SharingLan.create(3, tracker);
  await sharing.start(0);
  const leechers = [await sharing.start(1, "--no-tracker"), await sharing.start(2, "--no-tracker")];
  for (const [at, leecher] of leechers.entries()) {
    for (const source of await sharing.sourcesOf(at + 1, leecher)) assert.match(source, /^\[fd99::[123]\]$/);
  }
});

lanTest("peer finds others by a UDP tracker over IPv6", async () => {
  const tracker = (lan: Lan) => [`udp://[${lan.address6(0)}]:${TRACKER_PORT}/announce`];
  await using sharing = await SharingLan.create(2, tracker);
  await sharing.start(0);
  const leecher = await sharing.start(1, "--no-tracker");
  assert.deepEqual(await sharing.sourcesOf(1, leecher), [`[${sharing.lan.address6(0)}]`]);
});
