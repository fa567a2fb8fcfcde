import { join } from "node:path";
import type { Metainfo } from "../../lib/protocol/metainfo.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import type { Program } from "../harness/processes/program.ts";
import type { Aim } from "./workloads.ts";

/** What a torrent's last `torrent` or `progress` event told. */
interface TorrentState {
  have: number;
  isComplete: boolean;
}

/** Words of events that must not come in any life: nothing is wrong with the disk, the data or the state. */
const FAILURES: readonly string[] = ["corrupt", "warning", "error"];

/** One life of a downloading process, from its start with a home folder to its end. */
export class Life {
  readonly run: PeerRun;
  readonly startedAt = performance.now();
  /** Milliseconds on the clock of `performance`; undefined before. */
  readyAt: number | undefined;
  joinedAt: number | undefined;
  /** Resolve when it listens, has joined all torrents, and has all their data in its final place. */
  readonly ready = Promise.withResolvers<number>();
  readonly joined = Promise.withResolvers<void>();
  readonly complete = Promise.withResolvers<void>();
  /** Bytes of whole pieces it had when it had joined all torrents; about a piece too many at most. */
  bytesAtStart = 0;
  /** Pieces a third party gets from it; resolves after its end. */
  verifying = Promise.resolve(0);
  /** Events that must not come. */
  readonly failures: string[] = [];
  readonly #over = new AbortController();
  readonly #home: string;
  readonly #torrents: ReadonlyMap<string, Metainfo>;
  readonly #states = new Map<string, TorrentState>();

  /** Starts a process that joins `named`, or every torrent of `home`; `torrents` are those, by info-hash. */
  constructor(
    program: Program,
    home: string,
    torrents: ReadonlyMap<string, Metainfo>,
    named: readonly string[],
    maxUpload: number,
  ) {
    this.#home = home;
    this.#torrents = torrents;
    const args = ["start", "--home", home, "--host", "127.0.0.1", "--port", "0", "--no-tracker"];
    const more = ["--no-lsd", "--progress", "json", "--max-upload", String(maxUpload), ...named];
    const child = program.with([...args, ...more], { stdout: "piped", stderr: "piped" }).spawn();
    this.run = new PeerRun("downloader", child, (event) => this.#observe(event));
  }

  /** Aborted with its end. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    this.#over.abort();
    await this.run.kill();
  }

  /** Ends it as Ctrl-C does; false when it did not stop cleanly. */
  async stop(): Promise<boolean> {
    this.#over.abort();
    return await this.run.stop();
  }

  get isComplete(): boolean {
    return this.#isJoined && this.#states.values().every((state) => state.isComplete);
  }

  /** How far it has come: what a kill now hits. Kills that were aimed at a flush count as such. */
  phase(aim: Aim): Aim {
    if (this.readyAt === undefined) return "start-up";
    if (!this.#isJoined) return "checking";
    if (this.isComplete) return "complete";
    if (this.isMoving) return "moving";
    return aim === "noting" || aim === "syncing" ? aim : "downloading";
  }

  get #isJoined(): boolean {
    return this.#states.size === this.#torrents.size;
  }

  /** Whether some torrent has all its data, but not yet in its final place. */
  get isMoving(): boolean {
    for (const [infoHash, { have, isComplete }] of this.#states) {
      const { layout, files } = this.#torrents.get(infoHash)!;
      if (isComplete) continue;
      if (have === layout.pieceCount) return true;
      if (files.some(({ path }) => exists(join(this.#home, "shareable", ...path)))) return true;
    }
    return false;
  }

  #observe(event: PeerEvent): void {
    const infoHash = String(event.infoHash);
    if (event.event === "ready") {
      this.readyAt = performance.now();
      this.ready.resolve(Number(event.port));
    } else if (event.event === "torrent") {
      this.#torrentJoined(infoHash, Number(event.have), event.seeding === true);
    } else if (event.event === "progress" && this.#states.has(infoHash)) {
      this.#states.get(infoHash)!.have = Number(event.have);
    } else if (event.event === "complete") {
      this.#states.get(infoHash)!.isComplete = true;
    } else if (FAILURES.includes(event.event)) {
      this.failures.push(`${event.event}: ${JSON.stringify(event)}`);
    }
    if (this.isComplete) this.complete.resolve();
  }

  #torrentJoined(infoHash: string, have: number, isComplete: boolean): void {
    const { layout } = this.#torrents.get(infoHash)!;
    this.#states.set(infoHash, { have, isComplete });
    this.bytesAtStart += Math.min(have * layout.pieceLength, layout.totalLength);
    if (!this.#isJoined) return;
    this.joinedAt = performance.now();
    this.joined.resolve();
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
