/**
 * One running process: client, server and tracker at once. It builds every part, starts it and stops it.
 *
 *   ui → Session → listener, dialer, announcers, tracker servers → swarms → pieces on disk
 *
 * Every loop it starts is tracked and ends with `stop`.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DiskWorkers } from "../disk/disk_workers.ts";
import { type FileLooks, watchFolder } from "../disk/folder_watch.ts";
import { ResumeStore } from "../disk/resume_store.ts";
import { StateLock } from "../disk/state_lock.ts";
import { storageFailure } from "../disk/storage_failure.ts";
import { messageOf } from "../errors.ts";
import { adviceOnLackOfData, adviceOnLoopback } from "./announce_advice.ts";
import { type JoinContext, JoinedTorrent } from "./joined_torrent.ts";
import { MagnetFetch, withMagnet } from "./magnet_fetch.ts";
import { toByteString } from "../protocol/bytes.ts";
import { scopeOf } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { type FileRange, type Magnet, parseMagnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { createPeerId, PEER_ID_LENGTH } from "../protocol/peer_id.ts";
import { Connections } from "../net/peers/connections.ts";
import { Dialer } from "../net/peers/dialer.ts";
import { EmbeddedTracker } from "../net/tracker/embedded_tracker.ts";
import { TrackerTraffic } from "../net/tracker/tracker_traffic.ts";
import { Listener } from "../net/peers/listener.ts";
import { LocalDiscovery } from "../net/discovery/local_discovery.ts";
import { addNamedPeers } from "../net/discovery/named_peers.ts";
import { isOwnEndpoint, ownAddressFor } from "../net/addresses/own_addresses.ts";
import { RateLimiter } from "../net/peers/rate_limiter.ts";
import { factsOf, type SessionOptions } from "./session_options.ts";
import { MAGNET_LIMITS, PORTS, STORAGE, TICK_MS, VERSION } from "../settings.ts";
import type { Surroundings } from "../surroundings.ts";
import { DEFAULT_CHOICES, Policy } from "../swarm/policy.ts";
import type { SwarmEvent, SwarmSnapshot } from "../swarm/ports.ts";
import { checkingSnapshot } from "../swarm/empty_snapshot.ts";
import { type AnySwarm, SwarmRegistry } from "../swarm/swarm_registry.ts";
import { TrackerTable } from "../swarm/tracker/tracker_table.ts";
import { findTorrent, saveTorrent } from "./torrent_folder.ts";
import { RoleKeeper } from "./role_keeper.ts";
import { readTorrent } from "./torrent_tools.ts";
import { waitingOf } from "./waiting.ts";

export { type IpFilter, loadIpFilter } from "../net/addresses/ip_filter.ts";
export { lookOf, torrentPaths } from "./torrent_folder.ts";
export { defaultOptions, type SessionEvent, type SessionOptions } from "./session_options.ts";
export type { Role, SwarmSnapshot } from "../swarm/ports.ts";

/** The parts that exist as long as the session does. */
interface Parts {
  readonly lock: StateLock;
  readonly resume: ResumeStore;
  readonly listener: Listener;
  readonly tracker: EmbeddedTracker | undefined;
  readonly connections: Connections;
  readonly registry: SwarmRegistry;
  readonly peerId: Uint8Array;
}

const now = () => performance.now();

function isPrivate(swarm: AnySwarm): boolean {
  return "metainfo" in swarm && swarm.metainfo.isPrivate;
}

