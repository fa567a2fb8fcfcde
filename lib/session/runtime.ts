/**
 * The parts of a running session: it builds every part, starts it, lets time pass for it and stops it.
 *
 *   listener, dialer, announcers, tracker servers → swarms → pieces on disk
 *
 * Every loop it starts is tracked and ends with `stop`.
 */
import { join } from "node:path";
import { DiskWorkers } from "../disk/disk_workers.ts";
import { ResumeStore } from "../disk/state/resume_store.ts";
import { StateLock } from "../disk/state/state_lock.ts";
import { storageFailure } from "../disk/storage_failure.ts";
import { messageOf } from "../errors.ts";
import { ownAddressFor } from "../net/addresses/own_addresses.ts";
import type { HttpService } from "../net/http/http_server.ts";
import { LocalDiscovery } from "../net/discovery/local_discovery.ts";
import { Connections } from "../net/peers/connections.ts";
import { Dialer } from "../net/peers/dialer.ts";
import { Listener } from "../net/peers/listener.ts";
import { EmbeddedTracker } from "../net/tracker/embedded_tracker.ts";
import { servingReach } from "../net/tracker/reach_server.ts";
import { servingTorrents } from "../net/tracker/torrent_server.ts";
import { TrackerTraffic } from "../net/tracker/tracker_traffic.ts";
import { toByteString } from "../protocol/bytes.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { LOCAL_DISCOVERY, PORTS, STORAGE, TICK_MS, VERSION } from "../settings.ts";
import { type RegisteredSwarm, SwarmRegistry } from "../swarm/swarm_registry.ts";
import { TrackerTable } from "../swarm/tracker/tracker_table.ts";
import { Fleet } from "./fleet/fleet.ts";
import { Doctor } from "./doctor/doctor.ts";
import { Lookups } from "./fleet/lookups.ts";
import { ShareQuestions } from "./fleet/share_lookup.ts";
import { NEAR, Sharing } from "./fleet/sharing.ts";
import { isShared } from "./fleet/share_of.ts";
import { torrentOfToday } from "./fleet/torrent_of_today.ts";
import { HandOut } from "./hand_out/hand_out.ts";
import { findPrograms } from "./hand_out/programs.ts";
import { Bans } from "./kept/bans.ts";
import { KeptFleets } from "./kept/kept_fleet.ts";
import { KeptState } from "./kept/kept_state.ts";
import { ProcessChoices } from "./kept/process_choices.ts";
import { balance } from "./queue.ts";
import { RoleKeeper } from "./role_keeper.ts";
import type { SessionEvent, SessionOptions } from "./session_options.ts";
import { SessionSurroundings, wallClock } from "./surroundings.ts";
import { Tasks } from "./work/tasks.ts";
import { Torrents } from "./torrents.ts";
import { Traffic } from "./traffic.ts";

/** The parts on disk that must be open before a session can begin. */
interface State {
  readonly lock: StateLock;
  readonly resume: ResumeStore;
  readonly kept: KeptState;
  readonly bans: Bans;
  readonly traffic: Traffic;
  readonly fleets: KeptFleets;
}

/** The parts of a running session. */
export class Runtime {
  readonly options: SessionOptions;
  readonly #state: State;
  readonly surroundings: SessionSurroundings;
  readonly choices: ProcessChoices;
  readonly #workers = new DiskWorkers();
  readonly #roles = new RoleKeeper();
  readonly #stopping = new AbortController();
  readonly #listener: Listener;
  readonly #tracker: EmbeddedTracker | undefined;
  readonly connections: Connections;
  readonly registry: SwarmRegistry;
  readonly #dialer: Dialer;
  readonly #discovery: LocalDiscovery | undefined;
  /** Loops that end with the session, and writes under way. */
  readonly #tasks = new Tasks();
  readonly torrents: Torrents;
  readonly lookups: Lookups;
  readonly #sharing: Sharing;
  readonly questions: ShareQuestions;
  readonly doctor: Doctor;
  readonly fleet: Fleet;
  /** The observers of events; that of the options is the first. */
  readonly #observers = new Map<(event: SessionEvent) => void, { readonly watchesPieces: boolean }>();
  /** In ms since 1970. */
  readonly startedAt: number;
  /** Whether the standing of torrents has changed and nothing followed from it yet. */
  #isStandingNew = false;
  /** Whether the queue lets any torrent wait. */
  #isAnyHeld = false;
  /** When the list for local announces was made last, in ms, and whether it is to be made again. */
  #announcedAt = -Infinity;
  #isAnnounceDue = false;
  readonly #timer: ReturnType<typeof setInterval>;
  #lastFullTurnAt: number;

  /** Builds and starts all parts. Errors: `Error` whose message names the obstacle: a port, the lock, the disk. */
  static async start(options: SessionOptions): Promise<Runtime> {
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
    const kept = await KeptState.load(resume, wallClock);
    const bans = await Bans.load(kept);
    const traffic = new Traffic(await resume.totals());
    const fleets = await KeptFleets.load(home);
    const runtime = new Runtime(options, { lock, resume, kept, bans, traffic, fleets }, opened);
    opened.move();
    runtime.fleet.begin();
    return runtime;
  }

