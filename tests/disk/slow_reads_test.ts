import assert from "node:assert/strict";
import fs from "node:fs";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { ReadChoice } from "../../lib/disk/commit_choice.ts";
import { DataChangedError } from "../../lib/errors.ts";
import { STORAGE } from "../../lib/settings.ts";
import { allPieces, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const { slowReadMs, quickReads, firstPauseMs, pauseMs } = STORAGE.patience;

Deno.test("ReadChoice spares the main thread after one slow read, until the disk has been quick for a while", () => {
  let now = 0;
  const choice = new ReadChoice(() => now);
  const read = (tookMs: number, times = 1) => {
    for (let count = 0; count < times; count++) {
      const begin = now;
      now += tookMs;
      choice.tookSince(begin);
    }
  };
  read(slowReadMs, 1_000);
  assert.equal(choice.isForMainThread, true);
  for (let expected = firstPauseMs; expected < 4 * pauseMs; expected *= 2) {
    read(slowReadMs + 1);
    assert.equal(choice.isForMainThread, false);
    read(0, quickReads);
    assert.equal(choice.isForMainThread, false, "the pause is not over");
    now += Math.min(expected, pauseMs) - 1;
    read(0);
    assert.equal(choice.isForMainThread, false, "the pause is longer each time");
    now += 1;
    read(0);
    assert.equal(choice.isForMainThread, true);
  }
  read(slowReadMs + 1);
  now += pauseMs;
  read(0, quickReads - 1);
  assert.equal(choice.isForMainThread, false, "too few were quick");
  read(0);
  assert.equal(choice.isForMainThread, true);
  now += 2 * pauseMs;
  read(slowReadMs + 1);
  now += firstPauseMs;
  read(0, quickReads);
  assert.equal(choice.isForMainThread, true, "the disk was quick for long before");
});

const TORRENT = new TestTorrent([["data.bin", 5 * PIECE + 100]]);

/** A disk that keeps whoever waits for it in the main thread waiting, while it lives. */
class SlowDisk {
  reads = 0;
  readonly #looks = { lstatSync: Deno.lstatSync };
  readonly #calls = { readSync: fs.readSync, openSync: fs.openSync };

  constructor() {
    const slow = (call: (...args: never[]) => unknown) => (...args: unknown[]) => {
      this.reads++;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, slowReadMs + 5);
      return Reflect.apply(call, undefined, args);
    };
    Object.assign(Deno, { lstatSync: slow(this.#looks.lstatSync) });
    Object.assign(fs, { readSync: slow(this.#calls.readSync), openSync: slow(this.#calls.openSync) });
  }

  [Symbol.dispose](): void {
    Object.assign(Deno, this.#looks);
    Object.assign(fs, this.#calls);
  }
}

Deno.test("PieceStore reads for uploads in other threads where the disk is slow, and notices changes as ever", async () => {
  using home = new TestHome();
  home.share(TORRENT);
  const open = await home.open(TORRENT, { workers: new DiskWorkers() });
  {
    using disk = new SlowDisk();
    assert.equal(
      open.store.readInto(0, 0, new Uint8Array(PIECE)),
      undefined,
      "it is not known to be slow yet",
    );
    disk.reads = 0;
    const pieces = allPieces(TORRENT);
    const targets = pieces.map((index) => new Uint8Array(TORRENT.metainfo.layout.lengthOf(index)));
    await Promise.all(pieces.map((index) => open.store.readInto(index, 0, targets[index])));
    await open.store.flush(STORAGE.lookMs);
    assert.equal(disk.reads, 0, "the main thread has waited");
    for (const index of pieces) assert.deepEqual(targets[index], TORRENT.piece(index));
  }
  fs.truncateSync(home.shared("data.bin"), PIECE + 50);
  await open.store.flush(0);
  await assert.rejects(async () => await open.store.readInto(1, 0, new Uint8Array(PIECE)), DataChangedError);
  await open.store.changed;
  await open.crash();
});
