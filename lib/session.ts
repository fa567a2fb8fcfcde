/**
 * One running process: client, server and tracker at once. It builds every part, starts it and stops it.
 *
 *   ui → Session → listener, dialer, announcers, tracker servers → swarms → pieces on disk
 *
 * Every loop it starts is tracked and ends with `stop`.
 */
import { join } from "node:path";
import { DiskWorkers } from "./disk/disk_workers.ts";
import { watchFolder } from "./disk/folder_watch.ts";
import { ResumeStore } from "./disk/resume_store.ts";
import { StateLock } from "./disk/state_lock.ts";
import { storageFailure } from "./disk/storage_failure.ts";
import { messageOf } from "./errors.ts";
import { type JoinContext, JoinedTorrent } from "./joined_torrent.ts";
import type { Logger } from "./log.ts";
import { toByteString } from "./protocol/bytes.ts";
import { parseEndpoint } from "./protocol/endpoint.ts";
import type { InfoHash } from "./protocol/info_hash.ts";
import type { Metainfo } from "./protocol/metainfo.ts";
import { createPeerId, PEER_ID_LENGTH } from "./protocol/peer_id.ts";
import { Connections } from "./net/connections.ts";
import { Dialer } from "./net/dialer.ts";
import { HttpServer } from "./net/http_server.ts";
import type { IpFilter } from "./net/ip_filter.ts";
import { Listener } from "./net/listener.ts";
import { ownAddressFor } from "./net/own_addresses.ts";
import { createSharedBuffers } from "./net/peer_connection.ts";
import { RateLimiter } from "./net/rate_limiter.ts";
import { TrackerServer } from "./net/tracker_server.ts";
import { UdpTrackerServer } from "./net/udp_tracker_server.ts";
import { type EncryptionPolicy, PORTS, STORAGE, TICK_MS, VERSION } from "./settings.ts";
import type { FileChoice } from "./swarm/file_selection.ts";
import type { SwarmEvent, SwarmSnapshot } from "./swarm/ports.ts";
import { SwarmRegistry } from "./swarm/swarm_registry.ts";
import { TrackerTable } from "./swarm/tracker_table.ts";
import { readTorrent } from "./torrent_tools.ts";

export { type IpFilter, loadIpFilter } from "./net/ip_filter.ts";
export type { Role, SwarmSnapshot } from "./swarm/ports.ts";

/** How a session is to run. */
export interface SessionOptions {
  /** Absolute path of the folder that holds `torrents/`, `shareable/` and `state/`. */
  readonly home: string;
  /** Address to listen on; undefined: all. */
  readonly host: string | undefined;
  /** Undefined: the first free one of `PORTS.peer`; 0: any free one. */
  readonly port: number | undefined;
  /** Undefined: the first free one of `PORTS.tracker`; 0: any free one. */
  readonly trackerPort: number | undefined;
  readonly runTracker: boolean;
  /** Whether the tracker serves any info-hash, not only those this machine shares. */
  readonly openTracker: boolean;
  /** Whether a seeder shows each piece to one peer only at first (BEP 16). */
  readonly superSeeds: boolean;
  readonly uploadSlots: number;
  readonly downloadSources: number;
  readonly rechokeMs: number;
  /** Bytes per second for the whole process; undefined: no limit. */
  readonly maxUpload: number | undefined;
  readonly maxDownload: number | undefined;
  readonly encryption: EncryptionPolicy;
  /** Addresses that are neither dialled nor let in; undefined: none. */
  readonly ipFilter: IpFilter | undefined;
  /** Which files are wanted, and in which order, of every torrent. */
  readonly files: FileChoice;
  readonly log: Logger;
  /** Called at once and in order. */
  observe(event: SessionEvent): void;
}

/** Something that happened (INTERFACE.md, JSON events); `progress` is what `snapshot` is for. */
export type SessionEvent =
  | SwarmEvent
  | {
    readonly event: "ready";
    readonly version: string;
    readonly peerId: string;
    readonly port: number;
    readonly trackerPort: number | null;
    readonly home: string;
    readonly pid: number;
  }
  | ({ readonly event: "torrent" } & TorrentFacts)
  | { readonly event: "warning" | "error"; readonly code: string; readonly message: string }
  | { readonly event: "stopped" };

