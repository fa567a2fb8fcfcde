import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { FilePlace } from "../../lib/disk/parts_layout.ts";
import { ResumeStore } from "../../lib/disk/state/resume_store.ts";
import { StorageError } from "../../lib/errors.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { STORAGE } from "../../lib/settings.ts";
import { allPieces, assertServes, PIECE, selectionOf, TestHome, TestTorrent } from "./test_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

const single = new TestTorrent([["data.bin", 5 * PIECE + 100]]);
const several = new TestTorrent([
  ["album/one.bin", PIECE + 10],
  ["album/.pad/6", PIECE - 10, "padding"],
  ["album/deep/er/empty", 0],
  ["album/deep/two.bin", 2 * PIECE + 5],
  ["album/three.bin", 7],
]);

for (const [what, torrent] of [["one file", single], ["several files", several]] as const) {
  Deno.test(`PieceStore writes, serves and finishes ${what}`, async () => {
    using home = new TestHome();
    const open = await home.open(torrent);
    assert.equal(open.recovered.have.count, 0);
    assert.equal(open.checked, 0);
    await open.commit(torrent, ...allPieces(torrent));
    assert.deepEqual(open.stored.toSorted(), allPieces(torrent));
    assertServes(torrent, open, allPieces(torrent));
    open.store.finish();
    await open.store.flushNow();
    assert.deepEqual(open.finished, [join(home.path, "shareable", torrent.metainfo.name)]);
    assertServes(torrent, open, allPieces(torrent));
    home.assertFinished(torrent);
    assert.ok(!fs.existsSync(home.shared("album/.pad")));
    assert.equal(open.store.buffersTaken, 0);
    await open.stop();

    const again = await home.open(torrent);
    assert.ok(again.recovered.finished);
    assert.equal(again.checked, 0, "complete data is not hashed again");
    assertServes(torrent, again, again.recovered.have);
    await again.stop();
  });

  Deno.test(`PieceStore adopts ${what} found in shareable`, async () => {
    using home = new TestHome();
    home.share(torrent, (_, content) => content.length === 0 ? undefined : content);
    const open = await home.open(torrent);
    assert.ok(open.recovered.finished);
    assert.equal(open.checked, torrent.metainfo.layout.pieceCount);
    assertServes(torrent, open, allPieces(torrent));
    home.assertFinished(torrent);
    await open.crash();
    const again = await home.open(torrent);
    assert.ok(again.recovered.finished && again.checked === 0);
    await again.stop();
  });
}

Deno.test("PieceStore finishes a torrent of empty files only", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["nothing/a", 0], ["nothing/b", 0]]);
  const open = await home.open(torrent);
  assert.ok(open.recovered.finished);
  home.assertFinished(torrent);
  await open.stop();
});

Deno.test("PieceStore refuses a corrupt piece, lends its buffer, and writes nothing", async () => {
  using home = new TestHome();
  const open = await home.open(single);
  let lent: Uint8Array | undefined;
  const { promise, resolve } = Promise.withResolvers<number>();
  open.store.listener = {
    ...open.store.listener!,
    pieceCorrupt: (index, buffer) => {
      lent = buffer.slice();
      resolve(index);
    },
  };
  const buffer = open.store.takeBuffer();
  buffer.fill(7);
  open.store.commit(2, buffer);
  assert.equal(buffer.length, 0, "the buffer was transferred");
  assert.equal(await promise, 2);
  assert.deepEqual(lent, new Uint8Array(PIECE).fill(7));
  assert.deepEqual(
    new Uint8Array(fs.readFileSync(home.tmp(single, "data.bin"))),
    new Uint8Array(5 * PIECE + 100),
  );
  await open.stop();
  assert.equal(open.store.buffersTaken, 0);
});

Deno.test("PieceStore makes its tmp files at full length and sparse", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["big.bin", 64 * PIECE]]);
  const open = await home.open(torrent);
  const { size, blocks } = fs.statSync(home.tmp(torrent, "big.bin"));
  assert.equal(size, 64 * PIECE);
  if (Deno.build.os === "linux") assert.ok(blocks! * 512 < size);
  await open.crash();
});

