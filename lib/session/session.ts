/**
 * The session is one running peer: client, server and tracker at once. It builds every part, starts it and stops it.
 *
 *   ui → Session → listener, dialer, announcers, tracker servers → swarms → pieces on disk
 *
 * Every loop it starts is tracked and ends with `stop`.
 */
import { join } from "node:path";
import { DiskWorkers } from "../disk/disk_workers.ts";
import type { FileLooks } from "../disk/folder_watch.ts";
import { ResumeStore } from "../disk/state/resume_store.ts";
import { StateLock } from "../disk/state/state_lock.ts";
import { storageFailure } from "../disk/storage_failure.ts";
import { messageOf } from "../errors.ts";
import { inForce } from "../precedence.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import { KeptState } from "./kept/kept_state.ts";
import { checkLabels } from "./kept/kept_torrent.ts";
import { toByteString } from "../protocol/bytes.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { Connections } from "../net/peers/connections.ts";
import { Dialer } from "../net/peers/dialer.ts";
import { EmbeddedTracker } from "../net/tracker/embedded_tracker.ts";
import { TrackerTraffic } from "../net/tracker/tracker_traffic.ts";
import { Listener } from "../net/peers/listener.ts";
import { LocalDiscovery } from "../net/discovery/local_discovery.ts";
import { ownAddressFor } from "../net/addresses/own_addresses.ts";
import { RateLimiter } from "../net/peers/rate_limiter.ts";
import type { ProcessSnapshot } from "./process_snapshot.ts";
import type { SessionEvent, SessionOptions } from "./session_options.ts";
import { PORTS, STORAGE, TICK_MS, VERSION } from "../settings.ts";
import { type Changes, type Choices, DEFAULT_CHOICES, Policy } from "../swarm/policy.ts";
import type { FileView, PiecesView } from "../swarm/swarm_views.ts";
import { SwarmRegistry } from "../swarm/swarm_registry.ts";
import { TrackerTable } from "../swarm/tracker/tracker_table.ts";
import { RoleKeeper } from "./role_keeper.ts";
import { hostsOf, type HostView, roomOf, type RoomView } from "./room.ts";
import { SessionSurroundings } from "./surroundings.ts";
import { Tasks } from "./tasks.ts";
import type { TorrentSnapshot } from "./torrent_snapshot.ts";
import {
  type AddOptions,
  type OpenedTorrent,
  type TorrentOrigin,
  Torrents,
  type TorrentsContext,
} from "./torrents.ts";
import { Traffic } from "./traffic.ts";
import * as views from "./torrent_views.ts";
import type { TorrentDetails, TrackedPeerView, TrackerView, WebSeedView } from "./torrent_views.ts";

export { type IpFilter, loadIpFilter } from "../net/addresses/ip_filter.ts";
export { findTorrent, lookOf, saveTorrent, torrentPaths } from "./torrent_folder.ts";
export { defaultOptions, type SessionEvent, type SessionOptions } from "./session_options.ts";
export type { Choices } from "../swarm/policy.ts";
export type { RemotePeerSnapshot as PeerView, Role, SwarmSnapshot, TorrentState } from "../swarm/ports.ts";
export type { ActivePieceView, FileView, PiecesView } from "../swarm/swarm_views.ts";
export type { HostView, RoomView } from "./room.ts";
export type { TorrentDetails, TrackedPeerView, TrackerView, WebSeedView } from "./torrent_views.ts";
export type { AddOptions, FileWishes, OpenedTorrent, ProcessSnapshot, TorrentOrigin, TorrentSnapshot };

