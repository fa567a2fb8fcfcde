/** Keeps what the user has chosen from run to run: for all torrents, and a record of each torrent. */
import type { ResumeStore } from "../../disk/state/resume_store.ts";
import { messageOf, StorageError } from "../../errors.ts";
import { canonicalAddress } from "../../protocol/endpoint.ts";
import type { InfoHash } from "../../protocol/info_hash.ts";
import { type Choices, readChoices } from "../../swarm/policy.ts";
import { readTimes, type Times } from "./active_times.ts";
import { isNumber, type KeptTorrent, newKeptTorrent, numberIn, readKeptTorrent } from "./kept_torrent.ts";

/** The kept records, in memory and in the resume state. */
export class KeptState {
  /** The user's choices for all torrents in earlier runs. */
  readonly choices: Partial<Choices>;
  readonly #resume: ResumeStore;
  readonly #wallClock: () => number;
  readonly #torrents = new Map<InfoHash, KeptTorrent>();
  readonly #times = new Map<InfoHash, Times>();
  /** Torrents of which the rest is being forgotten. */
  readonly #clearing = new Map<InfoHash, Promise<void>>();
  /** The number that the last new torrent got. */
  #lastNumber: number;

  private constructor(
    resume: ResumeStore,
    wallClock: () => number,
    choices: Partial<Choices>,
    lastNumber: number,
  ) {
    this.#resume = resume;
    this.#wallClock = wallClock;
    this.choices = choices;
    this.#lastNumber = lastNumber;
  }

  /** Loads everything. `wallClock` yields ms since 1970. Errors: those of Deno KV. */
  static async load(resume: ResumeStore, wallClock: () => number): Promise<KeptState> {
    const records = await resume.torrentWishes();
    const saved = await resume.lastNumber();
    const numbers = [...records.values()].map(numberIn).filter((number) => number !== undefined);
    const lastNumber = Math.max(isNumber(saved) ? saved : 0, ...numbers);
    const choices = readChoices(await resume.wishes());
    const state = new KeptState(resume, wallClock, choices, lastNumber);
    for (const [infoHash, record] of records) {
      const fresh = newKeptTorrent(numberIn(record) ?? ++state.#lastNumber, wallClock());
      state.#torrents.set(infoHash, readKeptTorrent(record, fresh));
    }
    for (const [infoHash, times] of await resume.times()) state.#times.set(infoHash, readTimes(times));
    return state;
  }

  /** How long a torrent was downloaded and seeded in earlier runs. */
  times(infoHash: InfoHash): Times {
    return this.#times.get(infoHash) ?? readTimes(undefined);
  }

  /** Saves how long a torrent was downloaded and seeded in all runs. Errors: those of Deno KV. */
  async saveTimes(infoHash: InfoHash, times: Times): Promise<void> {
    this.#times.set(infoHash, times);
    await this.#resume.saveTimes(infoHash, times);
  }

  /** The record of a torrent: the one of earlier runs, or a new one, which lasts once it is saved. */
  torrent(infoHash: InfoHash): KeptTorrent {
    const known = this.#torrents.get(infoHash);
    if (known !== undefined) return known;
    const kept = newKeptTorrent(++this.#lastNumber, this.#wallClock());
    this.#torrents.set(infoHash, kept);
    return kept;
  }

  /** Forgets what a removal that was cut off has left of a torrent. Errors: those of Deno KV. */
  async clear(infoHash: InfoHash): Promise<void> {
    if (this.#torrents.get(infoHash)?.isLeaving !== true) return;
    const clearing = this.#clearing.get(infoHash) ?? this.#resume.forget(infoHash);
    this.#clearing.set(infoHash, clearing);
    await clearing;
    if (this.#clearing.delete(infoHash)) this.forget(infoHash);
  }

  /** Saves the record of a torrent. Errors: `StorageError`. */
  async save(infoHash: InfoHash, kept: KeptTorrent): Promise<void> {
    this.#torrents.set(infoHash, kept);
    await keeping(this.#resume.saveTorrentWishes(infoHash, kept, this.#lastNumber));
  }

  /** Kept magnet links, whose metadata has not come yet. Errors: those of Deno KV. */
  magnets(): Promise<Map<InfoHash, string>> {
    return this.#resume.magnets();
  }

  /** Keeps a magnet link until its metadata is there. Errors: `StorageError`. */
  async saveMagnet(infoHash: InfoHash, link: string): Promise<void> {
    await keeping(this.#resume.saveMagnet(infoHash, link));
  }

  /** The metadata is in `torrents/` now. Errors: those of Deno KV. */
  forgetMagnet(infoHash: InfoHash): Promise<void> {
    return this.#resume.forgetMagnet(infoHash);
  }

  /** Forgets the record of a torrent in memory; its number is not given again. */
  forget(infoHash: InfoHash): void {
    this.#torrents.delete(infoHash);
    this.#times.delete(infoHash);
  }

  /** Addresses that the user has banned in earlier runs, canonical. Errors: those of Deno KV. */
  async bans(): Promise<string[]> {
    const saved = await this.#resume.bans();
    const addresses = Array.isArray(saved) ? saved : [];
    return addresses.flatMap((each) => typeof each === "string" ? canonicalAddress(each) ?? [] : []);
  }

  /** Saves all banned addresses. Errors: `StorageError`. */
  async saveBans(addresses: readonly string[]): Promise<void> {
    await keeping(this.#resume.saveBans(addresses));
  }

  /** Saves the choices for all torrents. Errors: `StorageError`. */
  async saveChoices(choices: Partial<Choices>): Promise<void> {
    await keeping(this.#resume.saveWishes(choices));
  }
}

async function keeping(save: Promise<void>): Promise<void> {
  try {
    await save;
  } catch (error) {
    throw new StorageError(`It holds until the program ends, but cannot be kept: ${messageOf(error)}`);
  }
}
