import assert from "node:assert/strict";
import { MetainfoError } from "../../lib/errors.ts";
import type { InfoHash } from "../../lib/protocol/info_hash.ts";
import { formatMagnet } from "../../lib/protocol/magnet.ts";
import { EVERYTHING } from "../../lib/swarm/download/file_selection.ts";
import { PATIENCE, until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";

/** One file with bytes that no other process on this machine shares, for multicast reaches all of them. */
function newBook(length = 400_000): ReadonlyMap<string, Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return new Map([["book.epub", bytes]]);
}

const PIECE_LENGTH = 64 * 1024;

/** The sources by which a machine heard of peers, each once. */
function sourcesOf(machine: Machine): string[] {
  return [...new Set(machine.events.flatMap((event) => event.event === "peers" ? [event.source] : []))];
}

Deno.test("Session finds another one by local discovery alone", async () => {
  const book = newBook();
  await using seeder = await Machine.start({ localDiscovery: true });
  const torrent = await seeder.publish(book, []);
  const infoHash = await seeder.session.add(torrent, []);
  await using leecher = await Machine.start({ localDiscovery: true });
  const startedAt = performance.now();
  await leecher.session.add(torrent, []);
  await leecher.completes(infoHash);
  assert(performance.now() - startedAt < 2_000 * PATIENCE, `it took ${performance.now() - startedAt} ms`);
  // The one that hears the other first dials it, and the other may be complete before it has heard anything.
  await until(() => [seeder, leecher].some((machine) => sourcesOf(machine).includes("lsd")), "heard");
  await leecher.assertHas(book);
});

Deno.test("Session announces no private torrent on the local network", async () => {
  const book = newBook();
  await using seeder = await Machine.start({ localDiscovery: true });
  const torrent = await seeder.publish(book, [], PIECE_LENGTH, true);
  await seeder.session.add(torrent, []);
  await using leecher = await Machine.start({ localDiscovery: true });
  const infoHash = await leecher.session.add(torrent, []);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  assert.equal(leecher.swarm(infoHash).connections, 0);
  assert.deepEqual([...sourcesOf(seeder), ...sourcesOf(leecher)], []);
});

Deno.test("Session lets a third one join through peer exchange alone", async () => {
  const book = newBook();
  await using seeder = await Machine.start({ choices: { maxUpload: 100_000 } });
  const torrent = await seeder.publish(book, [], 16_384);
  const infoHash = await seeder.session.add(torrent, []);
  await using leecher = await Machine.start();
  await leecher.session.add(torrent, [seeder.address]);
  await until(() => leecher.swarm(infoHash).connections === 1, "connected");
  await using third = await Machine.start();
  await third.session.add(torrent, [leecher.address]);
  await until(() => third.swarm(infoHash).connections === 2, "connected to both");
  assert.deepEqual(sourcesOf(third), ["user", "pex"]);
});

Deno.test("Session joins by a magnet link with a peer, saves the torrent, and gives the metadata on", async () => {
  const book = newBook();
  await using seeder = await Machine.start();
  const infoHash = await seeder.session.add(await seeder.publish(book, []), []);
  await using a = await Machine.start();
  assert.equal(
    await a.session.addMagnet(formatMagnet({ infoHash, peers: [seeder.address] }), []),
    infoHash,
  );
  await a.completes(infoHash);
  await a.assertHas(book);
  const saved = await Deno.readFile(a.path("torrents", "book.epub.torrent"));
  assert.deepEqual([...Deno.readDirSync(a.path("torrents"))].map(({ name }) => name), ["book.epub.torrent"]);
  await seeder.stop();

  await using b = await Machine.start();
  await b.session.addMagnet(formatMagnet({ infoHash }), [a.address]);
  await b.completes(infoHash);
  await b.assertHas(book);
  assert.deepEqual(await Deno.readFile(b.path("torrents", "book.epub.torrent")), saved);
});

Deno.test("Session joins by a magnet link with a tracker, and the tracker goes on knowing it", async () => {
  const book = newBook();
  await using seeder = await Machine.start();
  const infoHash = await seeder.session.add(await seeder.publish(book, [seeder.tracker]), []);
  await using leecher = await Machine.start();
  await leecher.session.addMagnet(formatMagnet({ infoHash, trackers: [seeder.tracker] }), []);
  await leecher.completes(infoHash);
  await until(() => leecher.namesOf("torrent").length === 1, "joined");
  const [joined] = leecher.namesOf("torrent");
  assert(joined.event === "torrent" && joined.name === "book.epub" && joined.have === 0);
  await using another = await Machine.start();
  await another.session.addMagnet(formatMagnet({ infoHash, trackers: [seeder.tracker] }), []);
  await another.completes(infoHash);
  const peers = another.namesOf("peers").flatMap((event) => event.event === "peers" ? event.peers : []);
  assert(peers.includes(leecher.address));
});

