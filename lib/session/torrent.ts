/**
 * One torrent of a session, from the moment it is added until it leaves: the only object for its info-hash.
 *
 *   fetching metadata → checking → downloading | seeding | paused → leaving
 *           └──────────────┴─── failed, with the reason; `resume` tries again
 *
 * A torrent does one work at a time (`#instead`): fetching, checking or verifying. Orders of the user take effect at
 * once and hold after a restart. `stop` and `close` await everything that the torrent has begun.
 */
import { setTimeout as delay } from "node:timers/promises";
import { removeTorrent } from "../disk/torrent_removal.ts";
import { messageOf, MetainfoError } from "../errors.ts";
import { addNamedPeers } from "../net/discovery/named_peers.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { FileRange, Magnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { STORAGE } from "../settings.ts";
import { emptySnapshot, unjoinedSnapshot } from "../swarm/empty_snapshot.ts";
import type { Changes, Choices } from "../swarm/policy.ts";
import { PAUSED } from "../swarm/standing.ts";
import type { SwarmEvent, SwarmSnapshot, TorrentState } from "../swarm/ports.ts";
import type { AnySwarm, SwarmRegistry } from "../swarm/swarm_registry.ts";
import { adviceOnLackOfData } from "./announce_advice.ts";
import { type JoinContext, JoinedTorrent, type SharedParts } from "./joined_torrent.ts";
import { chooseFiles, type FileWishes, keepWishes } from "./kept_choice.ts";
import { MagnetFetch } from "./magnet_fetch.ts";
import { factsOf, type SessionEvent } from "./session_options.ts";
import { Tasks } from "./tasks.ts";
import { adviceOnSamePlace } from "./place_advice.ts";
import { removeTorrentFiles, saveTorrent } from "./torrent_folder.ts";
import type { TorrentParts } from "./torrent_views.ts";
import { TorrentWill, type WillContext } from "./torrent_will.ts";
import { waitingOf } from "./waiting.ts";

/** The parts of its session that a torrent needs. */
export interface TorrentContext extends SharedParts, WillContext {
  readonly registry: SwarmRegistry;
  /** The wishes of the command line for files. */
  readonly files: FileWishes;
  readonly usesMulticast: boolean;
  observe(event: SessionEvent): void;
  /** The swarm may have peers to dial. */
  dial(swarm: AnySwarm): void;
  /** The torrent has begun to look for peers, or has ended it. */
  seekingChanged(): void;
}

/** The source of a torrent that is added: its metadata, or a magnet link. */
export interface TorrentSource {
  readonly infoHash: InfoHash;
  readonly metainfo?: Metainfo | undefined;
  readonly magnet?: Magnet;
  /** Peers to dial at once, `HOST:PORT` each. */
  readonly peers: readonly string[];
}

/** The work that a torrent does at the moment, and the controller that ends it. */
interface Work {
  readonly ending: AbortController;
  readonly done: Promise<void>;
}

/** One torrent in any of its states. */
export class Torrent {
  readonly infoHash: InfoHash;
  readonly #context: TorrentContext;
  readonly #will: TorrentWill;
  readonly #magnet: Magnet | undefined;
  readonly #peers: readonly string[];
  readonly #tasks = new Tasks();
  /** The user's wishes for its files until it first joins its swarm; after that, the kept choice holds all of them. */
  #wishes: { files: FileWishes; positions: readonly FileRange[] };
  #metainfo: Metainfo | undefined;
  #fetch: MagnetFetch | undefined;
  #joined: JoinedTorrent | undefined;
  /** The number of pieces checked so far. */
  #checked = 0;
  #work: Work | undefined;
  /** The last selection under way; each one waits for the one before. */
  #selecting: Promise<void> = Promise.resolve();
  /** The outcome of the work that leads to its swarm. */
  #outcome = Promise.withResolvers<void>();
  #hasOutcome = false;
  #failure: string | undefined;
  #isLeaving = false;
  /** Aborts when the torrent leaves. */
  #leaving = new AbortController();

  /** The torrent does nothing until `start`. */
  constructor(source: TorrentSource, context: TorrentContext) {
    this.infoHash = source.infoHash;
    this.#context = context;
    this.#metainfo = source.metainfo;
    this.#magnet = source.magnet;
    this.#peers = [...source.peers, ...source.magnet?.peers ?? []];
    this.#wishes = { files: context.files, positions: source.magnet?.selectOnly ?? [] };
    this.#will = new TorrentWill(source.infoHash, context);
    this.#outcome.promise.catch(() => {});
  }

