/**
 * How soon hosts of a LAN without a tracker find each other, and a magnet link gives its data. With `PEER_BINARY` it
 * is that program, and otherwise this checkout.
 */
import assert from "node:assert/strict";
import type { PeerRun } from "../harness/processes/peer_run.ts";
import { randomBytes } from "../harness/data/random.ts";
import { Program } from "../harness/processes/program.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { ClassRoom, sourcesOf } from "./class_room.ts";

const data = randomBytes(1024 * 1024, 11);
const lanTest = needs("linux", "root", "ip", "tc");

/** Waits until a peer is complete, and returns the seconds from the start of its process. */
async function secondsOf(run: PeerRun): Promise<number> {
  await Promise.race([run.completed, run.ended]);
  return run.seconds!;
}

/** Runs of which one must be quick enough: the limits are for a machine that has nothing else to do. */
const ATTEMPTS = 3;
/** On a busy machine each of these seconds may take as long as so many starts of the program that do nothing. */
const STARTS = 3;

/** Asserts that it takes less than so many seconds, as `attempt` measures them. */
async function assertWithin(seconds: number, attempt: () => Promise<number>): Promise<void> {
  const start = await new Program(Deno.env.get("PEER_BINARY")).secondsToStart();
  const limit = seconds * Math.max(STARTS * start, 1);
  const taken: number[] = [];
  do taken.push(await attempt()); while (taken.at(-1)! >= limit && taken.length < ATTEMPTS);
  assert(taken.at(-1)! < limit, `it took ${taken.join(", ")} s of ${limit}`);
}

lanTest(
  "Two hosts find each other by local discovery alone in less than two seconds",
  () =>
    assertWithin(2, async () => {
      await using room = await ClassRoom.of(2, data);
      const seeder = room.start(0, room.torrent);
      await seeder.joined;
      const leecher = room.start(1, room.torrent);
      const seconds = await secondsOf(leecher);
      assert.deepEqual(sourcesOf(leecher), ["lsd"]);
      await room.assertHas(1);
      assert(await leecher.stop() && await seeder.stop());
      return seconds;
    }),
);

lanTest(
  "Hosts that hear each other by IPv4 and IPv6 connect by IPv4, and by IPv6 where that alone is left",
  async () => {
    for (const hasIpv4 of [true, false]) {
      await using room = await ClassRoom.of(3, data);
      const hosts = [0, 1, 2];
      if (!hasIpv4) {
        for (const host of hosts) await room.runOn(host, "ip", "", "-4", "address", "flush", "dev", "eth0");
      }
      const seeder = room.start(0, room.torrent);
      await seeder.joined;
      const runs = [seeder, room.start(1, room.torrent), room.start(2, room.torrent)];
      for (const run of runs.slice(1)) await secondsOf(run);
      for (const run of runs) assert(await run.stop());
      const peers = runs.flatMap(({ lines }) => lines.map((line) => JSON.parse(line)))
        .filter(({ event }) => event === "connected").map(({ peer }) => String(peer));
      assert(peers.length > 0);
      assert.deepEqual(peers.filter((peer) => peer.startsWith("[") === hasIpv4), []);
    }
  },
);

lanTest("A third host joins through peer exchange alone", async () => {
  await using room = await ClassRoom.of(3, data);
  const seeder = room.start(0, room.torrent, "--no-lsd", "--port=6881", "--max-upload=200K");
  await seeder.joined;
  const leecher = room.start(1, room.torrent, "--no-lsd", "--port=6881", `--peer=${room.address(0)}:6881`);
  await leecher.joined;
  const third = room.start(2, room.torrent, "--no-lsd", `--peer=${room.address(1)}:6881`);
  await Promise.race([third.completed, third.ended]);
  assert.deepEqual(sourcesOf(third), ["user", "pex"]);
  assert(third.sources[room.address(0)] > 0, "the seeder gave it data");
  await room.assertHas(2);
  for (const run of [third, leecher, seeder]) assert(await run.stop());
});

lanTest(
  "A magnet link gives its data in less than a second from a seeder of ours",
  () =>
    assertWithin(1, async () => {
      await using room = await ClassRoom.of(2, data);
      const seeder = room.start(0, room.torrent, "--port=6881");
      await seeder.joined;
      const leecher = room.start(1, `${room.described.magnet}&x.pe=${room.address(0)}:6881`);
      const seconds = await secondsOf(leecher);
      await room.assertHas(1);
      assert(await leecher.stop() && await seeder.stop());
      return seconds;
    }),
);

lanTest("A magnet link needs nothing but local discovery", () =>
  assertWithin(2, async () => {
    await using room = await ClassRoom.of(2, data);
    const seeder = room.start(0, room.torrent);
    await seeder.joined;
    const leecher = room.start(1, room.described.magnet);
    const seconds = await secondsOf(leecher);
    assert.equal(sourcesOf(leecher)[0], "lsd");
    assert(await leecher.stop() && await seeder.stop());
    return seconds;
  }));

needs("linux", "root", "ip", "tc", "libtorrent")(
  "A magnet link gives its data in less than a second from libtorrent",
  () =>
    assertWithin(1, async () => {
      await using room = await ClassRoom.of(2, data);
      await room.startLibtorrent(0, 6881);
      const leecher = room.start(1, "--no-lsd", `${room.described.magnet}&x.pe=${room.address(0)}:6881`);
      const seconds = await secondsOf(leecher);
      await room.assertHas(1);
      assert(await leecher.stop());
      return seconds;
    }),
);
