/** The swarm of one torrent, its pieces on disk and its announces: the session joins and leaves them together. */
import { requireFolder } from "../disk/guarded_path.ts";
import type { DiskWorkers } from "../disk/disk_workers.ts";
import { PieceStore } from "../disk/piece_store.ts";
import { PieceSearch } from "../disk/reuse/piece_search.ts";
import { spelledAsOnDisk } from "../disk/spelling.ts";
import { giveWay, inSlices } from "../disk/time_slices.ts";
import type { ResumeStore } from "../disk/state/resume_store.ts";
import { messageOf, ObstacleError, StorageError } from "../errors.ts";
import { Announcer, type AnnouncerOptions } from "../net/tracker/announcer.ts";
import type { TrackerTraffic } from "../net/tracker/tracker_traffic.ts";
import { missingTrackers, ownHosts, trackersOf } from "../net/tracker/own_tracker.ts";
import { runWebSeeds } from "../net/web_seed/web_seeds.ts";
import type { FileRange } from "../protocol/magnet.ts";
import { type Metainfo, readOriginalPaths } from "../protocol/metainfo.ts";
import { publicUrl } from "../protocol/secrets.ts";
import { METAINFO_LIMITS, STORAGE } from "../settings.ts";
import { type FileSelection, seekingIdleGlobs } from "../swarm/download/file_selection.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Policy } from "../swarm/policy.ts";
import type { RateLimits, SwarmEvent } from "../swarm/ports.ts";
import { Swarm } from "../swarm/swarm.ts";
import { adviceOnFilesInTheWay } from "./advice/place_advice.ts";
import { changedTiers, changedWebSeeds, type KeptAddresses } from "./kept/kept_addresses.ts";
import { chooseFiles, type FileWishes } from "./kept/kept_choice.ts";
import { RenewableTask } from "./work/renewable_task.ts";
import { Tasks } from "./work/tasks.ts";

/** The parts that all torrents of a session share. */
export interface SharedParts {
  readonly home: string;
  readonly workers: DiskWorkers;
  readonly resume: ResumeStore;
  readonly surroundings: Surroundings;
  readonly trackerTraffic: TrackerTraffic;
  /** The settings of `peer.toml` for files. */
  readonly configuredFiles: FileWishes;
}

/** The parts and choices with which a torrent joins its swarm. */
export interface JoinContext {
  readonly shared: SharedParts;
  readonly policy: Policy;
  readonly limits: RateLimits;
  /** The folder that the user chose for its data, an absolute path; undefined for `shareable/`. */
  readonly folder: string | undefined;
  /** Whether the data is the user's own, shared from where it lies; then it is never written. */
  readonly isUsersOwn: boolean;
  /** Absolute paths of old data of the user's in which pieces are looked for. */
  readonly reuse: () => readonly string[];
  /** Pieces of so many bytes were found there. */
  reused(bytes: number): void;
  /** The user's changes of its trackers and web seeds, as they are now. */
  readonly addresses: () => KeptAddresses;
  /** The user's wishes for its files in this run; the resume state holds those of earlier runs. */
  readonly files: FileWishes;
  report(event: SwarmEvent): void;
}

/** A torrent that has joined its swarm. */
export class JoinedTorrent {
  readonly swarm: Swarm;
  /** Talks to the trackers; undefined while the torrent rests. */
  announcer: Announcer | undefined;
  /** The last defect of each web seed that has one, by URL. */
  readonly webSeedDefects = new Map<string, string>();
  /** Faults found while joining that the user should know of, each with the code of its event. */
  readonly warnings: [code: string, message: string][] = [];
  /** The event for data that came to its place only while joining; empty where there is none to tell. */
  readonly completion: readonly SwarmEvent[];
  readonly #store: PieceStore;
  readonly #context: JoinContext;
  /** Totals and peers as they were last noted, in JSON. */
  #noted: string;
  /** The time of the last note, in ms. */
  #totalsNotedAt: number;
  /** Announce URLs, tier by tier. */
  #tiers: readonly (readonly string[])[];
  readonly #tasks = new Tasks();
  /** Aborts when the torrent rests again; undefined while it rests. */
  #activity: AbortController | undefined;
  readonly #webSeeds = new RenewableTask((signal) => this.#useWebSeeds(signal));
  readonly #reusing = new RenewableTask((signal) => this.#reuse(signal));
  /** Old data in which all that was missing has been looked for. */
  #searched: readonly string[] = [];
  /** The last search for our own trackers under way; each one waits for the one before. */
  #revising: Promise<void> = Promise.resolve();
  /** Resolves when the trackers have heard that we left, as far as they can be reached. */
  #goodbye: Promise<void> = Promise.resolve();
  readonly #left = Promise.withResolvers<void>();
  #isLeft = false;

