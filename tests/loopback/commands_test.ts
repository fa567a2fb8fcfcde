/** What a user may tell a running session of its torrents: in the middle of transfers, and at later starts. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { type InfoHash, infoHashOf } from "../../lib/protocol/info_hash.ts";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { encodeInfo } from "../../lib/protocol/metainfo.ts";
import type { SessionOptions } from "../../lib/session/session.ts";
import { LoopbackNode, until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";

const KIB = 1024;
const COURSE = new Map([
  ["course/a.bin", randomBytes(2_000 * KIB, 1)],
  ["course/b.bin", randomBytes(2_000 * KIB, 2)],
]);
/** What the tests' sessions remember of files holds, as nothing is said of them. */
const QUIET: Partial<SessionOptions> = { files: {} };

/** A seeder and a leecher in the middle of a transfer that would take `seconds`. */
async function midTransfer(seconds = 60) {
  const seeder = await Machine.start({ ...QUIET, choices: { maxUpload: 4_000 * KIB / seconds } });
  const leecher = await Machine.start(QUIET);
  const torrent = await seeder.publish(COURSE, [seeder.tracker]);
  const infoHash = await seeder.session.add(torrent, []);
  await leecher.session.add(torrent, [seeder.address]);
  await until(() => leecher.swarm(infoHash).downloaded > 0, "begun");
  return {
    seeder,
    leecher,
    torrent,
    infoHash,
    [Symbol.asyncDispose]: async () => {
      await leecher[Symbol.asyncDispose]();
      await seeder[Symbol.asyncDispose]();
    },
  };
}

async function fast(machine: Machine): Promise<void> {
  await machine.session.choose({ maxUpload: undefined });
}

/** The state of a torrent; undefined while the session does not know it. */
const stateOf = ({ session }: Machine, wanted: InfoHash) =>
  session.snapshot().find(({ infoHash }) => infoHash === wanted)?.state;

Deno.test("Session pauses and resumes a torrent at once, and keeps the pause over a restart", async () => {
  await using transfer = await midTransfer();
  const { seeder, leecher, torrent, infoHash } = transfer;
  await leecher.session.pause(infoHash);
  await until(() => leecher.swarm(infoHash).connections === 0, "alone");
  const { downloaded, state, downloadRate } = leecher.swarm(infoHash);
  assert.deepEqual([state, downloadRate], ["paused", 0]);
  await fast(seeder);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(leecher.swarm(infoHash).downloaded, downloaded);
  await leecher.stop();
  await leecher.start(QUIET);
  await leecher.session.add(torrent, [seeder.address]);
  assert.deepEqual([stateOf(leecher, infoHash), leecher.swarm(infoHash).connections], ["paused", 0]);
  await leecher.session.resume(infoHash);
  await leecher.completes(infoHash);
  await leecher.assertHas(COURSE);
  assert.equal(leecher.swarm(infoHash).downloaded, 4_000 * KIB, "nothing was fetched twice");
  await seeder.session.pause(infoHash);
  await until(() => seeder.swarm(infoHash).connections === 0, "the seeder rests as well");
});

Deno.test("Session holds to other limits at once, of the process and of a torrent, and keeps them", async () => {
  await using transfer = await midTransfer(4_000);
  const { seeder, leecher, torrent, infoHash } = transfer;
  await seeder.session.choose({ maxUpload: 100 }, infoHash);
  await fast(seeder);
  const { downloaded } = leecher.swarm(infoHash);
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert(leecher.swarm(infoHash).downloaded < downloaded + 300 * KIB, "the torrent's own limit holds");
  const startedAt = performance.now();
  await seeder.session.choose({ maxUpload: undefined }, infoHash);
  await leecher.completes(infoHash);
  assert(performance.now() - startedAt < 15_000, "whoever waited for the old limit is woken");
  await leecher.assertHas(COURSE);

  await leecher.session.choose({ maxDownload: 5_000, uploadSlots: 7 });
  await leecher.session.choose({ downloadSources: 2, maxUpload: 9 }, infoHash);
  await assert.rejects(leecher.session.choose({ uploadSlots: 0 }, infoHash), RangeError);
  await leecher.stop();
  await leecher.start({ ...QUIET, choices: { uploadSlots: 3 } });
  await leecher.session.add(torrent, []);
  assert.deepEqual(leecher.session.choices(), { maxDownload: 5_000, uploadSlots: 3 });
  assert.deepEqual(leecher.session.choices(infoHash), { downloadSources: 2, maxUpload: 9 });
  await leecher.stop();
  await leecher.start(QUIET);
  assert.deepEqual(leecher.session.choices(), { maxDownload: 5_000, uploadSlots: 7 }, "for one run only");
});

