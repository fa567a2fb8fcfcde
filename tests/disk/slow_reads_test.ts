import assert from "node:assert/strict";
import fs from "node:fs";
import { ReadChoice } from "../../lib/disk/commit_choice.ts";
import { DataChangedError } from "../../lib/errors.ts";
import { STORAGE } from "../../lib/settings.ts";
import { allPieces, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const { slowReadMs, quickReads, maxHeldMs, firstPauseMs, pauseMs } = STORAGE.patience;

/** A choice, and reads of so many ms in whatever thread it chooses. */
function choiceWithReads() {
  const clock = { now: 0 };
  const choice = new ReadChoice(() => clock.now);
  const read = async (tookMs: number, times = 1) => {
    const take = () => void (clock.now += tookMs);
    for (let count = 0; count < times; count++) await choice.read(take, async () => await take());
  };
  return { clock, choice, read };
}

Deno.test("ReadChoice spares the main thread until the disk has been quick for a while, and after it was held up", async () => {
  const { clock, choice, read } = choiceWithReads();
  await read(slowReadMs, quickReads - 1);
  assert.equal(choice.isForMainThread, false, "the disk has not shown yet that it is quick");
  await read(slowReadMs);
  assert.equal(choice.isForMainThread, true);
  await read(slowReadMs, 1_000);
  assert.equal(choice.isForMainThread, true);
  for (let expected = firstPauseMs; expected < 4 * pauseMs; expected *= 2) {
    await read(maxHeldMs + 1);
    assert.equal(choice.isForMainThread, false);
    await read(0, quickReads);
    assert.equal(choice.isForMainThread, false, "the pause is not over");
    clock.now += Math.min(expected, pauseMs) - 1;
    await read(0);
    assert.equal(choice.isForMainThread, false, "the pause is longer each time");
    clock.now += 1;
    await read(0);
    assert.equal(choice.isForMainThread, true);
  }
  await read(maxHeldMs + 1);
  clock.now += pauseMs;
  await read(0, quickReads - 1);
  assert.equal(choice.isForMainThread, false, "too few were quick");
  await read(0);
  assert.equal(choice.isForMainThread, true);
  clock.now += 2 * pauseMs;
  await read(maxHeldMs + 1);
  clock.now += firstPauseMs;
  await read(0, quickReads);
  assert.equal(choice.isForMainThread, true, "the disk was quick for long before");
});

Deno.test("ReadChoice lets the main thread read while a busy machine makes some reads slow, and not on a slow disk", async () => {
  const { clock, choice, read } = choiceWithReads();
  await read(300, 1_000);
  assert.equal(choice.isForMainThread, false);
  for (let count = 0; !choice.isForMainThread; count++) await read(count % 3 === 0 ? 0 : slowReadMs + 1);
  // As measured where 17 processes share two cores.
  for (let count = 0; count < 1_000; count++) {
    await read(37);
    clock.now += 500;
  }
  assert.equal(choice.isForMainThread, true);
  await read(slowReadMs + 10, 10);
  assert.equal(choice.isForMainThread, false);
});

const TORRENT = new TestTorrent([["data.bin", 5 * PIECE + 100]]);

/** A disk that is slow, while it lives, for whoever waits for it in the main thread, by a clock of its own. */
class SlowDisk {
  reads = 0;
  now = 0;
  readonly #looks = { lstatSync: Deno.lstatSync };
  readonly #calls = { readSync: fs.readSync, openSync: fs.openSync };

  constructor() {
    const slow = (call: (...args: never[]) => unknown) => (...args: unknown[]) => {
      this.reads++;
      this.now += maxHeldMs + 1;
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
  let now = () => 0;
  const reads = new ReadChoice(() => now());
  const open = await home.open(TORRENT, { reads });
  {
    using disk = new SlowDisk();
    now = () => disk.now;
    const pieces = allPieces(TORRENT);
    const targets = pieces.map((index) => new Uint8Array(TORRENT.metainfo.layout.lengthOf(index)));
    const read = (some: readonly number[]) =>
      Promise.all(some.map((index) => open.store.readInto(index, 0, targets[index])));
    await read(pieces.slice(0, quickReads - 1));
    await open.store.flush(STORAGE.lookMs);
    await read(pieces.slice(quickReads - 1));
    assert.equal(disk.reads, 0, "the main thread has waited");
    for (const index of pieces) assert.deepEqual(targets[index], TORRENT.piece(index));

    assert.equal(reads.isForMainThread, true, "a disk that other threads find quick");
    assert.equal(open.store.readInto(0, 0, new Uint8Array(PIECE)), undefined);
    assert.notEqual(disk.reads, 0, "the main thread has read");
    assert.equal(reads.isForMainThread, false, "and has found it slow");
    disk.reads = 0;
    await open.store.readInto(0, 0, new Uint8Array(PIECE));
    assert.equal(disk.reads, 0);
  }
  fs.truncateSync(home.shared("data.bin"), PIECE + 50);
  await open.store.flush(0);
  await assert.rejects(async () => await open.store.readInto(1, 0, new Uint8Array(PIECE)), DataChangedError);
  await open.store.changed;
  await open.crash();
});