  private constructor(options: SessionOptions, state: State, opened: AsyncDisposableStack) {
    this.options = options;
    this.#state = state;
    const surroundings = this.surroundings = new SessionSurroundings(options, state.bans);
    const { home, host, log, files, trustedProxies } = options;
    const { peerId, now, random } = surroundings;
    const observe = (event: SessionEvent) => this.#report(event);
    this.#observers.set((event) => options.observe(event), options);
    surroundings.watchesPieces = () => this.#observers.values().some(({ watchesPieces }) => watchesPieces);
    this.startedAt = surroundings.wallClock();
    this.#lastFullTurnAt = now();
    this.choices = new ProcessChoices(options, state.kept, surroundings);
    const { signal } = this.#stopping;
    opened.defer(() => this.#stopping.abort());
    this.connections = new Connections(surroundings);
    const listener = this.#listener = new Listener({
      host,
      port: options.port,
      ports: PORTS.peer,
      connections: this.connections,
      findSwarm: (infoHash) => this.#findSwarm(infoHash),
      findInfoHash: (skeyHash) => this.registry.findInfoHash(skeyHash) ?? this.lookups.findInfoHash(skeyHash),
    });
    surroundings.listenPort = listener.port;
    this.#tasks.add(listener.run(signal));
    const table = new TrackerTable({ open: options.openTracker, random, ownAddressFor });
    const registry = this.registry = new SwarmRegistry(table, { peerId, port: listener.port }, observe);
    const tracker = this.#tracker = options.runTracker
      ? new EmbeddedTracker({
        host,
        port: options.trackerPort,
        registry,
        trustedProxies,
        now,
        log,
        serving: (tracker) => this.#servingBeside(tracker),
      })
      : undefined;
    surroundings.trackerPort = tracker?.port;
    if (tracker !== undefined) opened.defer(() => tracker.stop());
    this.#dialer = new Dialer(this.connections, signal);
    this.#discovery = options.localDiscovery ? this.#discoverPeers(listener.port) : undefined;
    const trackerTraffic = new TrackerTraffic(now, crypto.getRandomValues(new Uint32Array(1))[0]);
    // The dialer acts at once, but not inside the method of the swarm that reports.
    const dial = (swarm: RegisteredSwarm) => queueMicrotask(() => this.#dialer.dialAll([swarm]));
    const standingChanged = () => this.standingChanged();
    const { policy, limits } = this.choices;
    const tasks = this.#tasks;
    this.torrents = new Torrents({
      home,
      workers: this.#workers,
      host,
      resume: state.resume,
      state: state.kept,
      surroundings,
      trackerTraffic,
      registry,
      policy,
      limits,
      files,
      configuredFiles: options.configured.files,
      usesMulticast: this.#discovery !== undefined,
      observe,
      dial,
      standingChanged,
      tasks,
      signal,
    });
    const sharing = this.#sharing = new Sharing(() => this.torrents[Symbol.iterator](), surroundings.machine);
    const looking = { registry, policy, limits, surroundings, trackerTraffic, dial, standingChanged, tasks };
    const lookups = this.lookups = new Lookups(looking, sharing);
    const announceAgain = (infoHash: InfoHash) => this.#discovery?.announceAgain(infoHash);
    const discovery = this.#discovery;
    this.doctor = new Doctor({ home, surroundings, registry, discovery, signal });
    this.questions = new ShareQuestions({ ...looking, lookups, sharing, announceAgain }, signal);
    const { torrents } = this;
    this.fleet = new Fleet(state.fleets, {
      home,
      torrents,
      lookups,
      surroundings,
      announceAgain,
      observe,
      tasks,
      signal,
    });
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
    if (event.event === "torrent") this.fleet.torrentJoined(event);
    for (const [observe, { watchesPieces }] of this.#observers) {
      if (watchesPieces || event.event !== "piece") observe(event);
    }
  }

