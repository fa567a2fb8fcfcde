/**
 * Keeps the resume state, which holds from run to run, in `state/peer.kv`. No other file uses Deno KV.
 *
 *   ["session"]                     version, clean, ports
 *   ["torrent", infoHash]           phase
 *   ["totals",  infoHash]           bytes uploaded and downloaded
 *   ["stored",  infoHash, chunk]    32 KiB of bitfield: pieces verified and synced to disk
 *   ["written", infoHash, chunk]    the same: pieces verified and written, a hint
 *   ["stamps",  infoHash, chunk]    size, time and inode of files in shareable/
 *   ["places",  infoHash, chunk]    where each file is, one byte a file (`FilePlace`)
 *   ["blocks",  infoHash, piece]    which blocks of an unfinished piece are in its file (clean stop only)
 *   ["peers",   infoHash]           last good endpoints
 *   ["choice",  infoHash]           which files the user wants, and in which order
 *   ["wishes",  infoHash]           what else the user wants of it: a pause, limits, labels
 *   ["times",   infoHash]           how long it was downloaded and seeded
 *   ["magnet",  infoHash]           the magnet link of a torrent whose metadata has not come yet, in UTF-8
 *   ["totals"]                      bytes uploaded and downloaded for all torrents that there ever were
 *   ["wishes"]                      limits and the like for all torrents
 *   ["bans"]                        addresses that the user has banned
 *   ["numbers"]                     the last number that any torrent got
 */
import fs from "node:fs";
import { join } from "node:path";
import { messageOf, StorageError } from "../../errors.ts";
import { Bitfield } from "../../protocol/bitfield.ts";
import { fromUtf8, toUtf8 } from "../../protocol/bytes.ts";
import { type InfoHash, parseInfoHash } from "../../protocol/info_hash.ts";
import type { FileStamp } from "./file_stamp.ts";
import { guardPath } from "../guarded_path.ts";
import { checkDatabase } from "./database_check.ts";
import { type Change, CHANGES_PER_TRANSACTION, KvWrites } from "./kv_writes.ts";
import { LatestSave } from "./latest_save.ts";
import { isRenameBusy, tryAgain } from "../storage_failure.ts";
import {
  FORMAT_VERSION,
  type KeptChoice,
  type Phase,
  readChoice,
  readPeers,
  readPhase,
  readSession,
  readStamps,
  readTotals,
  type SessionRecord,
  stampsRecord,
  type Totals,
  type UsedPorts,
} from "./resume_records.ts";

export type { KeptChoice, Phase, Totals, UsedPorts };

/** The names of the two bitfields of a torrent. */
type BitsKind = "stored" | "written";

/** A value may take 64 KiB. */
const BYTES_PER_CHUNK = 32 * 1024;
const STAMPS_PER_CHUNK = 2_000;
const FILE_NAME = "peer.kv";
/** Failures that do not come from the contents of the store: the user is told, and the store stays where it is. */
const NOT_BROKEN =
  /unable to open|disk is full|disk I\/O|readonly|read-only|locked|locking|busy|permission|denied|too many/i;
/** The failures among them by which SQLite says that its write-ahead log does not work here, as on network shares. */
const NO_WRITE_AHEAD_LOG = /unable to open database file|disk I\/O|locked|locking|busy/i;

/** The kinds of record that the store keeps of a torrent. */
const KINDS = [
  "torrent",
  "totals",
  "stored",
  "written",
  "stamps",
  "places",
  "blocks",
  "peers",
  "choice",
  "wishes",
  "magnet",
  "times",
];

/** Reads and writes the resume state. Methods throw the errors of Deno KV, and trust no value to be well-formed. */
export class ResumeStore {
  readonly #kv: Deno.Kv;
  readonly #writes: KvWrites;
  /**
   * SQLite's write-ahead log. It stays open, since there may be no descriptor left when it is needed. Undefined for a
   * store in memory, and where SQLite does without a log and syncs by itself.
   */
  readonly #log: Deno.FsFile | undefined;
  readonly #syncs = new LatestSave(async () => await this.#log?.syncData());
  #session: SessionRecord;
  /** Whether the run before stopped cleanly, so that block bitmaps can be trusted. */
  readonly wasClean: boolean;

  private constructor(kv: Deno.Kv, log: Deno.FsFile | undefined, session: SessionRecord, wasClean: boolean) {
    this.#kv = kv;
    this.#writes = new KvWrites(kv);
    this.#log = log;
    this.#session = session;
    this.wasClean = wasClean;
  }

