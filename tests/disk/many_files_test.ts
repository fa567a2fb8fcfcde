/** Torrents of very many files: each is made when something is written to it, all move as one folder, and are synced there. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { pack, UnpackedFiles } from "../../lib/disk/large/packed_files.ts";
import { STORAGE } from "../../lib/settings.ts";
import { allPieces, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const COUNT = STORAGE.manyFiles + 50;
/** 12 pieces of about 27 files each; one file is empty and one is padding. */
const torrent = new TestTorrent(
  Array.from({ length: COUNT }, (_, i) => {
    const path = `many/d${i % 7}/file-${i}`;
    return i === 40 ? [path, 1_000, "padding"] : [path, i === 30 ? 0 : 600];
  }),
);

function filesIn(folder: string): string[] {
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile()).map(({ name }) => name);
}

Deno.test("PieceStore makes very many files one by one, with what is written to them", async () => {
  using home = new TestHome();
  const first = await home.open(torrent);
  assert.deepEqual(filesIn(home.tmp(torrent)), []);
  await first.commit(torrent, 2, 5);
  const { layout } = torrent.metainfo;
  const held = [2, 5].flatMap((index) => layout.spans(layout.offsetOf(index), layout.lengthOf(index)))
    .map(({ file }) => `file-${file}`);
  assert.deepEqual(
    filesIn(home.tmp(torrent)).sort(),
    [...new Set(held)].filter((name) => name !== "file-40").sort(),
  );
  await first.stop();

  const second = await home.open(torrent);
  assert.deepEqual([...second.recovered.have], [2, 5]);
  assert.equal(second.checked, 0, "files that nothing was written to are not missed");
  await second.commit(torrent, ...allPieces(torrent).filter((index) => index !== 2 && index !== 5));
  await second.store.flush(STORAGE.syncMs);
  await second.crash();

  const third = await home.open(torrent);
  assert.ok(third.recovered.finished);
  await third.stop();
  home.assertFinished(torrent);
});

Deno.test("PieceStore moves very many files as one folder, and one by one where the user has some of them", async () => {
  for (const [hasOne, renames] of [[false, 1], [true, COUNT - 1]] as const) {
    using home = new TestHome();
    const [[path, content]] = torrent.files();
    const open = await home.open(torrent);
    await open.commit(torrent, ...allPieces(torrent));
    if (hasOne) {
      fs.mkdirSync(join(home.shared(path), ".."), { recursive: true });
      fs.writeFileSync(home.shared(path), content.subarray(0, 0));
    }
    const { renameSync } = fs;
    let count = 0;
    fs.renameSync = (from, to) => (count++, renameSync(from, to));
    try {
      open.store.finish();
      await open.store.flushNow();
    } finally {
      fs.renameSync = renameSync;
    }
    assert.deepEqual(open.failures, []);
    assert.equal(count, renames);
    await open.stop();
    home.assertFinished(torrent);
    const again = await home.open(torrent);
    assert.ok(again.recovered.finished);
    assert.equal(again.checked, 0);
    await again.stop();
  }
});

Deno.test("PieceStore has very many small files in place before it syncs them, and checks them after a kill", async () => {
  using home = new TestHome();
  const { infoHash, layout: { pieceCount } } = torrent.metainfo;
  const { fdatasync } = fs;
  // What is not synced yet when a process is killed is as good as never synced.
  fs.fdatasync = ((_, done) => done(new Error("killed"))) as typeof fs.fdatasync;
  const killed = await home.open(torrent);
  try {
    await killed.commit(torrent, ...allPieces(torrent));
    await killed.store.flush(STORAGE.syncMs);
    killed.store.finish();
    await assert.rejects(killed.store.flushNow(), /killed/);
  } finally {
    fs.fdatasync = fdatasync;
  }
  assert.equal(killed.finished.length, 1);
  home.assertFinished(torrent);
  assert.equal(await killed.resume.phase(infoHash), "moving");
  assert.equal((await killed.resume.bits("stored", infoHash, pieceCount)).count, 0);
  await killed.crash();

  const again = await home.open(torrent);
  assert.ok(again.recovered.finished);
  assert.equal(again.checked, pieceCount);
  assert.equal(await again.resume.phase(infoHash), "complete");
  await again.stop();
  home.assertFinished(torrent);
});

Deno.test("PieceStore never makes a file anew from which something was taken away", async () => {
  using home = new TestHome();
  const open = await home.open(torrent);
  await open.commit(torrent, 0);
  // The worker keeps a few files open; those of the last pieces push the others out.
  await open.commit(torrent, ...allPieces(torrent).slice(10));
  const { layout, files } = torrent.metainfo;
  const shared = layout.spans(layout.offsetOf(1), 1)[0].file;
  fs.rmSync(home.tmp(torrent, files[shared].path.join("/")));
  await open.commit(torrent, 1);
  assert.match(open.failures[0]?.message ?? "", /^Expected a file at state\/tmp\/.*, got nothing$/);
  await open.crash();
});

Deno.test("PieceStore reads a block of very many files with pauses", async () => {
  using home = new TestHome();
  const tiny = new TestTorrent(
    Array.from({ length: 4 * STORAGE.filesPerRead }, (_, i) => [`tiny/${i}`, 3] as const),
    PIECE,
  );
  home.share(tiny);
  const open = await home.open(tiny);
  const target = new Uint8Array(tiny.content.length);
  const reading = open.store.readInto(0, 0, target);
  assert.ok(reading instanceof Promise);
  await reading;
  assert.deepEqual(target, tiny.content);
  fs.truncateSync(home.shared("tiny/100"), 1);
  await open.store.flush(0);
  await assert.rejects(
    async () => await open.store.readInto(0, 0, target),
    /Expected shareable\/tiny\/100 to stay/,
  );
  await open.crash();
});

Deno.test("UnpackedFiles has every file that was packed, in any order", () => {
  const files = Array.from({ length: 2_500 }, (_, i) => ({
    path: i % 3 === 0 ? ["one", `${i}`] : ["one", "deep", `${i % 5}`, `${i}`],
    length: i * 1e9,
    isPadding: i % 11 === 0,
  }));
  const unpacked = new UnpackedFiles(structuredClone(pack(files)));
  assert.equal(unpacked.length, files.length);
  for (const file of [files.length - 1, 0, 1_024, 1_023, 44]) {
    assert.deepEqual(unpacked.at(file), files[file]);
  }
  assert.equal(unpacked.at(files.length), undefined);
});
