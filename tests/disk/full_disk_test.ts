/** Disks that are full at the wrong moment. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { mountMemory } from "../harness/virtual/memory_disk.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { allPieces, assertServes, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const torrent = new TestTorrent([["album/one.bin", 10 * PIECE], ["album/two.bin", 20 * PIECE]]);
const other = new TestTorrent([["other.bin", 1]]);
const needsDisks = needs("linux", "root", "mount");

needsDisks(
  "PieceStore keeps what it has when shareable is full in the middle of a move, and moves when there is room",
  async () => {
    using home = new TestHome();
    using disk = mountMemory(home.shared(""), "300k");
    const open = await home.open(torrent);
    await open.commit(torrent, ...allPieces(torrent));
    open.store.finish();
    while (open.failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(open.failures[0].message, /^Cannot move .*two\.bin.*: no space left on device$/);
    assertServes(torrent, open, allPieces(torrent));
    assert.deepEqual(fs.readdirSync(home.shared("album")), ["one.bin"]);
    await open.stop();
    disk.remount("size=2m");
    const again = await home.open(torrent);
    assert.ok(again.recovered.finished);
    home.assertFinished(torrent);
    await again.stop();
  },
);

needsDisks(
  "PieceStore goes on when the resume state cannot be written for want of room, and notes all later",
  async () => {
    using home = new TestHome();
    using disk = mountMemory(join(home.path, "state"), "8m");
    const open = await home.open(torrent);
    await open.store.flush(0);
    await open.commit(torrent, ...allPieces(torrent).slice(0, 20));
    disk.fill("filling");
    const stamps = new Array(50_000).fill({ size: 1, mtimeMs: 2, inode: 3 });
    await assert.rejects(open.resume.saveStamps(other.metainfo.infoHash, stamps), /full|no space/);
    for (let second = 1; second <= 5; second++) await open.store.flush(second * 1_000);
    assert.deepEqual(open.failures, []);
    assertServes(torrent, open, allPieces(torrent).slice(0, 20));
    fs.rmSync(join(home.path, "state", "filling"));
    await open.store.flush(20_000);
    await open.crash();
    const again = await home.open(torrent);
    assert.deepEqual([...again.recovered.have], allPieces(torrent).slice(0, 20));
    await again.commit(torrent, ...allPieces(torrent).slice(20));
    again.store.finish();
    await again.stop();
    home.assertFinished(torrent);
  },
);
