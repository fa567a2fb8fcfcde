import assert from "node:assert/strict";
import { join } from "node:path";
import { FAREWELL } from "../../../lib/protocol/fleet_channel.ts";
import { freshFleet, KeptFleets } from "../../../lib/session/kept/kept_fleet.ts";
import { Members } from "../../../lib/session/fleet/members.ts";
import { Tasks } from "../../../lib/session/work/tasks.ts";
import { FLEET } from "../../../lib/settings.ts";
import type { MemberLink } from "../../../lib/swarm/fleet/fleet_extension.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";

const key = (byte: number) => new Uint8Array(32).fill(byte);

/** The members of a fleet, whose clock is `time.now`. */
async function startMembers() {
  const home = await Deno.makeTempDir({ prefix: "peer-members-" });
  await Deno.mkdir(join(home, "state"));
  const kept = await KeptFleets.load(home);
  await kept.change(freshFleet("room 7", key(1), { key: key(2), name: "desk" }));
  const time = { now: 1_000_000 };
  const tasks = new Tasks();
  const members = new Members(kept, {
    surroundings: testSurroundings({ wallClock: () => time.now }),
    tasks,
  });
  const said: Uint8Array[] = [];
  const linkTo = (number: number): MemberLink => ({
    member: { key: key(number), name: `pc-${number}`, macs: [] },
    peer: fakePeer(number, 0).peer,
    send: (message) => said.push(message),
  });
  const come = (number: number) => {
    const link = linkTo(number);
    members.came(kept.fleet!, link);
    return link;
  };
  const names = () => [...kept.fleet!.members.values()].map(({ name }) => name);
  return {
    kept,
    time,
    members,
    said,
    come,
    names,
    async [Symbol.asyncDispose]() {
      await tasks.settled();
      await kept.settled;
      await Deno.remove(home, { recursive: true });
    },
  };
}

Deno.test("Members remembers those that are away for a while, and those that are here for as long as they are", async () => {
  await using fleet = await startMembers();
  const { members, time, come, names } = fleet;
  const stays = come(10);
  const goes = come(11);
  time.now += 1_000;
  members.left(goes);
  assert(members.isHere(key(10).toHex()) && !members.isHere(key(11).toHex()));
  time.now += FLEET.rememberedMs - 1;
  come(12);
  assert.deepEqual(names(), ["pc-10", "pc-11", "pc-12"]);
  time.now += 1;
  come(13);
  assert.deepEqual(names(), ["pc-10", "pc-12", "pc-13"]);
  members.left(stays);
  come(14);
  assert.deepEqual(names(), ["pc-12", "pc-13", "pc-10", "pc-14"]);
});

Deno.test("Members forgets one that takes leave, and takes leave of all that are here", async () => {
  await using fleet = await startMembers();
  const { members, said, come, names } = fleet;
  const [one, other] = [come(10), come(11)];
  members.tookLeave(one);
  members.left(one);
  assert.deepEqual(names(), ["pc-11"]);
  const leaving = members.takeLeave(new AbortController().signal);
  assert.deepEqual(said, [FAREWELL]);
  members.left(other);
  await leaving;
  // Nobody is here any more.
  await members.takeLeave(new AbortController().signal);
  assert.equal(said.length, 1);
});

Deno.test("Members forgets and wakes only hosts that are away, by what names one of them", async () => {
  await using fleet = await startMembers();
  const { members, kept, come, names } = fleet;
  const link = come(10);
  await assert.rejects(members.forget(kept.fleet!, "pc-10"), /which is here/);
  await assert.rejects(members.wake(kept.fleet!, ["pc-10"]), /which is here/);
  members.left(link);
  await assert.rejects(members.wake(kept.fleet!, ["pc-10"]), /whose hardware address is known, got pc-10/);
  await assert.rejects(members.forget(kept.fleet!, "pc-1"), /of one member, got none/);
  await members.forget(kept.fleet!, "pc-10");
  assert.deepEqual(names(), []);
});
