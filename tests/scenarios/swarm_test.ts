import assert from "node:assert/strict";
import { metainfoOf } from "../helpers/torrents.ts";
import { randomBytes } from "../helpers/random.ts";
import { VirtualLan } from "../helpers/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(40 * PIECE + 1_000, 7);
const metainfo = metainfoOf(data, PIECE);

Deno.test("Swarm downloads from a seeder and becomes one", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data });
  const leecher = lan.add({ data: null });
  lan.introduceAll();
  assert(lan.run(() => leecher.hasEverything, 60_000));
  assert.deepEqual(leecher.storage.data, data);
  assert.equal(leecher.swarm.role, "seeder");
  assert.equal(leecher.storage.buffersOut, 0);
});

Deno.test("Swarm of many finishes everywhere, and everybody gives", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data, rate: 1e6 });
  for (let i = 0; i < 8; i++) lan.add({ data: null, rate: 1e6 });
  lan.introduceAll();
  assert(lan.run(() => lan.hosts.every((host) => host.hasEverything), 120_000));
  for (const host of lan.hosts) {
    assert.deepEqual(host.storage.data, data);
    assert.equal(host.storage.buffersOut, 0);
  }
});