type TorrentFacts = Pick<
  SwarmSnapshot,
  "infoHash" | "name" | "role" | "seeding" | "length" | "pieceLength" | "pieces" | "have"
>;

/** The parts that exist as long as the session does. */
interface Parts {
  readonly lock: StateLock;
  readonly resume: ResumeStore;
  readonly listener: Listener;
  readonly http: HttpServer | undefined;
  readonly udpTracker: UdpTrackerServer | undefined;
  readonly connections: Connections;
  readonly registry: SwarmRegistry;
  readonly peerId: Uint8Array;
}

const now = () => performance.now();

/** A running session. */
export class Session {
  readonly #options: SessionOptions;
  readonly #parts: Parts;
  readonly #workers = new DiskWorkers();
  readonly #stopping = new AbortController();
  readonly #dialer: Dialer;
  readonly #isBlocked: (address: string) => boolean;
  /** Loops that end with the session. */
  readonly #loops: Promise<unknown>[] = [];
  readonly #joined = new Map<InfoHash, JoinedTorrent>();
  /** Torrents whose data on disk is being looked at, with the pieces looked at so far. */
  readonly #checking = new Map<InfoHash, { readonly metainfo: Metainfo; checked: number }>();
  readonly #trackerKey = crypto.getRandomValues(new Uint32Array(1))[0];
  readonly #timer: ReturnType<typeof setInterval>;
  #lastFullTurnAt = now();
  #lastTotalsAt = now();

  /** Starts a session. Errors: `Error` that says what is in the way: a port, the lock, the disk. */
  static async start(options: SessionOptions): Promise<Session> {
    const { home } = options;
    for (const folder of ["torrents", "shareable", "state"]) {
      try {
        await Deno.mkdir(join(home, folder), { recursive: true });
      } catch (error) {
        throw storageFailure(`make the folder ${join(home, folder)}`, error);
      }
    }
    const opened: (() => void | Promise<void>)[] = [];
    try {
      const lock = await StateLock.take(home);
      opened.push(() => lock.release());
      const resume = await ResumeStore.open(
        home,
        (message) => options.observe({ event: "warning", code: "state", message }),
      );
      opened.push(async () => {
        // A session that never began leaves the last one's clean stop as it was.
        if (resume.wasClean) await resume.markClean().catch(() => {});
        resume.close();
      });
      return new Session(options, lock, resume, opened);
    } catch (error) {
      for (const close of opened.reverse()) await close();
      throw error;
    }
  }

