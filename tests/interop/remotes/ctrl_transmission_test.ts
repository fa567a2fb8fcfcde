/** `@ctrl/transmission` from npm steers a peer in the middle of a download. */
import assert from "node:assert/strict";
import { importPackage, needs } from "../../harness/processes/require_tool.ts";
import { exists, SteeredPeer } from "./steered_peer.ts";
import { finish } from "../../../lib/protocol/steps.ts";

const { Transmission } = await importPackage(
  "@ctrl/transmission",
  () => import("@ctrl/transmission"),
);

needs("@ctrl/transmission")("@ctrl/transmission steers a running download", async () => {
  await using peer = await SteeredPeer.start();
  const { session, course, film } = peer;
  const client = new Transmission({ baseUrl: peer.url, username: "anybody", password: peer.password });

  const added = await client.addTorrent(await Deno.readFile(course.path));
  assert.equal(added.arguments["torrent-added"].hashString, course.infoHash);
  await client.addMagnet(film.magnet);
  const again = await client.addTorrent(await Deno.readFile(course.path));
  assert.equal(again.result, "success");
  await peer.runs(course);
  await peer.when(film, "metadata", ({ lacksMetadata }) => !lacksMetadata);

  const { torrents } = await client.getAllData();
  assert.deepEqual(torrents.map(({ name, state, isCompleted }) => [name, state, isCompleted]), [
    ["course", "downloading", false],
    ["film.mkv", "downloading", false],
  ]);
  const torrent = await client.getTorrent(course.infoHash);
  assert.ok(torrent.progress > 0 && torrent.progress < 1 && torrent.downloadSpeed > 0);
  assert.equal(torrent.totalSize, 16 * 1024 * 1024);
  assert.ok(torrent.savePath.endsWith("shareable"));

  await client.pauseTorrent(course.infoHash);
  assert.equal(peer.find(course)?.state, "paused");
  assert.equal((await client.getTorrent(course.infoHash)).state, "paused");
  await client.resumeTorrent(course.infoHash);
  await peer.when(course, "resumed", ({ state }) => state === "downloading");

  await client.setTorrent(1, {
    "files-unwanted": [1],
    "priority-high": [0],
    downloadLimit: 50,
    downloadLimited: true,
  });
  assert.deepEqual(
    finish(session.files(course.infoHash)).map(({ isWanted, isFirst }) => [isWanted, isFirst]),
    [
      [true, true],
      [false, false],
    ],
  );
  assert.equal(session.choices(course.infoHash).maxDownload, 50_000);
  await client.setSession({ "speed-limit-up": 70, "speed-limit-up-enabled": true });
  assert.equal(session.choices().maxUpload, 70_000);
  const { arguments: settings } = await client.getSession();
  assert.deepEqual([settings["speed-limit-up"], settings["rpc-version"]], [70, 17]);
  assert.ok((await client.freeSpace(peer.machine.path("shareable"))).arguments["size-bytes"] > 0);

  await client.verifyTorrent(film.infoHash);
  await client.reannounceTorrent(course.infoHash);
  await client.removeTorrent(film.infoHash, false);
  await peer.leaves(film);
  await client.removeTorrent(course.infoHash, true);
  await peer.leaves(course);
  assert.equal(await exists(peer.machine.path("shareable", "course")), false);
  peer.assertNoFault();
});
