import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(40 * PIECE + 1_000, 7);
const metainfo = metainfoOf(data, PIECE);

/** All data is there and right, and nothing leaked. */
function assertWhole(...hosts: Host[]): void {
  for (const host of hosts) {
    assert.deepEqual(host.storage.data, data);
    assert.equal(host.storage.buffersOut, 0);
  }
}

function eventsOf(host: Host, name: string) {
  return host.events.filter(({ event }) => event === name);
}

Deno.test("Swarm downloads from a seeder and becomes one", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data });
  const leecher = lan.add({ data: null });
  lan.introduceAll();
  assert(lan.run(() => leecher.hasEverything, 60_000));
  assertWhole(leecher);
  assert.equal(leecher.swarm.role, "seeder");
  assert.deepEqual(eventsOf(leecher, "complete").length, 1);
  assert.equal(seeder.payloadSent, data.length);
});

Deno.test("Swarm of nine finishes everywhere, and receivers get data from one another", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const receivers = Array.from({ length: 8 }, () => lan.add({ data: null, rate: 1e6 }));
  lan.introduceAll();
  assert(lan.run(() => receivers.every((host) => host.hasEverything), 120_000));
  assertWhole(...receivers);
  assert(seeder.payloadSent < 3 * data.length, `the seeder sent ${seeder.payloadSent / data.length} copies`);
});

Deno.test("Swarm keeps one connection when both sides dial at once", () => {
  const lan = new VirtualLan(metainfo);
  const [a, b] = [lan.add({ data: null }), lan.add({ data: null })];
  lan.connect(a, b);
  lan.connect(b, a);
  lan.run(() => false, 1_000);
  assert.equal(a.swarm.connectionCount, 1);
  assert.equal(b.swarm.connectionCount, 1);
});

Deno.test("Swarm closes a connection between two that have everything, unless it carries the list", () => {
  const lan = new VirtualLan(metainfo);
  const [a, b] = [lan.add({ data }), lan.add({ data })];
  lan.connect(a, b);
  lan.run(() => false, 1_000);
  assert.equal(a.swarm.connectionCount, 1);
});

Deno.test("Swarm bans the one peer that delivered a corrupt piece, within that piece", () => {
  const lan = new VirtualLan(metainfo);
  const liar = lan.add({ data, rate: 1e6 });
  liar.corrupt = (_index, block) => block[0] ^= 1;
  const leecher = lan.add({ data: null });
  lan.introduceAll();
  assert(lan.run(() => eventsOf(leecher, "corrupt").length > 0, 60_000));
  lan.run(() => false, 20_000);
  assert.equal(leecher.swarm.connectionCount, 0);
  assert(eventsOf(leecher, "corrupt").length <= 2);
  assert.equal(leecher.swarm.snapshot(lan.now).have, 0);
});

Deno.test("Swarm finds the liar among honest peers and keeps the honest ones", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const lan = new VirtualLan(metainfo, seed);
    const liar = lan.add({ data, rate: 1e6 });
    liar.corrupt = (index, block) => {
      if (index % 3 === 0) block[5] ^= 0x80;
    };
    const honest = [lan.add({ data, rate: 1e6 }), lan.add({ data, rate: 1e6 })];
    const leecher = lan.add({ data: null, rate: 3e6 });
    lan.introduceAll();
    assert(lan.run(() => leecher.hasEverything, 120_000), `seed ${seed}`);
    assertWhole(leecher);
    const left = leecher.swarm.snapshot(lan.now).peers.map(({ endpoint }) => endpoint);
    for (const host of honest) assert(left.includes(`${host.endpoint.address}:6881`), `seed ${seed}`);
    const dropped = eventsOf(leecher, "disconnected");
    assert(dropped.every((event) => "peer" in event && event.peer === `${liar.endpoint.address}:6881`));
  }
});

