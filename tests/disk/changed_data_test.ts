/** Files that are changed, cut or deleted under a store that serves them. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { DataChangedError } from "../../lib/errors.ts";
import { STORAGE } from "../../lib/settings.ts";
import { allPieces, assertServes, PIECE, TestHome, TestTorrent } from "./test_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

const single = new TestTorrent([["data.bin", 5 * PIECE + 100]]);
const FILES = STORAGE.filesPerLook + 2;
/** None but the first begins with a piece. */
const several = new TestTorrent(
  Array.from(
    { length: FILES },
    (_, i): [string, number] => [`album/${i}.bin`, 2 * PIECE + (i === 0 ? 100 : 0)],
  ),
);

/** What may happen to a file, and what is told then. */
const CHANGES: Readonly<Record<string, { needs?: string[]; change(path: string): void; told: RegExp }>> = {
  changed: {
    change: (path) => fs.writeFileSync(path, "x", { flag: "r+" }),
    told: /^Expected shareable\/data.bin to stay as it is, but it was changed$/,
  },
  cut: { change: (path) => fs.truncateSync(path, PIECE), told: /to stay as it is, but it was changed$/ },
  deleted: {
    needs: ["deleting open files"],
    change: (path) => fs.rmSync(path),
    told: /to stay as it is, but it was changed$/,
  },
  replaced: {
    needs: ["replacing open files"],
    change: (path) => {
      const { atime, mtime } = fs.statSync(path);
      fs.cpSync(path, `${path}.new`);
      fs.utimesSync(`${path}.new`, atime, mtime);
      fs.renameSync(`${path}.new`, path);
    },
    told: /to stay as it is, but it was changed$/,
  },
  "made a link": {
    needs: ["symbolic links", "deleting open files"],
    change: (path) => {
      fs.rmSync(path);
      fs.symlinkSync("elsewhere", path);
    },
    told: /^Expected no symbolic link, got one at shareable\/data.bin$/,
  },
};

/** Tells what was hashed, once it was. */
class WatchedWorkers extends DiskWorkers {
  readonly #hashed: (pieces: readonly number[]) => void;

  constructor(hashed: (pieces: readonly number[]) => void) {
    super();
    this.#hashed = hashed;
  }

  override async hashPieces(...args: Parameters<DiskWorkers["hashPieces"]>): Promise<void> {
    await super.hashPieces(...args);
    this.#hashed([...args[2]]);
  }
}

for (const [what, { needs: things = [], change, told }] of Object.entries(CHANGES)) {
  const test = needs(...things);
  test(`PieceStore serves nothing of a file any more that was ${what} a second ago`, async () => {
    for (const isRead of [true, false]) {
      using home = new TestHome();
      home.share(single);
      const open = await home.open(single);
      await open.store.flush(0);
      if (isRead) assertServes(single, open, [0]);
      change(home.shared("data.bin"));
      await open.store.flush(1_000);
      assert.equal(open.failures.length, 0, "nobody has read it since");
      assert.throws(() => open.store.readInto(0, 0, new Uint8Array(5)), DataChangedError);
      assert.throws(() => open.store.readInto(5, 0, new Uint8Array(5)), DataChangedError);
      await open.store.changed;
      assert.match(open.failures[0].message, told);
      assert.equal(open.failures.length, 1);
      await open.crash();
    }
  });

  test(`PieceStore notices that a file was ${what} although nobody reads it`, async () => {
    using home = new TestHome();
    home.share(single);
    const open = await home.open(single);
    await open.store.flush(0);
    change(home.shared("data.bin"));
    await open.store.flush(STORAGE.lookMs);
    assert.match(open.failures[0].message, told);
    await open.crash();
  });
}

Deno.test("PieceStore fails a read of a file that was cut this very second, and never serves zeros", async () => {
  using home = new TestHome();
  home.share(single);
  const open = await home.open(single);
  assertServes(single, open, [5]);
  fs.truncateSync(home.shared("data.bin"), 5 * PIECE + 50);
  assert.throws(
    () => open.store.readInto(5, 0, new Uint8Array(100)),
    new DataChangedError("Expected 100 bytes at 81920 of shareable/data.bin, got fewer"),
  );
  await open.store.changed;
  await open.crash();
});

