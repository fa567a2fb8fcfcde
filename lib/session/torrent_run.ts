/**
 * What runs for one torrent: the fetch of its metadata, the check of its data, its swarm.
 *
 * It does one work at a time (`#instead`): fetching, checking or verifying. `stop` and `close` await everything that it
 * has begun.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { moveData } from "../disk/large/relocation.ts";
import type { Totals } from "../disk/state/resume_store.ts";
import { messageOf, MetainfoError } from "../errors.ts";
import { addNamedPeers } from "../net/discovery/named_peers.ts";
import type { Announcer } from "../net/tracker/announcer.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Magnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { CONNECTIONS, STORAGE } from "../settings.ts";
import { emptySnapshot, unjoinedSnapshot } from "../swarm/empty_snapshot.ts";
import { PAUSED } from "../swarm/standing.ts";
import type { SwarmEvent, SwarmSnapshot, TorrentState } from "../swarm/ports.ts";
import type { AnySwarm } from "../swarm/swarm_registry.ts";
import { newsOfJoin } from "./advice/join_news.ts";
import { adviceOnSamePlace } from "./advice/place_advice.ts";
import { type JoinContext, JoinedTorrent } from "./joined_torrent.ts";
import type { TorrentWill } from "./kept/torrent_will.ts";
import type { WantedFiles } from "./kept/wanted_files.ts";
import { MagnetFetch, withMagnet } from "./magnet_fetch.ts";
import { OneWork } from "./work/one_work.ts";
import { Outcome } from "./work/outcome.ts";
import { Tasks } from "./work/tasks.ts";
import { saveTorrent } from "./torrent_folder.ts";
import type { TorrentContext, TorrentSource } from "./torrent_context.ts";

/** What the torrent says of its run. */
interface RunOwner {
  readonly will: TorrentWill;
  readonly wanted: WantedFiles;
  /** Whether there are to be no connections, no announces and no fetch. */
  readonly isResting: boolean;
  /** All wanted data is in its place, since now or from earlier on. */
  completed(isNow: boolean): void;
}

/** The run of one torrent, which may begin anew at any time. */
export class TorrentRun {
  readonly infoHash: InfoHash;
  readonly magnet: Magnet | undefined;
  readonly #context: TorrentContext;
  readonly #owner: RunOwner;
  #peers: readonly string[];
  readonly #tasks = new Tasks();
  #metainfo: Metainfo | undefined;
  #fetch: MagnetFetch | undefined;
  #joined: JoinedTorrent | undefined;
  /** The number of pieces checked so far. */
  #checked = 0;
  /** The work that leads to its swarm, and its outcome. */
  readonly #work = new OneWork();
  readonly #outcome = new Outcome();
  /** Whether all data is to be checked before the torrent joins; the outcome tells that a restart would do so too. */
  #distrusting: Outcome | undefined;
  #failure: string | undefined;
  /** Aborts when the run stops. */
  #stopping = new AbortController();

  /** The run does nothing until `start`. */
  constructor(source: TorrentSource, context: TorrentContext, owner: RunOwner) {
    this.infoHash = source.infoHash;
    this.magnet = source.magnet;
    this.#context = context;
    this.#owner = owner;
    this.#metainfo = source.metainfo;
    this.#peers = [...source.peers, ...source.magnet?.peers ?? []];
  }

  // What there is

  /** Undefined while only the info-hash is known. */
  get metainfo(): Metainfo | undefined {
    return this.#metainfo;
  }

  /** Undefined until the data has been checked, and once the run stops. */
  get joined(): JoinedTorrent | undefined {
    return this.#isStopping ? undefined : this.#joined;
  }

  /** The swarm of the torrent, or the one that fetches its metadata. */
  get swarm(): AnySwarm | undefined {
    return this.#joined?.swarm ?? this.#fetch?.swarm;
  }

  /** Undefined while the torrent is not announced. */
  get announcer(): Announcer | undefined {
    return this.#joined === undefined ? this.#fetch?.announcer : this.#joined.announcer;
  }