Deno.test("PieceStore keeps all pieces over a clean stop and hashes none of them", async () => {
  using home = new TestHome();
  const first = await home.open(single);
  await first.commit(single, 1, 5);
  await first.stop();
  const again = await home.open(single);
  assert.deepEqual([...again.recovered.have], [1, 5]);
  assert.equal(again.checked, 0);
  assertServes(single, again, [1, 5]);
  await again.stop();
});

Deno.test("PieceStore notes written pieces each second and syncs every few seconds", async () => {
  using home = new TestHome();
  const { infoHash, layout: { pieceCount } } = single.metainfo;
  const open = await home.open(single);
  const bits = async (kind: "stored" | "written") => [...await open.resume.bits(kind, infoHash, pieceCount)];
  await open.store.flush(0);
  await open.commit(single, 0, 2);
  await open.store.flush(1_000);
  assert.deepEqual([await bits("written"), await bits("stored")], [[0, 2], []]);
  await open.commit(single, 3);
  await open.store.flush(STORAGE.syncMs);
  assert.deepEqual(await bits("stored"), [0, 2, 3]);
  await open.commit(single, 1);
  await open.store.flush(STORAGE.syncMs + 1_000);
  assert.deepEqual([await bits("written"), await bits("stored")], [[0, 1, 2, 3], [0, 2, 3]]);
  await open.crash();

  fs.writeFileSync(home.tmp(single, "data.bin"), new Uint8Array(5 * PIECE + 100));
  const again = await home.open(single);
  assert.equal(again.checked, 1, "the piece that was only written is hashed");
  assert.deepEqual([...again.recovered.have], [0, 2, 3], "and it is gone");
  await again.stop();
});

/** Puts another data sync in place of the system's, until disposed. */
function replaceSync(sync: (done: (error: Error | null) => void) => void): Disposable {
  const { fdatasync } = fs;
  Object.assign(fs, { fdatasync: (_fd: number, done: (error: Error | null) => void) => sync(done) });
  return { [Symbol.dispose]: () => Object.assign(fs, { fdatasync }) };
}

Deno.test("PieceStore says a piece is stored only after a sync that began after it was written", async () => {
  using home = new TestHome();
  const { infoHash, layout: { pieceCount } } = single.metainfo;
  const open = await home.open(single);
  const stored = async () => [...await open.resume.bits("stored", infoHash, pieceCount)];
  const syncs: (() => void)[] = [];
  using _ = replaceSync((done) => syncs.push(() => done(null)));
  await open.commit(single, 0);
  const first = open.store.flush(0);
  await open.commit(single, 1);
  await open.store.flush(STORAGE.syncMs);
  const last = open.store.flushNow();
  assert.deepEqual([syncs.length, await stored()], [1, []]);
  syncs[0]();
  await first;
  assert.deepEqual(await stored(), [0]);
  while (syncs.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(await stored(), [0]);
  syncs[1]();
  await last;
  assert.deepEqual(await stored(), [0, 1]);
  await open.crash();
});

Deno.test("PieceStore relies on nothing any more after a failed sync", async () => {
  using home = new TestHome();
  const { infoHash, layout: { pieceCount } } = single.metainfo;
  const open = await home.open(single);
  await open.commit(single, 0);
  {
    using _ = replaceSync((done) => done(Object.assign(new Error("EIO"), { code: "EIO" })));
    await open.store.flush(0);
  }
  assert.match(open.failures[0].message, /^Cannot sync state\/tmp\/.*: input\/output error$/);
  await open.store.flush(STORAGE.syncMs);
  await assert.rejects(open.store.flushNow(), StorageError);
  assert.equal((await open.resume.bits("stored", infoHash, pieceCount)).count, 0);
  await open.crash();
});

Deno.test("PieceStore saves the blocks of unfinished pieces at a clean stop only", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["data.bin", 6 * BLOCK_LENGTH + 9]], 4 * BLOCK_LENGTH);
  for (const isClean of [true, false]) {
    const open = await home.open(torrent);
    const buffer = open.store.takeBuffer();
    buffer.set(torrent.piece(1).subarray(0, BLOCK_LENGTH));
    buffer.set(torrent.piece(1).subarray(2 * BLOCK_LENGTH), 2 * BLOCK_LENGTH);
    const blocks = new Bitfield(3);
    blocks.add(0);
    blocks.add(2);
    open.store.saveUnfinished(1, buffer, blocks);
    await open.store.flushNow();
    assert.equal(open.store.buffersTaken, 0);
    await (isClean ? open.stop() : open.crash());

    const again = await home.open(torrent);
    assert.deepEqual([...again.recovered.unfinished.keys()], isClean ? [1] : []);
    for (const piece of again.recovered.unfinished.values()) {
      assert.deepEqual([...piece.blocks], [0, 2]);
      assert.deepEqual(piece.buffer.slice(0, BLOCK_LENGTH), torrent.piece(1).slice(0, BLOCK_LENGTH));
      assert.deepEqual(
        piece.buffer.slice(2 * BLOCK_LENGTH, 2 * BLOCK_LENGTH + 9),
        torrent.piece(1).slice(-9),
      );
      again.store.giveBuffer(piece.buffer);
    }
    await again.stop();
    const third = await home.open(torrent);
    assert.equal(third.recovered.unfinished.size, 0, "bitmaps are used once");
    await third.crash();
  }
});