needs("deleting open files")("PieceStore looks at files in a circle, a few at a time", async () => {
  using home = new TestHome();
  home.share(several);
  const open = await home.open(several);
  await open.store.flush(0);
  fs.rmSync(home.shared(`album/${FILES - 1}.bin`));
  await open.store.flush(STORAGE.lookMs - 1);
  assert.equal(open.failures.length, 0);
  await open.store.flush(STORAGE.lookMs);
  assert.match(open.failures[0].message, /album\/9\.bin to stay/);
  await open.crash();
});

Deno.test("PieceStore looks at no file twice in a second, however much is read", async () => {
  using home = new TestHome();
  home.share(single);
  const open = await home.open(single);
  const real = Deno.lstatSync;
  let looks = 0;
  Object.assign(Deno, { lstatSync: (...args: Parameters<typeof real>) => (looks++, real(...args)) });
  try {
    for (let turn = 1; turn <= 3; turn++) {
      await open.store.flush(turn * 1_000);
      for (let i = 0; i < 100; i++) assertServes(single, open, allPieces(single));
    }
  } finally {
    Object.assign(Deno, { lstatSync: real });
  }
  // One for each folder or file on the way, in each turn, and one when the file is opened.
  assert.ok(looks > 0 && looks <= 2 * 4, `${looks} looks`);
  await open.stop();
});

Deno.test("PieceStore serves every piece while its files move, and takes no move for a change", async () => {
  using home = new TestHome();
  const open = await home.open(several);
  await open.commit(several, ...allPieces(several));
  open.store.finish();
  for (let turn = 0; open.finished.length === 0; turn++) {
    assertServes(several, open, allPieces(several));
    // A tick, or only as long as a promise takes that is kept already.
    await (turn % 2 === 0 ? undefined : open.store.flush(turn * 1_000));
    if (turn % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.deepEqual(open.failures, []);
  await open.store.flush(STORAGE.lookMs * 1_000);
  assertServes(several, open, allPieces(several));
  assert.deepEqual(open.failures, []);
  home.assertFinished(several);
  await open.stop();
});

Deno.test("PieceStore hashes only files that were touched, and uses what is good in them", async () => {
  using home = new TestHome();
  home.share(several);
  await (await home.open(several)).stop();
  const path = home.shared("album/3.bin");
  fs.utimesSync(path, new Date(), new Date(2_000));
  const hashed: number[][] = [];
  const touched = await home.open(several, {
    workers: new WatchedWorkers((pieces) => hashed.push([...pieces])),
  });
  assert.ok(touched.recovered.finished);
  // The last one is shared with the next file.
  assert.deepEqual(hashed, [[6, 7, 8]]);
  await touched.stop();
  fs.writeFileSync(path, "xx", { flag: "r+" });
  const changed = await home.open(several);
  assert.equal(changed.recovered.finished, false);
  const lost = allPieces(several).filter((index) => !changed.recovered.have.has(index));
  assert.deepEqual(lost.length, 1);
  assertServes(several, changed, changed.recovered.have);
  await changed.commit(several, ...lost);
  changed.store.finish();
  await changed.store.flushNow();
  assert.deepEqual(changed.failures, []);
  home.assertFinished(several);
  await changed.stop();
});

Deno.test("PieceStore does not take a file for good that was changed while it was hashed", async () => {
  using home = new TestHome();
  home.share(single);
  const workers = new WatchedWorkers(() => fs.writeFileSync(home.shared("data.bin"), "x", { flag: "r+" }));
  const open = await home.open(single, { workers });
  assert.throws(() => open.store.readInto(0, 0, new Uint8Array(5)), DataChangedError);
  await open.crash();
  const again = await home.open(single);
  assert.deepEqual([...again.recovered.have], [1, 2, 3, 4, 5]);
  await again.stop();
});
