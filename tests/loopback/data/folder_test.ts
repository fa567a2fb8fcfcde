/** Data in folders that the user chose: downloaded there, shared from there, and guarded there as in `shareable/`. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { randomBytes } from "../../harness/data/random.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { Machine } from "../../harness/sessions/machine.ts";

const KIB = 1024;
const FILES = new Map([
  ["album/a.bin", randomBytes(100 * KIB, 1)],
  ["album/deep/b.bin", randomBytes(50 * KIB + 1, 2)],
]);

/** A seeder of `FILES`, its torrent, a leecher, and an empty folder elsewhere. */
async function parts() {
  const seeder = await Machine.start();
  const leecher = await Machine.start({ files: {} });
  const elsewhere = await Deno.makeTempDir({ prefix: "peer data " });
  const torrent = await seeder.publish(FILES, [], 16 * KIB);
  const infoHash = await seeder.session.add(torrent, []);
  const dispose = async () => {
    await leecher[Symbol.asyncDispose]();
    await seeder[Symbol.asyncDispose]();
    await Deno.remove(elsewhere, { recursive: true });
  };
  return { seeder, leecher, elsewhere, torrent, infoHash, [Symbol.asyncDispose]: dispose };
}

const has = (folder: string) =>
  [...FILES].every(([path, content]) =>
    content.every((byte, at, { length }) =>
      at > 0 || (fs.readFileSync(join(folder, path)).equals(content) && length > 0 && byte === content[0])
    )
  );

Deno.test("Session downloads into a folder that the user chose, remembers it, and removes the data from there", async () => {
  await using all = await parts();
  const { seeder, leecher, torrent, infoHash } = all;
  const folder = join(all.elsewhere, "new", "films");
  await leecher.session.open({ path: torrent }, { folder, peers: [seeder.address] });
  await leecher.completes(infoHash);
  assert(has(folder));
  assert.deepEqual(fs.readdirSync(leecher.path("shareable")), []);
  assert.equal(fs.existsSync(leecher.path("state/tmp", infoHash)), false);
  assert.equal(leecher.session.details(infoHash).folder, folder);
  const [complete] = leecher.namesOf("complete");
  assert(complete.event === "complete" && complete.path === join(folder, "album"));

  await leecher.stop();
  await leecher.start({ files: {} });
  await leecher.session.add(leecher.path("torrents/album.torrent"), []);
  assert.deepEqual([leecher.swarm(infoHash).state, leecher.session.details(infoHash).folder], [
    "seeding",
    folder,
  ]);
  await leecher.session.remove(infoHash, true);
  assert.deepEqual(fs.readdirSync(folder), []);
});

Deno.test("Session shares data from where it lies, and neither moves nor writes it", async () => {
  await using all = await parts();
  const { seeder, leecher, elsewhere, torrent, infoHash } = all;
  for (const [path, content] of FILES) {
    fs.mkdirSync(join(elsewhere, path, ".."), { recursive: true });
    fs.writeFileSync(join(elsewhere, path), content);
    fs.chmodSync(join(elsewhere, path), 0o444);
  }
  const looks = () =>
    [...FILES.keys()].map((path) => {
      const { ino, mtimeMs, mode, size } = fs.statSync(join(elsewhere, path));
      return { ino, mtimeMs, mode, size };
    });
  const before = looks();
  await leecher.session.open({ path: torrent }, { folder: elsewhere });
  await until(() => leecher.swarm(infoHash).state === "seeding", "checked");
  await seeder.session.remove(infoHash, true);
  const again = await seeder.publish(new Map([["other.bin", randomBytes(10, 9)]]), []);
  assert(again);
  await seeder.session.open({ path: leecher.path("torrents/album.torrent") }, { peers: [leecher.address] });
  await seeder.completes(infoHash);
  await seeder.assertHas(FILES);
  await leecher.session.verify(infoHash);
  await until(() => leecher.swarm(infoHash).state === "seeding", "checked again");
  await leecher.session.remove(infoHash, false);
  assert.deepEqual(looks(), before);
  assert.deepEqual(fs.readdirSync(leecher.path("shareable")), []);
});

Deno.test("Session keeps its guards in a folder that the user chose: files in the way, a folder that is gone", async () => {
  await using all = await parts();
  const { seeder, leecher, elsewhere, torrent, infoHash } = all;
  const { session } = leecher;
  const refused = ["films", leecher.path("state"), leecher.path("state/x"), leecher.path("torrents")];
  for (const folder of refused) {
    await assert.rejects(session.open({ path: torrent }, { folder }), RangeError);
  }
  assert.deepEqual(session.snapshot(), []);

  fs.mkdirSync(join(elsewhere, "album"));
  fs.writeFileSync(join(elsewhere, "album/a.bin"), "of the user");
  await session.open({ path: torrent }, { folder: elsewhere, peers: [seeder.address] });
  await until(() => leecher.swarm(infoHash).state === "failed", "a file in the way");
  assert(leecher.swarm(infoHash).failure!.includes(join(elsewhere, "album/a.bin")));
  assert.equal(fs.readFileSync(join(elsewhere, "album/a.bin"), "utf8"), "of the user");
  fs.rmSync(join(elsewhere, "album/a.bin"));
  await session.resume(infoHash);
  await leecher.completes(infoHash);
  assert(has(elsewhere));

  await leecher.stop();
  fs.renameSync(elsewhere, `${elsewhere} away`);
  await leecher.start({ files: {} });
  const path = leecher.path("torrents/album.torrent");
  await assert.rejects(leecher.session.add(path, []), /is its drive there/);
  assert.equal(leecher.swarm(infoHash).state, "failed");
  fs.renameSync(`${elsewhere} away`, elsewhere);
  await leecher.session.resume(infoHash);
  await until(() => leecher.swarm(infoHash).state === "seeding", "it is back");
});

needs("symbolic links")("Session follows no link that lies in a folder that the user chose", async () => {
  await using all = await parts();
  const { seeder, leecher, elsewhere, torrent, infoHash } = all;
  const target = await Deno.makeTempDir();
  fs.symlinkSync(target, join(elsewhere, "album"));
  await leecher.session.open({ path: torrent }, { folder: elsewhere, peers: [seeder.address] });
  await until(() => leecher.swarm(infoHash).state === "failed", "a link");
  assert.match(leecher.swarm(infoHash).failure!, /symbolic link/);
  assert.deepEqual(fs.readdirSync(target), []);
  fs.rmSync(join(elsewhere, "album"));
  fs.rmdirSync(target);
  await leecher.session.resume(infoHash);
  await leecher.completes(infoHash);
  assert(has(elsewhere));
});