  private constructor(
    options: SessionOptions,
    lock: StateLock,
    resume: ResumeStore,
    opened: (() => void | Promise<void>)[],
  ) {
    this.#options = options;
    const peerId = createPeerId(crypto.getRandomValues(new Uint8Array(PEER_ID_LENGTH)));
    const limiter = (rate: number | undefined) => rate === undefined ? undefined : new RateLimiter(rate, now);
    const { host, log, ipFilter } = options;
    this.#isBlocked = (address) => ipFilter?.has(address) ?? false;
    const connections = new Connections({
      ...createSharedBuffers(now),
      uploadLimit: limiter(options.maxUpload),
      downloadLimit: limiter(options.maxDownload),
      now,
      peerId,
      encryption: options.encryption,
      log,
    });
    const listener = new Listener({
      host,
      port: options.port,
      ports: PORTS.peer,
      connections,
      findSwarm: (infoHash) => this.#parts.registry.find(infoHash),
      isBlocked: this.#isBlocked,
      findInfoHash: (skeyHash) => this.#parts.registry.findInfoHash(skeyHash),
    });
    const { signal } = this.#stopping;
    opened.push(() => this.#stopping.abort());
    const table = new TrackerTable({ open: options.openTracker, random: Math.random, ownAddressFor });
    const registry = new SwarmRegistry(table, { peerId, port: listener.port });
    this.#loops.push(listener.run(signal));
    const http = options.runTracker
      ? new HttpServer({ host, port: options.trackerPort, ports: PORTS.tracker, log })
      : undefined;
    if (http !== undefined) opened.push(() => http.stop());
    const udpTracker = http && this.#serveTracker(http, table);
    this.#parts = { lock, resume, listener, http, udpTracker, connections, registry, peerId };
    this.#dialer = new Dialer(connections, signal);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    options.observe({
      event: "ready",
      version: VERSION,
      peerId: toByteString(peerId),
      port: listener.port,
      trackerPort: http?.port ?? null,
      home: options.home,
      pid: Deno.pid,
    });
  }

  /** Puts the embedded tracker on the HTTP server, and its UDP side on the same port number. */
  #serveTracker(http: HttpServer, table: TrackerTable): UdpTrackerServer | undefined {
    const { host, log } = this.#options;
    const server = new TrackerServer({
      table,
      now,
      membershipChanged: (infoHash, endpoint, hasLeft) => {
        this.#parts.registry.membershipChanged(infoHash, endpoint, hasLeft, now());
      },
    });
    http.addRoutes(server.routes());
    try {
      const udp = new UdpTrackerServer({ host, port: http.port, server, now, log });
      this.#loops.push(udp.run(this.#stopping.signal));
      return udp;
    } catch (error) {
      // Whoever asks by HTTP is served all the same.
      log.warn(`no UDP tracker: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Where peers reach us. */
  get port(): number {
    return this.#parts.listener.port;
  }

  /**
   * Joins the swarm of a `.torrent` file; `peers` (`HOST:PORT`) are dialled at once. Resolves when it is known
   * what is there already; a torrent that was joined before is left as it is.
   *
   * Errors: `MetainfoError`; `RangeError` when no file of it is wanted; `StorageError`.
   */
  async add(torrentPath: string, peers: readonly string[]): Promise<InfoHash> {
    const metainfo = await readTorrent(torrentPath);
    const { infoHash } = metainfo;
    if (this.#joined.has(infoHash) || this.#checking.has(infoHash)) return infoHash;
    const checking = { metainfo, checked: 0 };
    this.#checking.set(infoHash, checking);
    try {
      await this.#join(metainfo, peers, (checked) => checking.checked = checked);
    } finally {
      this.#checking.delete(infoHash);
    }
    return infoHash;
  }

  async #join(
    metainfo: Metainfo,
    peers: readonly string[],
    onChecked: (checked: number) => void,
  ): Promise<void> {
    const joined = await JoinedTorrent.join(metainfo, this.#joinContext(), onChecked);
    const { swarm, announcer } = joined;
    this.#joined.set(swarm.infoHash, joined);
    this.#parts.registry.add(swarm);
    this.#options.observe({ event: "torrent", ...factsOf(swarm.snapshot(now())) });
    swarm.addPeers(endpointsOf(peers), "user");
    swarm.addPeers(endpointsOf(await joined.rememberedPeers()), "user");
    announcer.tick();
    this.#loops.push(joined.useWebSeeds(this.#parts.connections.options));
  }

  #joinContext(): JoinContext {
    const { home, log, files, superSeeds, uploadSlots, downloadSources, rechokeMs } = this.#options;
    const { resume, peerId, http } = this.#parts;
    return {
      home,
      workers: this.#workers,
      resume,
      log,
      self: { peerId, client: `peer ${VERSION}`, listenPort: this.port, trackerPort: http?.port },
      places: { superSeeds, uploadSlots, downloadSources, rechokeMs },
      files,
      trackerKey: this.#trackerKey,
      supportsCrypto: this.#options.encryption !== "off",
      isBlocked: this.#isBlocked,
      signal: this.#stopping.signal,
      now,
      report: (event) => this.#swarmReported(event),
    };
  }

  #swarmReported(event: SwarmEvent): void {
    this.#options.observe(event);
    const joined = this.#joined.get(event.infoHash);
    if (joined === undefined) return;
    // What is due is done at once, but not inside the swarm's method that reports.
    if (event.event === "peers") queueMicrotask(() => this.#dialer.dialAll([joined.swarm]));
    if (event.event === "status") this.#parts.registry.statusChanged(joined.swarm);
    if (event.event === "complete" && joined.swarm.seeding) joined.announcer.completed();
  }

  /** Joins whatever `.torrent` files come into `torrents/` from now on; `known` are paths of those seen already. */
  watchTorrents(known: Iterable<string>): void {
    const onFile = (path: string) => {
      this.add(path, []).catch((error) => {
        if (this.#stopping.signal.aborted) return;
        this.#options.observe({ event: "warning", code: "torrent", message: `${path}: ${messageOf(error)}` });
      });
    };
    this.#loops.push(watchFolder(join(this.#options.home, "torrents"), known, onFile, this.#stopping.signal));
  }

  /** All torrents at this moment, as plain data; those still being checked too. */
  snapshot(): SwarmSnapshot[] {
    const time = now();
    const joined = Array.from(this.#joined.values(), ({ swarm }) => swarm.snapshot(time));
    const checking = Array.from(this.#checking.values(), ({ metainfo, checked }): SwarmSnapshot => ({
      infoHash: metainfo.infoHash,
      name: metainfo.name,
      role: "peer",
      seeding: false,
      length: metainfo.layout.totalLength,
      pieceLength: metainfo.layout.pieceLength,
      pieces: metainfo.layout.pieceCount,
      have: 0,
      missing: metainfo.layout.pieceCount,
      finished: false,
      downloaded: 0,
      uploaded: 0,
      downloadRate: 0,
      uploadRate: 0,
      connections: 0,
      uploadSlotsUsed: 0,
      downloadSourcesUsed: 0,
      checked,
      paused: undefined,
      peers: [],
    }));
    return [...joined, ...checking];
  }

  /** Moves busy torrents on; all of them, and the rest of the housekeeping, once a second. */
  #tick(): void {
    const time = now();
    const { registry, connections } = this.#parts;
    const isFullTurn = time - this.#lastFullTurnAt >= STORAGE.noteWrittenMs;
    registry.tick(time, isFullTurn);
    this.#dialer.dialAll(isFullTurn ? registry.swarms : registry.busySwarms);
    if (!isFullTurn) return;
    this.#lastFullTurnAt = time;
    connections.tick(time);
    const areTotalsDue = time - this.#lastTotalsAt >= STORAGE.noteTotalsMs;
    if (areTotalsDue) this.#lastTotalsAt = time;
    for (const joined of this.#joined.values()) {
      joined.announcer.tick();
      joined.flush(time);
      if (areTotalsDue) joined.saveTotals();
    }
  }

  /** Stops cleanly: trackers hear it, everything is saved, nothing is left running. */
  async stop(): Promise<void> {
    const { resume, lock, http, connections, listener } = this.#parts;
    const joined = [...this.#joined.values()];
    clearInterval(this.#timer);
    this.#stopping.abort();
    const goodbyes = joined.map(({ announcer }) => announcer.stop());
    for (const { swarm } of joined) swarm.stop();
    await Promise.all([...goodbyes, ...this.#loops, connections.stop(), http?.stop()]);
    const saved = await Promise.all(joined.map((each) => each.close()));
    let isAllSaved = saved.every((isSaved) => isSaved);
    try {
      await resume.savePorts({ peer: listener.port, tracker: http?.port ?? null });
      if (isAllSaved) await resume.markClean();
    } catch (error) {
      isAllSaved = false;
      this.#options.log.warn(`cannot save the resume state: ${messageOf(error)}`);
    }
    resume.close();
    this.#workers.close();
    lock.release();
    if (isAllSaved) this.#options.observe({ event: "stopped" });
  }
}

function factsOf(snapshot: SwarmSnapshot): TorrentFacts {
  const { infoHash, name, role, seeding, length, pieceLength, pieces, have } = snapshot;
  return { infoHash, name, role, seeding, length, pieceLength, pieces, have };
}

function endpointsOf(texts: readonly string[]) {
  return texts.map(parseEndpoint).filter((endpoint) => endpoint !== undefined);
}
