/** One temporary folder and the processes that work in it; nothing of either is left afterwards. */
import type { InteropClient } from "./clients/client.ts";
import type { Content } from "./content.ts";
import { OurPeer } from "./our_peer.ts";
import { RunningProcess } from "./process.ts";
import type { InteropTracker } from "./trackers.ts";

/** Where we and all trackers listen. */
export const ADDRESS = "127.0.0.1";

/** Ports to try: below those the system hands out to outgoing connections, so that they stay free. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** How our own peer takes part. */
export interface OurJob {
  readonly torrent: string;
  /** Data it starts with, complete. */
  readonly content?: Content;
  /** Port of its embedded tracker; without one it runs none. */
  readonly trackerPort?: number;
  readonly args?: readonly string[];
}

/** How a client of somebody else takes part. */
export interface TheirJob {
  /** Path of a `.torrent` file, or a magnet link. */
  readonly torrent: string;
  /** Data it starts with, complete. */
  readonly content?: Content;
  readonly mustEncrypt?: boolean;
}

/** The place where one cell of the matrix is tried out. Dispose of it to stop and remove everything. */
export class Arena implements AsyncDisposable {
  readonly #folder: string;
  readonly #processes: RunningProcess[] = [];
  #folders = 0;
  #addresses = 1;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(): Promise<Arena> {
    return new Arena(await Deno.makeTempDir({ prefix: "peer-interop-" }));
  }

  /** A new folder in the arena. */
  async newFolder(): Promise<string> {
    const folder = `${this.#folder}/${++this.#folders}`;
    await Deno.mkdir(folder);
    return folder;
  }

  /** Writes the torrent of `content` for these announce URLs; returns its path. */
  async torrentOf(content: Content, announce: readonly string[]): Promise<string> {
    const path = `${await this.newFolder()}/content.torrent`;
    await content.writeTorrent(path, announce);
    return path;
  }

  /** Starts our peer, and waits until it has joined the swarm. */
  async join(job: OurJob): Promise<OurPeer> {
    const home = await this.newFolder();
    await job.content?.writeData(`${home}/shareable`);
    const trackerArgs = job.trackerPort === undefined
      ? ["--no-tracker"]
      : [`--tracker-port=${job.trackerPort}`];
    const peer = new OurPeer(home, [
      `--host=${ADDRESS}`,
      "--port=0",
      ...trackerArgs,
      ...job.args ?? [],
      job.torrent,
    ]);
    this.#processes.push(peer.process);
    await peer.whenEvent("torrent", 30_000);
    return peer;
  }

  /** Starts a client of somebody else; `folder` is where its data is or will be. */
  async joinAs(client: InteropClient, job: TheirJob): Promise<{ folder: string; process: RunningProcess }> {
    const folder = await this.newFolder();
    await job.content?.writeData(folder);
    const launch = await client.prepare({
      torrent: job.torrent,
      folder,
      home: await this.newFolder(),
      address: this.#newAddress(),
      port: freePort(),
      mustEncrypt: job.mustEncrypt ?? false,
      localDiscovery: false,
    });
    const process = new RunningProcess(launch);
    this.#processes.push(process);
    return { folder, process };
  }

  /** Starts a tracker of somebody else for the swarm of `content`; HTTP and UDP answer on the returned port. */
  async track(tracker: InteropTracker, content: Content): Promise<number> {
    const port = freePort();
    const home = await this.newFolder();
    const launch = await tracker.prepare({ infoHash: content.infoHash, home, address: ADDRESS, port });
    this.#processes.push(new RunningProcess(launch));
    return port;
  }

  /**
   * A loopback address of its own for each client. Transmission keeps one connection to an address, and aria2,
   * which dials itself when a tracker names it, bans its own.
   */
  #newAddress(): string {
    return `127.0.0.${++this.#addresses}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** A port on which nobody listens, neither with TCP nor with UDP, on any address. */
export function freePort(): number {
  const hostname = "0.0.0.0";
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      Deno.listen({ hostname, port }).close();
      Deno.listenDatagram({ hostname, port, transport: "udp" }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
