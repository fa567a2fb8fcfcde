/** Hosts that lose their link for a while, and those that are gone for good. */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { ClassRoom, sourcesOf } from "./class_room.ts";

const MIB = 1024 * 1024;
const data = randomBytes(8 * MIB, 12);
const lanTest = needs("linux", "root", "ip", "tc");
const LINK_DOWN_MS = 5_000;
const ALONE_MS = 3_000;
const POLL_MS = 50;

/** What a process told last of its progress. */
function progressOf(run: PeerRun): { have: number; uploaded: number } {
  const events: PeerEvent[] = run.lines.map((line) => JSON.parse(line));
  const last = events.findLast(({ event }) => event === "progress" || event === "torrent");
  return { have: Number(last?.have ?? 0), uploaded: Number(last?.uploaded ?? 0) };
}

/** Waits until a process has so many pieces. */
async function has(run: PeerRun, pieces: number): Promise<void> {
  while (progressOf(run).have < pieces) await Promise.race([pause(POLL_MS), run.ended]);
}

async function complete(...runs: PeerRun[]): Promise<void> {
  await Promise.all(runs.map((run) => Promise.race([run.completed, run.ended])));
}

for (const host of [0, 1]) {
  lanTest(`A download goes on after the link of its ${["seeder", "leecher"][host]} was down`, async () => {
    await using room = await ClassRoom.of(2, data);
    const seeder = room.start(0, room.torrent, "--port=6881", "--max-upload=1M");
    await seeder.joined;
    const leecher = room.start(1, room.torrent);
    await has(leecher, room.described.pieces / 4);
    await room.setLink(host, false);
    // What was on its way arrives, and is told of.
    await pause(2_500);
    const before = progressOf(leecher).have;
    await pause(LINK_DOWN_MS);
    const after = progressOf(leecher).have;
    assert(
      after - before <= 4 && after < room.described.pieces,
      `${before}, then ${after} pieces while it was down`,
    );
    await room.setLink(host, true);
    await complete(leecher);
    await room.assertHas(1);
    assert(await leecher.stop() && await seeder.stop());
  });
}

lanTest("A download goes on when its only seeder was killed and comes back", async () => {
  await using room = await ClassRoom.of(2, data, true);
  const first = room.start(0, room.torrent, "--max-upload=1M");
  await first.joined;
  const leecher = room.start(1, room.torrent);
  await has(leecher, room.described.pieces / 4);
  await first.kill();
  await pause(3_000);
  const seeder = room.start(0, room.torrent);
  await complete(leecher);
  await room.assertHas(1);
  assert(await leecher.stop() && await seeder.stop());
});

lanTest(
  "The announcer is gone for good: the others finish, and a newcomer that knows nobody else finds them",
  async () => {
    await using room = await ClassRoom.of(4, data, true);
    const announcer = room.start(0, room.torrent, "--max-upload=4M");
    await announcer.joined;
    assert.equal(announcer.firstRole, "announcer");
    const quick = room.start(1, room.torrent);
    const slow = room.start(2, room.torrent, "--max-download=600K");
    await complete(quick);
    await announcer.kill();
    await room.setLink(0, false);
    assert.equal(slow.seconds, undefined, "one was still downloading");
    const lonely = room.start(3, room.torrent, "--no-lsd");
    await lonely.joined;
    await pause(ALONE_MS);
    assert.deepEqual([progressOf(lonely).have, sourcesOf(lonely)], [0, []], "it is alone without LSD");
    assert(await lonely.stop());
    const newcomer = room.start(3, room.torrent);
    await complete(slow, newcomer);
    await room.assertHas(2);
    await room.assertHas(3);
    assert.equal(newcomer.sources[room.address(0)], undefined);
    for (const run of [newcomer, slow, quick]) assert(await run.stop());
  },
);
