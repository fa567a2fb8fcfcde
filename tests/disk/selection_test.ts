/** Torrents of which only some files are wanted: what is on disk meanwhile, and what a later start makes of it. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { join, sep } from "node:path";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { checkTorrent } from "../../lib/disk/piece_checker.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { allPieces, assertServes, PIECE, selectionOf, TestHome, TestTorrent } from "./test_home.ts";

/** Pieces 0–1 of `a`, 2 of `a` and `b` and `c`, 3–5 of `c`, 5 of `c` and `d`. */
const torrent = new TestTorrent([
  ["album/a", 2 * PIECE + 1_000],
  ["album/b", 300],
  ["album/deep/c", 3 * PIECE],
  ["album/empty", 0],
  ["album/d", PIECE],
]);
const PARTS = "album.parts";

function piecesOf(...only: string[]): number[] {
  return [...selectionOf(torrent, only).pieces];
}

/** Everything in a folder that is a file, as paths with `/`. */
function filesIn(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1).replaceAll(sep, "/"))
    .sort();
}

Deno.test("PieceStore finishes the wanted files, and makes no other", async () => {
  using home = new TestHome();
  const only = ["album/a"];
  const open = await home.open(torrent, { only });
  assert.deepEqual(filesIn(home.tmp(torrent)), [PARTS, "album/a"]);
  await open.commit(torrent, ...piecesOf(...only));
  assertServes(torrent, open, [0, 1, 2]);
  open.store.finish();
  await open.store.flushNow();
  assert.deepEqual(filesIn(home.shared("")), ["album/a"]);
  assert.deepEqual(filesIn(home.tmp(torrent)), [PARTS]);
  assert.ok(fs.statSync(home.tmp(torrent, PARTS)).size <= PIECE);
  assertServes(torrent, open, [0, 1, 2]);
  await open.stop();

  const again = await home.open(torrent, { only });
  assert.ok(again.recovered.finished);
  assert.deepEqual([...again.recovered.have], [0, 1, 2]);
  assert.equal(again.checked, 0);
  assertServes(torrent, again, [0, 1, 2]);
  assert.equal(again.store.buffersTaken, 0);
  await again.stop();
});

Deno.test("PieceStore goes on with another selection and keeps all that was there", async () => {
  using home = new TestHome();
  const only = ["album/a"];
  const first = await home.open(torrent, { only });
  await first.commit(torrent, ...piecesOf(...only));
  first.store.finish();
  await first.stop();

  const second = await home.open(torrent, { only: ["album/b", "album/d"] });
  assert.equal(second.checked, 0);
  assert.deepEqual([...second.recovered.have], [0, 1, 2]);
  assert.ok(!second.recovered.finished, "d is still to come");
  await second.commit(torrent, ...piecesOf("album/d").filter((index) => !second.recovered.have.has(index)));
  second.store.finish();
  await second.stop();
  assert.deepEqual(second.failures, []);
  assert.deepEqual(filesIn(home.shared("")), ["album/a", "album/b", "album/d"]);

  const third = await home.open(torrent);
  assertServes(torrent, third, third.recovered.have);
  const lacking = allPieces(torrent).filter((index) => !third.recovered.have.has(index));
  assert.deepEqual(lacking, [3, 4]);
  await third.commit(torrent, ...lacking);
  third.store.finish();
  await third.stop();
  home.assertFinished(torrent);
  const last = await home.open(torrent, { only });
  assert.ok(last.recovered.finished && last.recovered.have.isFull);
  await last.stop();
});

Deno.test("PieceStore finishes at once what an earlier selection brought by the way", async () => {
  using home = new TestHome();
  const first = await home.open(torrent, { only: ["album/a"] });
  await first.commit(torrent, 0, 1, 2);
  await first.stop();
  const second = await home.open(torrent, { only: ["album/b"] });
  assert.ok(second.recovered.finished);
  assert.deepEqual(filesIn(home.shared("")), ["album/b"]);
  assert.deepEqual(filesIn(home.tmp(torrent)), [PARTS, "album/a"], "what was begun is kept");
  assertServes(torrent, second, [0, 1, 2]);
  await second.stop();
});

Deno.test("PieceStore keeps unfinished pieces over a start at which they are not wanted", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent(
    [["album/a", BLOCK_LENGTH], ["album/b", 6 * BLOCK_LENGTH]],
    4 * BLOCK_LENGTH,
  );
  const first = await home.open(torrent, { only: ["album/b"] });
  const buffer = first.store.takeBuffer();
  buffer.set(torrent.piece(0));
  const blocks = new Bitfield(4);
  blocks.add(0);
  blocks.add(2);
  first.store.saveUnfinished(0, buffer, blocks);
  const other = first.store.takeBuffer();
  other.set(torrent.piece(1));
  const one = new Bitfield(3);
  one.add(1);
  first.store.saveUnfinished(1, other, one);
  await first.stop();
  const second = await home.open(torrent, { only: ["album/a"] });
  assert.deepEqual([...second.recovered.unfinished.keys()], [0]);
  second.store.giveBuffer(second.recovered.unfinished.get(0)!.buffer);
  await second.stop();
  const third = await home.open(torrent, { only: ["album/b"] });
  assert.deepEqual([...third.recovered.unfinished.keys()], [1]);
  const piece = third.recovered.unfinished.get(1)!;
  assert.deepEqual(
    piece.buffer.slice(BLOCK_LENGTH, 2 * BLOCK_LENGTH),
    torrent.piece(1).slice(BLOCK_LENGTH, 2 * BLOCK_LENGTH),
  );
  third.store.giveBuffer(piece.buffer);
  await third.stop();
});

