/**
 * One torrent of a session, from the moment it is added until it leaves: the only object for its info-hash.
 *
 *   fetching metadata → checking → downloading | seeding | paused | queued → leaving
 *           └──────────────┴─── failed, with the reason; `resume` tries again
 *
 * Orders of the user take effect at once and hold after a restart: each promise resolves when its order is kept.
 */
import { join } from "node:path";
import type { Totals } from "../disk/state/resume_store.ts";
import { removeTorrent } from "../disk/torrent_removal.ts";
import { messageOf } from "../errors.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import { STORAGE } from "../settings.ts";
import type { TorrentState } from "../swarm/ports.ts";
import { type Changes, OF_PROCESS } from "../swarm/policy.ts";
import { waitingIn } from "./advice/waiting.ts";
import { reachedGoal } from "./goals.ts";
import type { Times } from "./kept/active_times.ts";
import {
  changedTiers,
  changedWebSeeds,
  type KeptAddresses,
  withoutTracker,
  withoutWebSeed,
  withTiers,
  withTracker,
  withWebSeed,
} from "./kept/kept_addresses.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import { TorrentWill } from "./kept/torrent_will.ts";
import { WantedFiles } from "./kept/wanted_files.ts";
import type { TorrentContext, TorrentSource } from "./torrent_context.ts";
import { removeTorrentFiles } from "./torrent_folder.ts";
import { TorrentRun } from "./torrent_run.ts";
import { type TorrentSnapshot, TorrentSnapshots } from "./torrent_snapshot.ts";
import type { TorrentParts } from "./torrent_views.ts";

/** One torrent in any of its states. */
export class Torrent {
  readonly infoHash: InfoHash;
  /** The user's will, which is kept from run to run. */
  readonly will: TorrentWill;
  readonly #context: TorrentContext;
  readonly #wanted: WantedFiles;
  readonly #run: TorrentRun;
  readonly #snapshots = new TorrentSnapshots();
  /** Whether it waits in the queue. */
  #isHeld = false;
  /** Whether it goes on although a goal is reached, since the user has resumed it in this run. */
  #ignoresGoals = false;
  #times: Times;
  #timesNotedAt = 0;
  #savingTimes: Promise<void> = Promise.resolve();
  #lastTurnAt: number | undefined;