  private constructor(
    swarm: Swarm,
    store: PieceStore,
    tiers: readonly (readonly string[])[],
    context: JoinContext,
    completion: readonly SwarmEvent[],
  ) {
    this.swarm = swarm;
    this.completion = completion;
    this.#tiers = tiers;
    this.#store = store;
    this.#context = context;
    const { totals, peers } = this.#notable();
    this.#noted = JSON.stringify([totals, peers]);
    this.#totalsNotedAt = context.shared.surroundings.now();
  }

  /**
   * Finds out which pieces are on disk and builds the swarm on them. A magnet link names the files of `selectOnly`,
   * an empty list stands for all; `onChecked` gets the number of pieces checked so far. The torrent
   * rests until `begin`.
   *
   * Errors: `RangeError` when no file is wanted; `StorageError`; the reason of `signal` when it aborts meanwhile.
   */
  static async join(
    metainfo: Metainfo,
    selectOnly: readonly FileRange[],
    context: JoinContext,
    onChecked: (checked: number) => void,
    signal: AbortSignal,
  ): Promise<JoinedTorrent> {
    const { home, workers, resume, surroundings } = context.shared;
    const { log } = surroundings;
    const startedAt = surroundings.now();
    const { folder, isUsersOwn } = context;
    if (folder !== undefined) requireFolder(folder);
    const selection = await chooseFiles(metainfo, context.files, selectOnly, context.shared);
    const spelled = await spelledAsOnDisk(metainfo, home, folder);
    const store = new PieceStore({
      metainfo: spelled.metainfo,
      selection,
      home,
      folder,
      workers,
      resume,
      log,
    });
    try {
      const wasMoving = await resume.phase(metainfo.infoHash) === "moving";
      const recovered = await store.recover(onChecked, signal, isUsersOwn);
      if (!recovered.finished) workers.prepare();
      // Starting that thread and making a swarm of two million pieces each take their time.
      await giveWay();
      const { tiers, isAnnouncer, problems } = await trackersOf(
        { announceTiers: changedTiers(metainfo.announceTiers, context.addresses()) },
        surroundings.trackerPort,
      );
      const swarm = new Swarm({
        metainfo,
        selection,
        storage: store,
        stored: recovered.have,
        isFinished: recovered.finished,
        isAnnouncer,
        policy: context.policy,
        limits: context.limits,
        surroundings,
        totals: await resume.totals(metainfo.infoHash),
        report: context.report,
        startedAt,
      });
      store.listener = swarm;
      for (const [index, { buffer, blocks }] of recovered.unfinished) {
        swarm.download.resume(index, buffer, blocks);
      }
      signal.throwIfAborted();
      const { infoHash, name } = metainfo;
      const { path, finished } = recovered;
      const seconds = Math.round(surroundings.now() - startedAt) / 1_000;
      const completion = { event: "complete", infoHash, name, path, seconds, sources: {} } as const;
      const joined = new JoinedTorrent(
        swarm,
        store,
        tiers,
        context,
        wasMoving && finished ? [completion] : [],
      );
      for (const message of problems) joined.warnings.push(["announce", message]);
      for (const message of spelled.problems) joined.warnings.push(["name", message]);
      const inTheWay = adviceOnFilesInTheWay(recovered.inTheWay);
      if (inTheWay !== undefined) joined.warnings.push(["in-the-way", inTheWay]);
      for (const glob of await inSlices(seekingIdleGlobs(metainfo, context.files))) {
        joined.warnings.push(["selection", `no file matches ${glob}`]);
      }
      return joined;
    } catch (error) {
      await store.close();
      if (!(error instanceof ObstacleError)) throw error;
      throw new StorageError(`${error.message}; move or rename it, then start again`, { cause: error });
    }
  }