Deno.test("PieceStore finds finished files and parts again when the resume state is lost", async () => {
  using home = new TestHome();
  const open = await home.open(torrent, { only: ["album/a"] });
  await open.commit(torrent, 0, 1, 2);
  open.store.finish();
  await open.stop();
  const workers = new DiskWorkers();
  const check = await checkTorrent(torrent.metainfo, home.path, workers, () => {});
  workers.close();
  assert.deepEqual([...check.good], [0, 1, 2]);
  for (const name of fs.readdirSync(join(home.path, "state"))) {
    if (name.startsWith("peer.kv")) fs.rmSync(join(home.path, "state", name));
  }
  const again = await home.open(torrent, { only: ["album/a"] });
  assert.deepEqual([...again.recovered.have], [0, 1, 2]);
  assert.ok(again.recovered.finished);
  assertServes(torrent, again, again.recovered.have);
  await again.stop();
});

Deno.test("PieceStore hashes everything when parts were deleted or a finished file was changed", async () => {
  for (const damage of ["parts", "finished"]) {
    using home = new TestHome();
    const only = ["album/a"];
    const open = await home.open(torrent, { only });
    await open.commit(torrent, 0, 1, 2);
    open.store.finish();
    await open.stop();
    if (damage === "parts") fs.rmSync(home.tmp(torrent, PARTS));
    else fs.writeFileSync(home.shared("album/a"), "x", { flag: "r+" });
    const again = await home.open(torrent, { only });
    assert.deepEqual([...again.recovered.have], damage === "parts" ? [0, 1] : [1, 2]);
    assertServes(torrent, again, again.recovered.have);
    await again.commit(torrent, ...[0, 1, 2].filter((index) => !again.recovered.have.has(index)));
    again.store.finish();
    await again.stop();
    assert.deepEqual(again.failures, []);
    const [[, contentOfA]] = torrent.files();
    assert.deepEqual(new Uint8Array(fs.readFileSync(home.shared("album/a"))), contentOfA);
    assert.deepEqual(filesIn(home.shared("")), only);
  }
});

Deno.test("PieceStore uses good files that are in shareable already, as soon as they are wanted", async () => {
  using home = new TestHome();
  home.share(torrent, (path, content) => path === "album/deep/c" ? undefined : content);
  const open = await home.open(torrent, { only: ["album/deep/c"] });
  await open.commit(torrent, ...piecesOf("album/deep/c"));
  open.store.finish();
  await open.stop();
  assert.deepEqual(open.failures, []);
  assert.ok(!fs.existsSync(home.tmp(torrent, "album/a")));
  const again = await home.open(torrent);
  assert.ok(again.recovered.finished);
  home.assertFinished(torrent);
  await again.stop();
});

Deno.test("PieceStore takes another selection while pieces are committed, and finishes what is wanted then", async () => {
  using home = new TestHome();
  const open = await home.open(torrent, { only: ["album/a"] });
  const commits = open.commit(torrent, ...piecesOf("album/a"));
  open.store.select(selectionOf(torrent, ["album/a", "album/b", "album/deep/c"]));
  await Promise.all([commits]);
  const rest = piecesOf("album/b", "album/deep/c").filter((index) => index > 2);
  await open.commit(torrent, ...rest);
  assert.deepEqual(filesIn(home.tmp(torrent)), [PARTS, "album/a", "album/b", "album/deep/c"]);
  assertServes(torrent, open, allPieces(torrent).slice(0, 6));
  open.store.finish();
  open.store.select(selectionOf(torrent));
  await open.commit(torrent, 6);
  await open.store.flushNow();
  assert.deepEqual(filesIn(home.shared("")), ["album/a", "album/b", "album/deep/c"]);
  assert.equal(open.finished.length, 1);
  open.store.finish();
  await open.stop();
  assert.deepEqual(open.failures, []);
  home.assertFinished(torrent);
  const again = await home.open(torrent);
  assert.deepEqual([again.checked, again.recovered.finished], [0, true]);
  await again.stop();
});

Deno.test("PieceStore moves only what was wanted when all of it was there, whatever is wanted next", async () => {
  using home = new TestHome();
  const open = await home.open(torrent, { only: ["album/a"] });
  await open.commit(torrent, ...piecesOf("album/a"));
  open.store.finish();
  open.store.select(selectionOf(torrent, ["album/deep/c"]));
  await open.store.flushNow();
  assert.deepEqual(filesIn(home.shared("")), ["album/a"]);
  assert.deepEqual(filesIn(home.tmp(torrent)), [PARTS, "album/deep/c"]);
  await open.stop();
  assert.deepEqual(open.failures, []);
});
