/** Data that goes to another folder while its session runs, and after a crash in the midst of that. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeMetainfo, type Metainfo } from "../../lib/protocol/metainfo.ts";
import { moveData } from "../../lib/disk/large/relocation.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { Machine } from "../harness/sessions/machine.ts";

const PIECE = 16 * 1024;
const DATA = randomBytes(3 * PIECE, 5);
const METAINFO = metainfoOf(DATA, PIECE);

/** A machine that has the data of a torrent in `shareable/`, and another folder beside it. */
async function seeding(): Promise<{ machine: Machine; folder: string }> {
  const machine = await Machine.start({ files: {} });
  await Deno.mkdir(machine.path("shareable"), { recursive: true });
  await Deno.writeFile(machine.path("shareable", METAINFO.name), DATA);
  await machine.session.open({ bytes: encodeMetainfo(METAINFO.rawInfo, { announceTiers: [] }) });
  await seeds(machine);
  return { machine, folder: machine.path("elsewhere", "films") };
}

const reaches = (machine: Machine, state: string) =>
  until(() => machine.session.snapshot()[0]?.state === state, `the state ${state}`);
const seeds = (machine: Machine) => reaches(machine, "seeding");
const isThere = (path: string) => Deno.lstat(path).then(() => true, () => false);
const { infoHash, name } = METAINFO as Metainfo;

Deno.test("relocate moves the data, seeds on, and knows the folder at the next start", async () => {
  const { machine, folder } = await seeding();
  await using _ = machine;
  await machine.session.relocate(infoHash, folder, true);
  await seeds(machine);
  assert.deepEqual(await Deno.readFile(join(folder, name)), DATA);
  assert.equal(await isThere(machine.path("shareable", name)), false);
  assert.equal(machine.session.details(infoHash).folder, folder);
  assert.equal(machine.session.snapshot()[0].downloaded, 0);
  await machine.stop();
  await machine.start({ files: {} });
  await machine.session.add(machine.path("torrents", `${name}.torrent`), []);
  await seeds(machine);
  assert.equal(machine.session.details(infoHash).folder, folder);
  await machine.session.relocate(infoHash, machine.path("shareable"), true);
  await seeds(machine);
  assert.deepEqual(await Deno.readFile(machine.path("shareable", name)), DATA);
});

Deno.test("relocate without the data looks for it in the other folder, and leaves the old files alone", async () => {
  const { machine, folder } = await seeding();
  await using _ = machine;
  await machine.session.relocate(infoHash, folder, false);
  await reaches(machine, "downloading");
  assert.deepEqual(await Deno.readFile(machine.path("shareable", name)), DATA);
  await Deno.writeFile(join(folder, name), DATA);
  await machine.session.verify(infoHash);
  await seeds(machine);
});

Deno.test("relocate fails where somebody else's file is in the way, loses nothing, and can be tried again or taken back", async () => {
  const { machine, folder } = await seeding();
  await using _ = machine;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, name), "of the user");
  await machine.session.relocate(infoHash, folder, true);
  await reaches(machine, "failed");
  assert.match(machine.session.snapshot()[0].failure!, /got another file/);
  assert.equal(await Deno.readTextFile(join(folder, name)), "of the user");
  assert.deepEqual(await Deno.readFile(machine.path("shareable", name)), DATA);
  await assert.rejects(machine.session.relocate(infoHash, machine.path("third"), true), /got one from/);
  await machine.session.relocate(infoHash, machine.path("shareable"), true);
  await seeds(machine);
  assert.equal(await Deno.readTextFile(join(folder, name)), "of the user");
  assert.deepEqual(await Deno.readFile(machine.path("shareable", name)), DATA);
});

Deno.test("relocate refuses folders of the program itself, and unknown torrents", async () => {
  const { machine } = await seeding();
  await using _ = machine;
  await assert.rejects(machine.session.relocate(infoHash, machine.path("state", "x"), true), /outside state/);
  await assert.rejects(machine.session.relocate(infoHash, "relative", true), /absolute path/);
});

Deno.test("moveData moves whole files only, once, and completes a move that was cut off", async () => {
  const home = await Deno.makeTempDir();
  try {
    const move = { home, from: undefined, to: join(home, "b") };
    await moveData(METAINFO, move);
    await Deno.mkdir(join(home, "shareable"));
    await Deno.mkdir(join(home, "b"));
    await Deno.writeFile(join(home, "shareable", name), DATA.subarray(1));
    await moveData(METAINFO, move);
    assert.equal(await isThere(join(home, "b", name)), false);
    await Deno.writeFile(join(home, "shareable", name), DATA);
    await Deno.writeFile(join(home, "b", name), DATA);
    await moveData(METAINFO, move);
    await moveData(METAINFO, move);
    assert.deepEqual(await Deno.readFile(join(home, "b", name)), DATA);
    assert.equal(await isThere(join(home, "shareable", name)), false);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
