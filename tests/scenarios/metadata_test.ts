import assert from "node:assert/strict";
import { METADATA } from "../../lib/settings.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

/** As short as a torrent may have them: 5,000 pieces make 100 KB of hashes, so that the metadata has several parts. */
const PIECE = 1024;
const data = randomBytes(5_000 * PIECE + 1, 7);
const metainfo = metainfoOf(data, PIECE);
const liesAt = (at: number) => metainfo.rawInfo.map((byte, position) => position === at ? byte ^ 1 : byte);

function assertWhole(host: Host): void {
  assert.deepEqual(host.storage.data, data);
  assert.equal(host.storage.buffersOut, 0);
}

function warningsOf(host: Host): string[] {
  return host.events.flatMap((event) => event.event === "warning" ? [event.message] : []);
}

Deno.test("MetadataSwarm gets the metadata from a seeder and downloads at once", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data, rate: 1e8 });
  const newcomer = lan.add({ data: null, rate: 1e8, lacksMetadata: true });
  const start = lan.now;
  lan.introduceAll();
  assert(lan.run(() => newcomer.swarm.snapshot(lan.now).have > 0, 1_000));
  assert(lan.now - start < 100, `the first piece took ${lan.now - start} ms`);
  assert(lan.run(() => newcomer.hasEverything, 10_000));
  assertWhole(newcomer);
  assert.deepEqual(warningsOf(newcomer), []);
});

Deno.test("MetadataSwarm gets the metadata from a peer that has nothing else", () => {
  const lan = new VirtualLan(metainfo);
  const empty = lan.add({ data: null });
  const newcomer = lan.add({ data: null, lacksMetadata: true });
  lan.connect(newcomer, empty);
  assert(lan.run(() => newcomer.owner === newcomer.swarm, 1_000));
});

Deno.test("MetadataSwarm asks several peers, and others where one is silent", () => {
  const lan = new VirtualLan(metainfo);
  const [mute] = [lan.add({ data, rate: 1e6 }), lan.add({ data, rate: 1e6 })];
  const newcomer = lan.add({ data: null, lacksMetadata: true });
  lan.introduceAll();
  // Its handshake has arrived, its first part has not.
  lan.run(() => false, 2);
  mute.mute(true);
  assert(lan.run(() => newcomer.owner === newcomer.swarm, METADATA.requestTimeoutMs + 2_000));
});

Deno.test("MetadataSwarm is not held up by fifty peers that offer the metadata and do not answer", () => {
  const small = randomBytes(2_000 * 1_024, 7);
  const lan = new VirtualLan(metainfoOf(small, 1_024));
  const newcomer = lan.add({ data: null, lacksMetadata: true });
  // Their handshakes arrive soon, the first part would come within a minute.
  for (let i = 0; i < 50; i++) lan.connect(newcomer, lan.add({ data: null, rate: 1_000 }));
  lan.run(() => false, 1_000);
  lan.connect(newcomer, lan.add({ data: small, rate: 1e6 }));
  const start = lan.now;
  assert(lan.run(() => newcomer.owner === newcomer.swarm, 60_000));
  assert(lan.now - start < 3_000, `it took ${lan.now - start} ms`);
});

Deno.test("MetadataSwarm bans the one who lies and goes on with the others", () => {
  for (const seed of [1, 2, 3]) {
    const lan = new VirtualLan(metainfo, seed);
    const liar = lan.add({ data, rate: 1e7, rawInfo: liesAt(50_000) });
    const newcomer = lan.add({ data: null, rate: 1e7, lacksMetadata: true });
    lan.introduceAll();
    assert(lan.run(() => warningsOf(newcomer).length > 0, 5_000));
    lan.run(() => false, 1_000);
    assert.equal(newcomer.connections.size, 0, "the liar is banned");
    lan.add({ data, rate: 1e7 });
    lan.introduceAll();
    assert(lan.run(() => newcomer.owner === newcomer.swarm, 5_000));
    assert.deepEqual(warningsOf(newcomer), [`wrong metadata came from ${liar.endpoint.address}:6881`]);
  }
});

Deno.test("MetadataSwarm finds the liar among honest peers", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const lan = new VirtualLan(metainfo, seed);
    for (let i = 0; i < 2; i++) lan.add({ data, rate: 1e7 });
    lan.add({ data, rate: 1e7, rawInfo: liesAt(0) });
    const newcomer = lan.add({ data: null, rate: 1e7, lacksMetadata: true });
    lan.introduceAll();
    assert(lan.run(() => newcomer.hasEverything, 60_000), `seed ${seed}`);
    assertWhole(newcomer);
  }
});

Deno.test("MetadataSwarm gets the metadata through peers it hears of by exchange", () => {
  const lan = new VirtualLan(metainfo);
  const [seeder, other] = [lan.add({ data }), lan.add({ data: null, lacksMetadata: true })];
  const newcomer = lan.add({ data: null, lacksMetadata: true });
  lan.connect(newcomer, other);
  lan.run(() => false, 1_000);
  assert.equal(newcomer.owner.connectionCount, 1);
  lan.connect(other, seeder);
  assert(lan.run(() => newcomer.hasEverything, 90_000));
  assertWhole(newcomer);
});
