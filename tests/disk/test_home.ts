/** A home folder, torrents with known contents, and stores that can be stopped cleanly or not. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { CommitChoice, ReadChoice } from "../../lib/disk/commit_choice.ts";
import { PieceStore, type RecoveredStore } from "../../lib/disk/piece_store.ts";
import { ResumeStore } from "../../lib/disk/state/resume_store.ts";
import type { StorageError } from "../../lib/errors.ts";
import { silentLogger } from "../../lib/log.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { sha1 } from "../../lib/protocol/info_hash.ts";
import { type Metainfo, parseInfo } from "../../lib/protocol/metainfo.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";
import type { Selection } from "../../lib/swarm/ports.ts";

export const PIECE = 16 * 1024;

/** A torrent and the bytes it stands for. */
export class TestTorrent {
  readonly metainfo: Metainfo;
  /** The row of all files, padding included. */
  readonly content: Uint8Array<ArrayBuffer>;

  /** The content is made up where left out. A file is `[path, length]` or `[path, length, "padding"]`; a path without `/` makes a torrent of one file. */
  constructor(
    files: readonly [path: string, length: number, padding?: "padding"][],
    pieceLength = PIECE,
    content?: Uint8Array<ArrayBuffer>,
  ) {
    let seed = 1;
    const random = () => seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    this.content = content ?? concatBytes(
      ...files.map(([, length, padding]) =>
        padding ? new Uint8Array(length) : Uint8Array.from({ length }, () => random() >> 16)
      ),
    );
    const hashes = [];
    for (let start = 0; start < this.content.length; start += pieceLength) {
      hashes.push(sha1(this.content.subarray(start, start + pieceLength)));
    }
    const [name] = files[0][0].split("/");
    const list = files.map(([path, length, padding]) => ({
      length,
      path: path.split("/").slice(1),
      ...(padding ? { attr: "p" } : {}),
    }));
    const isSingle = !files[0][0].includes("/");
    this.metainfo = parseInfo(
      encode({
        ...(isSingle ? { length: files[0][1] } : { files: list }),
        name,
        "piece length": pieceLength,
        pieces: concatBytes(...hashes),
      }),
      METAINFO_LIMITS,
    );
  }

  piece(index: number): Uint8Array<ArrayBuffer> {
    const { layout } = this.metainfo;
    return this.content.slice(layout.offsetOf(index), layout.offsetOf(index) + layout.lengthOf(index));
  }

  /** Contents of each real file, by path. */
  *files(): Generator<[path: string, content: Uint8Array<ArrayBuffer>]> {
    let start = 0;
    for (const { path, length, isPadding } of this.metainfo.files) {
      if (!isPadding) yield [path.join("/"), this.content.slice(start, start + length)];
      start += length;
    }
  }
}

/** A store in use, with what its listener heard. */
export interface OpenStore {
  readonly store: PieceStore;
  readonly recovered: RecoveredStore;
  readonly resume: ResumeStore;
  readonly workers: DiskWorkers;
  readonly stored: number[];
  readonly corrupt: number[];
  readonly failures: StorageError[];
  readonly finished: string[];
  /** Pieces that were hashed to find out what is there. */
  readonly checked: number;
  /** Commits pieces and waits for the answers. */
  commit(torrent: TestTorrent, ...indices: number[]): Promise<void>;
  /** Stops as a killed process does: nothing more is saved. */
  crash(): Promise<void>;
  /** Stops cleanly. */
  stop(): Promise<void>;
}

/** What can be put in place of the real parts of a store. */
interface Replacements {
  readonly workers?: DiskWorkers;
  readonly reads?: ReadChoice;
  readonly resume?: (resume: ResumeStore) => ResumeStore;
  /** Paths of the files that are wanted; all when undefined. */
  readonly only?: readonly string[] | undefined;
}

/** The selection of some files of a torrent, by path. */
export function selectionOf({ metainfo }: TestTorrent, only?: readonly string[]): Selection {
  const { files, layout } = metainfo;
  const selection = { files: new Bitfield(files.length), pieces: new Bitfield(layout.pieceCount) };
  files.forEach(({ path, isPadding }, file) => {
    if (isPadding || (only !== undefined && !only.includes(path.join("/")))) return;
    selection.files.add(file);
    const { first, last } = layout.piecesOf(file) ?? { first: 0, last: -1 };
    for (let index = first; index <= last; index++) selection.pieces.add(index);
  });
  return selection;
}

