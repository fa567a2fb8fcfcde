/** The tracker survives its machine: real sessions on this machine. Virtual time and namespaces try the rest. */
import assert from "node:assert/strict";
import { readTorrentIn } from "../../../lib/session/torrent_tools.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { Machine } from "../../harness/sessions/machine.ts";

const BOOK = new Map([["book.epub", randomBytes(300 * 1024 + 5, 5)]]);

/** The torrent that a machine's tracker hands out. */
async function handedOut(machine: Machine, infoHash: string): Promise<Response> {
  return await fetch(new URL(`/torrent/${infoHash}.torrent`, machine.tracker));
}

Deno.test("a machine stands in for an announcer that is gone, and hands out the torrent with its own address", async () => {
  await using announcer = await Machine.start();
  await using seeder = await Machine.start();
  await using other = await Machine.start();
  const torrent = await seeder.publish(BOOK, [announcer.tracker]);
  const infoHash = await announcer.session.add(torrent, []);
  for (const { session } of [seeder, other]) await session.add(torrent, []);
  await other.completes(infoHash);
  assert.equal((await handedOut(other, infoHash)).status, 200);
  assert.deepEqual(seeder.session.standIns(infoHash), []);

  await announcer.stop();
  const standsIn = () => [seeder, other].some(({ session }) => session.standIns(infoHash)[0]?.state === "ok");
  await until(standsIn, "stands in", 30_000);
  const today = await (await handedOut(other, infoHash)).arrayBuffer();
  const { announceTiers, infoHash: same } = await readTorrentIn(new Uint8Array(today));
  assert.equal(same, infoHash);
  assert.ok(announceTiers.flat().includes(other.tracker), `${announceTiers}`);
  assert.ok(
    !announceTiers.flat().includes(announcer.tracker),
    "addresses of loopback mean nothing elsewhere",
  );

  await using newcomer = await Machine.start();
  const path = newcomer.path("torrents", "book.torrent");
  await Deno.writeFile(path, new Uint8Array(today));
  await newcomer.session.add(path, []);
  await newcomer.completes(infoHash);
  await newcomer.assertHas(BOOK);
});

Deno.test("nobody stands in for the tracker of a private torrent, and no tracker hands it out (BEP 27)", async () => {
  await using announcer = await Machine.start();
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(BOOK, [announcer.tracker], 64 * 1024, true);
  const infoHash = await announcer.session.add(torrent, []);
  await seeder.session.add(torrent, []);
  await announcer.completes(infoHash);
  assert.equal((await handedOut(announcer, infoHash)).status, 404);
  assert.equal((await handedOut(seeder, infoHash)).status, 404);
  await announcer.stop();
  const failed = () => seeder.session.trackers(infoHash)[0].state === "failed";
  await until(failed, "the tracker fails", 30_000);
  assert.deepEqual(seeder.session.standIns(infoHash), []);
});
