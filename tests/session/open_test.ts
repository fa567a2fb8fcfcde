/** Torrents that are taken in while the session runs, and what of that is there at the next start. */
import assert from "node:assert/strict";
import { infoHashOf } from "../../lib/protocol/info_hash.ts";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { encodeMetainfo, type Metainfo } from "../../lib/protocol/metainfo.ts";
import { lookOf, torrentPaths } from "../../lib/session/session.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";

const PIECE = 16 * 1024;

/** A torrent of one file, and its `.torrent` file; those of other seeds have the same name. */
function torrentOf(seed: number): { metainfo: Metainfo; bytes: Uint8Array<ArrayBuffer>; magnet: string } {
  const metainfo = metainfoOf(randomBytes(3 * PIECE, seed), PIECE);
  const magnet = formatMagnet({ infoHash: metainfo.infoHash, name: metainfo.name });
  return { metainfo, bytes: encodeMetainfo(metainfo.rawInfo, { announceTiers: [] }), magnet };
}

/** Ends the session and begins another one, as `peer` without arguments does. */
async function restart(machine: Machine): Promise<void> {
  await machine.stop();
  await machine.start({ files: {} });
  await machine.session.addKept([]);
  for (const path of await torrentPaths(machine.path("torrents"))) await machine.session.add(path, []);
}

const namesIn = (machine: Machine) =>
  [...Deno.readDirSync(machine.path("torrents"))].map(({ name }) => name).sort();

Deno.test("Session opens torrents from bytes and files, keeps them under names of their own, and knows them again", async () => {
  await using machine = await Machine.start({ files: {} });
  const [first, second, third] = [torrentOf(1), torrentOf(2), torrentOf(3)];
  const outside = await Deno.makeTempFile({ suffix: ".torrent" });
  await Deno.writeFile(outside, third.bytes);
  const opened = await Promise.all([
    machine.session.open({ bytes: first.bytes }, { isPaused: true, labels: ["films", "old"] }),
    machine.session.open({ bytes: second.bytes }),
  ]);
  assert.deepEqual(opened, [
    { infoHash: first.metainfo.infoHash, isNew: true },
    { infoHash: second.metainfo.infoHash, isNew: true },
  ]);
  const taken = machine.path("torrents", `data.bin-${third.metainfo.infoHash.slice(0, 8)}.torrent`);
  await Deno.writeTextFile(taken, "of the user");
  await assert.rejects(machine.session.open({ path: outside }), /got another torrent/);
  await Deno.remove(taken);
  assert.equal(machine.session.snapshot().length, 2, "what cannot be kept is not taken in");
  assert.deepEqual(await machine.session.open({ bytes: first.bytes }), { ...opened[0], isNew: false });
  const { name } = first.metainfo;
  assert.equal(namesIn(machine).length, 2);
  assert(namesIn(machine).includes(`${name}.torrent`));

  const view = () =>
    machine.session.snapshot().map(({ infoHash, number, labels, isPaused, addedAt, queuePosition }) => (
      { infoHash, number, labels, isPaused, addedAt, queuePosition }
    ));
  const before = view();
  assert.deepEqual(before.map(({ number, queuePosition }) => [number, queuePosition]), [[1, 0], [2, 1]]);
  // Both were opened at once, so either may be the first.
  const [paused, running] = [first, second].map(({ metainfo }) =>
    before.find(({ infoHash }) => infoHash === metainfo.infoHash)!
  );
  assert.deepEqual([paused.labels, paused.isPaused], [["films", "old"], true]);
  assert.deepEqual([running.labels, running.isPaused], [[], false]);
  assert(before.every(({ addedAt }) => Math.abs(addedAt - Date.now()) < 60_000));
  await machine.session.label(second.metainfo.infoHash, ["new"]);
  await restart(machine);
  assert.deepEqual(view(), before.map((each) => each === running ? { ...each, labels: ["new"] } : each));
  assert.equal(machine.swarm(first.metainfo.infoHash).state, "paused");

  await machine.session.remove(first.metainfo.infoHash, false);
  await machine.session.open({ path: outside });
  await restart(machine);
  assert.deepEqual(view().map(({ number }) => number), [running.number, 3], "no number is given twice");
  await Deno.remove(outside);
});

Deno.test("Session keeps a magnet link until its metadata comes, by whatever way", async () => {
  await using machine = await Machine.start({ files: {} });
  const [paused, fetching] = [torrentOf(1), torrentOf(2)];
  await machine.session.open({ magnet: paused.magnet }, { isPaused: true, files: { only: ["*"] } });
  await machine.session.open({ magnet: fetching.magnet }, { labels: ["x"] });
  const states = () => machine.session.snapshot().map(({ state, labels }) => [state, labels.join()]);
  assert.deepEqual(states(), [["paused", ""], ["fetching metadata", "x"]]);
  await restart(machine);
  assert.deepEqual(states(), [["paused", ""], ["fetching metadata", "x"]]);
  const { infoHash } = fetching.metainfo;
  assert.deepEqual(await machine.session.open({ bytes: fetching.bytes }), { infoHash, isNew: false });
  await until(() => machine.swarm(infoHash).state === "downloading", "it has the metadata");
  await restart(machine);
  assert.deepEqual(states(), [["paused", ""], ["downloading", "x"]]);
  await machine.session.remove(paused.metainfo.infoHash, false);
  await restart(machine);
  assert.deepEqual(states(), [["downloading", "x"]]);
});

