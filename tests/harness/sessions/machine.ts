import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import {
  defaultOptions,
  Session,
  type SessionEvent,
  type SessionOptions,
  type TorrentSnapshot,
} from "../../../lib/session/session.ts";
import { createTorrent } from "../../../lib/session/torrent_tools.ts";
import { EVERYTHING } from "../../../lib/swarm/download/file_selection.ts";
import { until } from "./loopback_node.ts";

const KIB = 1024;

/** A process in a home folder of its own; sessions in it come and go. */
export class Machine implements AsyncDisposable {
  readonly home = Deno.makeTempDirSync({ prefix: "peer-session-" });
  /** Events of all its sessions so far. */
  readonly events: SessionEvent[] = [];
  session!: Session;
  #isRunning = false;

  static async start(options: Partial<SessionOptions> = {}): Promise<Machine> {
    const machine = new Machine();
    await machine.start(options);
    return machine;
  }

  async start(options: Partial<SessionOptions> = {}): Promise<void> {
    this.session = await Session.start({
      ...defaultOptions(this.home),
      host: "127.0.0.1",
      port: 0,
      trackerPort: 0,
      localDiscovery: false,
      files: EVERYTHING,
      observe: (event) => this.events.push(event),
      ...options,
    });
    this.#isRunning = true;
  }

  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    await this.session.stop();
  }

  /** Announce address of its tracker. */
  get tracker(): string {
    const ready = this.events.findLast(({ event }) => event === "ready");
    assert(ready?.event === "ready");
    return `http://127.0.0.1:${ready.trackerPort}/announce`;
  }

  /** Where peers reach it. */
  get address(): string {
    return `127.0.0.1:${this.session.port}`;
  }

  path(...names: string[]): string {
    return join(this.home, ...names);
  }

  /** Puts files into `shareable/` and makes a torrent of them in `torrents/`; returns the path of it. */
  async publish(
    files: ReadonlyMap<string, Uint8Array>,
    announce: string[],
    pieceLength = 64 * KIB,
    isPrivate = false,
  ): Promise<string> {
    for (const [path, content] of files) {
      await Deno.mkdir(dirname(this.path("shareable", path)), { recursive: true });
      await Deno.writeFile(this.path("shareable", path), content);
    }
    const [name] = [...files.keys()][0].split("/");
    const { path } = await createTorrent({
      home: this.home,
      path: this.path("shareable", name),
      announceTiers: announce.map((address) => [address]),
      pieceLength,
      isPrivate,
    }, () => {});
    return path;
  }

  swarm(infoHash: InfoHash): TorrentSnapshot {
    return this.session.snapshotOf(infoHash);
  }

  async completes(infoHash: InfoHash): Promise<void> {
    await until(() => this.swarm(infoHash).seeding, "complete", 20_000);
  }

  namesOf(event: string): SessionEvent[] {
    return this.events.filter((each) => each.event === event);
  }

  async assertHas(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [path, content] of files) {
      const found = await Deno.readFile(this.path("shareable", path));
      assert(found.length === content.length && found.every((byte, at) => byte === content[at]), path);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Deno.remove(this.home, { recursive: true });
  }
}
