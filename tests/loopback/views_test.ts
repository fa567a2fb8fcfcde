/** What sessions show of a torrent from near. */
import assert from "node:assert/strict";
import { until } from "../harness/sessions/loopback_node.ts";
import { sharedData, TestSession } from "../harness/sessions/test_session.ts";
import { finish } from "../../lib/protocol/steps.ts";

const SHARED = sharedData(100_000);
const { infoHash } = SHARED.metainfo;

/** A port of this machine at which nobody listens. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("Session shows what a torrent is, and the trackers it is announced to, its own among them", async () => {
  await using announcer = await TestSession.start({ runTracker: true });
  const url = `http://127.0.0.1:${announcer.trackerPort}/announce`;
  const port = freePort();
  const dead = `http://127.0.0.1:${port}/announce`;
  await announcer.seed(SHARED, [url]);
  // A peer that has all data hears of no seeders, so the first announce must be answered before the data has come.
  await using leecher = await TestSession.start({ choices: { maxDownload: 60_000 } });
  await leecher.leech(SHARED, [], [url, dead, "://nonsense"]);
  const stateAndPeers = () => {
    const [{ state, peersHeard }] = leecher.session.trackers(infoHash);
    return `${state} ${peersHeard}`;
  };
  await until(() => stateAndPeers() === "ok 1", "announced");
  const [good] = leecher.session.trackers(infoHash);
  await leecher.completes(SHARED);
  await leecher.whenLogged(new RegExp(`127\\.0\\.0\\.1:${port}\\b`));

  const [own] = announcer.session.trackers(infoHash);
  const { seeders, leechers, downloads, peersHeard, ...rest } = own;
  assert.deepEqual(rest, { url, tier: 0, isOwn: true, state: "ok" });
  assert(downloads! <= 1);
  assert.deepEqual([seeders! + leechers!, peersHeard], [2, 1]);

  const [, bad, none] = leecher.session.trackers(infoHash);
  const about = ({ url, tier, isOwn, state }: typeof good) => ({ url, tier, isOwn, state });
  assert.deepEqual(about(good), { url, tier: 0, isOwn: false, state: "ok" });
  assert.equal(good.peersHeard, 1);
  assert(Math.abs(good.lastAnnounceAt! - Date.now()) < 60_000);
  assert(good.nextAnnounceAt! > good.lastAnnounceAt!);
  assert.deepEqual(about(bad), { url: dead, tier: 1, isOwn: false, state: "failed" });
  assert.match(bad.failure!, /refused/);
  assert(!("lastAnnounceAt" in bad));
  assert.deepEqual(none, { url: "://nonsense", tier: 2, isOwn: false, state: "not asked", peersHeard: 0 });

  const { name, isPrivate, files, pieceLength, folder, magnet, downloadedEver } = leecher.session.details(
    infoHash,
  );
  assert.deepEqual(
    { name, isPrivate, files, pieceLength, downloadedEver },
    {
      name: SHARED.metainfo.name,
      isPrivate: false,
      files: 1,
      pieceLength: 16_384,
      downloadedEver: SHARED.data.length,
    },
  );
  assert.equal(folder, `${leecher.home}/shareable`.replaceAll("/", Deno.build.os === "windows" ? "\\" : "/"));
  assert(magnet.includes(infoHash));
  assert.deepEqual(finish(leecher.session.files(infoHash)).map(({ path, have }) => [path, have]), [
    [name, SHARED.data.length],
  ]);
  assert.equal(
    finish(leecher.session.pieces(infoHash)).availability.length,
    SHARED.metainfo.layout.pieceCount,
  );
  assert.deepEqual(leecher.session.webSeeds(infoHash), []);
  for (const look of ["details", "files", "trackers", "webSeeds", "pieces", "snapshotOf"] as const) {
    assert.throws(() => leecher.session[look]("0".repeat(40) as typeof infoHash), RangeError);
  }
});
