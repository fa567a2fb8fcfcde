/**
 * One torrent of a session, from the moment it is added until it is left: the only object about its info-hash.
 *
 *   fetching metadata → checking → downloading | seeding | paused → leaving
 *           └──────────────┴─── failed, with the reason; `resume` tries again
 *
 * One thing is done with it at a time (`#instead`): fetching, checking, verifying. What the user tells it holds at once
 * and is kept over restarts. Whatever it starts is awaited by `close`.
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
import type { Choices } from "../swarm/policy.ts";
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
import { TorrentWill, type WillContext } from "./torrent_will.ts";
import { waitingOf } from "./waiting.ts";

/** What a torrent needs of its session. */
export interface TorrentContext extends SharedParts, WillContext {
  readonly registry: SwarmRegistry;
  /** What the command line says of files. */
  readonly files: FileWishes;
  readonly usesMulticast: boolean;
  observe(event: SessionEvent): void;
  /** There may be somebody to dial. */
  dial(swarm: AnySwarm): void;
  /** The torrent looks for peers from now on, or does so no more. */
  seekingChanged(): void;
}

/** What is known of a torrent when it is added: all of it, or a magnet link. */
export interface TorrentSource {
  readonly infoHash: InfoHash;
  readonly metainfo?: Metainfo;
  readonly magnet?: Magnet;
  /** Peers to dial at once, `HOST:PORT` each. */
  readonly peers: readonly string[];
}

/** What is done with a torrent at the moment, and how to end it. */
interface Work {
  readonly ending: AbortController;
  readonly done: Promise<void>;
}

/** One torrent, whatever its state. */
export class Torrent {
  readonly infoHash: InfoHash;
  readonly #context: TorrentContext;
  readonly #will: TorrentWill;
  readonly #magnet: Magnet | undefined;
  readonly #peers: readonly string[];
  readonly #tasks = new Tasks();
  /** What the user said of its files before it was first joined; later, what was kept is all. */
  #wishes: { files: FileWishes; positions: readonly FileRange[] };
  #metainfo: Metainfo | undefined;
  #fetch: MagnetFetch | undefined;
  #joined: JoinedTorrent | undefined;
  /** Pieces looked at so far. */
  #checked = 0;
  #work: Work | undefined;
  /** The selection under way: one after the other. */
  #selecting: Promise<void> = Promise.resolve();
  /** Of what is done with it until it has joined its swarm. */
  #outcome = Promise.withResolvers<void>();
  #hasOutcome = false;
  #failure: string | undefined;
  #isLeaving = false;
  /** Aborts when it leaves. */
  #leaving = new AbortController();

  /** Nothing is done with it until `start`. */
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