Deno.test("Session opens the torrent at a URL, behind redirects too, and says what else is there", async () => {
  await using machine = await Machine.start({ files: {} });
  const { bytes, metainfo } = torrentOf(1);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    switch (new URL(url).pathname) {
      case "/there":
        return new Response(null, { status: 302, headers: { location: "/file?key=1" } });
      case "/file":
        return new Response(bytes);
      case "/page":
        return new Response("<!doctype html>");
      case "/away":
        return new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } });
      case "/long":
        return new Response(new Uint8Array(16 * 1024 * 1024 + 1));
      default:
        return new Response("no", { status: 404 });
    }
  });
  await using _ = { [Symbol.asyncDispose]: () => server.shutdown() };
  const at = (path: string) => ({ url: `http://127.0.0.1:${server.addr.port}${path}` });
  const { session } = machine;
  const refused: readonly [{ url: string }, RegExp][] = [
    [at("/page?key=secret"), /got a web page/],
    [
      at("/none?key=secret"),
      /^Cannot fetch http:\/\/127.0.0.1:\d+\/none: Expected a reply of status 200, got 404$/,
    ],
    [at("/away"), /Refused a redirect/],
    [at("/long"), /Expected at most 16777216 bytes/],
    [{ url: "ftp://10.0.0.1/x" }, /Expected a URL of http or https/],
    [{ url: "http://169.254.169.254/latest" }, /Expected an address that may be asked/],
    [{ url: "http://127.0.0.1:2/x" }, /refused|reset/i],
  ];
  for (const [origin, message] of refused) {
    await assert.rejects(session.open(origin), { name: "MetainfoError", message });
  }
  assert.deepEqual(session.snapshot(), []);
  assert.deepEqual(await session.open(at("/there")), { infoHash: metainfo.infoHash, isNew: true });
  assert.deepEqual(namesIn(machine), [`${metainfo.name}.torrent`]);
});

Deno.test("Session takes in nothing of what it refuses", async () => {
  await using machine = await Machine.start({ files: {} });
  const { bytes, metainfo } = torrentOf(1);
  const { session } = machine;
  const refused: readonly [() => Promise<unknown>, string][] = [
    [() => session.open({ bytes: new Uint8Array([1, 2, 3]) }), "MetainfoError"],
    [() => session.open({ magnet: "magnet:?xt=urn:btih:no" }), "MetainfoError"],
    [() => session.open({ path: machine.path("none.torrent") }), "MetainfoError"],
    [() => session.open({ bytes }, { files: { only: ["none"] } }), "RangeError"],
    [() => session.open({ bytes }, { labels: [""] }), "RangeError"],
    [() => session.open({ bytes }, { labels: ["a,b"] }), "RangeError"],
    [() => session.open({ bytes }, { labels: ["x".repeat(101)] }), "RangeError"],
    [() => session.open({ bytes }, { labels: Array.from({ length: 33 }, (_, i) => `${i}`) }), "RangeError"],
  ];
  for (const [opening, name] of refused) await assert.rejects(opening, { name });
  assert.deepEqual([session.snapshot(), namesIn(machine)], [[], []]);
  await assert.rejects(session.label(infoHashOf(metainfo.rawInfo), []), RangeError);
  assert.deepEqual(await session.open({ bytes }), { infoHash: metainfo.infoHash, isNew: true });
});

Deno.test("Session tells all observers, and describes its process", async () => {
  await using machine = await Machine.start({ choices: { maxUpload: 5_000 } });
  const { session } = machine;
  const heard: string[] = [];
  const end = session.observe(({ event }) => heard.push(event));
  const { bytes } = torrentOf(1);
  await session.open({ bytes });
  await until(() => heard.includes("torrent"), "an event");
  end();
  const { length } = heard;
  await session.open({ bytes: torrentOf(2).bytes });
  await until(() => machine.namesOf("torrent").length === 2, "another one");
  assert.equal(heard.length, length);
  const process = session.process();
  assert.deepEqual([process.port, process.home, process.choices.maxUpload, process.choices.uploadSlots], [
    session.port,
    machine.home,
    5_000,
    4,
  ]);
  assert(Math.abs(process.startedAt - Date.now()) < 60_000);
});

Deno.test("Session reads a bad torrent in its folder again when it has changed, and leaves one that is taken out", async () => {
  await using machine = await Machine.start({ files: {} });
  const { bytes, metainfo } = torrentOf(1);
  const path = machine.path("torrents", "a.torrent");
  await Deno.writeTextFile(path, "no torrent");
  await assert.rejects(machine.session.add(path, []), { name: "MetainfoError" });
  machine.session.watchTorrents(new Map([[path, lookOf(path)]]));
  await Deno.writeFile(path, bytes);
  await until(() => machine.session.has(metainfo.infoHash), "it was read again", 20_000);
  await Deno.remove(path);
  await until(() => !machine.session.has(metainfo.infoHash), "it was left", 30_000);
});
