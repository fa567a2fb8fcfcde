/** The commands against a real session with its interface, in this process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { randomBytes } from "../../harness/data/random.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";
import { runCommand } from "../../harness/processes/cli_run.ts";
import { sharedData, TestSession } from "../../harness/sessions/test_session.ts";
import { ApiHome } from "../../api/api_home.ts";
import { encodeMetainfo } from "../../../lib/protocol/metainfo.ts";

/** A home with a running session, and its commands. */
async function running() {
  const api = await ApiHome.start();
  const { home } = api.test;
  const run = (...args: string[]) => runCommand(...args, "--home", home);
  return {
    api,
    home,
    run,
    /** Runs a command that succeeds, and returns what it printed. */
    lines: async (...args: string[]) => {
      const { exitCode, out, err } = await run(...args);
      assert.deepEqual([exitCode, err], [0, []], args.join(" "));
      return out;
    },
    json: async (...args: string[]) => {
      const { exitCode, out, err } = await run(...args, "--json");
      assert.deepEqual([exitCode, err, out.length], [0, [], 1], args.join(" "));
      return JSON.parse(out[0]);
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

const shared = sharedData(200_000);
const { infoHash, name } = shared.metainfo;

Deno.test("status, files, pieces, trackers and peers show a torrent of a running peer", async () => {
  await using peer = await running();
  assert.match((await peer.lines("status"))[1], /no torrents yet/);
  await peer.api.test.seed(shared);
  const [totals, titles, row] = await peer.lines("status");
  assert.match(totals, /^peer \d.* on .*, port \d+: 1 torrent, 0 active, ↓ 0 B\/s ↑ 0 B\/s$/);
  assert.match(titles, /^# +NAME +SIZE +DONE +STATE$/);
  assert.match(row, /^1 +.*195 KiB +100% +seeding$/);
  assert.equal((await peer.json("status")).torrents[infoHash].number, 1);
  assert.match((await peer.lines("files", "1"))[1], /^0 +.* 195 KiB +100% +yes$/);
  assert.match((await peer.lines("pieces", infoHash.slice(0, 8)))[1], /^13 pieces: █ 13 stored$/);
  assert.match((await peer.lines("trackers", name))[0], /names no tracker/);
  assert.match((await peer.lines("peers", "1"))[0], /no peer is connected; 0 are known/);
  assert.deepEqual(await peer.json("peers", "1"), []);
});

Deno.test("peers and pieces show a transfer, and log tells it", async () => {
  await using peer = await running();
  await using seeder = await TestSession.start({ choices: { maxUpload: 50_000 } });
  await seeder.seed(shared);
  await peer.api.test.leech(shared, [`127.0.0.1:${seeder.session.port}`]);
  while (!(await peer.json("peers", "1")).some((each: { have: number }) => each.have > 0));
  const peers = await peer.lines("peers", "1");
  assert.match(peers[0], /^PEER +DONE +GIVES/);
  assert.match(peers[1], /^127\.0\.0\.1:\d+ +100% +/);
  const statusLines = await peer.lines("status");
  assert.match(statusLines[2], /downloading/);
  await peer.lines("limit", "1", "--down", "none");
  await seeder.session.choose({ maxUpload: undefined });
  await peer.api.test.completes(shared);
  const log = await peer.lines("log");
  assert.ok(log.some((line) => /^\d\d:\d\d:\d\d .*: connected with 127\.0\.0\.1/.test(line)), log.join("\n"));
  assert.ok(log.some((line) => /: complete after/.test(line)), log.join("\n"));
  const events = (await peer.run("log", "--json")).out.map((line) => JSON.parse(line));
  assert.ok(events.some(({ event, time }) => event === "complete" && time > 0));
});

Deno.test("pause, resume, verify, limit, select and remove steer a running peer", async () => {
  await using peer = await running();
  await peer.api.test.seed(shared);
  const stateOf = async () => (await peer.json("status")).torrents[infoHash]?.state;
  assert.deepEqual(await peer.lines("pause", "1"), [`${name}: paused`]);
  assert.equal(await stateOf(), "paused");
  assert.deepEqual(await peer.json("resume", "all"), [{ infoHash, number: 1, name }]);
  assert.equal(await stateOf(), "seeding");
  assert.deepEqual(await peer.lines("verify", name), [`${name}: being checked`]);
  await peer.lines("reannounce", "1");

  assert.deepEqual(await peer.lines("limit"), ["nothing chosen: the defaults hold"]);
  assert.deepEqual(await peer.lines("limit", "--up", "1MiB", "--slots", "9", "--down", "none"), [
    "CHOICE   VALUE",
    "--down   none",
    "--up     1 MiB/s",
    "--slots  9",
  ]);
  assert.deepEqual(peer.api.test.session.choices(), {
    maxUpload: 2 ** 20,
    uploadSlots: 9,
    maxDownload: Infinity,
  });
  await peer.lines("limit", "--up", "default", "--slots", "default", "--down", "default");
  assert.deepEqual(await peer.json("limit"), {});
  await peer.lines("limit", "1", "--super-seed", "yes", "--rechoke", "5");
  assert.deepEqual(peer.api.test.session.choices(infoHash), { superSeeds: true, rechokeMs: 5000 });

  const refused = await peer.run("select", "1", "--only", "*.nothing");
  assert.equal(refused.exitCode, 1);
  assert.match(refused.err[0], /^peer: select: Expected [^\n]*$/);
  await peer.lines("select", "1", "--first", "*", "--sequential");
  assert.equal((await peer.run("select", "1")).exitCode, 2);

  assert.deepEqual(await peer.lines("remove", "1", "--delete-data"), [
    `${name}: removed, and its data deleted`,
  ]);
  assert.equal(await stateOf(), undefined);
  const gone = await peer.run("pause", "1");
  assert.deepEqual([gone.exitCode, gone.err.length], [1, 1]);
  assert.match(gone.err[0], /^peer: 1: Expected the number, name or info-hash/);
});

Deno.test("add hands a torrent over, as a file or a link, with wishes", async () => {
  await using peer = await running();
  const path = join(peer.home, "given.torrent");
  await Deno.writeFile(path, encodeMetainfo(shared.metainfo.rawInfo, { announceTiers: [] }));
  assert.deepEqual(await peer.lines("add", path, "--paused", "--label", "course", "--sequential"), [
    `${name}: added, number 1`,
  ]);
  assert.deepEqual(await peer.json("add", path), [{ infoHash, number: 1, name, isNew: false }]);
  const torrent = async () => (await peer.json("status")).torrents[infoHash];
  assert.deepEqual((await torrent()).labels, ["course"]);
  while ((await torrent()).state === "checking");
  assert.equal((await torrent()).state, "paused");
  const other = "0123456789abcdef0123456789abcdef01234567";
  await peer.lines("add", `magnet:?xt=urn:btih:${other}&dn=link`);
  assert.equal((await peer.json("status")).torrents[other].state, "fetching metadata");
  const bad = await peer.run("add", join(peer.home, "state"));
  assert.deepEqual([bad.exitCode, bad.err.length], [3, 1]);
});

Deno.test("add changes what is wished of a torrent that is there already", async () => {
  await using peer = await running();
  const path = join(peer.home, "given.torrent");
  await Deno.writeFile(path, encodeMetainfo(shared.metainfo.rawInfo, { announceTiers: [] }));
  await peer.lines("add", path);
  assert.deepEqual(await peer.lines("add", path, "--paused", "--label", "late", "--first", "*"), [
    `${name}: was there already, number 1`,
  ]);
  const { labels, isPaused } = (await peer.json("status")).torrents[infoHash];
  assert.deepEqual([labels, isPaused], [["late"], true]);
  assert.equal((await peer.json("files", "1"))[0].isFirst, true);
  const elsewhere = await peer.run("add", path, "--output", join(peer.home, "elsewhere"));
  assert.equal(elsewhere.exitCode, 1);
  assert.match(elsewhere.err[0], /^peer: --output: Expected a new torrent, got one whose data is in /);
});

Deno.test("change reaches trackers, web seeds, labels, peers, queue and folder; ban and unban addresses", async () => {
  await using peer = await running();
  await using seeder = await TestSession.start();
  await seeder.seed(shared);
  const path = join(peer.home, "given.torrent");
  await Deno.writeFile(path, encodeMetainfo(shared.metainfo.rawInfo, { announceTiers: [] }));
  await peer.lines("add", path, "--label", "old");
  await peer.lines("add", `magnet:?xt=urn:btih:${"01".repeat(20)}&dn=other`);

  const seed = "http://127.0.0.1:9/data";
  const added = [
    "--add-tracker",
    "127.0.0.1:9",
    "--add-web-seed",
    seed,
    "--add-label",
    "new",
    "--queue",
    "bottom",
  ];
  assert.deepEqual(await peer.lines("change", "1", ...added, "--drop-label", "old"), [`${name}: changed`]);
  const details = () => peer.api.client.get(`/torrents/${infoHash}`) as Promise<Record<string, unknown>>;
  const webSeeds = async () => {
    const { webSeeds } = await peer.api.client.get(`/torrents/${infoHash}/web-seeds`) as {
      webSeeds: { url: string }[];
    };
    return webSeeds.map(({ url }) => url);
  };
  assert.deepEqual([(await details()).labels, (await details()).queuePosition], [["new"], 1]);
  assert.deepEqual((await peer.json("trackers", "1")).map(({ url }: { url: string }) => url), [
    "http://127.0.0.1:9/announce",
  ]);
  assert.deepEqual(await webSeeds(), [seed]);
  await peer.lines("change", "1", "--drop-tracker", "127.0.0.1:9", "--drop-web-seed", seed, "--queue", "top");
  assert.deepEqual([await peer.json("trackers", "1"), await webSeeds()], [[], []]);
  assert.equal((await details()).queuePosition, 0);

  await peer.lines("change", "1", "--add-peer", `127.0.0.1:${seeder.session.port}`);
  await peer.api.test.completes(shared);
  const moved = join(peer.home, "moved");
  await peer.lines("change", "1", "--move-to", moved);
  while ((await details()).folder !== moved) await new Promise((resolve) => setTimeout(resolve, 10));

  for (
    const wrong of [[], ["--queue", "first"], ["--add-tracker", "not a host"], [
      "--move-to",
      "a",
      "--data-in",
      "b",
    ]]
  ) {
    assert.equal((await peer.run("change", "1", ...wrong)).exitCode, 2, wrong.join(" "));
  }

  assert.deepEqual(await peer.lines("ban"), ["no address is banned"]);
  assert.deepEqual(await peer.lines("ban", "10.1.2.3", "fd00::9"), ["10.1.2.3", "fd00::9"]);
  assert.deepEqual(await peer.json("unban", "10.1.2.3"), ["fd00::9"]);
  assert.equal((await peer.run("ban", "nobody")).exitCode, 1);
});

Deno.test("add takes what is here already from an older version", async () => {
  await using peer = await running();
  const data = randomBytes(200_000, 5);
  const { infoHash, name, rawInfo } = metainfoOf(data, 16_384);
  const [path, old] = ["given.torrent", "old version"].map((file) => join(peer.home, file));
  await Deno.writeFile(path, encodeMetainfo(rawInfo, { announceTiers: [] }));
  await Deno.writeFile(old, data.subarray(0, 150_000));
  await peer.lines("add", path, "--reuse", old);
  const torrent = async () => (await peer.json("status")).torrents[infoHash];
  while ((await torrent()).reused === 0);
  assert.deepEqual([(await torrent()).have, (await torrent()).reused], [9, 9 * 16_384]);
  assert.ok((await peer.lines("log")).some((line) => line.endsWith(`${name}: 73% was here already`)));
  const missing = await peer.run("add", path, "--reuse", join(peer.home, "nothing"));
  assert.deepEqual([missing.exitCode, missing.err.length], [1, 1]);
});

Deno.test("share --replaces cuts the new version as the old one is cut", async () => {
  await using peer = await running();
  const old = join(peer.home, "old.torrent");
  await Deno.writeFile(
    old,
    encodeMetainfo(sharedData(3 * 1024 * 1024).metainfo.rawInfo, { announceTiers: [] }),
  );
  const film = join(peer.home, "film.bin");
  await Deno.writeFile(film, new Uint8Array(40_000_000));
  const share = ["share", film, "--exit-when-complete", "--progress", "json"];
  const pieceLengths = [];
  for (const more of [[], ["--replaces", old]]) {
    const { exitCode, err } = await peer.run(...share, ...more);
    assert.deepEqual([exitCode, err], [0, []]);
    const torrents = Object.values<{ pieceLength: number }>((await peer.json("status")).torrents);
    pieceLengths.push(torrents.at(-1)!.pieceLength);
  }
  assert.deepEqual(pieceLengths, [32_768, 16_384]);
  const unknown = await peer.run(...share, "--replaces", "nothing.torrent");
  assert.equal(unknown.exitCode, 3);
});

Deno.test("completion of torrents gives the names of a running peer's", async () => {
  await using peer = await running();
  await peer.api.test.seed(shared);
  assert.deepEqual(await peer.lines("completion", "torrents"), [name]);
});

Deno.test("web prints the address of the page with its token", async () => {
  await using peer = await running();
  const [address] = await peer.lines("web");
  assert.equal(address, peer.api.api.page);
  assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/#token=./);
});

Deno.test("without a running peer, commands say how to start one; add keeps a torrent for it", async () => {
  const home = await Deno.makeTempDir();
  for (
    const args of [
      ["status"],
      ["pause", "1"],
      ["remove", "all"],
      ["files", "1"],
      ["limit"],
      ["select", "1", "--only", "*"],
      ["log"],
      ["web"],
      ["stop"],
      ["status", "--json"],
    ]
  ) {
    const { exitCode, out, err } = await runCommand(...args, "--home", home);
    assert.deepEqual([exitCode, out], [1, []], args.join(" "));
    assert.deepEqual(err, [`peer: ${args[0]}: no peer is running in ${home}: start it with \`peer\``]);
  }
  const path = join(home, "given.torrent");
  await Deno.writeFile(path, encodeMetainfo(shared.metainfo.rawInfo, { announceTiers: [] }));
  const added = await runCommand("add", path, "--home", home);
  assert.deepEqual([added.exitCode, added.err], [0, []]);
  assert.match(added.out[0], /: put into .*torrents; no peer is running: start it with `peer`$/);
  assert.equal([...Deno.readDirSync(join(home, "torrents"))].length, 1);
  assert.match((await runCommand("add", path, "--home", home)).out[0], /is already in/);
  assert.equal((await runCommand("add", path, "--paused", "--home", home)).exitCode, 1);
  assert.equal(
    (await runCommand("add", "magnet:?xt=urn:btih:" + "0".repeat(40), "--home", home)).exitCode,
    1,
  );
  await Deno.remove(home, { recursive: true });
});
