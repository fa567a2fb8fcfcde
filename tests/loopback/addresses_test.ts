/** Trackers, web seeds and peers that are added and dropped, and addresses that are banned, while a session runs. */
import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";

const KIB = 1024;
const FILES = new Map([["a.bin", randomBytes(700 * KIB, 1)]]);

const urlsOf = (machine: Machine, infoHash: Parameters<Machine["swarm"]>[0]) =>
  machine.session.trackers(infoHash).map(({ url, tier, isOwn }) => `${tier} ${url}${isOwn ? " own" : ""}`);

Deno.test("Session finds peers by a tracker that is added, keeps it, and knows it no more once it is dropped", async () => {
  await using seeder = await Machine.start();
  await using leecher = await Machine.start();
  const torrent = await seeder.publish(FILES, []);
  const infoHash = await seeder.session.add(torrent, []);
  await leecher.session.add(torrent, []);
  const { tracker } = seeder;
  await leecher.session.addTracker(infoHash, tracker);
  await leecher.completes(infoHash);
  await leecher.assertHas(FILES);
  await seeder.session.addTracker(infoHash, tracker);
  assert.deepEqual(urlsOf(seeder, infoHash), [`0 ${tracker} own`]);
  assert.equal(seeder.swarm(infoHash).role, "announcer");
  await leecher.session.addTracker(infoHash, leecher.tracker, 0);
  assert.deepEqual(urlsOf(leecher, infoHash), [`0 ${tracker}`, `0 ${leecher.tracker} own`]);

  const own = leecher.tracker;
  await leecher.stop();
  await leecher.start({ trackerPort: Number(new URL(own).port) });
  await leecher.session.add(torrent, []);
  assert.deepEqual(urlsOf(leecher, infoHash), [`0 ${tracker}`, `0 ${own} own`]);
  assert.equal(leecher.swarm(infoHash).role, "announcer");
  await leecher.session.dropTracker(infoHash, own);
  assert.equal(leecher.swarm(infoHash).role, "seeder");
  await leecher.session.dropTracker(infoHash, tracker);
  assert.deepEqual(leecher.session.trackers(infoHash), []);
  await assert.rejects(leecher.session.dropTracker(infoHash, tracker), RangeError);
});

Deno.test("Session takes trackers and peers of a torrent that is added again, but not of a private one", async () => {
  await using seeder = await Machine.start();
  await using leecher = await Machine.start();
  for (const isPrivate of [false, true]) {
    const files = new Map([[`b-${isPrivate}.bin`, randomBytes(200 * KIB, isPrivate ? 3 : 2)]]);
    const bare = await seeder.publish(files, [], 64 * KIB, isPrivate);
    const infoHash = await seeder.session.add(bare, []);
    await leecher.session.open({ path: bare });
    const { magnet } = seeder.session.details(infoHash);
    const again = { magnet: `${magnet}&tr=${encodeURIComponent(seeder.tracker)}&x.pe=${seeder.address}` };
    assert.deepEqual(await leecher.session.open(again), { infoHash, isNew: false });
    if (isPrivate) {
      assert.deepEqual(leecher.session.trackers(infoHash), []);
      assert.equal(leecher.swarm(infoHash).known, 0);
      await assert.rejects(leecher.session.addTracker(infoHash, seeder.tracker), /BEP 27/);
      leecher.session.addPeers(infoHash, [seeder.address]);
    } else assert.deepEqual(urlsOf(leecher, infoHash), [`0 ${seeder.tracker}`]);
    await leecher.completes(infoHash);
    await leecher.assertHas(files);
  }
});

Deno.test("Session downloads from a web seed that is added, and from none that is dropped", async () => {
  await using leecher = await Machine.start();
  await using seeder = await Machine.start();
  const [[name, content]] = FILES;
  let requests = 0;
  const serve = (request: Request) => {
    requests++;
    const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.get("range") ?? "") ?? [];
    const [begin, end] = [Number(first), Number(last) + 1];
    return new Response(content.slice(begin, end), {
      status: 206,
      headers: { "content-range": `bytes ${begin}-${end - 1}/${content.length}` },
    });
  };
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, serve);
  const url = `http://127.0.0.1:${server.addr.port}/${name}`;
  const torrent = await seeder.publish(FILES, []);
  const { infoHash } = await leecher.session.open({ path: torrent });
  await until(() => leecher.swarm(infoHash).state === "downloading", "checked");
  await leecher.session.addWebSeed(infoHash, "http://127.0.0.1:2/none");
  await leecher.session.addWebSeed(infoHash, url);
  await leecher.session.pause(infoHash);
  await leecher.session.dropWebSeed(infoHash, "http://127.0.0.1:2/none");
  await leecher.session.resume(infoHash);
  await leecher.completes(infoHash);
  await leecher.assertHas(FILES);
  assert.deepEqual(leecher.session.webSeeds(infoHash).map((seed) => seed.url), [url]);

  await leecher.session.dropWebSeed(infoHash, url);
  await leecher.session.remove(infoHash, true);
  requests = 0;
  await leecher.session.open({ path: torrent });
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.deepEqual([requests, leecher.session.webSeeds(infoHash)], [0, []]);
});

Deno.test("Session ends connections with an address that is banned, makes none, and keeps the ban", async () => {
  await using seeder = await Machine.start({ choices: { maxUpload: 50 * KIB } });
  await using leecher = await Machine.start();
  const torrent = await seeder.publish(FILES, [seeder.tracker]);
  const infoHash = await seeder.session.add(torrent, []);
  await leecher.session.add(torrent, [seeder.address]);
  await until(() => leecher.swarm(infoHash).connections === 1, "connected");
  await leecher.session.ban("::ffff:127.0.0.1");
  await until(() => leecher.swarm(infoHash).connections === 0, "alone");
  assert.deepEqual(leecher.session.bans(), ["127.0.0.1"]);
  leecher.session.addPeers(infoHash, [seeder.address]);
  const connected = () => leecher.namesOf("connected").length;
  const before = connected();
  await leecher.stop();
  await leecher.start();
  await leecher.session.add(torrent, [seeder.address]);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.deepEqual([connected(), leecher.swarm(infoHash).connections], [before, 0]);
  await assert.rejects(leecher.session.ban("localhost"), RangeError);
  await leecher.session.unban("127.0.0.1");
  assert.deepEqual(leecher.session.bans(), []);
  await seeder.session.choose({ maxUpload: undefined });
  leecher.session.addPeers(infoHash, [seeder.address]);
  await leecher.completes(infoHash);
});
