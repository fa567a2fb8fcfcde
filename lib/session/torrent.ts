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
import type { Totals } from "../disk/state/resume_store.ts";
import { removeTorrent } from "../disk/torrent_removal.ts";
import { messageOf, MetainfoError } from "../errors.ts";
import { addNamedPeers } from "../net/discovery/named_peers.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Magnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { CONNECTIONS, STORAGE } from "../settings.ts";
import { emptySnapshot, unjoinedSnapshot } from "../swarm/empty_snapshot.ts";
import type { Changes } from "../swarm/policy.ts";
import { PAUSED } from "../swarm/standing.ts";
import type { SwarmEvent, SwarmSnapshot, TorrentState } from "../swarm/ports.ts";
import type { AnySwarm } from "../swarm/swarm_registry.ts";
import { type JoinContext, JoinedTorrent } from "./joined_torrent.ts";
import { newsOfJoin } from "./advice/join_news.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import { MagnetFetch, withMagnet } from "./magnet_fetch.ts";
import { Tasks } from "./tasks.ts";
import { OneWork } from "./one_work.ts";
import { Outcome } from "./outcome.ts";
import { removeTorrentFiles, saveTorrent } from "./torrent_folder.ts";
import type { TorrentContext, TorrentSource } from "./torrent_context.ts";
import { type TorrentSnapshot, torrentSnapshot } from "./torrent_snapshot.ts";
import type { TorrentParts } from "./torrent_views.ts";
import { TorrentWill } from "./kept/torrent_will.ts";
import { withWaiting } from "./advice/waiting.ts";
import { WantedFiles } from "./kept/wanted_files.ts";