Deno.test("PieceStore starts with the good pieces of a damaged copy and replaces it in the end", async () => {
  using home = new TestHome();
  home.share(several, (path, content) => {
    if (path === "album/deep/two.bin") return content.with(PIECE, content[PIECE] ^ 1);
    return path === "album/one.bin" ? content.slice(0, PIECE) : content;
  });
  const open = await home.open(several);
  assert.deepEqual([...open.recovered.have], [0, 2, 4]);
  assert.ok(!open.recovered.finished);
  assert.deepEqual(open.recovered.inTheWay, []);
  assertServes(several, open, open.recovered.have);
  await open.commit(several, 1, 3);
  open.store.finish();
  await open.stop();
  assert.equal(open.failures.length, 0);
  home.assertFinished(several);
});

Deno.test("PieceStore never replaces somebody else's file and keeps both", async () => {
  using home = new TestHome();
  fs.writeFileSync(home.shared("data.bin"), "my notes");
  const open = await home.open(single);
  await open.commit(single, ...allPieces(single));
  open.store.finish();
  await open.store.flushNow();
  assert.match(
    open.failures[0].message,
    /^Expected nothing at shareable\/data.bin, got another file; both are kept/,
  );
  assert.equal(fs.readFileSync(home.shared("data.bin"), "utf8"), "my notes");
  assert.deepEqual(new Uint8Array(fs.readFileSync(home.tmp(single, "data.bin"))), single.content);
  assertServes(single, open, allPieces(single));
  await open.crash();
  await assert.rejects(home.open(single), StorageError);

  fs.renameSync(home.shared("data.bin"), home.shared("notes"));
  const again = await home.open(single);
  assert.ok(again.recovered.finished);
  home.assertFinished(single);
  await again.stop();
});

Deno.test("PieceStore does not replace a damaged copy that changed after it was examined", async () => {
  using home = new TestHome();
  home.share(single, (_, content) => content.with(0, content[0] ^ 1));
  const open = await home.open(single);
  fs.appendFileSync(home.shared("data.bin"), "edited");
  await open.commit(single, 0);
  open.store.finish();
  await open.store.flushNow();
  assert.match(open.failures[0].message, /both are kept/);
  assert.match(fs.readFileSync(home.shared("data.bin"), "latin1"), /edited$/);
  await open.crash();
});

Deno.test("PieceStore takes no file for complete that is too long, and uses what is good in it", async () => {
  using home = new TestHome();
  home.share(several, (_, content) => concatBytes(content, new Uint8Array(content.length)));
  const { layout } = several.metainfo;
  const open = await home.open(several);
  assert.equal(open.recovered.have.count, layout.pieceCount);
  await open.stop();
  home.assertFinished(several);
});