  /** Whether nothing is done with it that would lead to a swarm. */
  get #isIdle(): boolean {
    return this.#work?.ending.signal.aborted ?? true;
  }

  /**
   * Resolves when it is known what is there of it, so that its swarm has begun, or rests as the user wants it. Rejects
   * with the reason when it failed or was left before.
   */
  get whenJoined(): Promise<void> {
    return this.#outcome.promise;
  }

  /** Everything about it at `now` (ms), as plain data. */
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

  #unjoinedSnapshot(now: number): SwarmSnapshot {
    if (this.#metainfo !== undefined) {
      return unjoinedSnapshot(this.#metainfo, this.state === "checking" ? this.#checked : undefined);
    }
    if (this.#fetch !== undefined) return this.#fetch.swarm.snapshot(now);
    return { ...emptySnapshot(this.infoHash, this.#magnet?.name || this.infoHash), lacksMetadata: true };
  }

  /** Whether only its trackers may tell of it (BEP 27). */
  get isPrivate(): boolean {
    return this.#metainfo?.isPrivate ?? false;
  }

  /** Whether it looks for peers, so that it may be announced by multicast. */
  get isSeeking(): boolean {
    return !this.#will.isPaused && (this.#fetch !== undefined || this.#joined !== undefined);
  }

  // What the user says

  /**
   * Fetches its metadata where that is lacking, finds out what is there of it, and joins the swarm; also after it has
   * failed. See `whenJoined` for the end of that; `isTold`: a failure is reported too.
   */
  start(isTold = false): void {
    this.#instead((signal) => this.#begin(signal), isTold);
  }

  /** Lets it rest until `resume`, over restarts too. */
  pause(): void {
    if (this.#will.isPaused || this.#isLeaving) return;
    this.#will.isPaused = true;
    if (this.#joined !== undefined) this.#rest(this.#joined);
    if (this.#metainfo === undefined) this.#work?.ending.abort(new Error("the user has paused it"));
    this.#context.seekingChanged();
  }

  /** Goes on after a pause; where it had failed, it is begun anew. */
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

  /** Looks through all its data anew, whatever is remembered of it; nothing happens while there is no metadata. */
  verify(): void {
    if (this.#metainfo === undefined) return;
    this.#instead(async (signal) => {
      await this.#context.resume.distrust(this.infoHash);
      await this.#begin(signal);
    });
  }

  /**
   * Other files are wanted from now on, or in another order; what is left out stays as it is. Resolves when that holds
   * and is kept. Errors: `RangeError` when no file would be wanted, and nothing has changed then.
   */
  select(wishes: FileWishes): Promise<void> {
    const selecting = this.#selecting.then(() => this.#select(wishes));
    this.#selecting = selecting.catch(() => {});
    return selecting;
  }

  async #select(wishes: FileWishes): Promise<void> {
    const { resume, surroundings: { log } } = this.#context;
    const files = { ...this.#wishes.files, ...wishes };
    const isNamed = wishes.only === undefined && wishes.skip === undefined;
    const positions = isNamed ? this.#wishes.positions : [];
    const metainfo = this.#metainfo;
    if (metainfo === undefined) await keepWishes(this.infoHash, files, positions, resume);
    else await chooseFiles(metainfo, files, positions, { resume, log });
    this.#wishes = { files: {}, positions: [] };
    // What is being looked at was begun with the selection before.
    if (metainfo !== undefined && this.#joined === undefined) await this.#work?.done;
    const joined = this.#joined;
    if (joined === undefined || this.#isLeaving) return;
    const selection = await chooseFiles(joined.swarm.metainfo, wishes, [], { resume, log });
    // A swarm that has taken its place meanwhile was begun with what is kept by now.
    if (this.#joined !== joined) return;
    joined.select(selection);
    this.#context.registry.statusChanged(joined.swarm);
    this.#context.dial(joined.swarm);
  }

  /** Chooses limits, slots and the like for this torrent; undefined is what holds for all. Errors: `RangeError`. */
  choose(choices: Partial<Choices>): void {
    this.#will.choose(choices);
    this.policyChanged();
  }

  /** What was chosen for this torrent, and not for all. */
  get choices(): Partial<Choices> {
    return this.#will.policy.own;
  }

  /** Something was chosen for it, or for all torrents. */
  policyChanged(): void {
    this.#joined?.swarm.policyChanged(this.#context.surroundings.now());
  }

  // What is done with it

  /** Leaves its swarm and does something in place of what is being done; where that fails, the torrent has failed. */
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
        ending.signal.throwIfAborted();
        await this.#will.loaded;
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

  /** Errors: `MetainfoError` where the metadata cannot be read; `StorageError` where it cannot be saved. */
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

  /** Finds out what is there, then joins the swarm. */
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

  #tellOf({ swarm, warnings }: JoinedTorrent): void {
    const { home, observe, registry } = this.#context;
    const facts = factsOf(swarm.snapshot(this.#context.surroundings.now()));
    observe({ event: "torrent", ...facts });
    const lack = ["no-data", adviceOnLackOfData(facts, home)] as const;
    const rival = ["in-the-way", adviceOnSamePlace(swarm, registry.swarms)] as const;
    for (const [code, message] of [...warnings, lack, rival]) {
      if (message !== undefined) observe({ event: "warning", code, message, infoHash: this.infoHash });
    }
  }

  /** Once somebody has changed the data, and may be done with that, looks through all of it and joins anew. */
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

  /** The housekeeping of each second; `now` in ms. */
  tick(now: number): void {
    this.#fetch?.announcer.tick();
    this.#joined?.announcer?.tick();
    this.#joined?.flush(now);
  }

  /** This machine's addresses have changed. `isOwn`: as `ownHosts`. */
  async reviseTrackers(isOwn: (hostname: string) => Promise<boolean>): Promise<void> {
    await this.#joined?.reviseTrackers(isOwn);
  }

  // The end

  /** Ends all that is under way, and resolves when the trackers have heard it. `close` follows. Never rejects. */
  async stop(): Promise<void> {
    this.#isLeaving = true;
    const reason = new Error("we are stopping");
    this.#leaving.abort(reason);
    this.#work?.ending.abort(reason);
    this.#outcome.reject(reason);
    await Promise.all([this.#joined?.stop(), this.#work?.done, this.#selecting]);
    await this.#tasks.settled();
  }

  /** After its connections ended: saves what there is and lets go of all files. Returns whether all is saved. */
  async close(): Promise<boolean> {
    await this.#will.saved;
    return await this.#joined?.close() ?? true;
  }

  /**
   * Leaves the torrent for good: its swarm, its trackers, the embedded tracker's list, what is remembered of it,
   * `state/tmp/` and its file in `torrents/`. `deletesData`: its finished files too.
   *
   * Errors: `StorageError`; what KV throws. It has failed then and can be removed again.
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
