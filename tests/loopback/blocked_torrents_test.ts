/** Torrents whose place is taken: by a file of the user's, or by something of another kind. */
import assert from "node:assert/strict";
import { runCommand } from "../harness/processes/cli_run.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { randomBytes } from "../harness/data/random.ts";

const BOOK = new Map([["book.epub", randomBytes(200_005, 5)]]);
const COURSE = new Map([["course/a.pdf", randomBytes(70_000, 1)], ["course/b.pdf", randomBytes(70_000, 2)]]);

function warningsOf(machine: Machine): string[] {
  return machine.namesOf("warning").map((event) =>
    event.event === "warning" ? `${event.code}: ${event.message}` : ""
  );
}

Deno.test("Session tells at the start of a file in the way, and of the completion that a later start finishes", async () => {
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(BOOK, []);
  await seeder.session.add(torrent, []);
  await using asker = await Machine.start();
  await Deno.mkdir(asker.path("shareable"), { recursive: true });
  await Deno.writeTextFile(asker.path("shareable", "book.epub"), "my notes");
  const infoHash = await asker.session.add(torrent, [seeder.address]);
  assert.match(warningsOf(asker).join(), /^in-the-way: shareable\/book\.epub .*: move it away/);
  await until(() => asker.swarm(infoHash).failure !== undefined, "refused to move");
  assert.equal(await Deno.readTextFile(asker.path("shareable", "book.epub")), "my notes");
  await asker.stop();

  await Deno.rename(asker.path("shareable", "book.epub"), asker.path("shareable", "notes"));
  await asker.start();
  await asker.session.add(torrent, []);
  const complete = asker.namesOf("complete");
  assert.equal(complete.length, 1);
  assert(complete[0].event === "complete" && complete[0].path === asker.path("shareable", "book.epub"));
  assert.equal(asker.swarm(infoHash).seeding, true);
  await asker.assertHas(BOOK);
});

for (
  const [what, plant] of [
    [
      "a folder in place of a file",
      (machine: Machine) => Deno.mkdir(machine.path("shareable", "course", "a.pdf"), { recursive: true }),
    ],
    ["a file in place of a folder", async (machine: Machine) => {
      await Deno.mkdir(machine.path("shareable"), { recursive: true });
      await Deno.writeTextFile(machine.path("shareable", "course"), "notes");
    }],
  ] as const
) {
  Deno.test(`start says what to do about ${what}, and goes on with the other torrents`, async () => {
    await using seeder = await Machine.start();
    const blocked = await seeder.publish(COURSE, []);
    const torrent = await seeder.publish(BOOK, []);
    await seeder.session.add(blocked, []);
    await seeder.session.add(torrent, []);
    await using asker = await Machine.start();
    await asker.stop();
    await plant(asker);
    const { exitCode, out, err } = await runCommand(
      ..."start --host 127.0.0.1 --port 0 --no-tracker --no-lsd --progress json --exit-when-complete".split(
        " ",
      ),
      ...["--home", asker.home, "--peer", seeder.address, blocked, torrent],
    );
    assert.equal(exitCode, 1, err.join());
    assert.match(err.join(), /course: Expected a f\w+ at shareable\/course.*; move or rename it/);
    assert.match(out.join(), /"event":"complete"/);
    await asker.assertHas(BOOK);
  });
}