Deno.test("Session takes another selection in the middle of a transfer, and keeps it", async () => {
  await using transfer = await midTransfer();
  const { seeder, leecher, torrent, infoHash } = transfer;
  await leecher.session.select(infoHash, { only: ["b.bin"] });
  await fast(seeder);
  await until(() => leecher.swarm(infoHash).finished, "the one file");
  assert.equal(leecher.swarm(infoHash).seeding, false);
  assert.deepEqual([...Deno.readDirSync(leecher.path("shareable/course"))].map(({ name }) => name), [
    "b.bin",
  ]);
  await assert.rejects(leecher.session.select(infoHash, { only: ["none"] }), RangeError);
  await leecher.stop();
  await leecher.start(QUIET);
  await leecher.session.add(torrent, [seeder.address]);
  assert.deepEqual([leecher.swarm(infoHash).finished, stateOf(leecher, infoHash)], [true, "seeding"]);
  await leecher.session.select(infoHash, { only: [] });
  assert.equal(stateOf(leecher, infoHash), "downloading");
  await leecher.completes(infoHash);
  await leecher.assertHas(COURSE);
});

Deno.test("Session verifies a torrent while it runs, and fetches again what is bad", async () => {
  await using transfer = await midTransfer(1);
  const { leecher, infoHash } = transfer;
  await leecher.completes(infoHash);
  // Nobody sees that the file changed, for its size and its time are the same.
  const path = leecher.path("shareable/course/a.bin");
  const { atime, mtime } = fs.statSync(path);
  const file = fs.openSync(path, "r+");
  fs.writeSync(file, Uint8Array.of(COURSE.get("course/a.bin")![0] ^ 1), 0, 1, 0);
  fs.futimesSync(file, atime, mtime);
  fs.closeSync(file);
  const verifying = leecher.session.verify(infoHash);
  assert.equal(stateOf(leecher, infoHash), "checking");
  await verifying;
  await until(() => stateOf(leecher, infoHash) === "downloading", "it found what is bad");
  await leecher.completes(infoHash);
  await leecher.assertHas(COURSE);
  assert.deepEqual(leecher.namesOf("error"), []);
});

Deno.test("Session verifies a torrent in the middle of a transfer, keeps what is good and goes on", async () => {
  await using transfer = await midTransfer(8);
  const { seeder, leecher, infoHash } = transfer;
  await until(() => leecher.swarm(infoHash).have > 3, "some pieces");
  const { have } = leecher.swarm(infoHash);
  const verifying = leecher.session.verify(infoHash);
  assert.equal(stateOf(leecher, infoHash), "checking");
  await verifying;
  await until(() => stateOf(leecher, infoHash) === "downloading", "checked");
  assert(leecher.swarm(infoHash).have >= have);
  await leecher.session.verify(infoHash);
  await leecher.session.pause(infoHash);
  await until(() => stateOf(leecher, infoHash) === "paused", "checked, and rests");
  await leecher.session.resume(infoHash);
  await fast(seeder);
  await leecher.completes(infoHash);
  await leecher.assertHas(COURSE);
});