Deno.test("PieceStore says at the start which files of the user's are in the way, also when it goes on later", async () => {
  using home = new TestHome();
  home.share(several, (path) => path === "album/one.bin" ? new Uint8Array(PIECE + 10) : undefined);
  for (const start of ["first", "second"]) {
    const open = await home.open(several);
    assert.deepEqual(open.recovered.inTheWay, ["shareable/album/one.bin"], start);
    await open.stop();
  }
});

Deno.test("PieceStore never replaces what is in the place of an empty file", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["album/one.bin", PIECE], ["album/none", 0]]);
  home.share(torrent);
  fs.writeFileSync(home.shared("album/none"), "my notes");
  await assert.rejects(home.open(torrent), /got another file; both are kept/);
  assert.equal(fs.readFileSync(home.shared("album/none"), "utf8"), "my notes");
});

Deno.test("PieceStore replaces an empty file", async () => {
  using home = new TestHome();
  fs.writeFileSync(home.shared("data.bin"), "");
  const open = await home.open(single);
  await open.commit(single, ...allPieces(single));
  open.store.finish();
  await open.stop();
  home.assertFinished(single);
});

Deno.test("PieceStore finds its data again when the resume state is lost", async () => {
  using home = new TestHome();
  const open = await home.open(several);
  await open.commit(several, 1, 2);
  await open.stop();
  for (const name of fs.readdirSync(join(home.path, "state"))) {
    if (name.startsWith("peer.kv")) fs.rmSync(join(home.path, "state", name));
  }
  const again = await home.open(several);
  assert.deepEqual([...again.recovered.have], [1, 2]);
  await again.stop();
});

Deno.test("PieceStore hashes everything when a tmp file was cut, deleted or a complete one changed", async () => {
  for (const damage of ["cut", "deleted"]) {
    using home = new TestHome();
    const open = await home.open(single);
    await open.commit(single, 0, 4);
    await open.stop();
    const path = home.tmp(single, "data.bin");
    if (damage === "cut") fs.truncateSync(path, PIECE);
    else fs.rmSync(path);
    const again = await home.open(single);
    assert.deepEqual([...again.recovered.have], damage === "cut" ? [0] : []);
    await again.crash();
    const third = await home.open(single);
    assert.deepEqual([...third.recovered.have], damage === "cut" ? [0] : [], "old claims are forgotten");
    await third.stop();
  }
  using home = new TestHome();
  home.share(single);
  await (await home.open(single)).stop();
  home.share(single, (_, content) => content.with(2 * PIECE, content[2 * PIECE] ^ 1));
  const again = await home.open(single);
  assert.deepEqual([...again.recovered.have], [0, 1, 3, 4, 5]);
  await again.stop();
});

needs("symbolic links")(
  "PieceStore refuses symbolic links in shareable and tmp and touches nothing behind them",
  async () => {
    for (
      const steps of [["shareable", "album"], ["state", "tmp"], ["shareable", "album", "deep"], ["shareable"]]
    ) {
      using home = new TestHome();
      using outside = new TestHome();
      const link = join(home.path, ...steps);
      fs.rmSync(link, { recursive: true, force: true });
      fs.mkdirSync(join(link, ".."), { recursive: true });
      fs.symlinkSync(outside.path, link);
      const before = fs.readdirSync(outside.path, { recursive: true });
      await assert.rejects(home.open(several), {
        name: "StorageError",
        message: `Expected no symbolic link, got one at ${steps.join("/")}`,
      });
      assert.deepEqual(fs.readdirSync(outside.path, { recursive: true }), before);
    }
  },
);

needs("symbolic links")("PieceStore does not write through a link that takes a file's place", async () => {
  using home = new TestHome();
  const outside = join(home.path, "outside");
  fs.writeFileSync(outside, "untouched");
  const open = await home.open(single);
  fs.rmSync(home.tmp(single, "data.bin"));
  fs.symlinkSync(outside, home.tmp(single, "data.bin"));
  await open.commit(single, 0);
  assert.match(open.failures[0].message, /Expected no symbolic link/);
  assert.equal(fs.readFileSync(outside, "utf8"), "untouched");
  await open.crash();
});

