import { join } from "node:path";
import { encodeMetainfo, type Metainfo } from "../../../lib/protocol/metainfo.ts";
import { type PeerEvent, PeerRun } from "./peer_run.ts";
import { Program } from "./program.ts";

/** A torrent of one file. */
interface OneFileTorrent {
  readonly metainfo: Metainfo;
  /** The whole file, where the process is to have it from the start. */
  readonly data?: Uint8Array;
}

/** One `peer` process on loopback without tracker and local discovery, in a home of its own that goes with it. */
export class PeerProcess implements AsyncDisposable {
  readonly home = Deno.makeTempDirSync({ prefix: "peer-process-" });
  readonly run: PeerRun;
  readonly pid: number;
  /** 0 until it is ready. */
  port = 0;
  /** Torrents it has joined. */
  joined = 0;

  readonly #awaited = new Map<string, (event: PeerEvent) => void>();

  constructor(torrents: readonly OneFileTorrent[], args: readonly string[] = [], program = new Program()) {
    for (const folder of ["torrents", "shareable"]) Deno.mkdirSync(join(this.home, folder));
    const paths = torrents.map(({ metainfo, data }, i) => {
      if (data !== undefined) Deno.writeFileSync(join(this.home, "shareable", metainfo.name), data);
      const path = join(this.home, "torrents", `${i}.torrent`);
      Deno.writeFileSync(path, encodeMetainfo(metainfo.rawInfo, { announceTiers: [] }));
      return path;
    });
    const common = ["--host", "127.0.0.1", "--port", "0", "--no-tracker", "--no-lsd", "--progress", "json"];
    const child = program.with([...paths, "--home", this.home, ...common, ...args], {
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = child.pid;
    this.run = new PeerRun("peer", child, (event) => this.#hear(event));
    this.run.ended.catch(() => {});
  }

  /** The next event of this name that it tells. */
  next(name: string): Promise<PeerEvent> {
    return new Promise((resolve) => this.#awaited.set(name, resolve));
  }

  #hear(event: PeerEvent): void {
    this.#awaited.get(event.event)?.(event);
    if (event.event === "ready") this.port = event.port as number;
    if (event.event === "torrent") this.joined++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run.stop();
    Deno.removeSync(this.home, { recursive: true });
  }
}
