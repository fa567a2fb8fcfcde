import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { lookOf } from "../../lib/session/session.ts";
import { STORAGE } from "../../lib/settings.ts";
import { EVERYTHING } from "../../lib/swarm/download/file_selection.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";

const KIB = 1024;

/** Files of a torrent, by their paths below `shareable/`: 3 MiB and a little more, in several files and folders. */
const COURSE = new Map([
  ["course/slides.pdf", randomBytes(1024 * KIB + 123, 1)],
  ["course/media/film.mp4", randomBytes(1900 * KIB, 2)],
  ["course/media/notes.txt", randomBytes(77, 3)],
  ["course/empty.txt", new Uint8Array(0)],
  ["course/sheet.ods", randomBytes(150 * KIB, 4)],
]);
const BOOK = new Map([["book.epub", randomBytes(900 * KIB + 5, 5)]]);

Deno.test("Session distributes a folder to three others through its own tracker", async () => {
  await using teacher = await Machine.start();
  const torrent = await teacher.publish(COURSE, [teacher.tracker]);
  const infoHash = await teacher.session.add(torrent, []);
  assert.deepEqual([teacher.swarm(infoHash).role, teacher.swarm(infoHash).seeding], ["announcer", true]);
  await using a = await Machine.start();
  await using b = await Machine.start();
  await using c = await Machine.start();
  const students = [a, b, c];
  await Promise.all(students.map(({ session }) => session.add(torrent, [])));
  for (const student of students) {
    const [joined] = student.namesOf("torrent");
    assert(joined.event === "torrent" && joined.role === "peer" && joined.have === 0);
    await student.completes(infoHash);
    await student.assertHas(COURSE);
    assert.equal(student.swarm(infoHash).role, "seeder");
    assert.equal(student.namesOf("complete").length, 1);
    assert.equal(student.swarm(infoHash).downloaded, student.swarm(infoHash).length);
  }
  for (const machine of [...students, teacher]) {
    await machine.stop();
    assert.equal(machine.events.at(-1)?.event, "stopped");
    assert.deepEqual(machine.namesOf("error"), []);
  }
});

Deno.test("Session warns when its announce address is this machine and no tracker is there", async () => {
  await using first = await Machine.start();
  const missing = first.tracker.replace(/:\d+/, ":1");
  await first.session.add(await first.publish(BOOK, [missing, first.tracker]), []);
  await until(() => first.namesOf("warning").length > 0, "warned");
  const [warning] = first.namesOf("warning");
  assert(warning.event === "warning" && warning.code === "announce");
  assert.match(warning.message, /^no tracker answers at 127\.0\.0\.1:1, which is this machine/);

  await using second = await Machine.start();
  const torrent = await first.publish(COURSE, [first.tracker]);
  await first.session.add(torrent, []);
  await second.completes(await second.session.add(torrent, []));
  assert.deepEqual([first.namesOf("warning").length, second.namesOf("warning").length], [1, 0]);
});

Deno.test("Session is seeder in one swarm and peer in another at the same time", async () => {
  await using a = await Machine.start();
  await using b = await Machine.start();
  const [course, book] = [await a.publish(COURSE, [a.tracker]), await b.publish(BOOK, [a.tracker])];
  const courseHash = await a.session.add(course, []);
  const bookHash = await b.session.add(book, []);
  await Promise.all([a.session.add(book, [b.address]), b.session.add(course, [])]);
  await Promise.all([a.completes(bookHash), b.completes(courseHash)]);
  await a.assertHas(BOOK);
  await b.assertHas(COURSE);
  assert.equal(a.session.snapshot().length, 2);
});

Deno.test("Session goes on after a clean stop where it was, down to the block, and fetches nothing twice", async () => {
  await using seeder = await Machine.start({ choices: { maxUpload: 2_000 * KIB } });
  const torrent = await seeder.publish(COURSE, [], 1024 * KIB);
  const infoHash = await seeder.session.add(torrent, []);
  await using leecher = await Machine.start();
  await leecher.session.add(torrent, [seeder.address]);
  await until(() => leecher.swarm(infoHash).downloaded > 1_300 * KIB, "more than a piece");
  const before = leecher.swarm(infoHash);
  assert.equal(before.seeding, false);
  await leecher.stop();
  await leecher.start();
  // It remembers where the seeder is.
  await leecher.session.add(torrent, []);
  const after = leecher.swarm(infoHash);
  assert(after.have >= before.have && after.downloaded >= before.downloaded);
  await leecher.completes(infoHash);
  await leecher.assertHas(COURSE);
  assert.equal(leecher.swarm(infoHash).downloaded, after.length);
});

