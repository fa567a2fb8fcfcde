/**
 * Symbolic links that somebody planted below the home folder lead to a folder outside. Whatever is done, nothing
 * there is read, written, moved or deleted. What is outside are the very files of the torrent, so whoever reads
 * there finds good pieces.
 */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { parseMetainfo } from "../../lib/protocol/metainfo.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { listFolder } from "../harness/data/folder_listing.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";

const ALBUM = new Map([
  ["album/a.bin", randomBytes(400_000, 1)],
  ["album/sub/b.bin", randomBytes(300_000, 2)],
]);

/** A machine that shares the album, and a folder outside of every home that holds it too. */
async function makeWorld() {
  const seeder = await Machine.start();
  const torrent = await seeder.publish(ALBUM, []);
  const metainfo = parseMetainfo(await Deno.readFile(torrent), METAINFO_LIMITS);
  await seeder.session.add(torrent, []);
  const outside = await Deno.makeTempDir({ prefix: "peer-outside-" });
  for (const [path, bytes] of ALBUM) {
    await Deno.mkdir(dirname(join(outside, path)), { recursive: true });
    await Deno.writeFile(join(outside, path), bytes);
  }
  await Deno.mkdir(join(outside, "state/tmp"), { recursive: true });
  await Deno.mkdir(join(outside, "torrents"));
  await Deno.copyFile(torrent, join(outside, "torrents/album.torrent"));
  const before = await listFolder(outside);
  return {
    seeder,
    torrent,
    metainfo,
    outside,
    assertUntouched: async (label: string) => assert.deepEqual(await listFolder(outside), before, label),
    [Symbol.asyncDispose]: async () => {
      await seeder[Symbol.asyncDispose]();
      await Deno.remove(outside, { recursive: true });
    },
  };
}

/** Puts a link at `path` in a home, in place of whatever is there. */
async function plant(home: string, path: string, target: string): Promise<void> {
  await Deno.mkdir(dirname(join(home, path)), { recursive: true });
  await Deno.remove(join(home, path), { recursive: true }).catch(() => {});
  await Deno.symlink(target, join(home, path));
}

/** Where a link may stand before anything begins, and what outside it leads to. */
const linksFor = (infoHash: string): [path: string, target: string][] => [
  ["shareable", "."],
  ["shareable/album", "album"],
  ["shareable/album/sub", "album/sub"],
  ["shareable/album/a.bin", "album/a.bin"],
  ["state/tmp", "state/tmp"],
  [`state/tmp/${infoHash}`, "."],
  [`state/tmp/${infoHash}/album`, "album"],
  [`state/tmp/${infoHash}/album/sub`, "album/sub"],
  [`state/tmp/${infoHash}/album/a.bin`, "album/a.bin"],
];

needs("symbolic links")(
  "Session refuses to share or download through a planted link, and check to look",
  async () => {
    await using world = await makeWorld();
    const { seeder, torrent, metainfo, outside } = world;
    for (const [path, target] of linksFor(metainfo.infoHash)) {
      await using victim = await Machine.start({ runTracker: false });
      await plant(victim.home, path, join(outside, target));
      await assert.rejects(
        victim.session.add(torrent, [seeder.address]),
        /Expected no symbolic link, got one at /,
        path,
      );
      await victim.stop();
      const { exitCode, err } = await runCommand("check", torrent, "--json", "--home", victim.home);
      assert.match(err.join(), /Expected no symbolic link, got one at /, path);
      assert.equal(exitCode, 1, path);
      await world.assertUntouched(path);
    }
  },
);

needs("symbolic links")(
  "Session neither writes nor moves through a link that is planted while it downloads",
  async () => {
    await using world = await makeWorld();
    const { seeder, torrent, metainfo, outside } = world;
    for (const [path, target] of linksFor(metainfo.infoHash)) {
      await using victim = await Machine.start({ runTracker: false, choices: { maxDownload: 250_000 } });
      const infoHash = await victim.session.add(torrent, [seeder.address]);
      await until(() => victim.swarm(infoHash).have > 0, "a piece is there");
      await plant(victim.home, path, join(outside, target));
      await until(() => victim.swarm(infoHash).failure !== undefined, `it pauses because of ${path}`);
      assert.match(victim.swarm(infoHash).failure!, /symbolic link|Expected a file|Cannot/);
      assert.equal(victim.swarm(infoHash).seeding, false, path);
      await victim.stop();
      await world.assertUntouched(path);
    }
  },
);

needs("symbolic links")("peer takes no lock and no state from behind a planted link", async () => {
  await using world = await makeWorld();
  for (const path of ["state", "state/lock", "state/peer.kv", "state/peer.kv-wal"]) {
    await using victim = await Machine.start();
    await victim.stop();
    await plant(
      victim.home,
      path,
      path === "state" ? join(world.outside, "state") : join(world.outside, "new"),
    );
    const { exitCode, err } = await runCommand(
      "start",
      "--port",
      "0",
      "--no-tracker",
      "--home",
      victim.home,
    );
    assert.match(err.join(), /Expected no symbolic link, got one at state/, path);
    assert.equal(exitCode, 1, path);
    await world.assertUntouched(path);
  }
});

needs("symbolic links")(
  "peer writes no torrent through a planted link: not by create, edit or a magnet link",
  async () => {
    await using world = await makeWorld();
    const { seeder, metainfo, outside } = world;
    const magnet = formatMagnet({ infoHash: metainfo.infoHash, peers: [seeder.address] });
    const links = [["torrents", "torrents"], ["torrents/album.torrent", "torrents/album.torrent"]];
    for (const [path, target] of links) {
      await using victim = await Machine.start({ runTracker: false });
      await plant(victim.home, path, join(outside, target));
      await Deno.mkdir(victim.path("shareable/album"));
      await Deno.writeTextFile(victim.path("shareable/album/x"), "x");
      const inHome = ["--announce", "10.0.0.5", "--home", victim.home];
      for (const args of [["create", victim.path("shareable/album")], ["edit", "album.torrent"]]) {
        const { exitCode, err } = await runCommand(...args, ...inHome);
        assert.match(err.join(), /Expected no (symbolic link|file)/, `${args[0]} ${path}`);
        assert.equal(exitCode, 1, `${args[0]} ${path}`);
      }
      await Deno.remove(victim.path("shareable/album"), { recursive: true });
      // A magnet link finds the torrent behind the link, or another name for it; it writes nothing there.
      await victim.session.addMagnet(magnet, []).catch((error) =>
        assert.match(error.message, /symbolic link/)
      );
      await victim.stop();
      await world.assertUntouched(path);
    }
  },
);