/** Commits every piece in another thread. */
class ElsewhereChoice extends CommitChoice {
  override isForMainThread(): boolean {
    return false;
  }
}

/** Reads in the main thread always, so that each read is done on return. */
class HereChoice extends ReadChoice {
  override get isForMainThread(): boolean {
    return true;
  }
}

/** The workers of all stores that bring none of their own, as starting threads takes longer than most tests. */
const sharedWorkers = new DiskWorkers(new ElsewhereChoice());

/** A home folder that is removed in the end. */
export class TestHome {
  readonly path: string;
  readonly warnings: string[] = [];

  constructor(path = Deno.makeTempDirSync({ prefix: "peer-test-" })) {
    this.path = path;
    for (const folder of ["state", "shareable", "torrents"]) {
      fs.mkdirSync(join(path, folder), { recursive: true });
    }
  }

  async open(torrent: TestTorrent, replace: Replacements = {}): Promise<OpenStore> {
    const { metainfo } = torrent;
    const real = await ResumeStore.open(this.path, (warning) => this.warnings.push(warning));
    const resume = replace.resume?.(real) ?? real;
    const workers = replace.workers ?? sharedWorkers;
    const selection = selectionOf(torrent, replace.only);
    const store = new PieceStore({
      metainfo,
      selection,
      home: this.path,
      workers,
      resume,
      log: silentLogger,
      reads: replace.reads ?? new HereChoice(),
    });
    const end = async () => {
      await store.close();
      if (workers !== sharedWorkers) workers.close();
      real.close();
    };
    let checked = 0;
    let recovered;
    try {
      recovered = await store.recover((count) => checked = count);
    } catch (error) {
      await end();
      throw error;
    }
    const heard = { stored: [] as number[], corrupt: [] as number[], failures: [] as StorageError[] };
    const finished: string[] = [];
    let answered = () => {};
    store.listener = {
      pieceStored: (index) => (heard.stored.push(index), answered()),
      pieceCorrupt: (index) => (heard.corrupt.push(index), answered()),
      storageFailed: (error) => (heard.failures.push(error), answered()),
      dataFinished: (path) => (finished.push(path), answered()),
    };
    const commit = async (torrent: TestTorrent, ...indices: number[]) => {
      if (indices.length === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      let waiting = indices.length;
      answered = () => --waiting === 0 && resolve();
      for (const index of indices) {
        const buffer = store.takeBuffer();
        buffer.set(torrent.piece(index));
        store.commit(index, buffer);
      }
      await promise;
    };
    const stop = async () => {
      await store.flushNow();
      await resume.markClean();
      await end();
    };
    return { store, recovered, resume, workers, ...heard, finished, checked, commit, crash: end, stop };
  }

  /** Writes the torrent's files to `shareable/`, but those `change` returns other contents for. */
  share(
    torrent: TestTorrent,
    change: (path: string, content: Uint8Array<ArrayBuffer>) => Uint8Array | undefined = (_, content) =>
      content,
  ): void {
    for (const [path, content] of torrent.files()) {
      const changed = change(path, content);
      if (changed === undefined) continue;
      fs.mkdirSync(dirname(this.shared(path)), { recursive: true });
      fs.writeFileSync(this.shared(path), changed);
    }
  }

  shared(path: string): string {
    return join(this.path, "shareable", path);
  }

  tmp(torrent: TestTorrent, path = ""): string {
    return join(this.path, "state", "tmp", torrent.metainfo.infoHash, path);
  }

  /** Asserts that the finished data is right, and that nothing else is left. */
  assertFinished(torrent: TestTorrent): void {
    for (const [path, content] of torrent.files()) {
      assert.ok(content.length === fs.statSync(this.shared(path)).size, `${path} has another length`);
      assert.deepEqual(new Uint8Array(fs.readFileSync(this.shared(path))), content);
    }
    assert.ok(!fs.existsSync(this.tmp(torrent)), "state/tmp was not removed");
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.path, { recursive: true });
  }
}

/** All piece indices of a torrent. */
export function allPieces(torrent: TestTorrent): number[] {
  return [...new Array(torrent.metainfo.layout.pieceCount).keys()];
}

/** Asserts that each piece the store says it has reads as it should. */
export function assertServes(torrent: TestTorrent, { store }: OpenStore, pieces: Iterable<number>): void {
  for (const index of pieces) {
    const target = new Uint8Array(torrent.metainfo.layout.lengthOf(index));
    store.readInto(index, 0, target);
    assert.deepEqual(target, torrent.piece(index), `piece ${index}`);
  }
}
