/** One temporary folder, one network, and the processes that work in them; nothing of all is left afterwards. */
import type { InteropClient } from "./clients/client.ts";
import type { Content } from "./content.ts";
import { OurPeer } from "./our_peer.ts";
import { OwnNetwork } from "./own_network.ts";
import { type Launch, RunningProcess } from "./process.ts";
import type { InteropTracker } from "./trackers.ts";

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
  /** Where we and all trackers listen. */
  readonly address: string;
  readonly #folder: string;
  readonly #network: OwnNetwork;
  readonly #processes: RunningProcess[] = [];
  #folders = 0;
  #participants = 1;

  private constructor(folder: string, network: OwnNetwork) {
    this.#folder = folder;
    this.#network = network;
    this.address = network.address(this.#participants);
  }

  static async open(): Promise<Arena> {
    return new Arena(await Deno.makeTempDir({ prefix: "peer-interop-" }), await OwnNetwork.open());
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
    const tracker = job.trackerPort === undefined ? "--no-tracker" : `--tracker-port=${job.trackerPort}`;
    const args = [`--host=${this.address}`, "--port=0", tracker, ...job.args ?? [], job.torrent];
    const peer = new OurPeer(home, args, this.#network.spawn);
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
      // An address for each: Transmission keeps one connection to an address, and aria2, which dials itself
      // when a tracker names it, bans its own.
      address: this.#network.address(++this.#participants),
      port: freePort(),
      mustEncrypt: job.mustEncrypt ?? false,
      localDiscovery: false,
    });
    return { folder, process: this.#run(launch) };
  }

  /** Starts a tracker of somebody else for the swarm of `content`; HTTP and UDP answer on the returned port. */
  async track(
    tracker: InteropTracker,
    content: Content,
  ): Promise<{ port: number; process: RunningProcess }> {
    const port = freePort();
    const home = await this.newFolder();
    const launch = await tracker.prepare({ infoHash: content.infoHash, home, address: this.address, port });
    return { port, process: this.#run(launch) };
  }

  #run(launch: Launch): RunningProcess {
    const process = new RunningProcess(launch, undefined, this.#network.spawn);
    this.#processes.push(process);
    return process;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    await this.#network[Symbol.asyncDispose]();
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
