/** What a user may tell a swarm in the middle of a transfer: each command works at once, on open connections. */
import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(60 * PIECE, 7);
const files = [
  { path: ["a"], length: 20 * PIECE },
  { path: ["b"], length: 20 * PIECE },
  { path: ["c"], length: 20 * PIECE },
];
const metainfo = metainfoOf(data, PIECE, "album", files);
const RATE = 1e6;

/** A LAN with a seeder and some hosts that have nothing, in the middle of the transfer. */
function midTransfer(leechers = 1) {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: RATE });
  const hosts = Array.from({ length: leechers }, () => lan.add({ data: null, rate: RATE }));
  lan.introduceAll();
  assert(lan.run(() => hosts.every((host) => storedOf(host) > 3), 60_000));
  return { lan, seeder, hosts };
}

const storedOf = (host: Host) => host.swarm.download.stored.count;

function assertWhole(host: Host): void {
  assert.deepEqual(host.storage.data, data);
  assert.equal(host.storage.buffersOut, 0);
}

for (const who of ["the seeder", "the leecher"] as const) {
  Deno.test(`Swarm of ${who} that is paused is left alone, and goes on at once when it is resumed`, () => {
    const { lan, seeder, hosts: [leecher] } = midTransfer();
    const paused = who === "the seeder" ? seeder : leecher;
    paused.swarm.pause();
    lan.run(() => false, 100);
    assert.deepEqual([paused.connections.size, paused.swarm.connectionCount], [0, 0]);
    assert.equal(paused.swarm.snapshot(lan.now).state, "paused");
    const [stored, sent] = [storedOf(leecher), seeder.payloadSent];
    lan.run(() => false, 120_000);
    assert.deepEqual([storedOf(leecher), seeder.payloadSent], [stored, sent]);
    paused.swarm.resume();
    const resumedAt = lan.now;
    assert(lan.run(() => storedOf(leecher) > stored, 60_000));
    assert(lan.now - resumedAt < 1_000, `it went on after ${lan.now - resumedAt} ms`);
    assert(lan.run(() => leecher.hasEverything, 60_000));
    assertWhole(leecher);
    assert(
      seeder.payloadSent < data.length + 8 * PIECE,
      "what was received before the pause was not thrown away",
    );
  });
}

Deno.test("Swarm that is told to want less gives up what is under way, and is finished where it has the rest", () => {
  const { lan, seeder, hosts: [leecher] } = midTransfer();
  leecher.select({ only: ["b"] });
  const before = storedOf(leecher);
  assert(lan.run(() => leecher.finishedAt !== undefined, 60_000));
  const isOfB = (index: number) => index >= 20 && index < 40;
  const others = [...leecher.swarm.download.stored].filter((index) => !isOfB(index)).length;
  assert(others <= before, "nothing else was fetched, but what was being written already");
  assert.equal(leecher.storage.buffersOut, 0);
  const sent = seeder.payloadSent;
  lan.run(() => false, 10_000);
  assert.equal(seeder.payloadSent, sent);
  assert.deepEqual([leecher.swarm.isFinished, leecher.swarm.seeding], [true, false]);
});

Deno.test("Swarm that is finished and told to want more goes on at once, and is finished again", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: RATE });
  const leecher = lan.add({ data: null, rate: RATE, files: { only: ["a"] } });
  lan.introduceAll();
  assert(lan.run(() => leecher.finishedAt !== undefined, 60_000));
  lan.run(() => false, 30_000);
  leecher.select({ skip: ["b"] });
  assert.equal(leecher.swarm.snapshot(lan.now).state, "downloading");
  const selectedAt = lan.now;
  assert(lan.run(() => storedOf(leecher) > 20, 60_000));
  assert(lan.now - selectedAt < 1_000);
  assert(lan.run(() => leecher.swarm.isFinished, 60_000));
  assert.equal(storedOf(leecher), 40);
  leecher.select({});
  assert(lan.run(() => leecher.hasEverything && leecher.swarm.seeding, 60_000));
  assertWhole(leecher);
  assert.equal(leecher.events.filter(({ event }) => event === "complete").length, 3);
  assert.equal(seeder.payloadSent, data.length, "nothing was fetched twice");
});

Deno.test("Swarm that is told to want more while files are moved is not finished by that move", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data, rate: RATE });
  const leecher = lan.add({ data: null, rate: RATE, files: { only: ["a"] } });
  lan.introduceAll();
  assert(lan.run(() => leecher.swarm.download.isComplete, 60_000));
  assert.equal(leecher.swarm.isFinished, false);
  leecher.select({ only: ["a", "b"] });
  assert(lan.run(() => leecher.finishedAt !== undefined, 60_000));
  assert.equal(storedOf(leecher), 40);
});

