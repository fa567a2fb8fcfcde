/** One torrent in a session: its swarm, its pieces on disk and its announces, joined and left as one. */
import type { DiskWorkers } from "../disk/disk_workers.ts";
import { PieceStore } from "../disk/piece_store.ts";
import { inSlices } from "../disk/time_slices.ts";
import type { ResumeStore } from "../disk/state/resume_store.ts";
import { messageOf } from "../errors.ts";
import { Announcer, type AnnouncerOptions } from "../net/tracker/announcer.ts";
import type { TrackerTraffic } from "../net/tracker/tracker_traffic.ts";
import { missingTrackers, trackersOf } from "../net/tracker/own_tracker.ts";
import { runWebSeeds } from "../net/web_seed/web_seeds.ts";
import type { FileRange } from "../protocol/magnet.ts";
import { type Metainfo, readOriginalPaths } from "../protocol/metainfo.ts";
import { publicUrl } from "../protocol/secrets.ts";
import { METAINFO_LIMITS, STORAGE } from "../settings.ts";
import { type FileSelection, globsWithoutFile } from "../swarm/download/file_selection.ts";
import type { Surroundings } from "../surroundings.ts";
import type { Policy } from "../swarm/policy.ts";
import type { RateLimits, SwarmEvent } from "../swarm/ports.ts";
import { Swarm } from "../swarm/swarm.ts";
import { adviceOnFileInTheWay } from "./place_advice.ts";
import { chooseFiles, type FileWishes } from "./kept_choice.ts";
import { Tasks } from "./tasks.ts";

/** What all torrents of a session share. */
export interface SharedParts {
  readonly home: string;
  readonly workers: DiskWorkers;
  readonly resume: ResumeStore;
  readonly surroundings: Surroundings;
  readonly trackerTraffic: TrackerTraffic;
}

/** What a torrent is joined with. */
export interface JoinContext {
  readonly shared: SharedParts;
  readonly policy: Policy;
  readonly limits: RateLimits;
  /** What the user says of its files now; what was kept of earlier is known. */
  readonly files: FileWishes;
  report(event: SwarmEvent): void;
}

/** A torrent that was joined. */
export class JoinedTorrent {
  readonly swarm: Swarm;
  /** Talks to its trackers; undefined while it rests. */
  announcer: Announcer | undefined;
  /** What the user should know of it from the start, each with its code. */
  readonly warnings: [code: string, message: string][] = [];
  readonly #store: PieceStore;
  readonly #context: JoinContext;
  /** Totals and peers as they were last noted, and when, in ms. */
  #noted: string;
  #totalsNotedAt: number;
  /** Announce URLs, tier by tier. */
  #tiers: readonly (readonly string[])[];
  readonly #tasks = new Tasks();
  /** Aborts when it rests again; undefined while it does. */
  #activity: AbortController | undefined;
  #usesWebSeeds = false;
  /** The last word to its trackers. */
  #goodbye: Promise<void> = Promise.resolve();
  readonly #left = Promise.withResolvers<void>();
  #isLeft = false;

  private constructor(
    swarm: Swarm,
    store: PieceStore,
    tiers: readonly (readonly string[])[],
    context: JoinContext,
  ) {
    this.swarm = swarm;
    this.#tiers = tiers;
    this.#store = store;
    this.#context = context;
    const { totals, peers } = this.#notable();
    this.#noted = JSON.stringify([totals, peers]);
    this.#totalsNotedAt = context.shared.surroundings.now();
  }

  /**
   * Finds out what is there and builds the swarm on it. `selectOnly` are the files that a magnet link names, empty
   * for all; `onChecked` hears how many pieces were looked at. It rests until `begin`.
   *
   * Errors: `RangeError` when no file is wanted; `StorageError`; the signal's reason when it aborts meanwhile.
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
    const selection = await chooseFiles(metainfo, context.files, selectOnly, { resume, log });
    const store = new PieceStore({ metainfo, selection, home, workers, resume, log });
    try {
      const recovered = await store.recover(onChecked, signal);
      if (!recovered.finished) workers.prepare();
      const { tiers, isAnnouncer, problems } = await trackersOf(metainfo, surroundings.trackerPort);
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
      const joined = new JoinedTorrent(swarm, store, tiers, context);
      for (const message of problems) joined.warnings.push(["announce", message]);
      for (const path of recovered.inTheWay) joined.warnings.push(["in-the-way", adviceOnFileInTheWay(path)]);
      for (const glob of globsWithoutFile(metainfo, context.files)) {
        joined.warnings.push(["selection", `no file matches ${glob}`]);
      }
      return joined;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Looks for peers, talks to trackers and uses web seeds, until `pause`. */
  begin(): void {
    const { signal } = this.#activity = new AbortController();
    this.swarm.resume();
    this.#tasks.add(this.#announce(signal));
    this.#beginWebSeeds(signal);
  }

  /** Rests: no connections, and its trackers hear that we left. Nothing is lost by it. */
  pause(): void {
    this.swarm.pause();
    this.#rest();
  }

