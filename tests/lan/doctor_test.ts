/**
 * `peer doctor` in namespaces: firewalls of nftables, a tracker's port that is taken, a wrong announce address, a full
 * disk. With `PEER_BINARY` it is that program, and otherwise this checkout.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Examination } from "../../lib/api/shapes.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { run } from "../windows/commands.ts";
import { ClassRoom } from "./class_room.ts";

const data = randomBytes(2 * 1024 * 1024, 31);
const lanTest = needs("linux", "root", "ip", "tc", "nft");

/** What the doctor of a host says. */
async function examine(room: ClassRoom, host: number): Promise<Examination> {
  const text = await room.command(host, "doctor", "--json");
  return JSON.parse(text);
}

const wrong = ({ checks }: Examination) =>
  checks.filter(({ verdict }) => verdict === "bad").map(({ subject, finding }) => `${subject}: ${finding}`);

/** A room of hosts that are to have the data; all run trackers, and the first one is the announcer. */
async function completeRoom(hosts = 3): Promise<ClassRoom> {
  const room = await ClassRoom.of(hosts, data, true);
  room.allHaveTrackers = true;
  return room;
}

lanTest("peer doctor finds firewalls, alone and in pairs, and says which ports to open", async () => {
  await using room = await completeRoom();
  const start = (host: number) => room.start(host, room.torrent, "--port=6881", `--name=pc-${host}`);
  const announcer = start(0);
  await announcer.joined;
  const runs = [announcer, start(1), start(2)];
  await Promise.all([runs[1].completed, runs[2].completed]);

  const well = await examine(room, 1);
  assert.deepEqual(wrong(well), []);
  assert.equal(well.summary, "pc-1 is well");

  // On a busy machine one of the two others may answer too late; either may be known by its IPv6 address.
  const other = String.raw`(10\.99\.0\.|fd99::)[13]`;
  const others = `${other}(, ${other})?`;
  const dropped = (subject: string, port: number) =>
    new RegExp(`^${subject}: ${port} does not answer ${others}: allow TCP ${port} in the firewall`);
  await room.drop(1, "tcp dport 6881", "udp dport 6771");
  const first = await examine(room, 1);
  assert.match(wrong(first)[0], dropped("peer port", 6881));
  assert.match(wrong(first)[1], /^multicast: nothing came of what .* sent just now: allow UDP 6771/);
  assert.equal(first.summary, "pc-1 cannot be reached from outside: allow TCP 6881 and UDP 6771");

  await room.drop(1, "udp dport 6771");
  const second = await examine(room, 1);
  assert.equal(wrong(second).length, 1);
  assert.equal(second.summary, "pc-1 cannot be reached from outside: allow UDP 6771");

  await room.drop(1, "tcp dport 6969");
  const third = await examine(room, 1);
  assert.match(wrong(third)[0], dropped("tracker port", 6969));
  assert.equal(third.summary, "pc-1 cannot be reached from outside: allow TCP 6969");

  await room.drop(1, "tcp dport { 6881, 6969 }");
  const both = await examine(room, 1);
  assert.equal(both.summary, "pc-1 cannot be reached from outside: allow TCP 6881 and 6969");
  const text = await room.command(1, "doctor");
  assert.match(text, /BAD +peer port +6881 does not answer/);
  assert.match(text, /nftables: nft add rule inet filter input tcp dport '\{ 6881, 6969 \}' accept/);
  console.log(text);
  for (const run of runs) assert.ok(await run.stop());
});

lanTest(
  "peer doctor finds a tracker's port that is taken, also from another machine",
  async () => {
    await using room = await completeRoom();
    await room.occupy(0, 6969);
    const announcer = room.start(0, room.torrent, "--port=6881", "--name=pc-0");
    const other = room.start(1, room.torrent, "--port=6881", "--name=pc-1");
    await Promise.all([announcer.joined, other.completed]);
    const taken = await untilWrong(room, 0);
    assert.match(
      wrong(taken)[0],
      /tracker: others look for the tracker at 10\.99\.0\.1:6969, which is this machine, but it is on port 6970: end the/,
    );
    const far = await untilWrong(room, 1);
    assert.match(wrong(far)[0], /tracker: 10\.99\.0\.1:6969 .*peer edit with --announce 10\.99\.0\.2$/);
    for (const run of [announcer, other]) assert.ok(await run.stop());
  },
);

lanTest("peer doctor finds a wrong announce address, on the machine that has the data", async () => {
  await using room = await completeRoom();
  await room.command(0, "edit", room.torrent, "--announce", "10.99.0.99");
  const run = room.start(0, room.torrent, "--port=6881", "--name=pc-0");
  await run.joined;
  const examination = await untilWrong(room, 0);
  assert.match(
    wrong(examination).join("\n"),
    /^random\.bin: tracker: 10\.99\.0\.99:6969 .*: if that is no machine of yours any more: peer edit with --announce 10\.99\.0\.1$/,
  );
  assert.match(examination.summary, /^pc-0: 10\.99\.0\.99:6969 /);
  assert.ok(await run.stop());
});

