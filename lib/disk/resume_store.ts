/**
 * What is remembered from run to run, in `state/peer.kv`. The only user of Deno KV.
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
 */
import fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, StorageError } from "../errors.ts";
import { Bitfield } from "../protocol/bitfield.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { FileStamp } from "./file_row.ts";
import { guardPath } from "./guarded_path.ts";
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

/** Which of the two bitfields of a torrent. */
export type BitsKind = "stored" | "written";

/** A value may take 64 KiB. */
const BYTES_PER_CHUNK = 32 * 1024;
const STAMPS_PER_CHUNK = 2_000;
/** A transaction may have 1,000 writes and 800 KiB; a block bitmap takes 1 KiB at most. */
const WRITES_PER_TRANSACTION = 16;
const FILE_NAME = "peer.kv";
/** Failures that say nothing against the contents: they are told, and the store stays where it is. */
const NOT_BROKEN =
  /unable to open|disk is full|disk I\/O|readonly|read-only|locked|busy|permission|denied|too many/i;

type Entry = { readonly key: Deno.KvKey; readonly value: unknown };

/** Reads and writes the resume state. Methods throw what KV throws; nothing in it is trusted to be well-formed. */
export class ResumeStore {
  readonly #kv: Deno.Kv;
  /** SQLite's write-ahead log. It stays open, since there may be no descriptor left when it is needed. */
  readonly #log: Deno.FsFile;
  #session: SessionRecord;
  /** Whether the run before stopped cleanly, so that block bitmaps can be trusted. */
  readonly wasClean: boolean;

  private constructor(kv: Deno.Kv, log: Deno.FsFile, session: SessionRecord, wasClean: boolean) {
    this.#kv = kv;
    this.#log = log;
    this.#session = session;
    this.wasClean = wasClean;
  }

