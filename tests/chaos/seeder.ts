import { join } from "node:path";
import { randomFillSync } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Metainfo } from "../../lib/protocol/metainfo.ts";
import { readTorrent } from "../../lib/session/torrent_tools.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import type { Program } from "../harness/processes/program.ts";
import type { Workload } from "./workloads.ts";

/** `progress` comes every second while anything changes; after this long nothing is on its way to us. */
const SETTLE_MS = 1_200;
const POLL_MS = 20;

/** The process that has all data, tracks it and lives on. It counts what it sends. */
export class Seeder {
  readonly home: string;
  readonly #program: Program;
  readonly #run: PeerRun;
  readonly #started = Promise.withResolvers<number>();
  readonly #joined = new Set<string>();
  /** Payload bytes sent so far by info-hash, and when that was told. */
  readonly #uploaded = new Map<string, number>();
  readonly #connections = new Map<string, number>();
  #lastTold: { readonly at: number; readonly uploaded: number } | undefined;
  #peakRate = 0;
  #hasEnded = false;

  /** Starts the process in an empty folder; it sends at most `rate` bytes per second. */
  constructor(program: Program, home: string, rate: number) {
    this.home = home;
    this.#program = program;
    const args = ["start", "--home", home, "--host", "127.0.0.1", "--port", "0", "--tracker-port", "0"];
    const more = ["--no-lsd", "--progress", "json", "--max-upload", String(rate)];
    const child = program.with([...args, ...more], { stdout: "piped", stderr: "piped" }).spawn();
    this.#run = new PeerRun("seeder", child, (event) => this.#observe(event));
    this.#run.ended.catch(() => this.#hasEnded = true);
  }

  /** Rejects when the process ends. */
  get ended(): Promise<never> {
    return this.#run.ended;
  }

  /** Payload bytes sent so far. */
  get uploaded(): number {
    return this.#uploaded.values().reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Most bytes sent in a second, as bytes per second, since this was asked last. */
  takePeakRate(): number {
    const rate = this.#peakRate;
    this.#peakRate = 0;
    return rate;
  }

  /** Makes random data and its torrents, waits until they are shared, and returns the torrents by info-hash. */
  async share(workload: Workload): Promise<Map<string, Metainfo>> {
    const trackerPort = await this.#started.promise;
    const torrents = new Map<string, Metainfo>();
    for (const { name, files } of workload.torrents) {
      for (const [path, length] of files) await writeRandomFile(join(this.home, "shareable", path), length);
      const torrent = join(this.home, "torrents", `${name}.torrent`);
      // Private where that can be, so that nothing but this tracker tells of peers.
      const isPrivate = workload.isMagnet ? [] : ["--private"];
      const args = [...isPrivate, "--announce", `127.0.0.1:${trackerPort}`, "--home", this.home];
      const { success, stderr } = await this.#program
        .with(["create", join(this.home, "shareable", name), ...args]).output();
      if (!success) throw new Error(new TextDecoder().decode(stderr));
      const metainfo = await readTorrent(torrent);
      torrents.set(metainfo.infoHash, metainfo);
    }
    while (!torrents.keys().every((infoHash) => this.#joined.has(infoHash))) await pause(POLL_MS);
    return torrents;
  }

  /** Waits until all that was sent is counted, and nobody is connected any more, or the process has ended. */
  async settled(): Promise<void> {
    await pause(SETTLE_MS);
    while (!this.#hasEnded && this.#connections.values().some((count) => count > 0)) await pause(POLL_MS);
  }

  async stop(): Promise<boolean> {
    return await this.#run.stop();
  }

  #observe(event: PeerEvent): void {
    const infoHash = String(event.infoHash);
    if (event.event === "ready") this.#started.resolve(Number(event.trackerPort));
    if (event.event === "torrent" && event.seeding === true) this.#joined.add(infoHash);
    if (event.event !== "progress") return;
    this.#uploaded.set(infoHash, Number(event.uploaded));
    this.#connections.set(infoHash, Number(event.connections));
    const last = this.#lastTold;
    // Several torrents are told of in one go.
    if (last !== undefined && event.time - last.at < 500) return;
    this.#lastTold = { at: event.time, uploaded: this.uploaded };
    if (last === undefined) return;
    const rate = (this.uploaded - last.uploaded) * 1_000 / (event.time - last.at);
    this.#peakRate = Math.max(this.#peakRate, rate);
  }
}

async function writeRandomFile(path: string, length: number): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  using file = await Deno.open(path, { write: true, createNew: true });
  const block = new Uint8Array(1024 * 1024);
  for (let left = length; left > 0;) {
    left -= await file.write(randomFillSync(block).subarray(0, left));
  }
}
