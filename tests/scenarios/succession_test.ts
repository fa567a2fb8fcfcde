/** The tracker survives its machine: a room goes on, and takes newcomers in, whichever machines fail. */
import assert from "node:assert/strict";
import { randomBytes, seededRandom } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { type TrackedHost, TrackedLan } from "../harness/virtual/tracked_lan.ts";

const PIECE = 16 * 1024;
const data = randomBytes(8 * PIECE, 3);
const metainfo = metainfoOf(data, PIECE);
/** How many rooms each scenario is tried in: `deno test … succession_test.ts -- 100`. */
const SEEDS = Number(Deno.args[0] ?? 10);
const HOSTS = 8;
/** A host takes about 4 s for the data, in bytes per second. */
const RATE = 32_000;

/** A room of an announcer that has no data, a host that has everything, another program, and hosts that have nothing. */
function roomOf(seed: number, hosts = HOSTS): TrackedLan {
  const room = new TrackedLan(metainfo, seed);
  for (let number = 0; number < hosts; number++) {
    room.add({ data: number === 1 ? data : null, rate: RATE, isForeign: number === 2 });
  }
  return room;
}

/** Runs a scenario in as many rooms as there are seeds. */
function inRooms(
  hosts: number,
  scenario: (room: TrackedLan, random: () => number, seed: number) => void,
): void {
  for (let seed = 1; seed <= SEEDS; seed++) scenario(roomOf(seed, hosts), seededRandom(seed), seed);
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  return items[Math.floor(random() * items.length)];
}

const ours = (hosts: readonly TrackedHost[]) => hosts.filter(({ isForeign }) => !isForeign);
/** Whether somebody has so many pieces of those who began with none. */
const isAt = (room: TrackedLan, pieces: number) => () =>
  room.up.some(({ host }, at) => at > 1 && host.swarm.download.stored.count >= pieces);
const isComplete = (room: TrackedLan) => () =>
  room.up.every(({ host }, at) => at === 0 && room.hosts[0].isUp || host.hasEverything);
const addressesOf = (hosts: readonly TrackedHost[]) => hosts.map(({ host }) => host.endpoint.address).sort();

/** Whether a tracker lists all hosts of our kind that run, itself left out. */
function listsAll(room: TrackedLan, tracker: TrackedHost): boolean {
  const listed = new Set(tracker.listed);
  return addressesOf(ours(room.up)).every((address) =>
    address === tracker.host.endpoint.address || listed.has(address)
  );
}

/** The hosts that stand in for the announcer, as all hosts of our kind see it together. */
function standingIn(room: TrackedLan): TrackedHost[] {
  const urls = new Set(ours(room.up).flatMap(({ succession }) => succession.successorUrls));
  return room.hosts.filter(({ trackerUrl }) => urls.has(trackerUrl));
}

/** Whether all have handed over to the same three, each of which knows everybody. */
function isHandedOver(room: TrackedLan): boolean {
  const successors = standingIn(room);
  return ours(room.up).every(({ succession }) => succession.isHandedOver) && successors.length === 3 &&
    successors.every((each) => each.isUp && listsAll(room, each));
}

/** Somebody starts who knows one host alone, as by `--peer`: within ten seconds it is connected with all. */
function assertJoins(room: TrackedLan, known: TrackedHost, about: string): void {
  const newcomer = room.add({ data: null, rate: RATE });
  newcomer.host.swarm.addPeers([known.host.endpoint], "user");
  const others = ours(room.up).length - 1;
  const seconds = room.run(() => newcomer.host.connections.size >= others, 10);
  assert.ok(
    seconds !== undefined,
    `${about}: the newcomer met ${newcomer.host.connections.size} of ${others}`,
  );
}

Deno.test("a room whose announcer is killed hands over to three, completes, and takes newcomers in", () => {
  const handedOver: number[] = [];
  inRooms(HOSTS, (room, random, seed) => {
    assert.ok(room.run(isAt(room, 3), 20) !== undefined);
    room.hosts[0].kill(random() < 0.5);
    const seconds = room.run(() => isHandedOver(room), 20);
    assert.ok(seconds !== undefined, `seed ${seed}: handed over`);
    handedOver.push(seconds);
    assert.ok(room.run(isComplete(room), 30) !== undefined, `seed ${seed}: complete`);
    assertJoins(room, pick(ours(room.up), random), `seed ${seed}`);
    assert.ok(room.run(isComplete(room), 30) !== undefined, `seed ${seed}: the newcomer too`);
  });
  console.log(`handed over within ${Math.max(...handedOver).toFixed(1)} s`);
});

Deno.test("the announcer and its first successor are killed together", () => {
  inRooms(HOSTS, (room, random, seed) => {
    assert.ok(room.run(isAt(room, 3), 20) !== undefined);
    const [first] = standingIn(room).filter(({ host }) => !host.swarm.seeding);
    room.hosts[0].kill(random() < 0.5);
    first?.kill(random() < 0.5);
    assert.ok(room.run(() => isHandedOver(room), 40) !== undefined, `seed ${seed}: handed over`);
    assert.ok(room.run(isComplete(room), 30) !== undefined, `seed ${seed}: complete`);
    assertJoins(room, pick(ours(room.up), random), `seed ${seed}`);
  });
});