  get state(): TorrentState {
    if (this.#isLeaving) return "leaving";
    if (this.#failure !== undefined) return "failed";
    if (this.#joined !== undefined) return this.#joined.swarm.state;
    if (this.#will.isPaused && this.#isIdle) return "paused";
    return this.#metainfo === undefined ? "fetching metadata" : "checking";
  }

  /** Whether no work is under way that leads to a swarm. */
  get #isIdle(): boolean {
    return this.#work?.ending.signal.aborted ?? true;
  }

  /**
   * Resolves when its data on disk has been checked and its swarm has begun, or rests as the user wants. Rejects with
   * the reason when the torrent fails or leaves before.
   */
  get whenJoined(): Promise<void> {
    return this.#outcome.promise;
  }

  /** The whole state of the torrent at `now` (ms), as plain data. */
  snapshot(now: number): SwarmSnapshot {
    const { state } = this;
    const snapshot = this.#joined?.swarm.snapshot(now) ?? this.#unjoinedSnapshot(now);
    const failure = this.#failure ?? snapshot.failure;
    const announcer = this.#joined === undefined ? this.#fetch?.announcer : this.#joined.announcer;
    if (announcer === undefined) return { ...snapshot, state, failure };
    const { hasTrackers, failures, startedAt } = announcer;
    const usesMulticast = this.#context.usesMulticast && !this.isPrivate;
    const search = { hasTrackers, failures, usesMulticast, startedAt, now };
    const waiting = waitingOf({ ...snapshot, state }, search);
    return { ...snapshot, state, failure, waiting };
  }

  /** The parts that `torrent_views.ts` looks at. */
  get parts(): TorrentParts {
    const [joined, fetch] = [this.#joined, this.#fetch];
    const announcer = joined === undefined ? fetch?.announcer : joined.announcer;
    const metainfo = joined?.swarm.metainfo ?? this.#metainfo;
    return { infoHash: this.infoHash, metainfo, magnet: this.#magnet, joined, announcer };
  }

  #unjoinedSnapshot(now: number): SwarmSnapshot {
    if (this.#metainfo !== undefined) {
      return unjoinedSnapshot(this.#metainfo, this.state === "checking" ? this.#checked : undefined);
    }
    if (this.#fetch !== undefined) return this.#fetch.swarm.snapshot(now);
    return { ...emptySnapshot(this.infoHash, this.#magnet?.name || this.infoHash), lacksMetadata: true };
  }

  /** Whether only its trackers may name its peers (BEP 27). */
  get isPrivate(): boolean {
    return this.#metainfo?.isPrivate ?? false;
  }

  /** Whether it looks for peers, so that it may be announced by multicast. */
  get isSeeking(): boolean {
    return !this.#will.isPaused && (this.#fetch !== undefined || this.#joined !== undefined);
  }

  // Orders of the user

  /**
   * Fetches the metadata where it is missing, checks the data on disk and joins the swarm, also after a failure.
   * `whenJoined` tells the end of this work; with `isTold`, a failure is also reported as an event.
   */
  start(isTold = false): void {
    this.#instead((signal) => this.#begin(signal), isTold);
  }

  /** Lets the torrent rest until `resume`, also after a restart. */
  pause(): void {
    if (this.#will.isPaused || this.#isLeaving) return;
    this.#will.isPaused = true;
    if (this.#joined !== undefined) this.#rest(this.#joined);
    if (this.#metainfo === undefined) this.#work?.ending.abort(new Error("the user has paused it"));
    this.#context.seekingChanged();
  }

  /** Goes on after a pause; a torrent that has failed begins again. */
  resume(): void {
    if (this.#isLeaving) return;
    const wasPaused = this.#will.isPaused;
    this.#will.isPaused = false;
    if (this.state === "failed" || (this.#joined === undefined && this.#isIdle)) this.start(true);
    else if (wasPaused && this.#joined !== undefined) this.#goOn(this.#joined);
    this.#context.seekingChanged();
  }

  #rest(joined: JoinedTorrent): void {
    joined.pause();
    this.#context.registry.statusChanged(joined.swarm);
  }

  #goOn(joined: JoinedTorrent): void {
    joined.begin();
    this.#context.registry.statusChanged(joined.swarm);
    this.#context.dial(joined.swarm);
  }

  /** Checks all its data again and trusts no earlier check; does nothing while there is no metadata. */
  verify(): void {
    if (this.#metainfo === undefined) return;
    this.#instead(async (signal) => {
      await this.#context.resume.distrust(this.infoHash);
      await this.#begin(signal);
    });
  }

  /**
   * Changes which files are wanted, or their order; a wish that is left out stays as it is. Resolves when the change
   * has taken effect and is kept. Errors: `RangeError` when no file would be wanted; then nothing has changed.
   */
  select(wishes: FileWishes): Promise<void> {
    const selecting = this.#selecting.then(() => this.#select(wishes));
    this.#selecting = selecting.catch(() => {});
    return selecting;
  }

  async #select(wishes: FileWishes): Promise<void> {
    const context = this.#context;
    const files = { ...this.#wishes.files, ...wishes };
    const isNamed = wishes.only === undefined && wishes.skip === undefined;
    const positions = isNamed ? this.#wishes.positions : [];
    const metainfo = this.#metainfo;
    if (metainfo === undefined) await keepWishes(this.infoHash, files, positions, context.resume);
    else await chooseFiles(metainfo, files, positions, context);
    this.#wishes = { files: {}, positions: [] };
    // A check under way began with the selection before this one.
    if (metainfo !== undefined && this.#joined === undefined) await this.#work?.done;
    const joined = this.#joined;
    if (joined === undefined || this.#isLeaving) return;
    const selection = await chooseFiles(joined.swarm.metainfo, wishes, [], context);
    // A new swarm that has replaced this one meanwhile began with the choice just kept.
    if (this.#joined !== joined) return;
    joined.select(selection);
    this.#context.registry.statusChanged(joined.swarm);
    this.#context.dial(joined.swarm);
  }

  /** Chooses limits, slots and the like for this torrent; undefined restores the value for all. Errors: `RangeError`. */
  choose(choices: Changes): void {
    this.#will.choose(choices);
    this.policyChanged();
  }

  /** The choices made for this torrent alone. */
  get choices(): Partial<Choices> {
    return this.#will.policy.own;
  }

  /** Applies a change of the choices for this torrent or for all. */
  policyChanged(): void {
    this.#joined?.swarm.policyChanged(this.#context.surroundings.now());
  }

  // Work

  /** Leaves the swarm, ends the work under way and does other work instead; if that fails, the torrent has failed. */
  #instead(work: (signal: AbortSignal) => Promise<void>, isTold = true): void {
    if (this.#isLeaving) return;
    const before = this.#work;
    before?.ending.abort(new Error("something else is done with the torrent"));
    const joined = this.#joined;
    this.#joined = undefined;
    this.#failure = undefined;
    this.#checked = 0;
    if (this.#hasOutcome) this.#renewOutcome();
    const ending = new AbortController();
    const run = async () => {
      await Promise.all([before?.done, joined?.leave()]);
      try {
        await this.#will.loaded;
        ending.signal.throwIfAborted();
        await work(ending.signal);
      } catch (error) {
        this.#endFetch("the metadata is not fetched any more", false);
        if (!ending.signal.aborted) this.#fail(error, isTold);
      }
      if (this.#work?.ending === ending) this.#work = undefined;
    };
    this.#work = { ending, done: run() };
  }

  #fail(error: unknown, isTold: boolean): void {
    const message = this.#failure = messageOf(error);
    const code = error instanceof MetainfoError ? "metadata" : "storage";
    if (isTold) this.#context.observe({ event: "error", code, message, infoHash: this.infoHash });
    this.#outcome.reject(error);
    this.#renewOutcome();
  }

  #renewOutcome(): void {
    this.#hasOutcome = false;
    this.#outcome = Promise.withResolvers();
    this.#outcome.promise.catch(() => {});
  }

  async #begin(signal: AbortSignal): Promise<void> {
    if (this.#metainfo === undefined) {
      if (this.#will.isPaused) return;
      this.#metainfo = await this.#fetchMetadata(this.#magnet!, signal);
    }
    await this.#join(this.#metainfo, signal);
  }

  /** Fetches and saves the metadata. Errors: `MetainfoError` when it cannot be read; `StorageError` when not saved. */
  async #fetchMetadata(magnet: Magnet, signal: AbortSignal): Promise<Metainfo> {
    const fetch = this.#fetch = new MagnetFetch(magnet, this.#joinContext(), signal);
    this.#context.registry.add(fetch.swarm);
    this.#context.seekingChanged();
    this.#addPeers(fetch.swarm, this.#peers);
    fetch.announcer.tick();
    const metainfo = await fetch.metainfo;
    await saveTorrent(this.#context.home, metainfo);
    return metainfo;
  }

  #endFetch(reason: string, isTakenOver: boolean): void {
    if (this.#fetch === undefined) return;
    this.#tasks.add(this.#fetch.stop(reason, isTakenOver));
    this.#fetch = undefined;
    if (!isTakenOver) this.#context.registry.remove(this.infoHash);
  }

  /** Checks the data on disk, then joins the swarm. */
  async #join(metainfo: Metainfo, signal: AbortSignal): Promise<void> {
    this.#checked = 0;
    const onChecked = (checked: number) => this.#checked = checked;
    const { positions } = this.#wishes;
    const joined = await JoinedTorrent.join(metainfo, positions, this.#joinContext(), onChecked, signal);
    if (signal.aborted) {
      await joined.leave();
      throw signal.reason;
    }
    this.#wishes = { files: {}, positions: [] };
    this.#joined = joined;
    const { swarm } = joined;
    this.#context.registry.add(swarm);
    this.#tellOf(joined);
    if (this.#fetch !== undefined && !this.isPrivate) swarm.adoptPeers(this.#fetch.swarm.heardPeers);
    this.#endFetch("the metadata is there", true);
    this.#addPeers(swarm, this.#peers);
    if (this.#will.isPaused) this.#rest(joined);
    else this.#goOn(joined);
    this.#context.seekingChanged();
    this.#tasks.add(this.#watchData(joined));
    this.#hasOutcome = true;
    this.#outcome.resolve();
    this.#addPeers(swarm, await joined.rememberedPeers());
  }

  #tellOf({ swarm, warnings, completion }: JoinedTorrent): void {
    const { home, observe, registry, surroundings } = this.#context;
    const facts = factsOf(swarm.snapshot(surroundings.now()));
    for (const event of [{ event: "torrent", ...facts } as const, ...completion]) observe(event);
    const lack = adviceOnLackOfData(facts, home);
    const rival = adviceOnSamePlace(swarm, registry.swarms);
    for (const [code, message] of [...warnings, ["no-data", lack], ["in-the-way", rival]] as const) {
      if (message !== undefined) observe({ event: "warning", code, message, infoHash: this.infoHash });
    }
  }

  /** Waits until another program has changed the data and may be done with that, then checks it and joins again. */
  async #watchData(joined: JoinedTorrent): Promise<void> {
    await Promise.race([joined.dataChanged, joined.left]);
    if (this.#joined !== joined || joined.swarm.state === "leaving") return;
    this.#instead(async (signal) => {
      await delay(STORAGE.settleMs, undefined, { signal });
      await this.#begin(signal);
    });
  }

  #addPeers(swarm: AnySwarm, peers: readonly string[]): void {
    addNamedPeers(swarm, peers, this.#leaving.signal, this.#context.surroundings.log);
  }

  #joinContext(): JoinContext {
    return {
      shared: this.#context,
      policy: this.#will.policy,
      limits: this.#will.limits,
      files: this.#wishes.files,
      report: (event) => this.#swarmReported(event),
    };
  }

  #swarmReported(event: SwarmEvent): void {
    const { observe, registry, dial } = this.#context;
    observe(event);
    if (this.#joined === undefined && event.event === "peers" && this.#fetch !== undefined) {
      dial(this.#fetch.swarm);
    }
    if (this.#joined === undefined) return;
    const { swarm, announcer } = this.#joined;
    const isResumed = event.event === "disconnected" && event.reason === PAUSED && swarm.state !== "paused";
    if (event.event === "peers" || isResumed) dial(swarm);
    if (event.event === "status" || event.event === "complete") registry.statusChanged(swarm);
    if (event.event === "complete" && swarm.seeding) announcer?.completed();
  }

  /** Does the housekeeping of each second; `now` in ms. */
  tick(now: number): void {
    this.#fetch?.announcer.tick();
    this.#joined?.announcer?.tick();
    this.#joined?.flush(now);
  }

  /** Finds out again which trackers are our own, after a change of our addresses. `ownHosts` returns `isOwn`. */
  async reviseTrackers(isOwn: (hostname: string) => Promise<boolean>): Promise<void> {
    await this.#joined?.reviseTrackers(isOwn);
  }

  // The end

  /** Ends all work and resolves when the trackers have heard it. The caller calls `close` next. Never rejects. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    const reason = new Error("we are stopping");
    this.#leaving.abort(reason);
    this.#work?.ending.abort(reason);
    this.#outcome.reject(reason);
    await Promise.all([this.#joined?.stop(), this.#work?.done, this.#selecting]);
    await this.#tasks.settled();
  }

  /** Saves everything and closes all files, after its connections have ended. Returns whether everything was saved. */
  async close(): Promise<boolean> {
    await this.#will.saved;
    return await this.#joined?.close() ?? true;
  }

  /**
   * Leaves the torrent for good: its swarm, its trackers and the embedded tracker's list. Removes its resume state, its
   * part of `state/tmp/` and its files in `torrents/`; with `deletesData` its finished files too.
   *
   * Errors: `StorageError`; errors of Deno KV. The torrent has failed then, and the caller may try again.
   */
  async remove(deletesData: boolean): Promise<void> {
    const { resume, registry, home } = this.#context;
    await this.stop();
    registry.remove(this.infoHash);
    await this.#joined?.leave();
    this.#joined = undefined;
    await this.#will.saved;
    try {
      await removeTorrentFiles(home, this.infoHash);
      if (this.#metainfo === undefined) await resume.forget(this.infoHash);
      else await removeTorrent(this.#metainfo, { home, resume }, deletesData);
    } catch (error) {
      this.#isLeaving = false;
      this.#leaving = new AbortController();
      this.#failure = messageOf(error);
      this.#renewOutcome();
      throw error;
    }
  }
}