  /** Payload bytes since it joined its swarm. */
  get moved(): Totals {
    return this.#joined?.swarm.totals ?? { uploaded: 0, downloaded: 0 };
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  get state(): TorrentState {
    if (this.#isStopping) return "leaving";
    if (this.#failure !== undefined) return "failed";
    if (this.#joined !== undefined) return this.#joined.swarm.state;
    if (this.#owner.isResting && this.#work.isIdle) return "paused";
    return this.#metainfo === undefined ? "fetching metadata" : "checking";
  }

  snapshot(now: number): SwarmSnapshot {
    const { state } = this;
    const snapshot = this.#joined?.swarm.snapshot(now) ?? this.#unjoinedSnapshot(now, state);
    const failure = this.#failure ?? snapshot.failure;
    // With a thousand torrents, copies that change nothing are a good part of the work.
    const isSame = snapshot.state === state && snapshot.failure === failure;
    return isSame ? snapshot : { ...snapshot, state, failure };
  }

  #unjoinedSnapshot(now: number, state: TorrentState): SwarmSnapshot {
    if (this.#metainfo !== undefined) {
      return unjoinedSnapshot(this.#metainfo, state === "checking" ? this.#checked : undefined);
    }
    if (this.#fetch !== undefined) return this.#fetch.swarm.snapshot(now);
    return { ...emptySnapshot(this.infoHash, this.magnet?.name || this.infoHash), lacksMetadata: true };
  }

  /**
   * Resolves when its data on disk has been checked and its swarm has begun, or rests as the user wants. Rejects with
   * the reason when the run fails or stops before.
   */
  get whenJoined(): Promise<void> {
    return this.#outcome.promise;
  }

  /** Resolves when the work that is under way now is over. Never rejects. */
  get worked(): Promise<void> {
    return this.#work.done;
  }

  // What is done

  /**
   * Fetches the metadata where it is missing, checks the data on disk and joins the swarm, also after a failure. With
   * `isTold`, a failure is also reported as an event.
   */
  start(isTold = false): void {
    this.#instead((signal) => this.#begin(signal), isTold);
  }

  /** The metadata of a magnet link came from elsewhere, and is in `torrents/`. */
  adopt(metainfo: Metainfo): void {
    this.#metainfo = this.magnet === undefined ? metainfo : withMagnet(metainfo, this.magnet);
    this.#forgetLink();
    this.start(true);
  }

  /**
   * Checks all its data again and trusts no earlier check; does nothing while there is no metadata. Resolves when a
   * restart would check as well. Errors: those of Deno KV; the reason of the end when the run stops meanwhile.
   */
  async verify(): Promise<void> {
    if (this.#metainfo === undefined || this.#isStopping) return;
    const distrusting = this.#distrusting ??= new Outcome();
    distrusting.renew();
    this.start(true);
    await distrusting.promise;
  }

  /** The torrent begins to rest. */
  rest(): void {
    if (this.#isStopping) return;
    if (this.#joined !== undefined) this.#rest(this.#joined);
    else if (this.#metainfo === undefined) this.#work.end(new Error(PAUSED));
  }

  /** The torrent rests no more; one that has failed stays as it is. */
  goOn(): void {
    if (this.#isStopping || this.#failure !== undefined) return;
    if (this.#joined?.swarm.state === "paused") this.#goOn(this.#joined);
    else if (this.#joined === undefined && this.#work.isIdle) this.start(true);
  }

  #rest(joined: JoinedTorrent): void {
    joined.pause();
    this.#context.registry.statusChanged(joined.swarm);
  }

  #goOn(joined: JoinedTorrent): void {
    joined.begin();
    this.standingChanged(joined);
  }

  /** Other data is wanted, or connections are welcome again. */
  standingChanged({ swarm }: JoinedTorrent): void {
    this.#context.registry.statusChanged(swarm);
    this.#context.dial(swarm);
  }

  /** The user has changed its trackers or web seeds; resolves when both are in use as they are now. */
  async addressesChanged(): Promise<void> {
    this.#fetch?.addressesChanged();
    await this.#joined?.addressesChanged();
  }

  /** Dials these peers at once and after each beginning, `HOST:PORT` each. */
  addPeers(peers: readonly string[]): void {
    this.#peers = [...new Set([...this.#peers, ...peers])].slice(-CONNECTIONS.namedPeers);
    const { swarm } = this;
    if (swarm === undefined || this.#owner.isResting) return;
    this.#addPeers(swarm, peers);
    this.#context.dial(swarm);
  }

  #addPeers(swarm: AnySwarm, peers: readonly string[]): void {
    addNamedPeers(swarm, peers, this.#stopping.signal, this.#context.surroundings.log);
  }

  /** Does the housekeeping of each second; `now` in ms. */
  tick(now: number): void {
    this.announcer?.tick();
    this.#joined?.flush(now);
  }

  // Work

  /** Leaves the swarm, ends the work under way and does other work instead; if that fails, the torrent has failed. */
  #instead(work: (signal: AbortSignal) => Promise<void>, isTold = true): void {
    if (this.#isStopping) return;
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
    this.#distrusting?.reject(error);
  }

  async #begin(signal: AbortSignal): Promise<void> {
    if (this.#metainfo === undefined) {
      if (this.#owner.isResting) return;
      this.#metainfo = await this.#fetchMetadata(this.magnet!, signal);
    }
    await this.#join(this.#metainfo, signal);
  }

  /** Fetches and saves the metadata. Errors: `MetainfoError` when it cannot be read; `StorageError` when not saved. */
  async #fetchMetadata(magnet: Magnet, signal: AbortSignal): Promise<Metainfo> {
    const fetch = this.#fetch = new MagnetFetch(magnet, this.#joinContext(), signal);
    this.#context.registry.add(fetch.swarm);
    this.#context.standingChanged();
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
    const { wanted } = this.#owner;
    const { home, observe, registry, resume, standingChanged, surroundings } = this.#context;
    this.#checked = 0;
    if (this.#distrusting !== undefined) {
      await resume.distrust(this.infoHash);
      this.#distrusting.resolve();
      this.#distrusting = undefined;
    }
    await this.#bringData(metainfo);
    const onChecked = (checked: number) => this.#checked = checked;
    const context = this.#joinContext();
    const joined = await JoinedTorrent.join(metainfo, wanted.positions, context, onChecked, signal);
    if (signal.aborted) {
      await joined.leave();
      throw signal.reason;
    }
    wanted.areKept();
    this.#joined = joined;
    const { swarm } = joined;
    registry.add(swarm);
    const folder = this.#owner.will.kept.folder ?? join(home, "shareable");
    for (const event of newsOfJoin(joined, folder, surroundings.now())) observe(event);
    this.#tasks.add(this.#tellOfRival(joined));
    if (this.#fetch !== undefined && !metainfo.isPrivate) swarm.adoptPeers(this.#fetch.swarm.heardPeers);
    this.#endFetch("the metadata is there", true);
    this.#addPeers(swarm, this.#peers);
    if (swarm.isFinished) this.#owner.completed(false);
    if (this.#owner.isResting) this.#rest(joined);
    else this.#goOn(joined);
    standingChanged();
    this.#tasks.add(this.#watchData(joined));
    this.#outcome.resolve();
    this.#addPeers(swarm, await joined.rememberedPeers());
  }

  /** Moves the data to the folder that the user has chosen, where that was asked for. Errors: `StorageError`. */
  async #bringData(metainfo: Metainfo): Promise<void> {
    const { will } = this.#owner;
    const { folder, movesFrom } = will.kept;
    if (movesFrom === undefined) return;
    const { home } = this.#context;
    const from = movesFrom === join(home, "shareable") ? undefined : movesFrom;
    await moveData(metainfo, { home, from, to: folder });
    await will.change({ movesFrom: undefined });
  }

  /** Tells the user of another torrent that is to fill the same place. */
  async #tellOfRival({ swarm }: JoinedTorrent): Promise<void> {
    const { observe, registry } = this.#context;
    const message = await adviceOnSamePlace(swarm, registry.swarms);
    if (message === undefined) return;
    observe({ event: "warning", code: "in-the-way", message, infoHash: swarm.infoHash });
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

  #joinContext(): JoinContext {
    const { will, wanted } = this.#owner;
    return {
      shared: this.#context,
      policy: will.policy,
      limits: will.limits,
      folder: will.kept.folder,
      isUsersOwn: will.kept.isUsersOwn,
      reuse: () => will.kept.reuse,
      reused: (bytes) => will.note({ reused: will.kept.reused + bytes }),
      addresses: () => will.kept.addresses,
      files: wanted.files,
      report: (event) => this.#swarmReported(event),
    };
  }

  #swarmReported(event: SwarmEvent): void {
    const { observe, registry, dial } = this.#context;
    observe(event);
    if (this.#joined === undefined) {
      if (event.event === "peers" && this.#fetch !== undefined) dial(this.#fetch.swarm);
      return;
    }
    const { swarm, announcer } = this.#joined;
    const isResumed = event.event === "disconnected" && event.reason === PAUSED && swarm.state !== "paused";
    if (event.event === "peers" || isResumed) dial(swarm);
    if (event.event === "status" || event.event === "complete") registry.statusChanged(swarm);
    if (event.event !== "complete") return;
    if (swarm.seeding) announcer?.completed();
    this.#owner.completed(true);
    this.#context.standingChanged();
  }

  // The end

  /** Ends all work and resolves when the trackers have heard it. The caller calls `close` next. Never rejects. */
  async stop(): Promise<void> {
    const reason = new Error("we are stopping");
    this.#stopping.abort(reason);
    this.#work.end(reason);
    this.#outcome.reject(reason);
    this.#distrusting?.reject(reason);
    await Promise.all([this.#joined?.stop(), this.#work.done, this.#owner.wanted.settled]);
    await this.#tasks.settled();
  }

  /** Saves everything and closes all files, after its connections have ended. Returns whether everything was saved. */
  async close(): Promise<boolean> {
    return await this.#joined?.close() ?? true;
  }

  /** Leaves the swarm for good after `stop`, and saves nothing. */
  async leave(): Promise<void> {
    this.#context.registry.remove(this.infoHash);
    await this.#joined?.leave();
    this.#joined = undefined;
  }

  /** The torrent stays after `stop`, as it could not be removed. */
  stays(reason: unknown): void {
    this.#stopping = new AbortController();
    this.#failure = messageOf(reason);
    this.#outcome.renew();
  }
}