  /** The swarm of an info-hash or of a lookup hash; undefined for one that is not ours. */
  #findSwarm(infoHash: InfoHash): RegisteredSwarm | undefined {
    return this.registry.find(infoHash) ?? this.lookups.find(infoHash);
  }

  /**
   * Announces a torrent for another machine that tries whether multicast arrives there; returns whether it was announced.
   * Only torrents that are told to others are.
   */
  #announceForAsker(infoHash: InfoHash): boolean {
    const mayBe = this.torrents.has(infoHash) && isShared(this.torrents.get(infoHash));
    return mayBe && this.#discovery !== undefined && this.#discovery.announceForAsker(infoHash);
  }

  /** The torrent as somebody at `address` needs it; undefined for one that is not told to others. */
  #torrentFileFor(infoHash: InfoHash, address: string): Uint8Array | undefined {
    if (!this.torrents.has(infoHash)) return undefined;
    const own = ownAddressFor(address);
    const port = this.trackerPort;
    const ours = own === undefined || port === undefined ? undefined : { address: own, port };
    return torrentOfToday(this.torrents.get(infoHash), ours);
  }

  /** What is served at the tracker's port: the tracker, torrents, how others reach a machine, and the program. */
  #servingBeside(tracker: HttpService): HttpService {
    const { signal } = this.#stopping;
    const { now } = this.surroundings;
    const announceAgain = (infoHash: InfoHash) => this.#announceForAsker(infoHash);
    const torrents = servingTorrents((...asked) => this.#torrentFileFor(...asked), tracker, now);
    const reach = servingReach({ now, wallClock, announceAgain, signal }, torrents);
    if (!this.options.handsOut) return reach;
    const handOut = new HandOut({
      shares: () => this.#sharing.sharesUnder(NEAR),
      port: () => this.#tracker!.port,
      programs: findPrograms(signal),
    });
    return handOut.serving(reach);
  }

  /** Looks for peers by multicast until the session stops. */
  #discoverPeers(port: number): LocalDiscovery {
    const { host, log } = this.options;
    const discovery = new LocalDiscovery({
      host,
      port,
      log,
      isKnown: (infoHash) => this.lookups.isKnown(infoHash),
      heard: (infoHash, endpoint) => this.#findSwarm(infoHash)?.addPeers([endpoint], "lsd"),
    });
    this.#tasks.add(discovery.run(this.#stopping.signal));
    return discovery;
  }

  /** Lets the queue move on and looks for peers near by, soon: torrents often change together, a thousand at a start. */
  standingChanged(): void {
    this.#sharing.changed();
    if (this.#isStandingNew) return;
    this.#isStandingNew = true;
    queueMicrotask(() => {
      this.#isStandingNew = false;
      this.#balance();
      this.#isAnnounceDue = true;
      this.#announceIfDue();
    });
  }

  /** Makes the list for local announces anew; each takes its time, so with many torrents they are further apart. */
  #announceIfDue(): void {
    if (!this.#isAnnounceDue) return;
    const { now } = this.surroundings;
    if (now() - this.#announcedAt < LOCAL_DISCOVERY.pauseMs * this.torrents.count) return;
    this.#isAnnounceDue = false;
    this.#announcedAt = now();
    this.#announceLocally();
  }

  /** Lets the queue move on: while all may run and none waits, there is nothing to do. */
  #balance(): void {
    const { maxActive } = this.choices.policy;
    if (maxActive === Infinity && !this.#isAnyHeld) return;
    this.#isAnyHeld = balance(this.torrents.inOrder, maxActive);
  }

  /** Announces by multicast all torrents that look for peers, except private ones, and what is looked up. */
  #announceLocally(): void {
    const seeking = [...this.torrents].filter(({ isSeeking, isPrivate }) => isSeeking && !isPrivate);
    const infoHashes = seeking.map(({ infoHash }) => infoHash);
    this.#discovery?.announce([...infoHashes, ...this.lookups.announced]);
  }

  /** The port at which peers reach us. */
  get port(): number {
    return this.#listener.port;
  }

  /** The port of the embedded tracker; undefined where there is none. */
  get trackerPort(): number | undefined {
    return this.#tracker?.port;
  }

  /** Aborts when the session stops. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  get bans(): Bans {
    return this.#state.bans;
  }

  get traffic(): Traffic {
    return this.#state.traffic;
  }

  /** Calls a listener with each event from now on; returns the function that ends this. */
  observe(listener: (event: SessionEvent) => void, watchesPieces: boolean): () => void {
    this.#observers.set(listener, { watchesPieces });
    return () => void this.#observers.delete(listener);
  }

  /** Ticks the busy torrents; once a second it ticks all of them and does the rest of the housekeeping. */
  #tick(): void {
    const now = this.surroundings.now();
    this.#announceIfDue();
    const isFullTurn = now - this.#lastFullTurnAt >= STORAGE.noteWrittenMs;
    if (!isFullTurn && this.connections.count === 0) return;
    this.registry.tick(now, isFullTurn);
    this.#dialer.dialAll(isFullTurn ? this.registry.swarms : this.registry.busySwarms);
    if (!isFullTurn) return;
    this.#lastFullTurnAt = now;
    this.choices.look(this.surroundings.wallClock());
    this.#balance();
    this.connections.tick(now);
    for (const torrent of this.torrents) torrent.tick(now);
    this.lookups.tick(now);
    this.fleet.tick();
    this.#state.traffic.count(this.torrents, now);
    this.#roles.look(this.torrents);
  }

  /** Stops cleanly: tells the trackers, saves everything and ends every loop. */
  async stop(): Promise<void> {
    const { resume, lock, traffic, fleets } = this.#state;
    clearInterval(this.#timer);
    this.#stopping.abort();
    const torrents = [...this.torrents];
    await Promise.all([
      ...torrents.map((torrent) => torrent.stop()),
      this.lookups.stop(),
      this.#tasks.settled(),
      this.choices.settled,
      this.doctor.settled,
      this.bans.settled,
      fleets.settled,
      this.#roles.settled,
      this.connections.stop(),
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
      this.options.log.warn(`cannot save the resume state: ${messageOf(error)}`);
    }
    resume.close();
    this.#workers.close();
    lock.release();
    if (isAllSaved) this.#report({ event: "stopped" });
  }
}