/** The parts on disk that must be open before a session can begin. */
interface State {
  readonly lock: StateLock;
  readonly resume: ResumeStore;
  readonly kept: KeptState;
  readonly traffic: Traffic;
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
  readonly #context: TorrentsContext;
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
  readonly #torrents: Torrents;
  /** The observers of events; that of the options is the first. */
  readonly #observers = new Map<(event: SessionEvent) => void, { readonly watchesPieces: boolean }>();
  /** In ms since 1970. */
  readonly #startedAt: number;
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
    const surroundings = new SessionSurroundings(options);
    const kept = await KeptState.load(resume, surroundings.wallClock);
    const traffic = new Traffic(await resume.totals());
    const session = new Session(options, { lock, resume, kept, traffic }, surroundings, opened);
    opened.move();
    return session;
  }

  private constructor(
    options: SessionOptions,
    state: State,
    surroundings: SessionSurroundings,
    opened: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#state = state;
    this.#surroundings = surroundings;
    const { home, host, log, files, trustedProxies } = options;
    const { peerId, now, random } = surroundings;
    const observe = (event: SessionEvent) => this.#report(event);
    this.#startedAt = surroundings.wallClock();
    this.#observers.set((event) => options.observe(event), options);
    surroundings.watchesPieces = () => this.#observers.values().some(({ watchesPieces }) => watchesPieces);
    this.#lastFullTurnAt = now();
    this.#kept = new Policy(DEFAULT_CHOICES, state.kept.choices);
    const { choices: commandLine, configured } = options;
    const chosen = inForce({ commandLine, kept: state.kept.choices, file: configured.choices });
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
    const registry = this.#registry = new SwarmRegistry(table, { peerId, port: listener.port }, observe);
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
      host,
      resume: state.resume,
      state: state.kept,
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
      standingChanged: () => this.#announceLocally(),
      tasks: this.#tasks,
      signal,
    };
    this.#torrents = new Torrents(this.#context);
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

  /** Tells all observers of an event. */
  #report(event: SessionEvent): void {
    for (const [observe, { watchesPieces }] of this.#observers) {
      if (watchesPieces || event.event !== "piece") observe(event);
    }
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
    const seeking = [...this.#torrents].filter(({ isSeeking, isPrivate }) => isSeeking && !isPrivate);
    this.#discovery?.announce(seeking.map(({ infoHash }) => infoHash));
  }

  /** The port at which peers reach us. */
  get port(): number {
    return this.#listener.port;
  }

  // Torrents that come and go

  /**
   * Takes a torrent in, and resolves when it is kept: its `.torrent` file is in `torrents/`, or its magnet link in the
   * state, and the options with it. Checking and fetching begin then. A torrent that is there already stays as it is
   * but for the peers, and begins again where it had failed.
   *
   * Errors: `MetainfoError`; `RangeError` for options that make no sense; `StorageError` when it cannot be kept.
   */
  open(origin: TorrentOrigin, options: AddOptions = {}): Promise<OpenedTorrent> {
    return this.#torrents.open(origin, options);
  }

  /**
   * Joins the swarm of a `.torrent` file, and dials `peers` (`HOST:PORT`) at once. Resolves when the data on disk has
   * been checked. A torrent that was added before stays as it is, unless it has failed.
   *
   * Errors: `MetainfoError`; `RangeError` when no file of it is wanted; `StorageError`.
   */
  add(torrentPath: string, peers: readonly string[]): Promise<InfoHash> {
    return this.#torrents.add(torrentPath, peers);
  }

  /**
   * Joins the swarm of a magnet link: fetches the metadata from peers unless `torrents/` has it, saves it there, and
   * goes on as `add` does. The link chooses the files where the user has not chosen any. Until the metadata is there,
   * the link is kept, and `addKept` brings it back at a later start.
   *
   * Errors: `MetainfoError`; `StorageError`; the reason of the end when the torrent or the session ends meanwhile.
   */
  addMagnet(link: string, peers: readonly string[]): Promise<InfoHash> {
    return this.#torrents.addMagnet(link, peers);
  }

  /** Begins the torrents of kept magnet links, whose metadata has never come; returns how many these are. */
  addKept(peers: readonly string[]): Promise<number> {
    return this.#torrents.addKept(peers);
  }

  /**
   * Joins `.torrent` files that appear or change in `torrents/`, and leaves torrents whose last file disappears;
   * `known` holds the looks of the files read before.
   */
  watchTorrents(known: FileLooks): void {
    this.#torrents.watch(known);
  }

  /**
   * Leaves a torrent for good, and removes its file in `torrents/` and its unfinished data; with `deletesData` its
   * finished files too. Errors: `RangeError` for an unknown torrent; `StorageError` when a file cannot be removed, and
   * the caller may try again.
   */
  remove(infoHash: InfoHash, deletesData: boolean): Promise<void> {
    return this.#torrents.remove(infoHash, deletesData);
  }

  /** Whether the session has this torrent. */
  has(infoHash: InfoHash): boolean {
    return this.#torrents.has(infoHash);
  }

  // Orders of the user. Each takes effect before the method returns, and its promise resolves when it is kept, so that
  // it holds at later starts. All reject with `RangeError` for an unknown torrent, and with `StorageError` where an order
  // that holds now cannot be kept.

  /** Lets a torrent rest until `resume`: no connections, no announces. */
  async pause(infoHash: InfoHash): Promise<void> {
    await this.#torrents.get(infoHash).pause();
  }

  /** Goes on with a torrent that was paused, or tries again one that has failed. */
  async resume(infoHash: InfoHash): Promise<void> {
    await this.#torrents.get(infoHash).resume();
  }

  /** Checks all data of a torrent again, and fetches bad pieces again. Resolves when the check is sure to be made. */
  async verify(infoHash: InfoHash): Promise<void> {
    await this.#torrents.get(infoHash).verify();
  }

  /** Asks all trackers of a torrent again, as soon as each of them allows it. Errors: `RangeError`, thrown. */
  reannounce(infoHash: InfoHash): void {
    this.#torrents.get(infoHash).reannounce();
  }

  /**
   * Changes which files of a torrent are wanted, or their order; a wish that is left out stays as it is.
   * Errors: `RangeError` also when no file would be wanted; then nothing has changed.
   */
  async select(infoHash: InfoHash, wishes: FileWishes): Promise<void> {
    await this.#torrents.get(infoHash).select(wishes);
  }

  /** Gives a torrent these labels in place of those it has. Errors: `RangeError` also for labels that make no sense. */
  async label(infoHash: InfoHash, labels: readonly string[]): Promise<void> {
    await this.#torrents.get(infoHash).will.change({ labels: checkLabels(labels) });
  }

  /** Dials peers at once (`HOST:PORT` each); not kept. Errors: `RangeError`, thrown. */
  addPeers(infoHash: InfoHash, hostPorts: readonly string[]): void {
    this.#torrents.get(infoHash).addPeers(hostPorts);
  }

  /**
   * Chooses limits, slots, sources and the like for one torrent, or without `infoHash` for all of them; rates chosen
   * for all hold for the whole process. A member that is undefined returns to the value for all, and for all to the
   * setting of `peer.toml` or the default.
   * Errors: `RangeError` also for a value out of range; then nothing has changed.
   */
  async choose(choices: Changes, infoHash?: InfoHash): Promise<void> {
    if (infoHash !== undefined) return await this.#torrents.get(infoHash).choose(choices);
    const configured = new Map(Object.entries(this.#options.configured.choices));
    const chosen = Object.entries(choices).map(([name, value]) => [name, value ?? configured.get(name)]);
    this.#policy.change(Object.fromEntries(chosen));
    this.#kept.change(choices);
    this.#context.limits.upload.rate = this.#policy.maxUpload;
    this.#context.limits.download.rate = this.#policy.maxDownload;
    for (const torrent of this.#torrents) torrent.policyChanged();
    const saving = this.#state.kept.saveChoices(this.#kept.own);
    this.#tasks.add(saving);
    await saving;
  }

  /** The choices made for one torrent alone, or without `infoHash` those for all torrents. Errors: `RangeError`, thrown. */
  choices(infoHash?: InfoHash): Partial<Choices> {
    return infoHash === undefined ? this.#policy.own : this.#torrents.get(infoHash).will.policy.own;
  }

  // Views

  /** All torrents at this moment, as plain data, in the order of the queue. */
  snapshot(): TorrentSnapshot[] {
    const now = this.#surroundings.now();
    return this.#torrents.inOrder.map((torrent, position) => torrent.snapshot(now, position));
  }

  // Views of one torrent, computed at each call. Errors: `RangeError` for an unknown torrent.

  /** What it is. */
  details(infoHash: InfoHash): TorrentDetails {
    const torrent = this.#torrents.get(infoHash);
    const snapshot = torrent.snapshot(this.#surroundings.now(), 0);
    const folder = join(this.#options.home, "shareable");
    return views.detailsOf(torrent.parts, snapshot, folder, torrent.will.policy.own);
  }

  /** Its files; none while it lacks the metadata. */
  files(infoHash: InfoHash): FileView[] {
    return views.filesOf(this.#torrents.get(infoHash).parts);
  }

  /** Its trackers, tier by tier. */
  trackers(infoHash: InfoHash): TrackerView[] {
    const own = { counts: this.#registry.scrape(infoHash), listed: this.#registry.listedCount(infoHash) };
    return views.trackersOf(this.#torrents.get(infoHash).parts, own, this.#surroundings);
  }

  /** Its web seeds. */
  webSeeds(infoHash: InfoHash): WebSeedView[] {
    return views.webSeedsOf(this.#torrents.get(infoHash).parts, this.#surroundings.now());
  }

  /** Its pieces, and the table of the blocks under way. */
  pieces(infoHash: InfoHash): PiecesView {
    return views.piecesOf(this.#torrents.get(infoHash).parts);
  }

  /** The machines that take part in it, this one first. */
  hosts(infoHash: InfoHash): HostView[] {
    return this.#hostsOf(this.#torrents.get(infoHash).snapshot(this.#surroundings.now(), 0));
  }

  /** The peers that announce it to our own tracker: none where there is no tracker or nobody came. */
  tracked(infoHash: InfoHash): TrackedPeerView[] {
    this.#torrents.get(infoHash);
    const { now } = this.#surroundings;
    return views.trackedOf(this.#registry.announces(infoHash, now()), this.#surroundings);
  }

  /** The machines of a torrent in numbers, from its present snapshot; undefined while this machine is alone. */
  room(snapshot: TorrentSnapshot): RoomView | undefined {
    const isAlone = snapshot.connections === 0 && !this.#registry.hasHosts(snapshot.infoHash);
    return isAlone ? undefined : roomOf(this.#hostsOf(snapshot), snapshot);
  }

  #hostsOf(snapshot: TorrentSnapshot): HostView[] {
    const { now, wallClock, machine, client, listenPort } = this.#surroundings;
    return hostsOf({
      snapshot,
      tracked: this.#registry.hosts(snapshot.infoHash, now()),
      self: { name: machine, client, port: listenPort },
      now: now(),
      wallClock: wallClock(),
    });
  }

  // The process

  /** The process at this moment, as plain data. */
  process(): ProcessSnapshot {
    return {
      version: VERSION,
      hostname: this.#surroundings.machine,
      peerId: toByteString(this.#surroundings.peerId),
      pid: Deno.pid,
      home: this.#options.home,
      port: this.port,
      trackerPort: this.#tracker?.port,
      startedAt: this.#startedAt,
      encryption: this.#options.encryption,
      localDiscovery: this.#options.localDiscovery,
      connections: this.#connections.count,
      choices: { ...DEFAULT_CHOICES, ...this.#policy.own },
      ...this.#state.traffic.snapshot(this.#surroundings.now()),
    };
  }

  /**
   * Calls a listener with each event from now on, beside that of the options; returns the function that ends this. The
   * event `piece` comes thousands of times a second, and only to listeners that ask for it.
   */
  observe(listener: (event: SessionEvent) => void, watchesPieces = false): () => void {
    this.#observers.set(listener, { watchesPieces });
    return () => void this.#observers.delete(listener);
  }

  // Time

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
    for (const torrent of this.#torrents) torrent.tick(now);
    this.#state.traffic.count(this.#torrents, now);
    this.#roles.look(this.#torrents);
  }

  /** Stops cleanly: tells the trackers, saves everything and ends every loop. */
  async stop(): Promise<void> {
    const { resume, lock, traffic } = this.#state;
    clearInterval(this.#timer);
    this.#stopping.abort();
    const torrents = [...this.#torrents];
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
      await traffic.save(resume);
      await resume.savePorts({ peer: this.port, tracker: this.#tracker?.port ?? null });
      if (isAllSaved) await resume.markClean();
    } catch (error) {
      isAllSaved = false;
      this.#options.log.warn(`cannot save the resume state: ${messageOf(error)}`);
    }
    resume.close();
    this.#workers.close();
    lock.release();
    if (isAllSaved) this.#report({ event: "stopped" });
  }
}