Deno.test("Session says that the metadata of a magnet link is bad, and stops cleanly while it tries again", async () => {
  const data = randomBytes(20_000, 3);
  const good = metainfoOf(data, 16_384);
  const rawInfo = encodeInfo("..", [{ path: [], length: data.length }], 16_384, new Uint8Array(40), false);
  const infoHash = infoHashOf(rawInfo);
  await using liar = new LoopbackNode({ ...good, rawInfo, infoHash }, data);
  await using leecher = await Machine.start();
  const magnet = formatMagnet({ infoHash, peers: [`127.0.0.1:${liar.listener.port}`], selectOnly: [] });
  await assert.rejects(leecher.session.addMagnet(magnet, []), { name: "MetainfoError" });
  assert.equal(stateOf(leecher, infoHash), "failed");
  assert(leecher.swarm(infoHash).failure);
  assert.equal(leecher.swarm(infoHash).lacksMetadata, true);
  // It may have failed again by the time that the order is kept.
  const resuming = leecher.session.resume(infoHash);
  assert.equal(stateOf(leecher, infoHash), "fetching metadata");
  await resuming;
  await until(() => leecher.namesOf("error").length === 1, "it failed again");
  assert.deepEqual([...Deno.readDirSync(leecher.path("torrents"))], []);
  await leecher.session.resume(infoHash);
  await leecher.stop();
  assert.equal(leecher.events.at(-1)?.event, "stopped");
});

for (const deletesData of [false, true]) {
  Deno.test(`Session removes a torrent ${deletesData ? "with" : "without"} its data in the middle of a transfer`, async () => {
    await using transfer = await midTransfer();
    const { seeder, leecher, infoHash } = transfer;
    for (const { session } of [leecher, seeder]) await session.remove(infoHash, deletesData);
    assert.deepEqual([leecher.session.snapshot(), seeder.session.snapshot()], [[], []]);
    await assert.rejects(leecher.session.pause(infoHash), RangeError);
    assert.equal(fs.existsSync(leecher.path("state/tmp", infoHash)), false);
    assert.equal(fs.existsSync(seeder.path("shareable/course")), !deletesData);
    assert.deepEqual([...Deno.readDirSync(seeder.path("torrents"))], []);
    const reply = await (await fetch(`${seeder.tracker}?info_hash=${"%41".repeat(20)}&port=1`)).text();
    assert.match(reply, /failure reason/);
    for (const machine of [leecher, seeder]) {
      await machine.stop();
      assert.deepEqual(machine.namesOf("error"), []);
      assert.equal(machine.events.at(-1)?.event, "stopped");
    }
    await seeder.start(QUIET);
    const again = await seeder.session.add(await seeder.publish(COURSE, []), []);
    assert.deepEqual([again, seeder.swarm(infoHash).seeding], [infoHash, true]);
  });
}

Deno.test("Session says why a magnet link failed, tries it again, and can be told to rest meanwhile", async () => {
  await using seeder = await Machine.start();
  const infoHash = await seeder.session.add(await seeder.publish(COURSE, []), []);
  await using leecher = await Machine.start();
  // Whatever would be saved finds its places taken.
  for (const name of ["course.torrent", `course-${infoHash.slice(0, 8)}.torrent`]) {
    await Deno.writeTextFile(leecher.path("torrents", name), "another torrent");
  }
  const magnet = formatMagnet({ infoHash, peers: [seeder.address], selectOnly: [] });
  await assert.rejects(leecher.session.addMagnet(magnet, []), /got another torrent/);
  assert.equal(stateOf(leecher, infoHash), "failed");
  assert.match(leecher.swarm(infoHash).failure!, /got another torrent/);
  await leecher.session.resume(infoHash);
  await until(() => leecher.namesOf("error").length === 1, "failed again");
  await leecher.session.pause(infoHash);
  await Deno.remove(leecher.path("torrents", "course.torrent"));
  await leecher.session.resume(infoHash);
  await leecher.completes(infoHash);
  await leecher.assertHas(COURSE);

  await leecher.session.remove(infoHash, true);
  await seeder.stop();
  const adding = leecher.session.addMagnet(magnet, []);
  await until(() => stateOf(leecher, infoHash) === "fetching metadata", "it looks for the metadata");
  await leecher.session.pause(infoHash);
  assert.equal(stateOf(leecher, infoHash), "paused");
  await leecher.session.resume(infoHash);
  assert.equal(stateOf(leecher, infoHash), "fetching metadata");
  await Promise.all([leecher.session.remove(infoHash, false), assert.rejects(adding)]);
  assert.deepEqual(leecher.session.snapshot(), []);
});