needs("symbolic links")("PieceStore works in a home that is itself a symbolic link", async () => {
  using home = new TestHome();
  const link = `${home.path}-link`;
  fs.symlinkSync(home.path, link);
  try {
    const open = await new TestHome(link).open(single);
    await open.commit(single, ...allPieces(single));
    open.store.finish();
    await open.stop();
    home.assertFinished(single);
  } finally {
    fs.unlinkSync(link);
  }
});

Deno.test("PieceStore tells a failing write as StorageError and gives the buffer back", async () => {
  using home = new TestHome();
  class FullDisk extends DiskWorkers {
    override commit(...[, , buffer]: Parameters<DiskWorkers["commit"]>) {
      return Promise.resolve({ outcome: new StorageError("no space left on device"), buffer });
    }
  }
  const open = await home.open(single, { workers: new FullDisk() });
  await open.commit(single, 1);
  assert.deepEqual(open.failures.map(({ message }) => message), ["no space left on device"]);
  await open.stop();
  assert.equal(open.store.buffersTaken, 0);
});

Deno.test("PieceStore has room again when enough was committed", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["big.bin", 8 * 1024 * 1024]], 1024 * 1024);
  const held = Promise.withResolvers<void>();
  class SlowDisk extends DiskWorkers {
    override async commit(...[, , buffer]: Parameters<DiskWorkers["commit"]>) {
      await held.promise;
      return { outcome: "stored" as const, buffer };
    }
  }
  const open = await home.open(torrent, { workers: new SlowDisk() });
  for (let i = 0; i < STORAGE.maxCommitBytes / (1024 * 1024); i++) {
    assert.ok(open.store.hasRoom());
    open.store.commit(i % 8, open.store.takeBuffer());
  }
  assert.ok(!open.store.hasRoom());
  const room = open.store.whenRoom();
  held.resolve();
  await room;
  assert.ok(open.store.hasRoom());
  await open.stop();
});

Deno.test("PieceStore does not trust a file of a wrong size, though an earlier run took it for complete", async () => {
  const { metainfo: { infoHash, files, name } } = several;
  for (const phase of ["complete", "active"] as const) {
    using home = new TestHome();
    home.share(several, (path, content) => path.endsWith("three.bin") ? new Uint8Array(9) : content);
    const before = await home.open(several);
    await before.stop();
    home.share(
      several,
      (path, content) => path.endsWith("three.bin") ? concatBytes(content, new Uint8Array(2)) : content,
    );
    const stamps = files.map(({ path, isPadding }) => {
      if (isPadding) return undefined;
      const { size, mtimeMs, ino: inode } = fs.statSync(home.shared(path.join("/")));
      return { size, mtimeMs, inode };
    });
    const resume = await ResumeStore.open(home.path, () => {});
    await resume.saveStamps(infoHash, stamps);
    await resume.savePlaces(infoHash, new Uint8Array(files.length).fill(FilePlace.shareable));
    await resume.saveBits("stored", infoHash, Bitfield.full(several.metainfo.layout.pieceCount));
    await resume.savePhase(infoHash, phase);
    resume.close();
    const open = await home.open(several);
    assert.ok(open.checked > 0, `${name} is looked at, ${phase}`);
    await open.stop();
    home.assertFinished(several);
  }
});

Deno.test("PieceStore knows its own copies of a move that was cut off, with another file wanted since", async () => {
  using home = new TestHome();
  const only = ["album/one.bin"];
  const pieces = selectionOf(several, only).pieces;
  const first = await home.open(several, { only });
  await first.commit(several, ...pieces);
  await first.store.flush(STORAGE.syncMs);
  await first.resume.savePhase(several.metainfo.infoHash, "moving");
  await first.crash();
  home.share(several, (path, content) => only.includes(path) ? content : undefined);
  const second = await home.open(several);
  assert.deepEqual(second.recovered.inTheWay, []);
  await second.commit(several, ...allPieces(several).filter((index) => !second.recovered.have.has(index)));
  second.store.finish();
  await second.stop();
  assert.deepEqual(second.failures, []);
  home.assertFinished(several);
});