Deno.test("Session does not hash a complete torrent again after a clean stop", async () => {
  await using machine = await Machine.start();
  const torrent = await machine.publish(BOOK, []);
  const infoHash = await machine.session.add(torrent, []);
  await machine.stop();
  // Whoever hashes the file now would find it wrong.
  const path = machine.path("shareable", "book.epub");
  const { atime, mtime } = await Deno.stat(path);
  const file = await Deno.open(path, { write: true });
  await file.write(Uint8Array.of(BOOK.get("book.epub")![0] ^ 1));
  await file.utime(atime!, mtime!);
  file.close();
  await machine.start();
  await machine.session.add(torrent, []);
  assert.equal(machine.swarm(infoHash).seeding, true);
});

Deno.test("Session joins a torrent that is dropped into torrents/ while it runs, and tells of a bad one", async () => {
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(BOOK, [seeder.tracker]);
  const infoHash = await seeder.session.add(torrent, []);
  await using machine = await Machine.start();
  machine.session.watchTorrents(new Map());
  await Deno.writeTextFile(machine.path("torrents", "bad.torrent"), "not a torrent");
  await Deno.copyFile(torrent, machine.path("torrents", "book.torrent"));
  await until(() => machine.namesOf("torrent").length === 1, "joined", 15_000);
  await machine.completes(infoHash);
  await machine.assertHas(BOOK);
  const [warning] = machine.namesOf("warning");
  assert(warning.event === "warning" && warning.message.includes("bad.torrent"));
});

Deno.test("Session tells of two torrents that are to fill the same file", async () => {
  await using machine = await Machine.start();
  const first = await machine.publish(BOOK, []);
  await Deno.rename(first, `${first}.first.torrent`);
  const second = await machine.publish(BOOK, [], 32 * KIB);
  await Deno.remove(machine.path("shareable", "book.epub"));
  const infoHash = await machine.session.add(`${first}.first.torrent`, []);
  await machine.session.add(second, []);
  const [warning] = machine.namesOf("warning");
  assert(warning.event === "warning" && warning.code === "in-the-way");
  assert.match(warning.message, new RegExp(`^the torrent ${infoHash} fills shareable/book\\.epub too`));
});

Deno.test("Session leaves a torrent that is taken out of torrents/, and keeps all there is of it", async () => {
  await using machine = await Machine.start();
  const torrent = await machine.publish(BOOK, []);
  const infoHash = await machine.session.add(torrent, []);
  machine.session.watchTorrents(new Map([[torrent, lookOf(torrent)]]));
  await Deno.rename(torrent, machine.path("torrents", "renamed.torrent"));
  await delay(4 * STORAGE.folderWatchMs);
  assert.equal(machine.swarm(infoHash).seeding, true, "it has another name only");
  await Deno.remove(machine.path("torrents", "renamed.torrent"));
  await until(() => machine.session.snapshot().length === 0, "left", 15_000);
  await machine.assertHas(BOOK);

  const next = await machine.publish(BOOK, []);
  await until(() => machine.session.snapshot().length === 1, "joined again", 15_000);
  await machine.completes(infoHash);
  await Deno.remove(next);
  await until(() => machine.session.snapshot().length === 0, "left again", 15_000);
});

Deno.test("Session takes in a torrent again that is added while it is being removed", async () => {
  await using machine = await Machine.start();
  const torrent = await machine.publish(BOOK, []);
  const copy = machine.path("book.torrent");
  await Deno.copyFile(torrent, copy);
  const infoHash = await machine.session.add(copy, []);
  const link = `magnet:?xt=urn:btih:${infoHash}`;
  const removing = machine.session.remove(infoHash, false);
  const adding = machine.session.add(copy, []);
  await Promise.all([removing, adding]);
  assert.equal(machine.swarm(infoHash).seeding, true);

  const again = machine.session.remove(infoHash, false);
  const opening = machine.session.open({ magnet: link }, {});
  await Promise.all([again, opening]);
  assert.equal(machine.swarm(infoHash).state, "fetching metadata");
  await machine.session.remove(infoHash, false);
  assert.deepEqual(machine.session.snapshot(), []);
});