  /**
   * Opens the store in `home/state/`, which must exist, and takes back the clean mark.
   *
   * One that is broken, or of a newer version, is put aside as `peer.kv.broken-N` and a new one begun; `warn` is
   * told. Errors: `StorageError` when there can be none at all, as on a full disk.
   */
  static async open(home: string, warn: (message: string) => void): Promise<ResumeStore> {
    const { path: folder } = guardPath(home, ["state"]);
    for (const name of storeFiles(FILE_NAME)) guardPath(home, ["state", name]);
    try {
      return await ResumeStore.#openFile(folder);
    } catch (error) {
      if (NOT_BROKEN.test(messageOf(error))) throw cannotOpen(error);
      const aside = putAside(folder);
      warn(
        `The resume state could not be read (${
          messageOf(error)
        }); it was kept as state/${aside}, data is checked anew`,
      );
    }
    return await ResumeStore.#openFile(folder).catch((error) => {
      throw cannotOpen(error);
    });
  }

  static async #openFile(folder: string): Promise<ResumeStore> {
    const path = join(folder, FILE_NAME);
    if (fs.existsSync(path)) checkIntegrity(path);
    const kv = await Deno.openKv(path);
    try {
      // Damage within values shows when they are read, so read them all; there are few.
      for await (const _ of kv.list({ prefix: [] }));
      const last = readSession((await kv.get(["session"])).value);
      const session: SessionRecord = { ...last, version: FORMAT_VERSION, clean: false };
      await kv.set(["session"], session);
      const log = await Deno.open(`${path}-wal`, { read: true, write: true });
      return new ResumeStore(kv, log, session, last?.clean ?? false);
    } catch (error) {
      kv.close();
      throw error;
    }
  }

  /** Ports used last; undefined at the first start. */
  get ports(): UsedPorts | undefined {
    return this.#session.ports;
  }

  async savePorts(ports: UsedPorts): Promise<void> {
    this.#session = { ...this.#session, ports };
    await this.#kv.set(["session"], this.#session);
  }

  /** Says that everything is saved; the last thing before `close`. */
  async markClean(): Promise<void> {
    await this.#kv.set(["session"], { ...this.#session, clean: true });
    await this.#sync();
  }

  async phase(infoHash: InfoHash): Promise<Phase | undefined> {
    return readPhase((await this.#kv.get(["torrent", infoHash])).value);
  }

  /** Notes a phase; resolves when it, and all that was saved before, is on the disk. */
  async savePhase(infoHash: InfoHash, phase: Phase): Promise<void> {
    await this.#kv.set(["torrent", infoHash], { phase });
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

  /** Where each of a torrent's files is; undefined where that was not saved, or not for so many files. */
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
    const entries: Entry[] = [];
    for (let start = 0; start < bytes.length; start += BYTES_PER_CHUNK) {
      const key = [kind, infoHash, start / BYTES_PER_CHUNK];
      entries.push({ key, value: bytes.slice(start, start + BYTES_PER_CHUNK) });
    }
    await this.#saveAll(entries);
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
    const entries: Entry[] = [];
    for (let start = 0; start < stamps.length; start += STAMPS_PER_CHUNK) {
      const value = stampsRecord(stamps.slice(start, start + STAMPS_PER_CHUNK));
      entries.push({ key: ["stamps", infoHash, start / STAMPS_PER_CHUNK], value });
    }
    await this.#saveAll(entries);
  }

  /** Notes which blocks of unfinished pieces are in their files, by piece. Trusted after a clean stop only. */
  async saveUnfinished(infoHash: InfoHash, blocks: ReadonlyMap<number, Bitfield>): Promise<void> {
    await this.#saveAll(
      [...blocks].map(([piece, bits]) => ({ key: ["blocks", infoHash, piece], value: bits.toBytes() })),
    );
  }

  /** Block bitmaps by piece, which are forgotten with that; none after an unclean stop. */
  async takeUnfinished(infoHash: InfoHash): Promise<Map<number, Uint8Array>> {
    const unfinished = new Map<number, Uint8Array>();
    for await (const { key, value } of this.#kv.list({ prefix: ["blocks", infoHash] })) {
      const piece = key[2];
      if (this.wasClean && typeof piece === "number" && value instanceof Uint8Array) {
        unfinished.set(piece, value);
      }
      await this.#kv.delete(key);
    }
    return unfinished;
  }

  async totals(infoHash: InfoHash): Promise<Totals> {
    return readTotals((await this.#kv.get(["totals", infoHash])).value);
  }

  async saveTotals(infoHash: InfoHash, totals: Totals): Promise<void> {
    await this.#kv.set(["totals", infoHash], totals);
  }

  /** What the user chose of a torrent's files; everything where nothing was saved. */
  async choice(infoHash: InfoHash): Promise<KeptChoice> {
    return readChoice((await this.#kv.get(["choice", infoHash])).value);
  }

  async saveChoice(infoHash: InfoHash, choice: KeptChoice): Promise<void> {
    await this.#kv.set(["choice", infoHash], choice);
  }

  /** Last good endpoints, as `host:port`. */
  async peers(infoHash: InfoHash): Promise<string[]> {
    return readPeers((await this.#kv.get(["peers", infoHash])).value);
  }

  async savePeers(infoHash: InfoHash, peers: readonly string[]): Promise<void> {
    await this.#kv.set(["peers", infoHash], peers);
  }

  close(): void {
    this.#kv.close();
    this.#log.close();
  }

  /** SQLite leaves its write-ahead log to the page cache; a power cut would turn the store back by seconds. */
  async #sync(): Promise<void> {
    await this.#log.syncData();
  }

  async #saveAll(entries: readonly Entry[]): Promise<void> {
    for (let start = 0; start < entries.length; start += WRITES_PER_TRANSACTION) {
      const transaction = this.#kv.atomic();
      for (const { key, value } of entries.slice(start, start + WRITES_PER_TRANSACTION)) {
        transaction.set(key, value);
      }
      await transaction.commit();
    }
  }
}

/** Deno KV ends the whole process when it comes upon a damaged page, so SQLite itself is asked before. */
function checkIntegrity(path: string): void {
  const database = new DatabaseSync(path);
  try {
    const found = database.prepare("PRAGMA integrity_check(1)").get();
    if (found?.integrity_check !== "ok") throw new Error("the database is damaged");
  } finally {
    database.close();
  }
}

function storeFiles(name: string): string[] {
  return [name, `${name}-wal`, `${name}-shm`];
}

/** Renames the store's files and returns the new name of the first. */
function putAside(folder: string): string {
  const isTaken = (name: string) => fs.lstatSync(join(folder, name), { throwIfNoEntry: false }) !== undefined;
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