lanTest("peer doctor finds a full disk, and that nobody has the data", async () => {
  await using room = await completeRoom();
  const home = room.home(1);
  await Deno.mkdir(home);
  // Mounted outside, as a command on a host sees mounts of its own only.
  await run("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", home);
  try {
    const alone = room.start(1, room.torrent, "--port=6881", "--name=pc-1");
    await alone.joined;
    await Deno.writeFile(join(home, "filler"), new Uint8Array(4 * 2 ** 20));
    const examination = await untilWrong(room, 1);
    const found = wrong(examination).join("\n");
    assert.match(
      found,
      /^disk: the disk of .* has \d MiB free, and 2 MiB are still to come: make room there$/m,
    );
    assert.match(found, /random\.bin: nobody else is known who has it: start a machine that has the data$/m);
    assert.match(
      found,
      /random\.bin: tracker: 10\.99\.0\.1:6969 .*: is that machine on, and is that still its address$/m,
    );
    assert.match(examination.summary, /^pc-1: the disk of .*; 2 more things are wrong$/);
    assert.ok(await alone.stop());
  } finally {
    await run("umount", home);
  }
});

lanTest("peer doctor finds a clock that is an hour off, and a firewall beside it", async () => {
  await using room = await completeRoom();
  const args = [room.torrent, "--port=6881"];
  const announcer = room.start(0, ...args, "--name=pc-0");
  await announcer.joined;
  const late = room.startWithWrongClock(1, ...args, "--name=pc-1");
  const other = room.start(2, ...args, "--name=pc-2");
  await Promise.all([late.completed, other.completed]);
  const alone = await untilFound(room, 1, /^clock: /);
  assert.deepEqual(alone.length, 1, alone.join("\n"));
  // On a busy machine one of the two others may answer too late.
  const isOff =
    /^clock: (this machine is 1h00m ahead of 2 others: set its clock|.* differ by 1h00m: set the clock that is wrong)$/;
  assert.match(alone[0], isOff);
  await room.drop(1, "tcp dport 6881");
  const both = await untilFound(room, 1, /^peer port: /);
  assert.match(both[0], /^peer port: 6881 does not answer .*: allow TCP 6881/);
  assert.match(both[1], isOff);
  assert.equal(both.length, 2, both.join("\n"));
  for (const run of [announcer, late, other]) assert.ok(await run.stop());
});

lanTest("peer doctor finds two machines with one address, and a firewall beside it", async () => {
  await using room = await completeRoom(4);
  const start = (host: number) => room.start(host, room.torrent, "--port=6881", `--name=pc-${host}`);
  const announcer = start(0);
  await announcer.joined;
  const other = start(3);
  await other.completed;
  // Only by IPv4: the tracker is known by that.
  for (const host of [1, 2]) {
    await room.runOn(host, "ip", "", "address", "flush", "dev", "eth0");
    await room.runOn(host, "ip", "", "address", "add", `${room.address(1)}/24`, "dev", "eth0");
    await room.runOn(host, "ip", "", "route", "replace", "default", "dev", "eth0");
  }
  const doubles = [start(1), start(2)];
  const isDouble =
    /^random\.bin: two machines announce themselves as 10\.99\.0\.2:6881: give each an address of its own$/;
  let turn = 0;
  // Each machine takes the address from the other one as often as it asks where the announcer is.
  const alternate = () => room.runOn(1 + turn++ % 2, "ip", "", "neigh", "flush", "all");
  const alone = await untilFound(room, 0, isDouble, alternate);
  assert.equal(alone.length, 1, alone.join("\n"));
  await room.drop(0, "tcp dport 6881");
  const both = await untilFound(room, 0, /^peer port: /, alternate);
  assert.match(both[0], /^peer port: 6881 does not answer .*: allow TCP 6881/);
  assert.match(both[1], isDouble);
  assert.equal(both.length, 2, both.join("\n"));
  for (const run of [announcer, other, ...doubles]) assert.ok(await run.stop());
});

/** Examines until what is wrong has something like this, with `between` before each look; returns all that is wrong. */
async function untilFound(
  room: ClassRoom,
  host: number,
  what: RegExp,
  between = () => delay(500) as Promise<unknown>,
): Promise<string[]> {
  for (const deadline = performance.now() + 120_000;;) {
    // The disk of a busy machine may really be slow.
    const found = wrong(await examine(room, host)).filter((each) => !/^disk: .* writes /.test(each));
    if (found.some((each) => what.test(each))) return found;
    assert.ok(performance.now() < deadline, found.join("\n"));
    await between();
  }
}

/** Examines until something is wrong: announces fail only after a while. */
async function untilWrong(room: ClassRoom, host: number): Promise<Examination> {
  for (const deadline = performance.now() + 30_000;;) {
    const examination = await examine(room, host);
    if (wrong(examination).some((each) => each.includes("tracker: "))) return examination;
    assert.ok(performance.now() < deadline, JSON.stringify(examination));
    await delay(1_000);
  }
}