/** One torrent in any of its states. */
export class Torrent {
  readonly infoHash: InfoHash;
  /** The user's will, which is kept from run to run. */
  readonly will: TorrentWill;
  readonly #context: TorrentContext;
  readonly #magnet: Magnet | undefined;
  #peers: readonly string[];
  readonly #tasks = new Tasks();
  readonly #wanted: WantedFiles;
  #metainfo: Metainfo | undefined;
  #fetch: MagnetFetch | undefined;
  #joined: JoinedTorrent | undefined;
  /** The number of pieces checked so far. */
  #checked = 0;
  /** The work that leads to its swarm. */
  readonly #work = new OneWork();
  /** Whether all data is to be checked before the torrent joins; the outcome tells that a restart would do so too. */
  #distrusting: Outcome | undefined;
  /** The last selection under way; each one waits for the one before. */
  #selecting: Promise<void> = Promise.resolve();
  /** The outcome of the work that leads to its swarm. */
  readonly #outcome = new Outcome();
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
    const files = { ...context.files, ...source.files };
    this.#wanted = new WantedFiles(source.infoHash, files, source.magnet?.selectOnly ?? [], context);
    this.will = new TorrentWill(source.infoHash, context);
  }

  get state(): TorrentState {
    if (this.#isLeaving) return "leaving";
    if (this.#failure !== undefined) return "failed";
    if (this.#joined !== undefined) return this.#joined.swarm.state;
    if (this.will.isPaused && this.#work.isIdle) return "paused";
    return this.#metainfo === undefined ? "fetching metadata" : "checking";
  }

  /**
   * Resolves when its data on disk has been checked and its swarm has begun, or rests as the user wants. Rejects with
   * the reason when the torrent fails or leaves before.
   */
  get whenJoined(): Promise<void> {
    return this.#outcome.promise;
  }

  /** The whole state of the torrent at `now` (ms), as plain data. `queuePosition`: its place in the queue, from 0. */
  snapshot(now: number, queuePosition: number): TorrentSnapshot {
    return torrentSnapshot(this.#swarmSnapshot(now), this.will.kept, queuePosition);
  }

  #swarmSnapshot(now: number): SwarmSnapshot {
    const snapshot = this.#joined?.swarm.snapshot(now) ?? this.#unjoinedSnapshot(now);
    const { announcer } = this.#joined ?? this.#fetch ?? {};
    const standing = { state: this.state, failure: this.#failure ?? snapshot.failure };
    const usesMulticast = this.#context.usesMulticast && !this.isPrivate;
    return withWaiting({ ...snapshot, ...standing }, announcer, usesMulticast, now);
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

  /** Payload bytes since it joined its swarm. */
  get moved(): Totals {
    return this.#joined?.swarm.totals ?? { uploaded: 0, downloaded: 0 };
  }

  /** Whether only its info-hash is known, from a magnet link. */
  get lacksMetadata(): boolean {
    return this.#metainfo === undefined;
  }

  /** Whether only its trackers may name its peers (BEP 27). */
  get isPrivate(): boolean {
    return this.#metainfo?.isPrivate ?? false;
  }

  /** Whether it looks for peers, so that it may be announced by multicast. */
  get isSeeking(): boolean {
    return !this.will.isPaused && (this.#fetch !== undefined || this.#joined !== undefined);
  }

  // Orders of the user

  /**
   * Fetches the metadata where it is missing, checks the data on disk and joins the swarm, also after a failure.
   * `whenJoined` tells the end of this work; with `isTold`, a failure is also reported as an event.
   */
  start(isTold = false): void {
    this.#instead((signal) => this.#begin(signal), isTold);
  }

  /** The metadata of a magnet link came from elsewhere, and is in `torrents/`. */
  adopt(metainfo: Metainfo): void {
    this.#metainfo = this.#magnet === undefined ? metainfo : withMagnet(metainfo, this.#magnet);
    this.#forgetLink();
    this.start(true);
  }

  /** Dials these peers at once and after each beginning, `HOST:PORT` each. */
  addPeers(peers: readonly string[]): void {
    this.#peers = [...new Set([...this.#peers, ...peers])].slice(-CONNECTIONS.namedPeers);
    const swarm = this.#joined?.swarm ?? this.#fetch?.swarm;
    if (swarm === undefined || this.will.isPaused) return;
    this.#addPeers(swarm, peers);
    this.#context.dial(swarm);
  }

  /** Keeps the wishes for its files before it begins. Errors: `RangeError` when no file would be wanted. */
  keepFiles(): Promise<void> {
    return this.#wanted.keep(this.#metainfo);
  }

  /** Lets the torrent rest until `resume`, also after a restart. Resolves when that is kept. Errors: `StorageError`. */
  async pause(): Promise<void> {
    if (this.#isLeaving) return;
    const wasPaused = this.will.isPaused;
    const keeping = this.will.change({ isPaused: true, pauseReason: undefined });
    if (!wasPaused) {
      if (this.#joined !== undefined) this.#rest(this.#joined);
      if (this.#metainfo === undefined) this.#work.end(new Error("the user has paused it"));
      this.#context.seekingChanged();
    }
    await keeping;
  }

  /**
   * Goes on after a pause; a torrent that has failed begins again. Resolves when that is kept. Errors: `StorageError`.
   */
  async resume(): Promise<void> {
    if (this.#isLeaving) return;
    const wasPaused = this.will.isPaused;
    const keeping = this.will.change({ isPaused: false, pauseReason: undefined });
    if (this.state === "failed" || (this.#joined === undefined && this.#work.isIdle)) this.start(true);
    else if (wasPaused && this.#joined !== undefined) this.#goOn(this.#joined);
    this.#context.seekingChanged();
    await keeping;
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

  /**
   * Checks all its data again and trusts no earlier check; does nothing while there is no metadata. Resolves when a
   * restart would check as well. Errors: those of Deno KV; the reason of the end when the torrent leaves meanwhile.
   */
  async verify(): Promise<void> {
    if (this.#metainfo === undefined || this.#isLeaving) return;
    const distrusting = this.#distrusting ??= new Outcome();
    const { promise } = distrusting;
    this.start(true);
    await promise;
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
    const metainfo = this.#metainfo;
    await this.#wanted.keep(metainfo, wishes);
    // A check under way began with the selection before this one.
    if (metainfo !== undefined && this.#joined === undefined) await this.#work.done;
    const joined = this.#joined;
    if (joined === undefined || this.#isLeaving) return;
    const selection = await this.#wanted.select(joined.swarm.metainfo, wishes);
    // A new swarm that has replaced this one meanwhile began with the choice just kept.
    if (this.#joined !== joined) return;
    joined.select(selection);
    this.#context.registry.statusChanged(joined.swarm);
    this.#context.dial(joined.swarm);
  }

  /**
   * Chooses limits, slots and the like for this torrent; undefined restores the value for all. Resolves when that is
   * kept. Errors: `RangeError`, and then nothing has changed; `StorageError`.
   */
  async choose(choices: Changes): Promise<void> {
    const keeping = this.will.choose(choices);
    this.policyChanged();
    await keeping;
  }

  /** Applies a change of the choices for this torrent or for all. */
  policyChanged(): void {
    this.#joined?.swarm.policyChanged(this.#context.surroundings.now());
  }

  // Work

  /** Leaves the swarm, ends the work under way and does other work instead; if that fails, the torrent has failed. */
  #instead(work: (signal: AbortSignal) => Promise<void>, isTold = true): void {
    if (this.#isLeaving) return;
    const joined = this.#joined;
    this.#joined = undefined;
    this.#failure = undefined;
    this.#checked = 0;
    this.#outcome.renew();
    this.#work.instead(joined?.leave(), work, (error, isEnded) => {
      this.#endFetch("the metadata is not fetched any more", false);
      if (!isEnded) this.#fail(error, isTold);
    });
  }

  #fail(error: unknown, isTold: boolean): void {
    const message = this.#failure = messageOf(error);
    const code = error instanceof MetainfoError ? "metadata" : "storage";
    if (isTold) this.#context.observe({ event: "error", code, message, infoHash: this.infoHash });
    this.#outcome.reject(error);
  }

  async #begin(signal: AbortSignal): Promise<void> {
    if (this.#metainfo === undefined) {
      if (this.will.isPaused) return;
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
    this.#forgetLink();
    return metainfo;
  }

  /** The link is of no more use, as the torrent is in `torrents/`. */
  #forgetLink(): void {
    const { state, surroundings: { log } } = this.#context;
    this.#tasks.add(state.forgetMagnet(this.infoHash).catch((error) => log.warn(messageOf(error))));
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
    if (this.#distrusting !== undefined) {
      await this.#context.resume.distrust(this.infoHash);
      this.#distrusting.resolve();
      this.#distrusting = undefined;
    }
    const onChecked = (checked: number) => this.#checked = checked;
    const { positions } = this.#wanted;
    const joined = await JoinedTorrent.join(metainfo, positions, this.#joinContext(), onChecked, signal);
    if (signal.aborted) {
      await joined.leave();
      throw signal.reason;
    }
    this.#wanted.areKept();
    this.#joined = joined;
    const { swarm } = joined;
    this.#context.registry.add(swarm);
    const { home, observe, registry, surroundings } = this.#context;
    for (const event of newsOfJoin(joined, home, registry.swarms, surroundings.now())) observe(event);
    if (this.#fetch !== undefined && !this.isPrivate) swarm.adoptPeers(this.#fetch.swarm.heardPeers);
    this.#endFetch("the metadata is there", true);
    this.#addPeers(swarm, this.#peers);
    if (this.will.isPaused) this.#rest(joined);
    else this.#goOn(joined);
    this.#context.seekingChanged();
    this.#tasks.add(this.#watchData(joined));
    this.#outcome.resolve();
    this.#addPeers(swarm, await joined.rememberedPeers());
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
      policy: this.will.policy,
      limits: this.will.limits,
      files: this.#wanted.files,
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

  /** Announces to all trackers as soon as each of them allows it. */
  reannounce(): void {
    (this.#joined?.announcer ?? this.#fetch?.announcer)?.again();
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
    this.#work.end(reason);
    this.#outcome.reject(reason);
    this.#distrusting?.reject(reason);
    await Promise.all([this.#joined?.stop(), this.#work.done, this.#selecting]);
    await this.#tasks.settled();
  }

  /** Saves everything and closes all files, after its connections have ended. Returns whether everything was saved. */
  async close(): Promise<boolean> {
    await this.will.saved();
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
    await this.will.forget();
    try {
      await removeTorrentFiles(home, this.infoHash);
      if (this.#metainfo === undefined) await resume.forget(this.infoHash);
      else await removeTorrent(this.#metainfo, { home, resume }, deletesData);
      this.#context.state.forget(this.infoHash);
    } catch (error) {
      this.#isLeaving = false;
      this.#leaving = new AbortController();
      this.#failure = messageOf(error);
      this.#outcome.renew();
      this.will.remember();
      throw error;
    }
  }
}
