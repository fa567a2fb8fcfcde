/** One seeder that shows each piece to one peer (BEP 16), among hosts that have nothing. */
import assert from "node:assert/strict";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(150 * PIECE + 500, 7);
const metainfo = metainfoOf(data, PIECE);
/** 100 Mbit/s. */
const RATE = 12.5e6;

/** Tells whether these hosts have every piece among them; it looks again only when one of them has got a piece. */
function haveAllTogether(hosts: readonly Host[]): () => boolean {
  let lastSum = -1;
  return () => {
    const sum = hosts.reduce((sum, { swarm }) => sum + swarm.download.stored.count, 0);
    if (sum === lastSum) return false;
    lastSum = sum;
    const have = new Set(hosts.flatMap(({ swarm }) => [...swarm.download.stored]));
    return have.size === metainfo.layout.pieceCount;
  };
}

/** Copies that left the seeder before eight others had a whole one among them, and seconds until all had it. */
function distribute(superSeeds: boolean, seed: number, speaksFast: boolean) {
  const lan = new VirtualLan(metainfo, seed);
  const seeder = lan.add({ data, rate: RATE, superSeeds });
  const others = Array.from({ length: 8 }, () => lan.add({ data: null, rate: RATE, speaksFast }));
  lan.introduceAll();
  assert(lan.run(haveAllTogether(others), 120_000));
  const copies = seeder.payloadSent / data.length;
  assert(lan.run(() => others.every((host) => host.hasEverything), 120_000));
  for (const { storage } of others) assert.deepEqual(storage.data, data);
  return { copies, seconds: (lan.now - 1_000) / 1_000 };
}

Deno.test("Swarm that super-seeds sends less than 1.1 copies before the others have a whole one", () => {
  for (const speaksFast of [true, false]) {
    for (const seed of [1, 2]) {
      const { copies, seconds } = distribute(true, seed, speaksFast);
      const plain = distribute(false, seed, speaksFast);
      assert(copies < 1.1, `${copies} copies`);
      assert(seconds < 2 * plain.seconds, `${seconds} s, ${plain.seconds} s without`);
    }
  }
});

Deno.test("Swarm that super-seeds finishes a single leecher, and two that do not know each other", () => {
  for (const count of [1, 2]) {
    const lan = new VirtualLan(metainfo);
    const seeder = lan.add({ data, rate: RATE, superSeeds: true });
    const others = Array.from({ length: count }, () => lan.add({ data: null, rate: RATE }));
    for (const host of others) lan.connect(host, seeder);
    assert(lan.run(() => others.every((host) => host.hasEverything), 60_000));
    for (const { storage } of others) assert.deepEqual(storage.data, data);
  }
});

Deno.test("Swarm that super-seeds gets over peers that fall silent or leave with what only they had", () => {
  const lan = new VirtualLan(metainfo, 5);
  lan.add({ data, rate: RATE / 10, superSeeds: true });
  const others = Array.from({ length: 5 }, () => lan.add({ data: null, rate: RATE / 10 }));
  lan.introduceAll();
  const [leaver, silent, ...rest] = others;
  lan.run(() => leaver.swarm.download.stored.count > 5 && silent.swarm.download.stored.count > 5, 20_000);
  leaver.swarm.stop();
  silent.mute(true);
  assert(lan.run(() => rest.every((host) => host.hasEverything), 300_000));
});

Deno.test("Swarm that super-seeds serves nothing that it did not show, and all once others have everything", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: RATE, superSeeds: true });
  const first = lan.add({ data: null, rate: RATE });
  lan.connect(first, seeder);
  lan.run(() => first.swarm.download.stored.count > 20, 10_000);
  const [shown] = [...first.connections].map(({ peer }) => peer.have.count);
  assert(shown < 60, `${shown} pieces shown`);
  assert(lan.run(() => first.hasEverything, 60_000));
  const second = lan.add({ data: null, rate: RATE });
  lan.connect(second, seeder);
  // What the first one has is told a little later.
  lan.run(() => false, 200);
  assert([...second.connections].every(({ peer }) => peer.isSeed));
  assert(lan.run(() => second.hasEverything, 60_000));
});