  /** Looks for peers, talks to trackers and uses web seeds, until `pause`. */
  begin(): void {
    const { signal } = this.#activity = new AbortController();
    this.swarm.resume();
    this.#reusing.begin();
    this.#tasks.add(this.#announce(signal));
    this.#webSeeds.begin();
  }

  /** Lets the torrent rest: it has no connections, and its trackers hear that we left. No data is lost. */
  pause(): void {
    this.swarm.pause();
    this.#rest();
  }

  #rest(): void {
    this.#activity?.abort();
    this.#activity = undefined;
    this.#webSeeds.end();
    this.#reusing.end();
    if (this.announcer !== undefined) this.#goodbye = this.announcer.stop();
    this.announcer = undefined;
  }

  /** Downloads another selection of files, or in another order, from now on. */
  select(selection: FileSelection): void {
    this.swarm.select(selection, this.#context.shared.surroundings.now());
    this.#searched = [];
    if (this.#activity === undefined || this.swarm.isFinished) return;
    this.#webSeeds.begin();
    this.#reusing.renew();
  }

  /** The user has named other old data. */
  reuseChanged(): void {
    this.#reusing.renew();
  }

  /** Looks for missing pieces in old data of the user's until `signal` aborts. Never rejects. */
  async #reuse(signal: AbortSignal): Promise<void> {
    const { reused, report, shared: { workers } } = this.#context;
    const { infoHash, metainfo, download } = this.swarm;
    const paths = this.#context.reuse().filter((path) => !this.#searched.includes(path));
    if (this.swarm.isFinished || paths.length === 0) return;
    const search = new PieceSearch({
      metainfo,
      workers,
      held: download.held,
      patienceMs: STORAGE.reusePatienceMs,
      copy: (from, at, index) => this.#store.copyFrom(from, at, index),
    });
    if (await search.run(paths, signal)) this.#searched = [...this.#searched, ...paths];
    const { pieces, bytes, problems } = search.result;
    reused(bytes);
    for (const message of problems) report({ event: "warning", code: "reuse", message, infoHash });
    const { name, layout: { totalLength: length } } = metainfo;
    report({ event: "reused", infoHash, name, pieces, bytes, length });
  }

  /** Begins to announce once the trackers have heard the last goodbye. */
  async #announce(signal: AbortSignal): Promise<void> {
    await this.#goodbye;
    if (signal.aborted) return;
    const { trackerTraffic: traffic, surroundings } = this.#context.shared;
    const failed = this.#warningOfMissing(signal);
    const report = () => this.swarm.hostReport(surroundings.machine, surroundings.now());
    const swarm = this.swarm;
    this.announcer = new Announcer({ swarm, tiers: this.#tiers, traffic, failed, report, surroundings });
    this.announcer.tick();
  }

  /** Tells the user of addresses where others look in vain for our tracker; undefined where this process runs none. */
  #warningOfMissing(signal: AbortSignal): AnnouncerOptions["failed"] {
    const { shared: { surroundings: { trackerPort } }, report } = this.#context;
    if (trackerPort === undefined) return undefined;
    return missingTrackers(trackerPort, (message) => {
      if (!signal.aborted) {
        report({ event: "warning", code: "announce", message, infoHash: this.swarm.infoHash });
      }
    });
  }

  /** Downloads from the torrent's web seeds until all wanted pieces are there or `signal` aborts. Never rejects. */
  async #useWebSeeds(signal: AbortSignal): Promise<void> {
    const { infoHash, metainfo } = this.swarm;
    const { report, shared: { surroundings } } = this.#context;
    const listed = changedWebSeeds(metainfo, this.#context.addresses());
    if (this.swarm.isFinished || listed.webSeeds.length + listed.httpSeeds.length === 0) return;
    const paths = await inSlices(readOriginalPaths(metainfo.rawInfo, METAINFO_LIMITS));
    await runWebSeeds(this.swarm, listed, paths, surroundings, signal, (url, message) => {
      this.webSeedDefects.set(url, message);
      const text = `web seed ${publicUrl(url)}: ${message}`;
      report({ event: "warning", code: "web-seed", message: text, infoHash });
    });
  }

  /**
   * Finds out again which announce addresses lead to our own tracker. `ownHosts` returns the function `isOwn`. Never
   * rejects.
   */
  reviseTrackers(isOwn: (hostname: string) => Promise<boolean>): Promise<void> {
    return this.#revising = this.#revising.then(() => this.#reviseTrackers(isOwn));
  }

  async #reviseTrackers(isOwn: (hostname: string) => Promise<boolean>): Promise<void> {
    const { trackerPort } = this.#context.shared.surroundings;
    const announceTiers = changedTiers(this.swarm.metainfo.announceTiers, this.#context.addresses());
    const { tiers, isAnnouncer } = await trackersOf({ announceTiers }, trackerPort, isOwn);
    if (this.#isLeft) return;
    this.swarm.isAnnouncer = isAnnouncer;
    this.#tiers = tiers;
    this.announcer?.replaceTiers(tiers);
  }

  /** The user has changed its trackers or web seeds; resolves when both are in use as they are now. */
  async addressesChanged(): Promise<void> {
    this.#webSeeds.renew();
    await this.reviseTrackers(ownHosts());
  }

  /** Whether an announce URL of the torrent leads to the port of our own tracker. */
  isOwnTracker(url: string): boolean {
    return !this.#tiers.some((tier) => tier.includes(url));
  }

  /** Notes the pieces written lately in the resume state; its owner calls it each `STORAGE.noteWrittenMs`. */
  flush(now: number): void {
    this.#store.flush(now);
    if (now - this.#totalsNotedAt < STORAGE.noteTotalsMs) return;
    this.#totalsNotedAt = now;
    this.#tasks.add(this.#saveTotals());
  }

  /** Resolves when another program has changed the data: the torrent must leave its swarm and join it again. */
  get dataChanged(): Promise<void> {
    return this.#store.changed;
  }

  /** Resolves when the torrent stops or leaves its swarm. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Ends all connections and says goodbye to the trackers; resolves when they have heard it. Never rejects. */
  async stop(): Promise<void> {
    this.#left.resolve();
    this.swarm.stop();
    this.#rest();
    await Promise.all([
      this.#goodbye,
      this.#webSeeds.settled,
      this.#reusing.settled,
      this.#revising,
      this.#tasks.settled(),
    ]);
  }

  /** Leaves the swarm and closes all files, without saving unfinished pieces, which may be wrong. Never rejects. */
  async leave(): Promise<void> {
    this.#isLeft = true;
    await Promise.all([this.stop(), this.#saveTotals(), this.#store.close()]);
  }

  /** Notes totals and peers in the resume state where they have changed; logs a failure. */
  async #saveTotals(): Promise<void> {
    const { resume, surroundings: { log } } = this.#context.shared;
    const { totals, peers } = this.#notable();
    const noted = JSON.stringify([totals, peers]);
    if (noted === this.#noted) return;
    this.#noted = noted;
    try {
      await resume.saveTotals(this.swarm.infoHash, totals);
      await resume.savePeers(this.swarm.infoHash, peers);
      log.works("noting totals");
    } catch (error) {
      log.warn(`cannot note totals: ${messageOf(error)}`, "noting totals");
    }
  }

  #notable() {
    const { uploaded, downloaded } = this.swarm.snapshot(this.#context.shared.surroundings.now());
    return { totals: { uploaded, downloaded }, peers: this.swarm.reachablePeers };
  }

  /** Endpoints of peers known in earlier runs, as `host:port`. */
  rememberedPeers(): Promise<string[]> {
    return this.#context.shared.resume.peers(this.swarm.infoHash);
  }

  /**
   * Saves all data, down to the blocks of unfinished pieces, and closes all files; its owner calls it after all
   * connections have ended. Returns whether everything was saved.
   */
  async close(): Promise<boolean> {
    if (this.#isLeft) return true;
    try {
      for (const { index, buffer, blocks } of this.swarm.download.takeUnfinished()) {
        this.#store.saveUnfinished(index, buffer, blocks);
      }
      await this.#store.flushNow();
      await this.#saveTotals();
      return true;
    } catch (error) {
      this.#context.shared.surroundings.log.warn(
        `cannot save everything of ${this.swarm.metainfo.name}: ${messageOf(error)}`,
      );
      return false;
    } finally {
      await this.#store.close();
    }
  }
}