Deno.test("Session keeps a torrent whose file has another name and is still being read under it", async () => {
  await using machine = await Machine.start();
  const torrent = await machine.publish(BOOK, []);
  const infoHash = await machine.session.add(torrent, []);
  const { readFile } = Deno;
  const read = Promise.withResolvers<void>();
  Deno.readFile = async (...args) => {
    await delay(2 * STORAGE.folderWatchMs);
    read.resolve();
    return await readFile(...args);
  };
  try {
    machine.session.watchTorrents(new Map([[torrent, lookOf(torrent)]]));
    await Deno.rename(torrent, machine.path("torrents", "renamed.torrent"));
    await read.promise;
  } finally {
    Deno.readFile = readFile;
  }
  await delay(STORAGE.folderWatchMs);
  assert.equal(machine.swarm(infoHash).seeding, true);
  assert.equal(machine.namesOf("torrent").length, 1, "it was not joined anew");
});

Deno.test("Session refuses a state/ that another one uses, and leaves that one alone", async () => {
  await using machine = await Machine.start();
  await assert.rejects(machine.start(), /state\/ is in use by process \d+/);
  const torrent = await machine.publish(BOOK, []);
  const infoHash = await machine.session.add(torrent, []);
  assert.equal(machine.swarm(infoHash).seeding, true);
});

Deno.test("Session refuses a port that is in use, and leaves nothing behind", async () => {
  await using machine = await Machine.start();
  await using other = new Machine();
  await assert.rejects(other.start({ port: machine.session.port }), /port \d+ is in use/);
  await other.start();
});

Deno.test("Session goes on when the announcer stops in the middle, as long as every piece is somewhere", async () => {
  await using teacher = await Machine.start();
  const torrent = await teacher.publish(COURSE, [teacher.tracker]);
  const infoHash = await teacher.session.add(torrent, []);
  await using quick = await Machine.start();
  await using slow = await Machine.start({ choices: { maxDownload: 100 * KIB } });
  await Promise.all([quick, slow].map(({ session }) => session.add(torrent, [])));
  await quick.completes(infoHash);
  assert.equal(slow.swarm(infoHash).seeding, false);
  await teacher.stop();
  await slow.session.choose({ maxDownload: undefined });
  await slow.completes(infoHash);
  await slow.assertHas(COURSE);
});

Deno.test("Session stops at once and cleanly while a torrent is still being joined", async () => {
  await using machine = await Machine.start();
  const torrent = await machine.publish(COURSE, [machine.tracker]);
  for (const delayMs of [0, 1, 3, 5, 10, 20, 40]) {
    const adding = machine.session.add(torrent, []).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await machine.stop();
    await adding;
    assert.equal(machine.events.at(-1)?.event, "stopped", `after ${delayMs} ms`);
    await Deno.remove(machine.path("state"), { recursive: true });
    await machine.start();
  }
});

Deno.test("Session stops at once although somebody has connected and says nothing", async () => {
  await using machine = await Machine.start();
  const silent = await Deno.connect({ hostname: "127.0.0.1", port: machine.session.port });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const startedAt = performance.now();
  await machine.stop();
  assert(performance.now() - startedAt < 2_000);
  silent.close();
});

Deno.test("Session fetches some files, gives them to others, and goes on with the rest at a later start", async () => {
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(COURSE, []);
  const infoHash = await seeder.session.add(torrent, []);
  const text = { ...EVERYTHING, only: ["*.txt"] };
  await using machine = await Machine.start({ files: text });
  await machine.session.add(torrent, [seeder.address]);
  await until(() => machine.swarm(infoHash).finished, "the texts");
  assert.deepEqual([machine.swarm(infoHash).role, machine.swarm(infoHash).seeding], ["peer", false]);
  assert.equal(machine.namesOf("complete").length, 1);
  assert.deepEqual(machine.namesOf("status"), []);
  const names = [...Deno.readDirSync(machine.path("shareable", "course"))].map(({ name }) => name).sort();
  assert.deepEqual(names, ["empty.txt", "media"]);
  await seeder.stop();

  await using other = await Machine.start({ files: text });
  await other.session.add(torrent, [machine.address]);
  await until(() => other.swarm(infoHash).finished, "the texts from who has no more");
  await other.stop();
  await seeder.start();
  await seeder.session.add(torrent, []);
  await other.start({ files: { ...EVERYTHING, first: ["*.pdf"], isSequential: true } });
  const { have } = machine.swarm(infoHash);
  await other.session.add(torrent, [seeder.address]);
  const [, joined] = other.namesOf("torrent");
  assert(joined.event === "torrent" && joined.have === have);
  await other.completes(infoHash);
  await other.assertHas(COURSE);
  await assert.rejects(machine.session.add(await machine.publish(BOOK, []), []), RangeError);
});
