/** Data that is changed, cut or deleted under a running seeder, while another one has it and a third wants it. */
import assert from "node:assert/strict";
import { encode } from "../../lib/protocol/bencode.ts";
import { STORAGE } from "../../lib/settings.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";
import { httpServerWith } from "../harness/sessions/tracker.ts";
import { needs } from "../harness/processes/require_tool.ts";

const KIB = 1024;
const FILM = "course/film.mp4";
const COURSE = new Map([
  ["course/slides.pdf", randomBytes(200 * KIB, 1)],
  [FILM, randomBytes(1_000 * KIB, 2)],
]);
/** A look, the pause after it, hashing, and the way back; a busy machine takes longer. */
const PATIENCE_MS = STORAGE.lookMs + STORAGE.settleMs + 60_000;

const CHANGES: Readonly<Record<string, (path: string) => Promise<void>>> = {
  "changed in one byte": async (path) => {
    using file = await Deno.open(path, { write: true });
    await file.write(Uint8Array.of(COURSE.get(FILM)![0] ^ 1));
  },
  cut: (path) => Deno.truncate(path, 300 * KIB),
  deleted: (path) => Deno.remove(path),
};

/** A tracker that knows nobody and notes who says what: `PORT EVENT seeds` or `PORT EVENT lacks`. */
function listeningTracker() {
  const heard: string[] = [];
  const server = httpServerWith({
    "/announce": (request) => {
      const query = new URLSearchParams(request.query);
      const left = query.get("left") === "0" ? "seeds" : "lacks";
      heard.push(`${query.get("port")} ${query.get("event")} ${left}`);
      return { status: 200, body: encode({ interval: 1_800, peers: "" }) };
    },
  });
  const url = `http://127.0.0.1:${server.port}/announce`;
  return { heard, url, [Symbol.asyncDispose]: () => server.stop() };
}

for (const [what, change] of Object.entries(CHANGES)) {
  const test = what === "deleted" ? needs("deleting open files") : needs();
  test(`Session notices that a file it shares was ${what}, says so, and fetches what is missing`, async () => {
    await using tracker = listeningTracker();
    await using other = await Machine.start();
    const torrent = await other.publish(COURSE, [tracker.url]);
    const infoHash = await other.session.add(torrent, []);
    await using seeder = await Machine.start();
    await seeder.publish(COURSE, [tracker.url]);
    await seeder.session.add(torrent, [other.address]);
    assert.equal(seeder.swarm(infoHash).role, "seeder");
    await using asker = await Machine.start();

    await change(seeder.path("shareable", FILM));
    // Files are looked at once a second at most.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await asker.session.add(torrent, [seeder.address]);
    await until(() => seeder.namesOf("status").length === 2, "noticed and fetched", PATIENCE_MS);
    const [warning] = seeder.namesOf("warning");
    assert(warning.event === "warning" && warning.code === "changed");
    assert.match(
      warning.message,
      /^Expected shareable\/course\/film\.mp4 to stay as it is, but it was changed$/,
    );
    assert.deepEqual(
      seeder.namesOf("status").map((status) => status.event === "status" && status.role),
      ["peer", "seeder"],
    );
    const [, again] = seeder.namesOf("torrent");
    assert(again.event === "torrent" && again.role === "peer" && again.have < again.pieces);
    await seeder.assertHas(COURSE);
    await until(() => asker.swarm(infoHash).seeding, "the one who asked", PATIENCE_MS);
    await asker.assertHas(COURSE);
    for (const machine of [asker, other, seeder]) {
      assert.deepEqual([machine.namesOf("corrupt"), machine.namesOf("error")], [[], []]);
    }

    const { port } = seeder.session;
    const told = () => tracker.heard.filter((line) => line.startsWith(`${port} `));
    await until(() => told().at(-1) === `${port} completed seeds`, "told the tracker", PATIENCE_MS);
    const [first, ...others] = told().map((line) => line.slice(`${port} `.length));
    assert.equal(first, "started seeds");
    assert(others.includes("started lacks"), others.join("; "));
  });
}

Deno.test("Session goes on sharing a file that was touched but not changed, and one that nobody else has as far as it goes", async () => {
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(COURSE, []);
  const infoHash = await seeder.session.add(torrent, []);
  await Deno.utime(seeder.path("shareable", FILM), new Date(), new Date(2_000));
  await until(() => seeder.namesOf("torrent").length === 2, "looked through", PATIENCE_MS);
  assert.equal(seeder.swarm(infoHash).seeding, true);

  await Deno.truncate(seeder.path("shareable", FILM), 300 * KIB);
  await until(() => seeder.namesOf("torrent").length === 3, "looked through again", PATIENCE_MS);
  const { have, pieces } = seeder.swarm(infoHash);
  assert(have > 0 && have < pieces);
  assert.equal(
    (await Deno.stat(seeder.path("shareable", FILM))).size,
    300 * KIB,
    "what is there stays there",
  );
  await using asker = await Machine.start();
  await asker.session.add(torrent, [seeder.address]);
  await until(() => asker.swarm(infoHash).have === have, "all that is left", PATIENCE_MS);
});

Deno.test("Session keeps what somebody put in place of a file it shares, beside the complete file, and says so", async () => {
  await using other = await Machine.start();
  const torrent = await other.publish(COURSE, []);
  const infoHash = await other.session.add(torrent, []);
  await using seeder = await Machine.start();
  await seeder.publish(COURSE, []);
  await seeder.session.add(torrent, [other.address]);
  await Deno.writeTextFile(seeder.path("shareable", FILM), "somebody's notes");
  await until(() => seeder.namesOf("error").length > 0, "in the way", PATIENCE_MS);
  const [error] = seeder.namesOf("error");
  assert(error.event === "error" && /Expected nothing at shareable.*both are kept/.test(error.message));
  assert.equal(await Deno.readTextFile(seeder.path("shareable", FILM)), "somebody's notes");
  assert.deepEqual(await Deno.readFile(seeder.path("state", "tmp", infoHash, FILM)), COURSE.get(FILM));
});

needs("symbolic links", "deleting open files")(
  "Session says why when changed data cannot be looked through, and stops cleanly",
  async () => {
    await using seeder = await Machine.start();
    const torrent = await seeder.publish(COURSE, []);
    const infoHash = await seeder.session.add(torrent, []);
    await Deno.remove(seeder.path("shareable", FILM));
    await Deno.symlink("/etc/hostname", seeder.path("shareable", FILM));
    await until(() => seeder.namesOf("error").length > 0, "refused", PATIENCE_MS);
    const [error] = seeder.namesOf("error");
    assert(error.event === "error" && error.code === "storage");
    assert.match(error.message, /Expected no symbolic link, got one at shareable\/course\/film\.mp4/);
    assert.equal(seeder.swarm(infoHash).seeding, false);
    assert(seeder.swarm(infoHash).failure);
    await seeder.stop();
    assert.equal(seeder.events.at(-1)?.event, "stopped");
  },
);