  #rest(): void {
    this.#activity?.abort();
    this.#activity = undefined;
    if (this.announcer !== undefined) this.#goodbye = this.announcer.stop();
    this.announcer = undefined;
  }

  /** Other files are wanted from now on, or in another order. */
  select(selection: FileSelection): void {
    this.swarm.select(selection, this.#context.shared.surroundings.now());
    if (this.#activity !== undefined && !this.swarm.isFinished) this.#beginWebSeeds(this.#activity.signal);
  }

  /** Talks to the trackers, once they have heard the last goodbye. */
  async #announce(signal: AbortSignal): Promise<void> {
    await this.#goodbye;
    if (signal.aborted) return;
    const { trackerTraffic: traffic, surroundings } = this.#context.shared;
    const failed = this.#warningOfMissing(signal);
    this.announcer = new Announcer({ swarm: this.swarm, tiers: this.#tiers, traffic, failed, surroundings });
    this.announcer.tick();
  }

  /** Tells the user where others look in vain for the tracker of this process; nothing where it runs none. */
  #warningOfMissing(signal: AbortSignal): AnnouncerOptions["failed"] {
    const { shared: { surroundings: { trackerPort } }, report } = this.#context;
    if (trackerPort === undefined) return undefined;
    return missingTrackers(trackerPort, (message) => {
      if (!signal.aborted) {
        report({ event: "warning", code: "announce", message, infoHash: this.swarm.infoHash });
      }
    });
  }

  #beginWebSeeds(signal: AbortSignal): void {
    if (this.#usesWebSeeds) return;
    this.#usesWebSeeds = true;
    this.#tasks.add(
      this.#useWebSeeds(signal).finally(() => {
        this.#usesWebSeeds = false;
        // It may have rested meanwhile, and begun again.
        const { signal: next } = this.#activity ?? {};
        if (next !== undefined && next !== signal && !this.swarm.isFinished) this.#beginWebSeeds(next);
      }),
    );
  }

  /** Downloads from the torrent's web seeds too, until all is there or `signal` aborts. Never rejects. */
  async #useWebSeeds(signal: AbortSignal): Promise<void> {
    const { infoHash, metainfo } = this.swarm;
    const { report, shared: { surroundings } } = this.#context;
    if (metainfo.webSeeds.length + metainfo.httpSeeds.length === 0) return;
    const paths = await inSlices(readOriginalPaths(metainfo.rawInfo, METAINFO_LIMITS));
    await runWebSeeds(this.swarm, paths, surroundings, signal, (url, message) => {
      const text = `web seed ${publicUrl(url)}: ${message}`;
      report({ event: "warning", code: "web-seed", message: text, infoHash });
    });
  }

  /** Looks anew which announce addresses are our own tracker, as this machine's addresses changed. `isOwn`: as `ownHosts`. */
  async reviseTrackers(isOwn: (hostname: string) => Promise<boolean>): Promise<void> {
    const { trackerPort } = this.#context.shared.surroundings;
    const { tiers, isAnnouncer } = await trackersOf(this.swarm.metainfo, trackerPort, isOwn);
    if (this.#isLeft) return;
    this.swarm.isAnnouncer = isAnnouncer;
    this.#tiers = tiers;
    this.announcer?.replaceTiers(tiers);
  }

  /** Notes in the resume state what was written since; to be called every `STORAGE.noteWrittenMs`. */
  flush(now: number): void {
    this.#store.flush(now);
    if (now - this.#totalsNotedAt < STORAGE.noteTotalsMs) return;
    this.#totalsNotedAt = now;
    this.#tasks.add(this.#saveTotals());
  }

  /** Resolves when somebody changed the data: it is to be left, and joined anew. */
  get dataChanged(): Promise<void> {
    return this.#store.changed;
  }

  /** Resolves when it is stopped or left. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Ends all connections and says goodbye to the trackers; resolves when they have heard it. Never rejects. */
  async stop(): Promise<void> {
    this.#left.resolve();
    this.swarm.stop();
    this.#rest();
    await Promise.all([this.#goodbye, this.#tasks.settled()]);
  }

  /** Leaves the swarm and lets go of all files, without saving what may be wrong. Never rejects. */
  async leave(): Promise<void> {
    this.#isLeft = true;
    await Promise.all([this.stop(), this.#saveTotals(), this.#store.close()]);
  }

  /** Notes totals and peers in the resume state where they changed; a failure is logged. */
  async #saveTotals(): Promise<void> {
    const { resume, surroundings: { log } } = this.#context.shared;
    const { totals, peers } = this.#notable();
    const noted = JSON.stringify([totals, peers]);
    if (noted === this.#noted) return;
    this.#noted = noted;
    try {
      await resume.saveTotals(this.swarm.infoHash, totals);
      await resume.savePeers(this.swarm.infoHash, peers);
    } catch (error) {
      log.warn(`cannot note totals: ${messageOf(error)}`);
    }
  }

  #notable() {
    const { uploaded, downloaded } = this.swarm.snapshot(this.#context.shared.surroundings.now());
    return { totals: { uploaded, downloaded }, peers: this.swarm.reachablePeers };
  }

  /** Endpoints of earlier runs, as `host:port`. */
  rememberedPeers(): Promise<string[]> {
    return this.#context.shared.resume.peers(this.swarm.infoHash);
  }

  /**
   * After all connections ended: saves what there is, down to the blocks of pieces that are only partly there, and
   * lets go of all files. Returns whether everything was saved.
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
