/** The second version of something costs only what has changed. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { randomBytes } from "../../harness/data/random.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { Machine } from "../../harness/sessions/machine.ts";

const PIECE = 16 * 1024;
const PIECES = 100;
const CHANGED = [3, 50];
const OLD = randomBytes(PIECES * PIECE - 7, 1);

function newVersion(): Uint8Array {
  const content = OLD.slice();
  for (const index of CHANGED) content[index * PIECE + 5] ^= 1;
  return content;
}

/** A seeder of the new version, its torrent, and the old version in a folder of its own. */
async function parts() {
  const seeder = await Machine.start();
  const leecher = await Machine.start();
  const elsewhere = await Deno.makeTempDir({ prefix: "peer data " });
  const torrent = await seeder.publish(new Map([["image", newVersion()]]), [], PIECE);
  const infoHash = await seeder.session.add(torrent, []);
  const old = join(elsewhere, "image of May");
  fs.writeFileSync(old, OLD);
  const dispose = async () => {
    await leecher[Symbol.asyncDispose]();
    await seeder[Symbol.asyncDispose]();
    await Deno.remove(elsewhere, { recursive: true });
  };
  return { seeder, leecher, elsewhere, old, torrent, infoHash, [Symbol.asyncDispose]: dispose };
}

Deno.test("Session fetches only the pieces that an older version has not, and leaves that as it is", async () => {
  await using all = await parts();
  const { seeder, leecher, old, torrent, infoHash } = all;
  const before = fs.statSync(old);
  await leecher.session.open({ path: torrent }, { reuse: [old], peers: [seeder.address] });
  await leecher.completes(infoHash);
  await leecher.assertHas(new Map([["image", newVersion()]]));
  const { downloaded, reused } = leecher.swarm(infoHash);
  assert.equal(downloaded, CHANGED.length * PIECE);
  assert.equal(reused, OLD.length - CHANGED.length * PIECE);
  const [event] = leecher.namesOf("reused");
  assert(event.event === "reused" && event.bytes === reused && event.pieces === PIECES - CHANGED.length);
  assert.deepEqual(new Uint8Array(fs.readFileSync(old)), OLD);
  const { mtimeMs, ino } = fs.statSync(old);
  assert.deepEqual([mtimeMs, ino], [before.mtimeMs, before.ino]);
  assert.deepEqual(leecher.namesOf("warning"), []);
});

Deno.test("Session looks into old data again after a pause and after a restart, and tells what was there", async () => {
  await using all = await parts();
  const { seeder, leecher, old, torrent, infoHash } = all;
  await leecher.session.open({ path: torrent }, { reuse: [old], isPaused: true });
  await until(() => leecher.swarm(infoHash).state === "paused", "paused");
  assert.equal(leecher.swarm(infoHash).have, 0, "a torrent that rests looks at nothing");
  await leecher.stop();
  await leecher.start();
  await leecher.session.add(leecher.path("torrents/image.torrent"), []);
  await leecher.session.resume(infoHash);
  await until(() => leecher.namesOf("reused").length > 0, "looked through");
  assert.equal(leecher.swarm(infoHash).have, PIECES - CHANGED.length);
  leecher.session.addPeers(infoHash, [seeder.address]);
  await leecher.completes(infoHash);
  assert.equal(leecher.swarm(infoHash).downloaded, CHANGED.length * PIECE);
  await leecher.stop();
  await leecher.start();
  await leecher.session.add(leecher.path("torrents/image.torrent"), []);
  assert.equal(leecher.swarm(infoHash).reused, OLD.length - CHANGED.length * PIECE);
});

Deno.test("Session takes other old data for a torrent that runs already", async () => {
  await using all = await parts();
  const { leecher, elsewhere, old, torrent, infoHash } = all;
  const useless = join(elsewhere, "useless");
  fs.writeFileSync(useless, randomBytes(3 * PIECE, 2));
  await leecher.session.open({ path: torrent }, { reuse: [useless] });
  await until(() => leecher.namesOf("reused").length > 0, "looked through");
  assert.equal(leecher.swarm(infoHash).have, 0);
  await leecher.session.open({ path: torrent }, { reuse: [old] });
  await until(() => leecher.swarm(infoHash).have === PIECES - CHANGED.length, "found");
});

Deno.test("Session fetches everything where old data cannot be read, and refuses what is not there", async () => {
  await using all = await parts();
  const { seeder, leecher, old, torrent, infoHash } = all;
  const nowhere = { reuse: [old + " or April"] };
  await assert.rejects(leecher.session.open({ path: torrent }, nowhere), /find old data at .*April/);
  await assert.rejects(leecher.session.open({ path: torrent }, { reuse: ["image"] }), RangeError);
  assert.equal(leecher.session.snapshot().length, 0);

  await leecher.session.open({ path: torrent }, { reuse: [old], isPaused: true });
  fs.rmSync(old);
  await leecher.session.resume(infoHash);
  leecher.session.addPeers(infoHash, [seeder.address]);
  await leecher.completes(infoHash);
  const [warning] = leecher.namesOf("warning");
  assert(warning.event === "warning" && warning.code === "reuse" && /image of May/.test(warning.message));
});
