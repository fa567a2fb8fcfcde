/** Torrents that wait for others, and torrents that rest once they were shared enough. */
import assert from "node:assert/strict";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { randomBytes } from "../harness/data/random.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";

const KIB = 1024;
const contentOf = (name: string, seed: number) => new Map([[name, randomBytes(300 * KIB, seed)]]);

Deno.test("Session downloads as many torrents at once as the user wants, in the order of the queue, and keeps both", async () => {
  await using seeder = await Machine.start({ choices: { maxUpload: 100 * KIB } });
  await using leecher = await Machine.start({ files: {}, choices: {} });
  await leecher.session.choose({ maxActive: 1 });
  const hashes: InfoHash[] = [];
  for (const name of ["a", "b", "c"]) {
    const torrent = await seeder.publish(contentOf(name, name.charCodeAt(0)), []);
    await seeder.session.add(torrent, []);
    hashes.push((await leecher.session.open({ path: torrent }, { peers: [seeder.address] })).infoHash);
  }
  const states = () => leecher.session.snapshot().map(({ name, state }) => `${name} ${state}`);
  await until(() => states().join() === "a downloading,b queued,c queued", "one at a time");
  await leecher.session.queueMove(hashes[2], "top");
  await until(() => states().join() === "c downloading,a queued,b queued", "another one");
  await until(() => leecher.swarm(hashes[0]).connections === 0, "it rests");
  assert.equal(leecher.swarm(hashes[0]).isPaused, false);
  await leecher.session.pause(hashes[2]);
  await until(() => states().join() === "c paused,a downloading,b queued", "a pause makes room");
  await leecher.session.resume(hashes[2]);
  await until(() => states().join() === "c downloading,a queued,b queued", "its turn again");

  await leecher.stop();
  await leecher.start({ files: {} });
  for (const name of ["a", "b", "c"]) {
    await leecher.session.add(leecher.path("torrents", `${name}.torrent`), [seeder.address]);
  }
  await until(() => states().join() === "c downloading,a queued,b queued", "the same after a restart");
  const order: string[] = [];
  leecher.session.observe((event) => event.event === "complete" && order.push(event.name));
  await seeder.session.choose({ maxUpload: undefined });
  await until(() => order.length === 3, "all of them");
  assert.deepEqual(order, ["c", "a", "b"]);
  assert(states().every((each) => each.endsWith("seeding")));
  await assert.rejects(leecher.session.choose({ maxActive: 2 }, hashes[0]), RangeError);
  await assert.rejects(leecher.session.choose({ maxActive: 0 }), RangeError);
});

Deno.test("Session lets a torrent rest at its goal, says why, also after a restart, and goes on when told to", async () => {
  await using seeder = await Machine.start({ files: {} });
  const torrent = await seeder.publish(contentOf("a", 1), []);
  const infoHash = await seeder.session.add(torrent, []);
  await using leecher = await Machine.start();
  await seeder.session.choose({ seedRatio: 1 }, infoHash);
  await leecher.session.add(torrent, [seeder.address]);
  await leecher.completes(infoHash);
  await until(() => seeder.swarm(infoHash).state === "paused", "its goal");
  assert.equal(seeder.swarm(infoHash).pauseReason, "ratio 1 reached");
  await seeder.session.resume(infoHash);
  assert.deepEqual([seeder.swarm(infoHash).state, seeder.swarm(infoHash).pauseReason], [
    "seeding",
    undefined,
  ]);
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  assert.equal(seeder.swarm(infoHash).state, "seeding", "the user wants it");
  await seeder.session.choose({ seedRatio: undefined, seedTimeMs: 1_000 }, infoHash);
  await until(() => seeder.swarm(infoHash).state === "paused", "another goal");
  assert.match(seeder.swarm(infoHash).pauseReason!, /^seeding time of 1 seconds reached$/);
  const { secondsSeeding } = seeder.session.details(infoHash);
  assert(secondsSeeding >= 1);
  await seeder.stop();
  await seeder.start({ files: {} });
  await seeder.session.add(torrent, []);
  assert.deepEqual([seeder.swarm(infoHash).state, seeder.swarm(infoHash).pauseReason], [
    "paused",
    "seeding time of 1 seconds reached",
  ]);
  assert(seeder.session.details(infoHash).secondsSeeding >= secondsSeeding);
});