Deno.test("a network that is cut in two goes on in both parts, and has one list again when it is healed", () => {
  const healed: number[] = [];
  inRooms(HOSTS, (room, random, seed) => {
    assert.ok(room.run(isAt(room, 2), 20) !== undefined);
    const side = room.hosts.filter((_, at) => at > 0 && random() < 0.5);
    room.cut(side);
    room.run(() => false, 20 + 40 * random());
    const cutOff = ours(side);
    assert.ok(cutOff.every(({ succession }) => succession.isHandedOver), `seed ${seed}: handed over`);
    room.heal();
    const seconds = room.run(
      () =>
        listsAll(room, room.hosts[0]) && ours(room.up).every(({ succession }) => !succession.isHandedOver),
      30,
    );
    assert.ok(seconds !== undefined, `seed ${seed}: one list again`);
    healed.push(seconds);
    assert.ok(room.run(isComplete(room), 60) !== undefined, `seed ${seed}: complete`);
  });
  console.log(`one list again within ${Math.max(...healed).toFixed(1)} s`);
});

Deno.test("an announcer that is back is told at once by all, and the successors forget them", () => {
  const told: number[] = [];
  inRooms(HOSTS, (room, random, seed) => {
    assert.ok(room.run(isAt(room, 2), 20) !== undefined);
    room.hosts[0].kill(random() < 0.5);
    assert.ok(room.run(() => isHandedOver(room), 20) !== undefined, `seed ${seed}: handed over`);
    room.run(() => false, 60 * random());
    room.hosts[0].restart();
    // It has kept whom it knew, and dials them.
    room.hosts[0].host.swarm.addPeers(room.hosts.slice(1).map(({ host }) => host.endpoint), "user");
    const seconds = room.run(() => listsAll(room, room.hosts[0]), 30);
    assert.ok(seconds !== undefined, `seed ${seed}: told`);
    told.push(seconds);
    assert.ok(
      room.run(() => ours(room.up).every(({ succession }) => !succession.isHandedOver), 10) !== undefined,
      `seed ${seed}: nobody stands in any more`,
    );
    room.run(() => false, 90);
    const keepers = ours(room.up).filter(({ listed }) => listed.length > 0);
    assert.ok(keepers.length <= 2, `seed ${seed}: the announcer and one successor keep a list`);
  });
  console.log(`all told the announcer within ${Math.max(...told).toFixed(1)} s`);
});

Deno.test("an announcer that is back at another address is found by all, and takes newcomers in there", () => {
  inRooms(HOSTS, (room, random, seed) => {
    assert.ok(room.run(isAt(room, 2), 20) !== undefined);
    room.hosts[0].kill(true);
    assert.ok(room.run(() => isHandedOver(room), 20) !== undefined, `seed ${seed}: handed over`);
    room.run(() => false, 60 * random());
    // Its torrent names the new address, where it runs the tracker itself; it has kept whom it knew.
    const back = room.add({ data: null, rate: RATE, trackers: [] });
    back.host.swarm.addPeers(room.hosts.slice(1, -1).map(({ host }) => host.endpoint), "user");
    const others = room.up.length - 1;
    assert.ok(
      room.run(() => back.host.connections.size >= others, 10) !== undefined,
      `seed ${seed}: it met ${back.host.connections.size} of ${others}`,
    );
    const newcomer = room.add({ data: null, rate: RATE, trackers: [back.trackerUrl] });
    assert.ok(
      room.run(() => newcomer.host.connections.size >= others, 10) !== undefined,
      `seed ${seed}: the newcomer met ${newcomer.host.connections.size} of ${others}`,
    );
    assert.ok(room.run(isComplete(room), 60) !== undefined, `seed ${seed}: complete`);
    assert.ok(
      ours(room.up).filter((each) => each !== back && each !== newcomer)
        .every(({ succession }) => succession.isHandedOver),
      `seed ${seed}: the others keep to those that stand in`,
    );
  });
});

Deno.test("a first successor that lies hides nobody, and makes nobody dial much", () => {
  inRooms(HOSTS, (room, random, seed) => {
    assert.ok(room.run(isAt(room, 2), 20) !== undefined);
    const [liar] = standingIn(room);
    liar.lie = random() < 0.5
      ? []
      : Array.from({ length: 200 }, (_, at) => ({ address: `10.9.0.${at + 1}`, port: 6881 }));
    room.hosts[0].kill();
    assert.ok(room.run(isComplete(room), 40) !== undefined, `seed ${seed}: complete`);
    assertJoins(room, pick(ours(room.up).filter((each) => each !== liar), random), `seed ${seed}`);
    room.run(() => false, 60);
    const most = Math.max(...room.up.map(({ host }) => host.dialsInVain));
    assert.ok(most <= 200 * 8, `seed ${seed}: ${most} dials in vain in two minutes`);
  });
});