  /**
   * Opens the store in `home/state/`, which must exist, and takes back the clean mark.
   *
   * One that is broken, or of a newer version, is put aside as `peer.kv.broken-N` and a new one begun; `warn` is
   * told. Where SQLite cannot work, as on some network shares, the store lives in memory for this run, and `warn` is
   * told. Errors: `StorageError` when there can be none at all, as on a full disk.
   */
  static async open(
    home: string,
    warn: (message: string) => void,
    openKv: (path: string) => Promise<Deno.Kv> = Deno.openKv,
  ): Promise<ResumeStore> {
    const { path: folder } = guardPath(home, ["state"]);
    for (const name of storeFiles(FILE_NAME)) guardPath(home, ["state", name]);
    try {
      return await ResumeStore.#openFile(folder, openKv);
    } catch (error) {
      const isPlain = statsOf(join(folder, FILE_NAME))?.isFile() ?? true;
      if (isPlain && NO_WRITE_AHEAD_LOG.test(messageOf(error))) {
        warn(
          `There can be no database in state/ (${
            messageOf(error)
          }), as on some network shares: nothing is remembered from run to run, and each start checks all data`,
        );
        return await ResumeStore.#inMemory();
      }
      if (isRenameBusy(error) || NOT_BROKEN.test(messageOf(error))) throw cannotOpen(error);
      const aside = putAside(folder);
      warn(
        `The resume state could not be read (${
          messageOf(error)
        }); it was kept as state/${aside}, data is checked anew`,
      );
    }
    return await ResumeStore.#openFile(folder, openKv).catch((error) => {
      throw cannotOpen(error);
    });
  }

  static async #inMemory(): Promise<ResumeStore> {
    return new ResumeStore(
      await Deno.openKv(":memory:"),
      undefined,
      { version: FORMAT_VERSION, clean: false },
      false,
    );
  }

  static async #openFile(
    folder: string,
    openKv: (path: string) => Promise<Deno.Kv>,
  ): Promise<ResumeStore> {
    const path = join(folder, FILE_NAME);
    if (fs.existsSync(path)) checkDatabase(path);
    const kv = await openKv(path);
    try {
      // Damage within values shows only when they are read, so all of the few values are read here.
      for await (const _ of kv.list({ prefix: [] }));
      const last = readSession((await kv.get(["session"])).value);
      const session: SessionRecord = { ...last, version: FORMAT_VERSION, clean: false };
      await kv.set(["session"], session);
      const log = await tryAgain(() => openLog(`${path}-wal`));
      return new ResumeStore(kv, log, session, last?.clean ?? false);
    } catch (error) {
      kv.close();
      throw error;
    }
  }

  /** The ports of the last run; undefined at the first start. */
  get ports(): UsedPorts | undefined {
    return this.#session.ports;
  }

  async savePorts(ports: UsedPorts): Promise<void> {
    this.#session = { ...this.#session, ports };
    await this.#writes.make({ key: ["session"], value: this.#session });
  }

  /** Notes that everything is saved; the last call before `close`. */
  async markClean(): Promise<void> {
    await this.#writes.make({ key: ["session"], value: { ...this.#session, clean: true } });
    await this.#sync();
  }

  async phase(infoHash: InfoHash): Promise<Phase | undefined> {
    return readPhase((await this.#kv.get(["torrent", infoHash])).value);
  }

  /** Notes a phase; resolves when it and everything saved before are on the disk. */
  async savePhase(infoHash: InfoHash, phase: Phase): Promise<void> {
    await this.#writes.make({ key: ["torrent", infoHash], value: { phase } });
    await this.#sync();
  }

  /** One of the two bitfields of a torrent with so many pieces; what is missing or malformed counts as empty. */
  async bits(kind: BitsKind, infoHash: InfoHash, pieces: number): Promise<Bitfield> {
    const bytes = await this.#bytes(kind, infoHash, Math.ceil(pieces / 8));
    return (bytes && Bitfield.fromBytes(bytes, pieces)) ?? new Bitfield(pieces);
  }

  async saveBits(kind: BitsKind, infoHash: InfoHash, bits: Bitfield): Promise<void> {
    await this.#saveBytes(kind, infoHash, bits.toBytes());
  }

  /** The place of each of a torrent's files; undefined where none was saved, or for another number of files. */
  async places(infoHash: InfoHash, files: number): Promise<Uint8Array | undefined> {
    return await this.#bytes("places", infoHash, files);
  }

  async savePlaces(infoHash: InfoHash, places: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#saveBytes("places", infoHash, places);
  }

  async #bytes(kind: string, infoHash: InfoHash, length: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(length);
    for (let start = 0; start < length; start += BYTES_PER_CHUNK) {
      const { value } = await this.#kv.get([kind, infoHash, start / BYTES_PER_CHUNK]);
      const expected = Math.min(BYTES_PER_CHUNK, length - start);
      if (!(value instanceof Uint8Array) || value.length !== expected) return undefined;
      bytes.set(value, start);
    }
    return bytes;
  }

  async #saveBytes(kind: string, infoHash: InfoHash, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#makeAll(Math.ceil(bytes.length / BYTES_PER_CHUNK), (chunk) => {
      const start = chunk * BYTES_PER_CHUNK;
      return { key: [kind, infoHash, chunk], value: bytes.slice(start, start + BYTES_PER_CHUNK) };
    });
  }

  /** Stamps of a torrent's files, by position; undefined where none was saved. */
  async stamps(infoHash: InfoHash, files: number): Promise<(FileStamp | undefined)[]> {
    const stamps: (FileStamp | undefined)[] = [];
    for (let chunk = 0; stamps.length < files; chunk++) {
      const { value } = await this.#kv.get(["stamps", infoHash, chunk]);
      stamps.push(...readStamps(value, Math.min(STAMPS_PER_CHUNK, files - stamps.length)));
    }
    return stamps;
  }

  async saveStamps(infoHash: InfoHash, stamps: readonly (FileStamp | undefined)[]): Promise<void> {
    const chunks = Math.ceil(stamps.length / STAMPS_PER_CHUNK);
    await this.#makeAll(chunks, (chunk) => {
      const start = chunk * STAMPS_PER_CHUNK;
      const value = stampsRecord(stamps.slice(start, start + STAMPS_PER_CHUNK));
      return { key: ["stamps", infoHash, chunk], value };
    });
  }

  /** Notes which blocks of unfinished pieces are in their files, by piece. Trusted after a clean stop only. */
  async saveUnfinished(infoHash: InfoHash, blocks: ReadonlyMap<number, Bitfield>): Promise<void> {
    const all = [...blocks];
    await this.#makeAll(all.length, (position) => {
      const [piece, bits] = all[position];
      return { key: ["blocks", infoHash, piece], value: bits.toBytes() };
    });
  }

  /** Takes the block bitmaps by piece out of the store; returns none after an unclean stop. */
  async takeUnfinished(infoHash: InfoHash): Promise<Map<number, Uint8Array>> {
    const unfinished = new Map<number, Uint8Array>();
    const keys: Deno.KvKey[] = [];
    for await (const { key, value } of this.#kv.list({ prefix: ["blocks", infoHash] })) {
      const piece = key[2];
      if (this.wasClean && typeof piece === "number" && value instanceof Uint8Array) {
        unfinished.set(piece, value);
      }
      keys.push(key);
    }
    await this.#makeAll(keys.length, (position) => ({ key: keys[position] }));
    return unfinished;
  }

  /** Bytes uploaded and downloaded for one torrent, or without `infoHash` for all torrents that there ever were. */
  async totals(infoHash?: InfoHash): Promise<Totals> {
    return readTotals((await this.#kv.get(infoHash === undefined ? ["totals"] : ["totals", infoHash])).value);
  }

  async saveTotals(infoHash: InfoHash | undefined, totals: Totals): Promise<void> {
    await this.#writes.make({
      key: infoHash === undefined ? ["totals"] : ["totals", infoHash],
      value: totals,
    });
  }

  /** The user's choice of a torrent's files; all files where nothing was saved. */
  async choice(infoHash: InfoHash): Promise<KeptChoice> {
    return readChoice((await this.#kv.get(["choice", infoHash])).value);
  }

  async saveChoice(infoHash: InfoHash, choice: KeptChoice): Promise<void> {
    await this.#writes.make({ key: ["choice", infoHash], value: choice });
  }

  /** Last good endpoints, as `host:port`. */
  async peers(infoHash: InfoHash): Promise<string[]> {
    return readPeers((await this.#kv.get(["peers", infoHash])).value);
  }

  async savePeers(infoHash: InfoHash, peers: readonly string[]): Promise<void> {
    await this.#writes.make({ key: ["peers", infoHash], value: peers });
  }

  /** The saved wishes for the process; not checked. */
  async wishes(): Promise<unknown> {
    return (await this.#kv.get(["wishes"])).value;
  }

  async saveWishes(wishes: unknown): Promise<void> {
    await this.#writes.make({ key: ["wishes"], value: wishes });
  }

  /** The saved wishes for each torrent except its files; not checked. */
  torrentWishes(): Promise<Map<InfoHash, unknown>> {
    return this.#byTorrent("wishes");
  }

  async #byTorrent(kind: string): Promise<Map<InfoHash, unknown>> {
    const values = new Map<InfoHash, unknown>();
    for await (const { key, value } of this.#kv.list({ prefix: [kind] })) {
      const infoHash = typeof key[1] === "string" ? parseInfoHash(key[1]) : undefined;
      if (infoHash !== undefined) values.set(infoHash, value);
    }
    return values;
  }

  /** How long each torrent was downloaded and seeded; not checked. */
  times(): Promise<Map<InfoHash, unknown>> {
    return this.#byTorrent("times");
  }

  async saveTimes(infoHash: InfoHash, times: unknown): Promise<void> {
    await this.#writes.make({ key: ["times", infoHash], value: times });
  }

  /** Saves the wishes for one torrent, and in the same step the last number that any torrent got. */
  async saveTorrentWishes(infoHash: InfoHash, wishes: unknown, lastNumber: number): Promise<void> {
    await this.#writes.make(
      { key: ["wishes", infoHash], value: wishes },
      { key: ["numbers"], value: lastNumber },
    );
  }

  /** The last number that any torrent got; not checked. */
  async lastNumber(): Promise<unknown> {
    return (await this.#kv.get(["numbers"])).value;
  }

  /** Magnet links whose metadata has not come yet, by info-hash; not checked but for their type. */
  async magnets(): Promise<Map<InfoHash, string>> {
    const links = new Map<InfoHash, string>();
    for (const [infoHash, value] of await this.#byTorrent("magnet")) {
      if (value instanceof Uint8Array) links.set(infoHash, fromUtf8(value));
    }
    return links;
  }

  async saveMagnet(infoHash: InfoHash, link: string): Promise<void> {
    await this.#writes.make({ key: ["magnet", infoHash], value: toUtf8(link) });
  }

  async forgetMagnet(infoHash: InfoHash): Promise<void> {
    await this.#writes.make({ key: ["magnet", infoHash] });
  }

  /** Addresses that the user has banned; not checked. */
  async bans(): Promise<unknown> {
    return (await this.#kv.get(["bans"])).value;
  }

  async saveBans(addresses: readonly string[]): Promise<void> {
    await this.#writes.make({ key: ["bans"], value: addresses });
  }

  /** Forgets the claims about a torrent's data, so that the data will be hashed. */
  async distrust(infoHash: InfoHash): Promise<void> {
    await this.#writes.make({ key: ["torrent", infoHash] });
    await this.#sync();
  }

  /** Forgets everything about a torrent. */
  async forget(infoHash: InfoHash): Promise<void> {
    const keys: Deno.KvKey[] = KINDS.map((kind) => [kind, infoHash]);
    for (const kind of KINDS) {
      for await (const { key } of this.#kv.list({ prefix: [kind, infoHash] })) keys.push(key);
    }
    await this.#makeAll(keys.length, (position) => ({ key: keys[position] }));
    await this.#sync();
  }

  close(): void {
    this.#kv.close();
    this.#log?.close();
  }

  /**
   * Resolves when all that is written is on the disk: SQLite leaves its write-ahead log to the page cache, and a power cut
   * would turn the store back by seconds. Those who wait while a sync is under way share the next one.
   */
  #sync(): Promise<void> {
    return this.#syncs.save();
  }

  /** Makes `count` changes, of which each is worked out only when it is due. */
  async #makeAll(count: number, changeAt: (position: number) => Change): Promise<void> {
    for (let start = 0; start < count; start += CHANGES_PER_TRANSACTION) {
      const end = Math.min(start + CHANGES_PER_TRANSACTION, count);
      await this.#writes.make(
        ...Array.from({ length: end - start }, (_, position) => changeAt(start + position)),
      );
    }
  }
}

async function openLog(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { read: true, write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function statsOf(path: string): fs.Stats | undefined {
  return fs.lstatSync(path, { throwIfNoEntry: false });
}

function storeFiles(name: string): string[] {
  return [name, `${name}-wal`, `${name}-shm`];
}

/** Renames the store's files and returns the new name of the first. */
function putAside(folder: string): string {
  const isTaken = (name: string) => statsOf(join(folder, name)) !== undefined;
  let number = 1;
  while (storeFiles(`${FILE_NAME}.broken-${number}`).some(isTaken)) number++;
  const aside = storeFiles(`${FILE_NAME}.broken-${number}`);
  storeFiles(FILE_NAME).forEach((name, i) => {
    if (isTaken(name)) fs.renameSync(join(folder, name), join(folder, aside[i]));
  });
  return aside[0];
}

function cannotOpen(error: unknown): StorageError {
  return new StorageError(`Cannot open state/${FILE_NAME}: ${messageOf(error)}`);
}