/** A running session. */
export class Session {
  readonly #options: SessionOptions;
  readonly #parts: Parts;
  readonly #workers = new DiskWorkers();
  readonly #roles = new RoleKeeper();
  readonly #stopping = new AbortController();
  readonly #dialer: Dialer;
  readonly #surroundings: Surroundings;
  /** What holds for all torrents. */
  readonly #policy: Policy;
  readonly #limits: { readonly upload: RateLimiter; readonly download: RateLimiter };
  readonly #discovery: LocalDiscovery | undefined;
  /** Loops that end with the session. */
  readonly #loops: Promise<unknown>[] = [];
  readonly #joined = new Map<InfoHash, JoinedTorrent>();
  /** Magnet links whose torrent is not joined yet. */
  readonly #fetches = new Map<InfoHash, MagnetFetch>();
  /** Torrents whose data on disk is being looked at, with the pieces looked at so far. */
  readonly #checking = new Map<InfoHash, { readonly metainfo: Metainfo; checked: number }>();
  readonly #trackerTraffic = new TrackerTraffic(now, crypto.getRandomValues(new Uint32Array(1))[0]);
  readonly #timer: ReturnType<typeof setInterval>;
  #lastFullTurnAt = now();

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
    const { host, log, ipFilter, trustedProxies } = options;
    this.#policy = new Policy(DEFAULT_CHOICES, options.choices);
    this.#limits = {
      upload: new RateLimiter(this.#policy.maxUpload, now),
      download: new RateLimiter(this.#policy.maxDownload, now),
    };
    const ports = { listen: 0, tracker: undefined as number | undefined };
    const surroundings: Surroundings = {
      peerId,
      client: `peer ${VERSION}`,
      get listenPort() {
        return ports.listen;
      },
      get trackerPort() {
        return ports.tracker;
      },
      encryption: options.encryption,
      log,
      isOurselves: (endpoint) => isOwnEndpoint(endpoint, ports.listen),
      isBlocked: (address) => ipFilter?.has(address) ?? false,
      now,
      random: Math.random,
    };
    this.#surroundings = surroundings;
    const connections = new Connections(surroundings);
    const listener = new Listener({
      host,
      port: options.port,
      ports: PORTS.peer,
      connections,
      findSwarm: (infoHash) => this.#parts.registry.find(infoHash),
      findInfoHash: (skeyHash) => this.#parts.registry.findInfoHash(skeyHash),
    });
    ports.listen = listener.port;
    const { signal } = this.#stopping;
    opened.push(() => this.#stopping.abort());
    const table = new TrackerTable({ open: options.openTracker, random: Math.random, ownAddressFor });
    const registry = new SwarmRegistry(table, { peerId, port: listener.port });
    this.#loops.push(listener.run(signal));
    const tracker = options.runTracker
      ? new EmbeddedTracker({ host, port: options.trackerPort, registry, trustedProxies, now, log })
      : undefined;
    ports.tracker = tracker?.port;
    if (tracker !== undefined) opened.push(() => tracker.stop());
    this.#parts = { lock, resume, listener, tracker, connections, registry, peerId };
    this.#dialer = new Dialer(connections, signal);
    this.#discovery = options.localDiscovery ? this.#discoverPeers(listener.port) : undefined;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    options.observe({
      event: "ready",
      version: VERSION,
      peerId: toByteString(peerId),
      port: listener.port,
      trackerPort: tracker?.port ?? null,
      home: options.home,
      pid: Deno.pid,
    });
  }

  /** Looks for peers by multicast until the session stops. */
  #discoverPeers(port: number): LocalDiscovery {
    const { host, log } = this.#options;
    const discovery = new LocalDiscovery({
      host,
      port,
      log,
      heard: (infoHash, endpoint) => this.#parts.registry.find(infoHash)?.addPeers([endpoint], "lsd"),
    });
    this.#loops.push(discovery.run(this.#stopping.signal));
    return discovery;
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
    if (this.#isKnown(metainfo.infoHash)) return metainfo.infoHash;
    await this.#check(metainfo, peers);
    this.#adviseOn(metainfo, torrentPath);
    return metainfo.infoHash;
  }

  /**
   * Joins the swarm of a magnet link: fetches the metadata from peers, unless it was saved before, saves it in
   * `torrents/`, and goes on as `add` does, with the files that the link names where the user names none.
   *
   * Errors: `MetainfoError`; `StorageError`; the signal's reason when the session stops meanwhile.
   */
  async addMagnet(link: string, peers: readonly string[]): Promise<InfoHash> {
    const magnet = parseMagnet(link, MAGNET_LIMITS);
    const { infoHash, selectOnly } = magnet;
    if (this.#isKnown(infoHash)) return infoHash;
    const { home } = this.#options;
    for (const message of magnet.warnings) {
      this.#options.observe({ event: "warning", code: "magnet", message, infoHash });
    }
    const named = [...peers, ...magnet.peers];
    const saved = await findTorrent(join(home, "torrents"), infoHash);
    if (saved !== undefined) {
      await this.#check(withMagnet(saved, magnet), named, selectOnly);
    } else {
      const metainfo = await this.#fetch(magnet, named);
      await saveTorrent(home, metainfo);
      await this.#check(metainfo, named, selectOnly);
    }
    return infoHash;
  }

  /** Tells the user why others will not find this machine, unless it is to be found on loopback only. */
  #adviseOn(metainfo: Metainfo, torrentPath: string): void {
    const { host, home, observe } = this.#options;
    if (host !== undefined && scopeOf(host) === "loopback") return;
    const message = adviceOnLoopback(metainfo, torrentPath, home, Deno.networkInterfaces());
    if (message !== undefined) {
      observe({ event: "warning", code: "announce", message, infoHash: metainfo.infoHash });
    }
  }

  #isKnown(infoHash: InfoHash): boolean {
    return this.#joined.has(infoHash) || this.#checking.has(infoHash) || this.#fetches.has(infoHash);
  }

  #fetch(magnet: Magnet, peers: readonly string[]): Promise<Metainfo> {
    const fetch = new MagnetFetch(magnet, this.#joinContext());
    this.#fetches.set(magnet.infoHash, fetch);
    this.#parts.registry.add(fetch.swarm);
    this.#begin(fetch, peers);
    return fetch.metainfo;
  }

  /** Finds out what is there of a torrent, then joins its swarm. */
  async #check(
    metainfo: Metainfo,
    peers: readonly string[],
    selectOnly: readonly FileRange[] = [],
  ): Promise<void> {
    const { infoHash } = metainfo;
    const checking = { metainfo, checked: 0 };
    this.#checking.set(infoHash, checking);
    try {
      await this.#join(metainfo, peers, selectOnly, (checked) => checking.checked = checked);
    } finally {
      this.#checking.delete(infoHash);
    }
  }

  async #join(
    metainfo: Metainfo,
    peers: readonly string[],
    selectOnly: readonly FileRange[],
    onChecked: (checked: number) => void,
  ): Promise<void> {
    const joined = await JoinedTorrent.join(metainfo, selectOnly, this.#joinContext(), onChecked);
    const { swarm } = joined;
    const fetch = this.#fetches.get(swarm.infoHash);
    this.#fetches.delete(swarm.infoHash);
    this.#checking.delete(swarm.infoHash);
    this.#joined.set(swarm.infoHash, joined);
    this.#parts.registry.add(swarm);
    const facts = factsOf(swarm.snapshot(now()));
    this.#options.observe({ event: "torrent", ...facts });
    const lack = adviceOnLackOfData(facts, this.#options.home);
    if (lack !== undefined) joined.warnings.push(["no-data", lack]);
    for (const [code, message] of joined.warnings) {
      this.#options.observe({ event: "warning", code, message, infoHash: swarm.infoHash });
    }
    const leaving = fetch?.handOver();
    if (fetch !== undefined && !metainfo.isPrivate) swarm.adoptPeers(fetch.swarm.heardPeers);
    this.#begin(joined, peers);
    this.#loops.push(joined.useWebSeeds());
    joined.dataChanged.then(() => this.#loops.push(this.#joinAgain(joined, selectOnly)));
    this.#addPeers(swarm, await joined.rememberedPeers());
    await leaving;
  }

  /** Somebody changed data of a torrent: once they may be done, looks through all of it and joins anew. */
  async #joinAgain(joined: JoinedTorrent, selectOnly: readonly FileRange[]): Promise<void> {
    const { metainfo } = joined.swarm;
    const { infoHash } = metainfo;
    const { signal } = this.#stopping;
    this.#checking.set(infoHash, { metainfo, checked: 0 });
    try {
      await Promise.all([joined.leave(), delay(STORAGE.settleMs, undefined, { signal })]);
      await this.#check(metainfo, [], selectOnly);
    } catch (error) {
      if (signal.aborted) return;
      this.#options.observe({ event: "error", code: "storage", message: messageOf(error), infoHash });
    }
  }

  /** Lets a swarm look for peers: those named, local ones, and those its trackers know. */
  #begin({ swarm, announcer }: JoinedTorrent | MagnetFetch, peers: readonly string[]): void {
    const announced = this.#begun.filter(({ swarm }) => !isPrivate(swarm));
    this.#discovery?.announce(announced.map(({ swarm }) => swarm.infoHash));
    this.#addPeers(swarm, peers);
    announcer.tick();
  }

  #addPeers(swarm: AnySwarm, peers: readonly string[]): void {
    addNamedPeers(swarm, peers, this.#stopping.signal, this.#options.log);
  }

  #joinContext(): JoinContext {
    const { home, files } = this.#options;
    return {
      home,
      workers: this.#workers,
      resume: this.#parts.resume,
      surroundings: this.#surroundings,
      policy: this.#policy,
      limits: this.#limits,
      files,
      trackerTraffic: this.#trackerTraffic,
      signal: this.#stopping.signal,
      report: (event) => this.#swarmReported(event),
    };
  }

  #swarmReported(event: SwarmEvent): void {
    this.#options.observe(event);
    const { registry } = this.#parts;
    const swarm = registry.find(event.infoHash);
    // What is due is done at once, but not inside the swarm's method that reports.
    if (event.event === "peers" && swarm !== undefined) queueMicrotask(() => this.#dialer.dialAll([swarm]));
    const joined = this.#joined.get(event.infoHash);
    if (joined === undefined) return;
    if (event.event === "status" || event.event === "complete") registry.statusChanged(joined.swarm);
    if (event.event === "complete" && joined.swarm.seeding) joined.announcer.completed();
  }

  /** Joins `.torrent` files that come into `torrents/` or change there; `known` are looks of those read already. */
  watchTorrents(known: FileLooks): void {
    const onFile = (path: string) => {
      this.add(path, []).catch((error) => {
        if (this.#stopping.signal.aborted) return;
        this.#options.observe({ event: "warning", code: "torrent", message: `${path}: ${messageOf(error)}` });
      });
    };
    this.#loops.push(watchFolder(join(this.#options.home, "torrents"), known, onFile, this.#stopping.signal));
  }

  /** All torrents at this moment, as plain data; those without metadata or still being checked too. */
  snapshot(): SwarmSnapshot[] {
    const time = now();
    const checking = [...this.#checking.values()].map((each) =>
      checkingSnapshot(each.metainfo, each.checked)
    );
    const others = this.#begun.filter(({ swarm }) => !this.#checking.has(swarm.infoHash));
    return [...others.map((each) => this.#snapshotOf(each, time)), ...checking];
  }

  #snapshotOf({ swarm, announcer }: JoinedTorrent | MagnetFetch, now: number): SwarmSnapshot {
    const snapshot = swarm.snapshot(now);
    const { hasTrackers, failures, startedAt } = announcer;
    const usesMulticast = this.#discovery !== undefined && !isPrivate(swarm);
    const search = { hasTrackers, failures, usesMulticast, startedAt, now };
    return { ...snapshot, waiting: waitingOf(snapshot, search) };
  }

  /** Everything that has connections and trackers. */
  get #begun(): (JoinedTorrent | MagnetFetch)[] {
    return [...this.#joined.values(), ...this.#fetches.values()];
  }

  /** Moves busy torrents on; all of them, and the rest of the housekeeping, once a second. */
  #tick(): void {
    const time = now();
    const { registry, connections } = this.#parts;
    const isFullTurn = time - this.#lastFullTurnAt >= STORAGE.noteWrittenMs;
    if (!isFullTurn && connections.count === 0) return;
    registry.tick(time, isFullTurn);
    this.#dialer.dialAll(isFullTurn ? registry.swarms : registry.busySwarms);
    if (!isFullTurn) return;
    this.#lastFullTurnAt = time;
    connections.tick(time);
    for (const { announcer } of this.#begun) announcer.tick();
    for (const joined of this.#joined.values()) joined.flush(time);
    this.#roles.look(this.#joined.values());
  }

  /** Stops cleanly: trackers hear it, everything is saved, nothing is left running. */
  async stop(): Promise<void> {
    const { resume, lock, tracker, connections, listener } = this.#parts;
    clearInterval(this.#timer);
    this.#stopping.abort();
    const goodbyes = this.#begun.map(({ announcer }) => announcer.stop());
    for (const { swarm } of this.#begun) swarm.stop();
    await Promise.all([
      ...goodbyes,
      ...this.#loops,
      this.#roles.settled,
      connections.stop(),
      tracker?.stop(),
    ]);
    const saved = await Promise.all(Array.from(this.#joined.values(), (joined) => joined.close()));
    let isAllSaved = saved.every((isSaved) => isSaved);
    try {
      await resume.savePorts({ peer: listener.port, tracker: tracker?.port ?? null });
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