  /** The torrent does nothing until `start`. */
  constructor(source: TorrentSource, context: TorrentContext) {
    this.infoHash = source.infoHash;
    this.#context = context;
    const files = { ...context.files, ...source.files };
    const wanted = this.#wanted = new WantedFiles(
      source.infoHash,
      files,
      source.magnet?.selectOnly ?? [],
      context,
    );
    const will = this.will = new TorrentWill(source.infoHash, context);
    this.#times = context.state.times(source.infoHash);
    const isResting = () => will.isPaused || this.#isHeld;
    this.#run = new TorrentRun(source, context, {
      will,
      wanted,
      get isResting() {
        return isResting();
      },
      completed: (isNow) => {
        if (!isNow && will.kept.completedAt !== undefined) return;
        will.note({ completedAt: context.surroundings.wallClock() });
      },
    });
  }

  // What it is

  get state(): TorrentState {
    const { state } = this.#run;
    return state === "paused" && !this.will.isPaused ? "queued" : state;
  }

  /** Whether it is to be downloaded now. */
  get isDemanding(): boolean {
    return !this.will.isPaused && this.state !== "failed" && this.state !== "leaving" && this.isUnfinished;
  }

  /** Whether wanted data is missing; one that was complete counts as complete until its check says otherwise. */
  get isUnfinished(): boolean {
    const { joined } = this.#run;
    return joined === undefined ? this.will.kept.completedAt === undefined : !joined.swarm.isFinished;
  }

  /** How long it was downloaded and seeded in all runs, in ms. */
  get times(): Times {
    return this.#times;
  }

  /** As `TorrentRun.whenJoined`. */
  get whenJoined(): Promise<void> {
    return this.#run.whenJoined;
  }

  /** The whole state of the torrent at `now` (ms), as plain data. `queuePosition`: its place in the queue, from 0. */
  snapshot(now: number, queuePosition: number): TorrentSnapshot {
    const { state } = this;
    const swarm = this.#run.snapshot(now);
    const usesMulticast = this.#context.usesMulticast && !this.isPrivate;
    const waiting = waitingIn(swarm, this.#run.announcer, usesMulticast, this.#context.surroundings);
    return this.#snapshots.take({ swarm, state, waiting, kept: this.will.kept, queuePosition });
  }

  /** The parts that `torrent_views.ts` looks at. */
  get parts(): TorrentParts {
    const { joined, announcer, magnet } = this.#run;
    const { announceTiers, webSeeds, httpSeeds } = this.#addresses;
    const { addresses } = this.will.kept;
    const changed = {
      announceTiers: changedTiers(announceTiers, addresses),
      ...changedWebSeeds({ webSeeds, httpSeeds }, addresses),
    };
    const metainfo = this.#run.metainfo && { ...this.#run.metainfo, ...changed };
    const link = magnet && { ...magnet, trackers: changed.announceTiers.flat(), webSeeds: changed.webSeeds };
    return { infoHash: this.infoHash, metainfo, magnet: link, joined, announcer };
  }

  /** Its addresses without the user's changes. */
  get #addresses(): Pick<Metainfo, "announceTiers" | "webSeeds" | "httpSeeds"> {
    const { metainfo, magnet } = this.#run;
    if (metainfo !== undefined) return metainfo;
    const { trackers = [], webSeeds = [] } = magnet ?? {};
    return { announceTiers: trackers.map((tracker) => [tracker]), webSeeds, httpSeeds: [] };
  }

  /** Payload bytes since it joined its swarm. */
  get moved(): Totals {
    return this.#run.moved;
  }

  /** Whether only its info-hash is known, from a magnet link. */
  get lacksMetadata(): boolean {
    return this.#run.metainfo === undefined;
  }

  /** Whether only its trackers may name its peers (BEP 27). */
  get isPrivate(): boolean {
    return this.#run.metainfo?.isPrivate ?? false;
  }

  /** Whether it looks for peers, so that it may be announced by multicast. */
  get isSeeking(): boolean {
    return !this.will.isPaused && !this.#isHeld && this.#run.swarm !== undefined;
  }

  // Orders of the user

  /** As `TorrentRun.start`. */
  start(isTold = false): void {
    this.#run.start(isTold);
  }

  /** As `TorrentRun.adopt`. */
  adopt(metainfo: Metainfo): void {
    this.#run.adopt(metainfo);
  }

  /** Dials these peers at once and after each beginning, `HOST:PORT` each. */
  addPeers(peers: readonly string[]): void {
    this.#run.addPeers(peers);
  }

  /** Adds a tracker (BEP 12). Errors: `RangeError`, also for a private torrent (BEP 27); `StorageError`. */
  async addTracker(url: string, tier?: number): Promise<void> {
    if (this.isPrivate) {
      throw new RangeError(
        "A private torrent is announced only to the trackers that it names (BEP 27); change them with peer edit",
      );
    }
    await this.#change(withTracker(this.will.kept.addresses, this.#addresses.announceTiers, url, tier));
  }

  /** Adds the trackers of the same torrent from elsewhere, as far as they fit. Errors: `StorageError`. */
  async addTiers(tiers: readonly (readonly string[])[]): Promise<void> {
    const { addresses } = this.will.kept;
    const changed = withTiers(addresses, this.#addresses.announceTiers, tiers);
    if (changed.trackers.length > addresses.trackers.length) await this.#change(changed);
  }

  /** Drops a tracker. Errors: `RangeError`; `StorageError`. */
  async dropTracker(url: string): Promise<void> {
    await this.#change(withoutTracker(this.will.kept.addresses, this.#addresses.announceTiers, url));
  }

  /** Adds a web seed (BEP 19). Errors: `RangeError`; `StorageError`. */
  async addWebSeed(url: string): Promise<void> {
    await this.#change(withWebSeed(this.will.kept.addresses, this.#listedWebSeeds, url));
  }

  /** Drops a web seed of either kind. Errors: `RangeError`; `StorageError`. */
  async dropWebSeed(url: string): Promise<void> {
    await this.#change(withoutWebSeed(this.will.kept.addresses, this.#listedWebSeeds, url));
  }

  get #listedWebSeeds(): string[] {
    const { webSeeds, httpSeeds } = this.#addresses;
    return [...webSeeds, ...httpSeeds];
  }

  async #change(addresses: KeptAddresses): Promise<void> {
    const keeping = this.will.change({ addresses });
    await Promise.all([keeping, this.#run.addressesChanged()]);
  }

  /** Lets the torrent rest until `resume`. Errors: `StorageError` when that cannot be kept. */
  async pause(): Promise<void> {
    const wasPaused = this.will.isPaused;
    const keeping = this.will.change({ isPaused: true, pauseReason: undefined });
    if (!wasPaused) {
      this.#run.rest();
      this.#context.standingChanged();
    }
    await keeping;
  }

  /** Goes on after a pause; a torrent that has failed begins again. Errors: `StorageError` when that cannot be kept. */
  async resume(): Promise<void> {
    this.#ignoresGoals ||= this.will.kept.pauseReason !== undefined;
    const keeping = this.will.change({ isPaused: false, pauseReason: undefined });
    if (this.state === "failed") this.#run.start(true);
    else if (!this.#isHeld) this.#run.goOn();
    this.#context.standingChanged();
    await keeping;
  }

  /** Lets it wait in the queue, or lets it run again. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    if (this.will.isPaused) return;
    if (isHeld) this.#run.rest();
    else this.#run.goOn();
    this.#context.standingChanged();
  }

  /**
   * Chooses another folder for its data (an absolute path; undefined for `shareable/`), and checks what is there. With
   * `movesData` its finished files are moved there first; if that fails, so does the torrent, and `resume` tries again.
   * Resolves when the choice is kept: a move that is cut off is completed at the next start.
   *
   * Errors: `RangeError` for data of the user's own, and while another move is under way; `StorageError`.
   */
  async relocate(folder: string | undefined, movesData: boolean): Promise<void> {
    const { kept } = this.will;
    const [present, wanted] = [kept.folder, folder].map((path) =>
      path ?? join(this.#context.home, "shareable")
    );
    if (wanted === present) return;
    if (kept.isUsersOwn) {
      throw new RangeError(
        "Expected data that peer has put there, got the user's own; share it from its new place",
      );
    }
    if (kept.movesFrom !== undefined && (wanted !== kept.movesFrom || !movesData)) {
      throw new RangeError(`Expected no move under way, got one from ${kept.movesFrom} to ${present}`);
    }
    const keeping = this.will.change({ folder, movesFrom: movesData ? present : undefined });
    if (!this.lacksMetadata) this.#run.start(true);
    await keeping;
  }

  /** Looks for its pieces in other old data. Errors: `StorageError` when that cannot be kept. */
  async reuse(paths: readonly string[]): Promise<void> {
    const keeping = this.will.change({ reuse: paths });
    this.#run.joined?.reuseChanged();
    await keeping;
  }

  /** As `TorrentRun.verify`. */
  verify(): Promise<void> {
    return this.#run.verify();
  }

  /** Announces to all trackers as soon as each of them allows it. */
  reannounce(): void {
    this.#run.announcer?.again();
  }

  /** Keeps the wishes for its files before it begins. Errors: `RangeError` when no file would be wanted. */
  keepFiles(): Promise<void> {
    return this.#wanted.keep(this.#run.metainfo);
  }

  /**
   * Changes which files are wanted, or their order; a wish that is left out stays as it is. Resolves when the change
   * has taken effect and is kept. Errors: `RangeError` when no file would be wanted; then nothing has changed.
   */
  select(wishes: FileWishes): Promise<void> {
    const run = this.#run;
    return this.#wanted.select(wishes, {
      metainfo: () => run.metainfo,
      joined: () => run.joined,
      checked: () => run.worked,
      selected: (joined) => run.standingChanged(joined),
    });
  }

  /**
   * Chooses limits, slots and the like for this torrent; undefined restores the value for all. Errors: `RangeError`, and
   * then nothing has changed; `StorageError` when the choice cannot be kept.
   */
  async choose(choices: Changes): Promise<void> {
    const wrong = OF_PROCESS.find((name) => name in choices);
    if (wrong !== undefined) throw new RangeError(`Expected a choice for one torrent, got ${wrong}`);
    if ("seedRatio" in choices || "seedTimeMs" in choices) this.#ignoresGoals = false;
    const keeping = this.will.choose(choices);
    this.policyChanged();
    await keeping;
  }

  /** Applies a change of the choices for this torrent or for all. */
  policyChanged(): void {
    this.#run.joined?.swarm.policyChanged(this.#context.surroundings.now());
  }

  // Time

  /** Does the housekeeping of each second; `now` in ms. */
  tick(now: number): void {
    this.#run.tick(now);
    const { state } = this;
    const elapsed = Math.min(now - (this.#lastTurnAt ?? now), STORAGE.longestTurnMs);
    this.#lastTurnAt = now;
    const { downloadingMs, seedingMs } = this.#times;
    if (state === "downloading") this.#times = { downloadingMs: downloadingMs + elapsed, seedingMs };
    if (state === "seeding") this.#times = { downloadingMs, seedingMs: seedingMs + elapsed };
    if (state === "seeding" && !this.#ignoresGoals) this.#pauseAtGoal(now);
    if (now - this.#timesNotedAt < STORAGE.noteTimesMs) return;
    this.#timesNotedAt = now;
    this.#savingTimes = this.#saveTimes();
  }

  #pauseAtGoal(now: number): void {
    const { seedRatio, seedTimeMs } = this.will.policy;
    if (seedRatio === Infinity && seedTimeMs === Infinity) return;
    const pauseReason = reachedGoal(this.#run.snapshot(now), this.will.policy, this.#times.seedingMs);
    if (pauseReason === undefined) return;
    this.will.note({ isPaused: true, pauseReason });
    this.#run.rest();
    this.#context.standingChanged();
  }

  async #saveTimes(): Promise<void> {
    const { state, surroundings: { log } } = this.#context;
    const times = this.#times;
    if (times === state.times(this.infoHash)) return;
    await state.saveTimes(this.infoHash, times).catch((error) => log.warn(messageOf(error)));
  }

  /** Finds out again which trackers are our own, after a change of our addresses. `ownHosts` returns `isOwn`. */
  async reviseTrackers(isOwn: (hostname: string) => Promise<boolean>): Promise<void> {
    await this.#run.joined?.reviseTrackers(isOwn);
  }

  // The end

  /** Ends all work and resolves when the trackers have heard it. The caller calls `close` next. Never rejects. */
  async stop(): Promise<void> {
    await this.#run.stop();
  }

  /** Saves everything and closes all files, after its connections have ended. Returns whether everything was saved. */
  async close(): Promise<boolean> {
    await Promise.all([this.will.saved(), this.#savingTimes]);
    await this.#saveTimes();
    return await this.#run.close();
  }

  /**
   * Leaves the torrent for good: its swarm, its trackers and the embedded tracker's list. Removes its resume state, its
   * part of `state/tmp/` and its files in `torrents/`; with `deletesData` its finished files too.
   *
   * Errors: `StorageError`; errors of Deno KV. The torrent has failed then, and the caller may try again.
   */
  async remove(deletesData: boolean): Promise<void> {
    const { resume, home, state } = this.#context;
    await this.#run.stop();
    await this.#run.leave();
    try {
      await Promise.all([this.will.forget(), this.#savingTimes]);
      await removeTorrentFiles(home, this.infoHash);
      const { metainfo } = this.#run;
      if (metainfo === undefined) await resume.forget(this.infoHash);
      else await removeTorrent(metainfo, { home, folder: this.will.kept.folder, resume }, deletesData);
      state.forget(this.infoHash);
    } catch (error) {
      this.#run.stays(error);
      this.will.remember();
      throw error;
    }
  }
}
