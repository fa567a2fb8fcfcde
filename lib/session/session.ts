/**
 * The session is one running peer: client, server and tracker at once. It builds every part, starts it and stops it.
 *
 *   ui → Session → listener, dialer, announcers, tracker servers → swarms → pieces on disk
 *
 * Every loop it starts is tracked and ends with `stop`.
 */
import { join } from "node:path";
import { DiskWorkers } from "../disk/disk_workers.ts";
import { type FileLooks, watchFolder } from "../disk/folder_watch.ts";
import { ResumeStore } from "../disk/state/resume_store.ts";
import { StateLock } from "../disk/state/state_lock.ts";
import { storageFailure } from "../disk/storage_failure.ts";
import { messageOf } from "../errors.ts";
import { inForce } from "../precedence.ts";
import { adviceOnLoopback } from "./announce_advice.ts";
import type { FileWishes } from "./kept_choice.ts";
import { withMagnet } from "./magnet_fetch.ts";
import { toByteString } from "../protocol/bytes.ts";
import { scopeOf } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { parseMagnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { Connections } from "../net/peers/connections.ts";
import { Dialer } from "../net/peers/dialer.ts";
import { EmbeddedTracker } from "../net/tracker/embedded_tracker.ts";
import { TrackerTraffic } from "../net/tracker/tracker_traffic.ts";
import { Listener } from "../net/peers/listener.ts";
import { LocalDiscovery } from "../net/discovery/local_discovery.ts";
import { ownAddressFor } from "../net/addresses/own_addresses.ts";
import { RateLimiter } from "../net/peers/rate_limiter.ts";
import type { SessionOptions } from "./session_options.ts";
import { MAGNET_LIMITS, PORTS, STORAGE, TICK_MS, VERSION } from "../settings.ts";
import { type Changes, type Choices, DEFAULT_CHOICES, Policy, readChoices } from "../swarm/policy.ts";
import type { SwarmSnapshot } from "../swarm/ports.ts";
import type { FileView, PiecesView } from "../swarm/swarm_views.ts";
import { SwarmRegistry } from "../swarm/swarm_registry.ts";
import { TrackerTable } from "../swarm/tracker/tracker_table.ts";
import { findTorrent, NamedTorrents } from "./torrent_folder.ts";
import { RoleKeeper } from "./role_keeper.ts";
import { SessionSurroundings } from "./surroundings.ts";
import { Tasks } from "./tasks.ts";
import { Torrent, type TorrentContext, type TorrentSource } from "./torrent.ts";
import { readTorrent } from "./torrent_tools.ts";
import * as views from "./torrent_views.ts";
import type { TorrentDetails, TrackerView, WebSeedView } from "./torrent_views.ts";

export { type IpFilter, loadIpFilter } from "../net/addresses/ip_filter.ts";
export { lookOf, torrentPaths } from "./torrent_folder.ts";
export { defaultOptions, type SessionEvent, type SessionOptions } from "./session_options.ts";
export type { Choices } from "../swarm/policy.ts";
export type { RemotePeerSnapshot as PeerView, Role, SwarmSnapshot, TorrentState } from "../swarm/ports.ts";
export type { ActivePieceView, FileView, PiecesView } from "../swarm/swarm_views.ts";
export type { TorrentDetails, TrackerView, WebSeedView } from "./torrent_views.ts";
export type { FileWishes };

/** The parts on disk that must be open before a session can begin. */
interface State {
  readonly lock: StateLock;
  readonly resume: ResumeStore;
  /** The user's choices for all torrents in earlier runs. */
  readonly choices: Partial<Choices>;
}

/** A running session. */
export class Session {
  readonly #options: SessionOptions;
  readonly #state: State;
  readonly #surroundings: SessionSurroundings;
  /** The choices that hold for all torrents in this run, with those of the command line. */
  readonly #policy: Policy;
  /** The part of them that is kept for later runs. */
  readonly #kept: Policy;
  readonly #context: TorrentContext;
  readonly #workers = new DiskWorkers();
  readonly #roles = new RoleKeeper();
  readonly #stopping = new AbortController();
  readonly #listener: Listener;
  readonly #tracker: EmbeddedTracker | undefined;
  readonly #connections: Connections;
  readonly #registry: SwarmRegistry;
  readonly #dialer: Dialer;
  readonly #discovery: LocalDiscovery | undefined;
  /** Loops that end with the session, and writes under way. */
  readonly #tasks = new Tasks();
  readonly #torrents = new Map<InfoHash, Torrent>();
  readonly #named = new NamedTorrents();
  /** Ends when all torrents have been left whose files were taken out. */
  #leaving: Promise<void> = Promise.resolve();
  readonly #timer: ReturnType<typeof setInterval>;
  #lastFullTurnAt: number;

  /** Starts a session. Errors: `Error` whose message names the obstacle: a port, the lock, the disk. */
  static async start(options: SessionOptions): Promise<Session> {
    const { home } = options;
    for (const folder of ["torrents", "shareable", "state"]) {
      try {
        await Deno.mkdir(join(home, folder), { recursive: true });
      } catch (error) {
        throw storageFailure(`make the folder ${join(home, folder)}`, error);
      }
    }
    // Closes what is open, the last part first, unless the session begins.
    await using opened = new AsyncDisposableStack();
    const lock = await StateLock.take(home);
    opened.defer(() => lock.release());
    const resume = await ResumeStore.open(
      home,
      (message) => options.observe({ event: "warning", code: "state", message }),
    );
    opened.defer(async () => {
      // After a start that fails, the last session's clean stop is as valid as before.
      if (resume.wasClean) await resume.markClean().catch(() => {});
      resume.close();
    });
    const choices = readChoices(await resume.wishes());
    const session = new Session(options, { lock, resume, choices }, opened);
    opened.move();
    return session;
  }

  private constructor(options: SessionOptions, state: State, opened: AsyncDisposableStack) {
    this.#options = options;
    this.#state = state;
    const { home, host, log, files, observe, trustedProxies } = options;
    const surroundings = this.#surroundings = new SessionSurroundings(options);
    const { peerId, now, random } = surroundings;
    this.#lastFullTurnAt = now();
    this.#kept = new Policy(DEFAULT_CHOICES, state.choices);
    const { choices: commandLine, configured } = options;
    const chosen = inForce({ commandLine, kept: state.choices, file: configured.choices });
    this.#policy = new Policy(DEFAULT_CHOICES, chosen);
    const { signal } = this.#stopping;
    opened.defer(() => this.#stopping.abort());
    this.#connections = new Connections(surroundings);
    const listener = this.#listener = new Listener({
      host,
      port: options.port,
      ports: PORTS.peer,
      connections: this.#connections,
      findSwarm: (infoHash) => this.#registry.find(infoHash),
      findInfoHash: (skeyHash) => this.#registry.findInfoHash(skeyHash),
    });
    surroundings.listenPort = listener.port;
    this.#tasks.add(listener.run(signal));
    const table = new TrackerTable({ open: options.openTracker, random, ownAddressFor });
    const registry = this.#registry = new SwarmRegistry(table, { peerId, port: listener.port });
    const tracker = this.#tracker = options.runTracker
      ? new EmbeddedTracker({ host, port: options.trackerPort, registry, trustedProxies, now, log })
      : undefined;
    surroundings.trackerPort = tracker?.port;
    if (tracker !== undefined) opened.defer(() => tracker.stop());
    this.#dialer = new Dialer(this.#connections, signal);
    this.#discovery = options.localDiscovery ? this.#discoverPeers(listener.port) : undefined;
    this.#context = {
      home,
      workers: this.#workers,
      resume: state.resume,
      surroundings,
      trackerTraffic: new TrackerTraffic(now, crypto.getRandomValues(new Uint32Array(1))[0]),
      registry,
      policy: this.#policy,
      limits: {
        upload: new RateLimiter(this.#policy.maxUpload, now),
        download: new RateLimiter(this.#policy.maxDownload, now),
      },
      files,
      configuredFiles: configured.files,
      usesMulticast: this.#discovery !== undefined,
      observe,
      // The dialer acts at once, but not inside the method of the swarm that reports.
      dial: (swarm) => queueMicrotask(() => this.#dialer.dialAll([swarm])),
      seekingChanged: () => this.#announceLocally(),
    };
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    observe({
      event: "ready",
      version: VERSION,
      peerId: toByteString(peerId),
      port: listener.port,
      trackerPort: tracker?.port ?? null,
      home,
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
      heard: (infoHash, endpoint) => this.#registry.find(infoHash)?.addPeers([endpoint], "lsd"),
    });
    this.#tasks.add(discovery.run(this.#stopping.signal));
    return discovery;
  }

  /** Announces by multicast all torrents that look for peers, except private ones. */
  #announceLocally(): void {
    const seeking = [...this.#torrents.values()].filter(({ isSeeking, isPrivate }) =>
      isSeeking && !isPrivate
    );
    this.#discovery?.announce(seeking.map(({ infoHash }) => infoHash));
  }

  /** The port at which peers reach us. */
  get port(): number {
    return this.#listener.port;
  }

  // Adding

  /**
   * Joins the swarm of a `.torrent` file, and dials `peers` (`HOST:PORT`) at once. Resolves when the data on disk has
   * been checked. A torrent that was added before stays as it is, unless it has failed.
   *
   * Errors: `MetainfoError`; `RangeError` when no file of it is wanted; `StorageError`.
   */
  async add(torrentPath: string, peers: readonly string[]): Promise<InfoHash> {
    const metainfo = await readTorrent(torrentPath);
    const { infoHash } = metainfo;
    this.#leaveUnlessNamed(this.#named.note(torrentPath, infoHash));
    if (this.#isUnderWay(infoHash)) return infoHash;
    await this.#begin({ infoHash, metainfo, peers });
    this.#adviseOn(metainfo, torrentPath);
    return infoHash;
  }

  /**
   * Joins the swarm of a magnet link: fetches the metadata from peers unless `torrents/` has it, saves it there, and
   * goes on as `add` does. The link chooses the files where the user has not chosen any.
   *
   * Errors: `MetainfoError`; `StorageError`; the reason of the end when the torrent or the session ends meanwhile.
   */
  async addMagnet(link: string, peers: readonly string[]): Promise<InfoHash> {
    const magnet = parseMagnet(link, MAGNET_LIMITS);
    const { infoHash } = magnet;
    if (this.#isUnderWay(infoHash)) return infoHash;
    for (const message of magnet.warnings) {
      this.#options.observe({ event: "warning", code: "magnet", message, infoHash });
    }
    const saved = await findTorrent(join(this.#options.home, "torrents"), infoHash);
    const metainfo = saved && withMagnet(saved, magnet);
    if (!this.#isUnderWay(infoHash)) await this.#begin({ infoHash, metainfo, magnet, peers });
    return infoHash;
  }

  #isUnderWay(infoHash: InfoHash): boolean {
    const torrent = this.#torrents.get(infoHash);
    return torrent !== undefined && torrent.state !== "failed";
  }

  /** Begins a torrent, or tries again one that has failed. */
  async #begin(source: TorrentSource): Promise<void> {
    this.#stopping.signal.throwIfAborted();
    const { infoHash } = source;
    const torrent = this.#torrents.get(infoHash) ?? new Torrent(source, this.#context);
    this.#torrents.set(infoHash, torrent);
    torrent.start();
    try {
      await torrent.whenJoined;
    } catch (error) {
      // The user wants no file of it, so the session does not keep it.
      if (error instanceof RangeError) {
        this.#torrents.delete(infoHash);
        await torrent.stop();
      }
      throw error;
    }
  }

  /** Tells the user why others will not find this machine; a session that listens on loopback only needs no advice. */
  #adviseOn(metainfo: Metainfo, torrentPath: string): void {
    const { host, home, observe } = this.#options;
    if (host !== undefined && scopeOf(host) === "loopback") return;
    const message = adviceOnLoopback(metainfo, torrentPath, home, Deno.networkInterfaces());
    if (message !== undefined) {
      observe({ event: "warning", code: "announce", message, infoHash: metainfo.infoHash });
    }
  }

  /**
   * Joins `.torrent` files that appear or change in `torrents/`, and leaves torrents whose last file disappears;
   * `known` holds the looks of the files read before.
   */
  watchTorrents(known: FileLooks): void {
    const { home, observe } = this.#options;
    const { signal } = this.#stopping;
    const came = (path: string) => {
      this.#leaving.then(() => this.add(path, [])).catch((error) => {
        if (signal.aborted) return;
        observe({ event: "warning", code: "torrent", message: `${path}: ${messageOf(error)}` });
      });
    };
    const left = (path: string) => this.#leaveUnlessNamed(this.#named.forget(path));
    this.#tasks.add(watchFolder(join(home, "torrents"), known, { came, left }, signal));
  }

  /** Leaves a torrent that no file names any more; all there is of it is kept for the case that it comes back. */
  #leaveUnlessNamed(infoHash: InfoHash | undefined): void {
    const torrent = infoHash && this.#torrents.get(infoHash);
    if (torrent === undefined || this.#named.has(torrent.infoHash)) return;
    this.#leaving = this.#leaving.then(async () => {
      await torrent.stop();
      await torrent.close();
      this.#registry.remove(torrent.infoHash);
      this.#torrents.delete(torrent.infoHash);
      this.#announceLocally();
    });
    this.#tasks.add(this.#leaving);
  }

  // Orders of the user. Each takes effect at once; choices hold at later starts too.

  /** Whether the session has this torrent. */
  has(infoHash: InfoHash): boolean {
    return this.#torrents.has(infoHash);
  }

  /** The torrent of an info-hash. Errors: `RangeError` when there is no such torrent. */
  #torrent(infoHash: InfoHash): Torrent {
    const torrent = this.#torrents.get(infoHash);
    if (torrent === undefined) throw new RangeError(`Expected a torrent of this session, got ${infoHash}`);
    return torrent;
  }

  /** Lets a torrent rest until `resume`: no connections, no announces. Errors: `RangeError` for an unknown torrent. */
  pause(infoHash: InfoHash): void {
    this.#torrent(infoHash).pause();
  }

  /** Goes on with a torrent that was paused, or tries again one that has failed. Errors: as `pause`. */
  resume(infoHash: InfoHash): void {
    this.#torrent(infoHash).resume();
  }

  /** Checks all data of a torrent again, and fetches bad pieces again. Errors: as `pause`. */
  verify(infoHash: InfoHash): void {
    this.#torrent(infoHash).verify();
  }

  /**
   * Changes which files of a torrent are wanted, or their order; a wish that is left out stays as it is.
   * Errors: `RangeError` for an unknown torrent, and when no file would be wanted; then nothing has changed.
   */
  async select(infoHash: InfoHash, wishes: FileWishes): Promise<void> {
    await this.#torrent(infoHash).select(wishes);
  }

  /**
   * Chooses limits, slots, sources and the like for one torrent, or without `infoHash` for all of them; rates chosen
   * for all hold for the whole process. A member that is undefined returns to the value for all, and for all to the
   * setting of `peer.toml` or the default.
   *
   * Errors: `RangeError` for an unknown torrent and for a value out of range; then nothing has changed.
   */
  choose(choices: Changes, infoHash?: InfoHash): void {
    if (infoHash !== undefined) return this.#torrent(infoHash).choose(choices);
    const configured = new Map(Object.entries(this.#options.configured.choices));
    const chosen = Object.entries(choices).map(([name, value]) => [name, value ?? configured.get(name)]);
    this.#policy.change(Object.fromEntries(chosen));
    this.#kept.change(choices);
    this.#context.limits.upload.rate = this.#policy.maxUpload;
    this.#context.limits.download.rate = this.#policy.maxDownload;
    for (const torrent of this.#torrents.values()) torrent.policyChanged();
    const saving = this.#state.resume.saveWishes(this.#kept.own).catch((error) => {
      this.#options.log.warn(`cannot keep what was chosen: ${messageOf(error)}`);
    });
    this.#tasks.add(saving);
  }

  /** The choices made for one torrent alone, or without `infoHash` those for all torrents. Errors: as `pause`. */
  choices(infoHash?: InfoHash): Partial<Choices> {
    return infoHash === undefined ? this.#policy.own : this.#torrent(infoHash).choices;
  }

  /**
   * Leaves a torrent for good, and removes its file in `torrents/` and its unfinished data; with `deletesData` its
   * finished files too. Errors: `RangeError` for an unknown torrent; `StorageError` when a file cannot be removed, and
   * the caller may try again.
   */
  async remove(infoHash: InfoHash, deletesData: boolean): Promise<void> {
    const torrent = this.#torrent(infoHash);
    const removing = torrent.remove(deletesData);
    this.#tasks.add(removing);
    await removing;
    this.#torrents.delete(infoHash);
    this.#announceLocally();
  }

  // Time

  /** All torrents at this moment, as plain data, in the order in which they were added. */
  snapshot(): SwarmSnapshot[] {
    const now = this.#surroundings.now();
    return Array.from(this.#torrents.values(), (torrent) => torrent.snapshot(now));
  }

  // Views of one torrent, computed at each call. Errors: `RangeError` for an unknown torrent.

  /** What it is. */
  details(infoHash: InfoHash): TorrentDetails {
    const torrent = this.#torrent(infoHash);
    const snapshot = torrent.snapshot(this.#surroundings.now());
    return views.detailsOf(torrent.parts, snapshot, join(this.#options.home, "shareable"), torrent.choices);
  }

  /** Its files; none while it lacks the metadata. */
  files(infoHash: InfoHash): FileView[] {
    return views.filesOf(this.#torrent(infoHash).parts);
  }

  /** Its trackers, tier by tier. */
  trackers(infoHash: InfoHash): TrackerView[] {
    const own = { counts: this.#registry.scrape(infoHash), listed: this.#registry.listedCount(infoHash) };
    return views.trackersOf(this.#torrent(infoHash).parts, own, this.#surroundings);
  }

  /** Its web seeds. */
  webSeeds(infoHash: InfoHash): WebSeedView[] {
    return views.webSeedsOf(this.#torrent(infoHash).parts, this.#surroundings.now());
  }

  /** Its pieces, and the table of the blocks under way. */
  pieces(infoHash: InfoHash): PiecesView {
    return views.piecesOf(this.#torrent(infoHash).parts);
  }

  /** Ticks the busy torrents; once a second it ticks all of them and does the rest of the housekeeping. */
  #tick(): void {
    const now = this.#surroundings.now();
    const isFullTurn = now - this.#lastFullTurnAt >= STORAGE.noteWrittenMs;
    if (!isFullTurn && this.#connections.count === 0) return;
    this.#registry.tick(now, isFullTurn);
    this.#dialer.dialAll(isFullTurn ? this.#registry.swarms : this.#registry.busySwarms);
    if (!isFullTurn) return;
    this.#lastFullTurnAt = now;
    this.#connections.tick(now);
    for (const torrent of this.#torrents.values()) torrent.tick(now);
    this.#roles.look(this.#torrents.values());
  }

  /** Stops cleanly: tells the trackers, saves everything and ends every loop. */
  async stop(): Promise<void> {
    const { resume, lock } = this.#state;
    clearInterval(this.#timer);
    this.#stopping.abort();
    const torrents = [...this.#torrents.values()];
    await Promise.all([
      ...torrents.map((torrent) => torrent.stop()),
      this.#tasks.settled(),
      this.#roles.settled,
      this.#connections.stop(),
      this.#tracker?.stop(),
    ]);
    const saved = await Promise.all(torrents.map((torrent) => torrent.close()));
    let isAllSaved = saved.every((isSaved) => isSaved);
    try {
      await resume.savePorts({ peer: this.port, tracker: this.#tracker?.port ?? null });
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
