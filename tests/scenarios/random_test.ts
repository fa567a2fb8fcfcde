import assert from "node:assert/strict";
import { randomBytes, seededRandom } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(14 * PIECE + 20_000, 3);
const metainfo = metainfoOf(data, PIECE);

/** One thing that may happen to a swarm; `host` is somebody in it, never the one seeder that stays. */
const INCIDENTS: ((lan: VirtualLan, host: Host, random: () => number) => void)[] = [
  // Somebody comes, and is told to everybody.
  (lan, _, random) => {
    if (lan.hosts.length > 14) return;
    lan.add({ data: random() < 0.2 ? data : null, rate: 2e5 + random() * 1e6, speaksFast: random() < 0.6 });
    lan.introduceAll();
  },
  // Somebody leaves for good.
  (lan, host) => {
    if (lan.hosts.length < 5) return;
    host.swarm.stop();
    lan.hosts.splice(lan.hosts.indexOf(host), 1);
  },
  (_, host) => host.mute(true),
  (_, host) => host.mute(false),
  (_, host) => host.refusals = 0.5,
  (_, host) => host.refusals = 0,
  // Somebody chokes all whom it serves.
  (_, host) => {
    for (const { peer } of host.connections) if (!peer.weChoke) host.swarm.upload.choke(peer, "others wait");
  },
  // A cable is pulled.
  (_, host) => [...host.connections][0]?.close("test"),
];

Deno.test("Swarm keeps its books in order and finishes, whoever comes, goes, chokes, refuses or is silent", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = seededRandom(seed);
    const lan = new VirtualLan(metainfo, seed);
    lan.isStrict = true;
    lan.add({ data, rate: 4e5 });
    for (let i = 0; i < 5; i++) {
      lan.add({ data: null, rate: 2e5 + random() * 1e6, speaksFast: random() < 0.6 });
    }
    lan.introduceAll();
    for (let step = 0; step < 40; step++) {
      lan.run(() => false, random() * 300);
      const host = lan.hosts[1 + Math.floor(random() * (lan.hosts.length - 1))];
      INCIDENTS[Math.floor(random() * INCIDENTS.length)](lan, host, random);
      for (const each of lan.hosts) each.assertConsistent();
    }
    for (const host of lan.hosts) {
      host.refusals = 0;
      host.mute(false);
    }
    const isDone = () => lan.hosts.every((host) => host.hasEverything);
    assert(
      lan.run(isDone, 180_000),
      `seed ${seed}: ${lan.hosts.filter((host) => !host.hasEverything).length} left`,
    );
    lan.run(() => false, 2_000);
    for (const host of lan.hosts) {
      assert.deepEqual(host.storage.data, data, `seed ${seed}`);
      assert.equal(host.storage.buffersOut, 0, `seed ${seed}`);
      assert.deepEqual(host.events.filter(({ event }) => event === "corrupt"), [], `seed ${seed}`);
    }
  }
});