Deno.test("Session waits for metadata without end, shows that, and can be stopped", async () => {
  await using machine = await Machine.start();
  const infoHash = "ab".repeat(20) as InfoHash;
  const adding = machine.session.addMagnet(formatMagnet({ infoHash, name: "course" }), []);
  const stopped = assert.rejects(adding);
  await until(() => machine.session.snapshot().length === 1, "shown");
  const { name, lacksMetadata, pieces } = machine.swarm(infoHash);
  assert.deepEqual([name, lacksMetadata, pieces], ["course", true, 0]);
  await machine.stop();
  await stopped;
  assert.deepEqual([...Deno.readDirSync(machine.path("torrents"))], []);
});

Deno.test("Session that is given a magnet link again needs nobody for the metadata", async () => {
  const book = newBook();
  await using seeder = await Machine.start();
  const infoHash = await seeder.session.add(await seeder.publish(book, []), []);
  await using leecher = await Machine.start();
  const magnet = formatMagnet({ infoHash, peers: [seeder.address] });
  await leecher.session.addMagnet(magnet, []);
  await leecher.completes(infoHash);
  await leecher.stop();
  await seeder.stop();
  await leecher.start();
  await leecher.session.addMagnet(magnet, []);
  assert.equal(leecher.swarm(infoHash).seeding, true);
});

Deno.test("Session fetches the files that a magnet link names, unless the user names others (BEP 53)", async () => {
  const texts = new Map(
    ["a.txt", "b.txt", "c.txt"].map((name, at) => [`texts/${name}`, randomBytes(70_000, at)]),
  );
  const only = (...names: string[]) => new Map([...texts].filter(([path]) => names.includes(path)));
  await using seeder = await Machine.start();
  const infoHash = await seeder.session.add(await seeder.publish(texts, []), []);
  const magnet = formatMagnet({
    infoHash,
    peers: [seeder.address],
    selectOnly: [{ first: 1, last: 1 }],
  });
  await using leecher = await Machine.start();
  await leecher.session.addMagnet(magnet, []);
  await until(() => leecher.swarm(infoHash).finished, "the file that the link names");
  await leecher.assertHas(only("texts/b.txt"));
  assert.deepEqual([...Deno.readDirSync(leecher.path("shareable", "texts"))].map(({ name }) => name), [
    "b.txt",
  ]);
  await leecher.stop();

  await leecher.start();
  await leecher.session.addMagnet(magnet, []);
  await until(() => leecher.swarm(infoHash).finished, "the same file at a later start");
  assert.equal(leecher.swarm(infoHash).seeding, false);
  await leecher.stop();

  await leecher.start({ files: { ...EVERYTHING, only: ["c.*"] } });
  await leecher.session.addMagnet(magnet, []);
  await until(() => leecher.swarm(infoHash).finished, "the file that the user names");
  await leecher.assertHas(only("texts/b.txt", "texts/c.txt"));
  await leecher.stop();

  await leecher.start();
  await leecher.session.add(leecher.path("torrents", "texts.torrent"), [seeder.address]);
  await leecher.completes(infoHash);
  await leecher.assertHas(texts);
});

Deno.test("Session saves the torrent of a magnet link beside another one of that name", async () => {
  const book = newBook();
  await using seeder = await Machine.start();
  const infoHash = await seeder.session.add(await seeder.publish(book, []), []);
  await using leecher = await Machine.start();
  const other = await leecher.publish(newBook(1_000), []);
  const before = await Deno.readFile(other);
  await leecher.session.addMagnet(formatMagnet({ infoHash, peers: [seeder.address] }), []);
  assert.deepEqual(await Deno.readFile(other), before);
  await Deno.stat(leecher.path("torrents", `book.epub-${infoHash.slice(0, 8)}.torrent`));
});

Deno.test("Session refuses a magnet link that says nothing", async () => {
  await using machine = await Machine.start();
  await assert.rejects(machine.session.addMagnet("magnet:?dn=book", []), MetainfoError);
  assert.deepEqual(machine.session.snapshot(), []);
});