Deno.test("Swarm takes the place of a silent source away and finishes from others", () => {
  const lan = new VirtualLan(metainfo);
  const [mute, seeder] = [lan.add({ data, rate: 1e6 }), lan.add({ data, rate: 1e6 })];
  const leecher = lan.add({ data: null, rate: 1e6 });
  lan.introduceAll();
  lan.run(() => leecher.swarm.snapshot(lan.now).have > 4, 10_000);
  mute.isMute = true;
  assert(lan.run(() => leecher.hasEverything, 60_000));
  assertWhole(leecher);
  assert(seeder.payloadSent > 0);
});

Deno.test("Swarm goes on when the seeder leaves, as long as every piece is somewhere", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const receivers = Array.from({ length: 4 }, () => lan.add({ data: null, rate: 1e6 }));
  lan.introduceAll();
  const distributed = () => {
    const have = new Set<number>();
    for (const { swarm } of receivers) for (const index of swarm.download.stored) have.add(index);
    return have.size === metainfo.layout.pieceCount;
  };
  assert(lan.run(distributed, 60_000));
  seeder.swarm.stop();
  assert(lan.run(() => receivers.every((host) => host.hasEverything), 60_000));
  assertWhole(...receivers);
});

Deno.test("Swarm pauses with the reason when the disk is full, and goes on giving", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data });
  const full = lan.add({ data: null, rate: 1e6 });
  lan.introduceAll();
  lan.run(() => full.swarm.snapshot(lan.now).have > 10, 60_000);
  full.storage.isFull = true;
  lan.run(() => full.swarm.failure !== undefined, 60_000);
  assert.match(full.swarm.failure!, /No space left/);
  assert.equal(eventsOf(full, "error").length, 1);
  lan.run(() => false, 2_000);
  assert.equal(full.storage.buffersOut, 0);
  const other = lan.add({ data: null });
  lan.connect(other, full);
  assert(lan.run(() => other.swarm.snapshot(lan.now).have >= 10, 10_000));
});

Deno.test("Swarm serves a newcomer at once and gives an unused slot away within a second", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6, uploadSlots: 1 });
  const holder = lan.add({ data: null });
  lan.introduceAll();
  assert(lan.run(() => seeder.swarm.upload.slotCount === 1, 1_000));
  // The holder falls silent without giving its slot back.
  holder.isMute = true;
  lan.run(() => false, 3_000);
  const newcomer = lan.add({ data: null });
  const arrival = lan.now;
  lan.connect(newcomer, seeder);
  assert(lan.run(() => newcomer.swarm.snapshot(lan.now).have > 0, 5_000));
  assert(lan.now - arrival < 1_000, `it waited ${lan.now - arrival} ms`);
});

Deno.test("Swarm tells a choked peer, and peers never hold more slots or sources than allowed", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data, rate: 2e5 });
  const receivers = Array.from({ length: 9 }, () => lan.add({ data: null, rate: 2e5 }));
  lan.introduceAll();
  for (let second = 0; second < 70; second++) {
    lan.run(() => false, 1_000);
    for (const host of lan.hosts) {
      const { uploadSlotsUsed, downloadSourcesUsed, peers } = host.swarm.snapshot(lan.now);
      assert(uploadSlotsUsed <= 4 && downloadSourcesUsed <= 4);
      assert.equal(peers.filter(({ isUploadSlot }) => isUploadSlot).length, uploadSlotsUsed);
    }
  }
  assert(lan.run(() => receivers.every((host) => host.hasEverything), 120_000));
  assertWhole(...receivers);
});

Deno.test("Swarm bans nobody and stays within its limits when peers come and go", () => {
  const lan = new VirtualLan(metainfo, 9);
  lan.add({ data, rate: 1e6 });
  const stayer = lan.add({ data: null, rate: 5e5 });
  lan.introduceAll();
  for (let round = 0; round < 20; round++) {
    const guest = lan.add({ data: round % 2 === 0 ? data : null, rate: 1e6 });
    lan.connect(stayer, guest);
    lan.run(() => false, 150);
    guest.swarm.stop();
  }
  assert(lan.run(() => stayer.hasEverything, 60_000));
  assertWhole(stayer);
  assert.equal(eventsOf(stayer, "corrupt").length, 0);
});
