import assert from "node:assert/strict";
import { join } from "node:path";
import { StorageError } from "../../lib/errors.ts";
import { findTorrent, saveTorrent } from "../../lib/session/torrent_folder.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";

/** A home with `torrents/`, `folder`, that is removed at the end. */
async function newHome() {
  const home = await Deno.makeTempDir();
  const folder = join(home, "torrents");
  await Deno.mkdir(folder);
  return { home, folder, [Symbol.asyncDispose]: () => Deno.remove(home, { recursive: true }) };
}

const torrentOf = (seed: number, name: string) => metainfoOf(randomBytes(1_000, seed), 16_384, name);

Deno.test("findTorrent finds what saveTorrent saved, among broken files and folders", async () => {
  await using made = await newHome();
  const { home, folder } = made;
  await Deno.writeTextFile(join(folder, "broken.torrent"), "nonsense");
  await Deno.mkdir(join(folder, "folder.torrent"));
  const metainfo = {
    ...torrentOf(1, "age.txt"),
    announceTiers: [["http://10.0.0.5/a"], ["udp://10.0.0.6:1"]],
  };
  assert.equal(await findTorrent(folder, metainfo.infoHash), undefined);
  assert.equal(await saveTorrent(home, metainfo), join(folder, "age.txt.torrent"));
  const found = await findTorrent(folder, metainfo.infoHash);
  assert.deepEqual([found?.name, found?.announceTiers], ["age.txt", metainfo.announceTiers]);
  assert.deepEqual(found?.rawInfo, metainfo.rawInfo);
});

Deno.test("saveTorrent never replaces another torrent", async () => {
  await using made = await newHome();
  const { home, folder } = made;
  const [first, second] = [torrentOf(1, "age.txt"), torrentOf(2, "age.txt")];
  await saveTorrent(home, first);
  const marked = join(folder, `age.txt-${second.infoHash.slice(0, 8)}.torrent`);
  assert.equal(await saveTorrent(home, second), marked);
  await Deno.writeTextFile(marked, "something else");
  await assert.rejects(saveTorrent(home, second), StorageError);
  assert.equal(await Deno.readTextFile(marked), "something else");
  assert.equal((await findTorrent(folder, first.infoHash))?.infoHash, first.infoHash);
});

Deno.test("saveTorrent cuts names that are too long for the file system", async () => {
  await using made = await newHome();
  const { home, folder } = made;
  for (const name of ["x".repeat(255), "ü".repeat(120), `${"y".repeat(238)}.txt`]) {
    for (const seed of [1, 2]) {
      const metainfo = torrentOf(seed, name);
      const path = await saveTorrent(home, metainfo);
      assert.equal((await findTorrent(folder, metainfo.infoHash))?.infoHash, metainfo.infoHash, path);
    }
  }
});