Deno.test("Swarm that is told which file comes first fetches it next", () => {
  const { lan, hosts: [leecher] } = midTransfer();
  leecher.select({ first: ["c"], isSequential: true });
  const under = new Set([...leecher.swarm.download.routing.pieces].map(({ index }) => index));
  const before = new Set(leecher.swarm.download.stored);
  assert(lan.run(() => storedOf(leecher) === before.size + under.size + 10, 60_000));
  const later = [...leecher.swarm.download.stored].filter((index) => !before.has(index) && !under.has(index));
  assert(later.every((index) => index >= 40), `${later}`);
  assert(lan.run(() => leecher.hasEverything, 60_000));
  assertWhole(leecher);
});

Deno.test("Swarm that is told other numbers of slots and sources holds to them at once", () => {
  const { lan, seeder, hosts } = midTransfer(6);
  const slotsOf = (host: Host) => host.swarm.snapshot(lan.now).uploadSlotsUsed;
  const sourcesOf = (host: Host) => host.swarm.snapshot(lan.now).downloadSourcesUsed;
  for (const uploadSlots of [1, 5, 2]) {
    seeder.policy.change({ uploadSlots });
    seeder.swarm.policyChanged(lan.now);
    assert.equal(slotsOf(seeder), uploadSlots);
    lan.run(() => false, 200);
    assert(slotsOf(seeder) <= uploadSlots);
  }
  const [first] = hosts;
  first.policy.change({ downloadSources: 1 });
  first.swarm.policyChanged(lan.now);
  assert(sourcesOf(first) <= 1);
  lan.run(() => false, 500);
  assert(sourcesOf(first) <= 1);
  first.policy.change({ downloadSources: undefined });
  first.swarm.policyChanged(lan.now);
  assert(lan.run(() => hosts.every((host) => host.hasEverything), 120_000));
  hosts.forEach(assertWhole);
});

Deno.test("Swarm gives places anew as often as it is told from now on", () => {
  const { lan, seeder } = midTransfer(6);
  seeder.policy.change({ uploadSlots: 1, rechokeMs: 1_000 });
  seeder.swarm.policyChanged(lan.now);
  const holders = new Set<string>();
  for (let turn = 0; turn < 8; turn++) {
    lan.run(() => false, 500);
    for (const { endpoint, isUploadSlot } of seeder.swarm.snapshot(lan.now).peers) {
      if (isUploadSlot) holders.add(endpoint);
    }
  }
  assert(holders.size > 1, "with one slot and a round each second, others get their turn");
});

Deno.test("Swarm begins and ends super-seeding while it seeds", () => {
  const { lan, seeder, hosts } = midTransfer(3);
  seeder.policy.change({ superSeeds: true });
  seeder.swarm.policyChanged(lan.now);
  const late = lan.add({ data: null, rate: RATE });
  lan.introduceAll();
  lan.run(() => storedOf(late) > 0, 10_000);
  const seenBy = (host: Host) =>
    [...host.connections].find(({ other }) => other.host === seeder)?.peer.have.count ?? 0;
  assert(seenBy(late) > 0 && seenBy(late) < metainfo.layout.pieceCount, `${seenBy(late)} pieces shown`);
  assert.equal(seenBy(hosts[0]), metainfo.layout.pieceCount);
  seeder.policy.change({ superSeeds: false });
  seeder.swarm.policyChanged(lan.now);
  lan.run(() => false, 200);
  const all = [...hosts, late];
  assert(lan.run(() => all.every((host) => host.hasEverything), 120_000));
  all.forEach(assertWhole);
});

Deno.test("Swarm survives a pause, a resume and a selection in the same instant, in every order", () => {
  const commands = {
    pause: ({ swarm }: Host) => swarm.pause(),
    resume: ({ swarm }: Host) => swarm.resume(),
    less: (host: Host) => host.select({ only: ["b"] }),
    more: (host: Host) => host.select({}),
  };
  const names = Object.keys(commands) as (keyof typeof commands)[];
  for (const first of names) {
    for (const second of names) {
      for (const third of names) {
        const { lan, hosts: [leecher] } = midTransfer();
        for (const name of [first, second, third]) commands[name](leecher);
        lan.run(() => false, 50);
        commands.more(leecher);
        commands.resume(leecher);
        assert(lan.run(() => leecher.hasEverything, 60_000), `${first} ${second} ${third}`);
        assertWhole(leecher);
      }
    }
  }
});
