/** One temporary folder, one network, and the processes that work in them; nothing of all is left afterwards. */
import { isMagnet } from "../../lib/session/torrent_tools.ts";
import type { InteropClient } from "./clients/client.ts";
import type { Content } from "./content.ts";
import { OurPeer } from "./our_peer.ts";
import { OwnNetwork } from "../harness/processes/own_network.ts";
import { type Launch, RunningProcess, type Spawn } from "../harness/processes/running_process.ts";
import type { InteropTracker } from "./trackers.ts";

/** How long something in an arena may take. Transmission alone takes up to 15 s before it connects. */
export const PATIENCE_MS = 90_000;

/** Ports to try: below those the system hands out to outgoing connections, so that they stay free. */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/** Where an arena's processes run. Participants are numbered from 1. */
export interface ArenaNetwork extends AsyncDisposable {
  /** The address of a participant. */
  address(participant: number): string;
  /** Starts a process as a participant. */
  spawn(
    participant: number,
    command: string,
    args: string[],
    options: Deno.CommandOptions,
  ): Deno.ChildProcess;
}

/** How our own peer takes part. */
interface OurJob {
  /** Path of a `.torrent` file, or a magnet link; without one it is in no swarm. */
  readonly torrent?: string;
  /** Data it starts with, complete. */
  readonly content?: Content;
  /** Its home; a new folder unless told otherwise. */
  readonly home?: string;
  /** Port of its embedded tracker; without one it runs none. */
  readonly trackerPort?: number;
  readonly args?: readonly string[];
  /** Whether it is a participant of its own, and not where the trackers are. */
  readonly isElsewhere?: boolean;
}

/** How a client of somebody else takes part. */
interface TheirJob {
  /** Path of a `.torrent` file, or a magnet link. */
  readonly torrent: string;
  /** Data it starts with, complete. */
  readonly content?: Content;
  /** Where its data is or will be; a new folder unless told otherwise. */
  readonly folder?: string;
  readonly mustEncrypt?: boolean;
  readonly localDiscovery?: boolean;
}

/** A client of somebody else that takes part. */
interface TheirPeer {
  /** Where its data is, or will be. */
  readonly folder: string;
  /** Where it listens, as `host:port`. */
  readonly endpoint: string;
  readonly process: RunningProcess;
}

/** The place where one cell of the matrix is tried out. Dispose of it to stop and remove everything. */
export class Arena implements AsyncDisposable {
  /** Where we listen unless told otherwise, and all trackers. */
  readonly address: string;
  readonly #folder: string;
  readonly #network: ArenaNetwork;
  readonly #processes: RunningProcess[] = [];
  #folders = 0;
  #participants = 1;

  private constructor(folder: string, network: ArenaNetwork) {
    this.#folder = folder;
    this.#network = network;
    this.address = network.address(this.#participants);
  }

  /** Opens an arena in `network`, which it disposes of at its end. */
  static async open(network?: ArenaNetwork): Promise<Arena> {
    return new Arena(await Deno.makeTempDir({ prefix: "peer-interop-" }), network ?? await OwnNetwork.open());
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

  /** Starts our peer, and waits until it has joined the swarm; by magnet link or without a torrent, until it runs. */
  async join(job: OurJob): Promise<OurPeer> {
    const participant = job.isElsewhere ? ++this.#participants : 1;
    const home = job.home ?? await this.newFolder();
    await job.content?.writeData(`${home}/shareable`);
    const tracker = job.trackerPort === undefined ? "--no-tracker" : `--tracker-port=${job.trackerPort}`;
    const { torrent, args = [] } = job;
    const address = this.#network.address(participant);
    const named = torrent === undefined ? [] : [torrent];
    const spawn: Spawn = (...process) => this.#network.spawn(participant, ...process);
    const peer = new OurPeer(home, address, ["--port=0", tracker, ...args, ...named], spawn);
    this.#processes.push(peer.process);
    const isFile = torrent !== undefined && !isMagnet(torrent);
    await peer.whenEvent(isFile ? "torrent" : "ready", PATIENCE_MS);
    return peer;
  }

  /** Starts a client of somebody else; `folder` is where its data is or will be. */
  async joinAs(client: InteropClient, job: TheirJob): Promise<TheirPeer> {
    const participant = ++this.#participants;
    const address = this.#network.address(participant);
    const port = freePort();
    const folder = job.folder ?? await this.newFolder();
    await job.content?.writeData(folder);
    const launch = await client.prepare({
      torrent: job.torrent,
      folder,
      home: await this.newFolder(),
      // An address for each: Transmission keeps one connection to an address, and aria2, which dials itself
      // when a tracker names it, bans its own.
      address,
      port,
      mustEncrypt: job.mustEncrypt ?? false,
      localDiscovery: job.localDiscovery ?? false,
    });
    return { folder, endpoint: `${address}:${port}`, process: this.#run(launch, participant) };
  }

  /** Starts a tracker of somebody else for the swarm of `content`; HTTP and UDP answer on the returned port. */
  async track(
    tracker: InteropTracker,
    content: Content,
  ): Promise<{ port: number; process: RunningProcess }> {
    const port = freePort();
    const home = await this.newFolder();
    const launch = await tracker.prepare({ infoHash: content.infoHash, home, address: this.address, port });
    return { port, process: this.#run(launch, 1) };
  }

  /** A tracker port for one of us, and the announce URLs that lead there. */
  chooseTracker(scheme: "http" | "udp" = "http"): { trackerPort: number; announce: string[] } {
    const trackerPort = freePort();
    return { trackerPort, announce: [`${scheme}://${this.address}:${trackerPort}/announce`] };
  }

  /** Starts one of us that is a tracker for everybody and nothing else; with its announce URLs. */
  async openTracker(scheme: "http" | "udp"): Promise<{ tracker: OurPeer; announce: string[] }> {
    const { trackerPort, announce } = this.chooseTracker(scheme);
    const tracker = await this.join({ trackerPort, args: ["--open-tracker", "--no-lsd"] });
    return { tracker, announce };
  }

  #run(launch: Launch, participant: number): RunningProcess {
    const process = new RunningProcess(
      launch,
      undefined,
      (...started) => this.#network.spawn(participant, ...started),
    );
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
