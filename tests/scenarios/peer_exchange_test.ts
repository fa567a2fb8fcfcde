import assert from "node:assert/strict";
import { PEX } from "../../lib/settings.ts";
import { formatEndpoint } from "../../lib/protocol/endpoint.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(40 * PIECE + 1_000, 7);
const metainfo = metainfoOf(data, PIECE);

/** Endpoints the host heard of by peer exchange. */
function exchanged(host: Host): string[] {
  return host.events.flatMap((event) => event.event === "peers" && event.source === "pex" ? event.peers : []);
}

function isConnected(a: Host, b: Host): boolean {
  return [...a.connections].some(({ other }) => other.host === b);
}

Deno.test("PexExtension lets a third host join through one it knows", () => {
  const lan = new VirtualLan(metainfo);
  const [seeder, leecher, third] = [
    lan.add({ data, rate: 1e5 }),
    lan.add({ data: null, rate: 1e5 }),
    lan.add({ data: null }),
  ];
  lan.connect(leecher, seeder);
  lan.run(() => false, 5_000);
  lan.connect(third, leecher);
  assert(lan.run(() => isConnected(third, seeder), 2 * PEX.lookMs));
  // Whoever hears first of the other dials.
  const heard = [exchanged(third).includes(formatEndpoint(seeder.endpoint))];
  heard.push(exchanged(seeder).includes(formatEndpoint(third.endpoint)));
  assert(heard.includes(true));
  assert(lan.run(() => third.hasEverything && leecher.hasEverything, 120_000));
  assert.deepEqual(third.storage.data, data);
});

Deno.test("PexExtension tells of a newcomer within a minute", () => {
  // So much that nobody has it before the minute is over.
  const much = randomBytes(10_000_000, 7);
  const lan = new VirtualLan(metainfoOf(much, PIECE));
  const [hub, early] = [lan.add({ data: much, rate: 1e5 }), lan.add({ data: null })];
  const [second, late] = [lan.add({ data: null }), lan.add({ data: null })];
  lan.connect(early, hub);
  lan.connect(second, hub);
  lan.run(() => false, 10_000);
  assert(isConnected(early, second));
  lan.connect(late, hub);
  assert(lan.run(() => isConnected(early, late), PEX.intervalMs + 2 * PEX.lookMs));
});

Deno.test("PexExtension does not exist in a private torrent", () => {
  const secret = metainfoOf(data, PIECE, "data.bin", undefined, true);
  const lan = new VirtualLan(secret);
  const [seeder, leecher, third] = [
    lan.add({ data, rate: 1e5 }),
    lan.add({ data: null, rate: 1e5 }),
    lan.add({ data: null }),
  ];
  lan.connect(leecher, seeder);
  lan.connect(third, leecher);
  lan.run(() => false, 100_000);
  assert(!isConnected(third, seeder));
  assert.deepEqual(exchanged(third), []);
  const { extensions, metadataLength } = [...third.connections][0].peer.extended!;
  assert.deepEqual([...extensions.keys()], ["lan_peers", "lt_donthave"]);
  assert.equal(metadataLength, undefined);
});
