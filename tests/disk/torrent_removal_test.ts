import assert from "node:assert/strict";
import fs from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { removeTorrent } from "../../lib/disk/torrent_removal.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { allPieces, PIECE, TestHome, TestTorrent } from "./test_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

const torrent = new TestTorrent([["album/a", 2 * PIECE], ["album/deep/b", PIECE + 9], ["album/empty", 0]]);
const { infoHash } = torrent.metainfo;

/** Keys of the resume state that name the torrent. */
function rememberedKeys(home: TestHome): number {
  using database = new DatabaseSync(`${home.path}/state/peer.kv`);
  const [{ keys }] = database.prepare("SELECT count(*) AS keys FROM kv WHERE instr(k, ?) > 0").all(
    new TextEncoder().encode(infoHash),
  );
  return keys as number;
}

/** A store that has all data in place, noted everything there is to note, and was stopped. */
async function finished(home: TestHome) {
  const open = await home.open(torrent);
  await open.commit(torrent, ...allPieces(torrent));
  open.store.finish();
  await open.store.flushNow();
  await open.resume.saveTotals(infoHash, { uploaded: 1, downloaded: 2 });
  await open.resume.savePeers(infoHash, ["10.0.0.1:1"]);
  await open.resume.saveTorrentWishes(infoHash, { isPaused: true }, 1);
  await open.resume.saveUnfinished(infoHash, new Map([[1, new Bitfield(1)]]));
  await open.store.close();
  return open;
}

for (const deletesData of [false, true]) {
  Deno.test(`removeTorrent forgets a torrent and ${deletesData ? "deletes" : "keeps"} its data`, async () => {
    using home = new TestHome();
    const { resume, crash } = await finished(home);
    await resume.saveWishes({ uploadSlots: 3 });
    fs.writeFileSync(home.shared("album/mine.txt"), "of the user");
    await removeTorrent(torrent.metainfo, { home: home.path, resume }, deletesData);
    assert.equal(rememberedKeys(home), 0);
    assert.deepEqual(await resume.wishes(), { uploadSlots: 3 });
    await removeTorrent(torrent.metainfo, { home: home.path, resume }, deletesData);
    await crash();
    assert.equal(fs.readFileSync(home.shared("album/mine.txt"), "utf8"), "of the user");
    assert.equal(fs.existsSync(home.shared("album/deep")), !deletesData);
    assert.equal(fs.existsSync(home.shared("album/a")), !deletesData);
    fs.rmSync(home.shared("album/mine.txt"));
  });
}

Deno.test("removeTorrent removes what is unfinished, and nothing of another who bears the same names", async () => {
  using home = new TestHome();
  home.share(torrent, (path) => path === "album/a" ? new Uint8Array(2 * PIECE) : undefined);
  const open = await home.open(torrent);
  await open.commit(torrent, 0);
  await open.store.close();
  assert(fs.existsSync(home.tmp(torrent)));
  await removeTorrent(torrent.metainfo, { home: home.path, resume: open.resume }, true);
  await open.crash();
  assert.equal(fs.existsSync(home.tmp(torrent)), false);
  assert.equal(fs.statSync(home.shared("album/a")).size, 2 * PIECE);
});

needs("symbolic links")("removeTorrent follows no link out of shareable/", async () => {
  using home = new TestHome();
  using elsewhere = new TestHome();
  const { resume, crash } = await finished(home);
  fs.renameSync(home.shared("album"), elsewhere.shared("album"));
  fs.symlinkSync(elsewhere.shared("album"), home.shared("album"));
  await assert.rejects(removeTorrent(torrent.metainfo, { home: home.path, resume }, true), /symbolic link/);
  assert(fs.existsSync(elsewhere.shared("album/a")));
  await crash();
});
