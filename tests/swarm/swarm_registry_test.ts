import assert from "node:assert/strict";
import { encode } from "../../lib/protocol/bencode.ts";
import { parsePeerList } from "../../lib/protocol/extension_messages.ts";
import type { AnnounceEvent } from "../../lib/protocol/tracker_messages.ts";
import { BROADCAST, TRACKER } from "../../lib/settings.ts";
import type { SwarmEvent } from "../../lib/swarm/ports.ts";
import { SwarmRegistry } from "../../lib/swarm/swarm_registry.ts";
import { TrackerTable } from "../../lib/swarm/tracker/tracker_table.ts";
import { randomBytes, seededRandom } from "../harness/data/random.ts";
import { type FakePeer, fakePeer, peerIdOf } from "../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { announceOf } from "../harness/sessions/tracker.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const data = randomBytes(50_000, 1);
const metainfo = metainfoOf(data, 16_384);

/** A tracker, and a swarm of its process that has everything or nothing. */
class Tracking {
  readonly table = new TrackerTable({ open: false, random: seededRandom(1), ownAddressFor: () => undefined });
  readonly host: Host;
  readonly registry: SwarmRegistry;

  constructor(has: Uint8Array | null, report?: (event: SwarmEvent) => void) {
    this.host = new VirtualLan(metainfo).add({ data: has });
    this.registry = new SwarmRegistry(this.table, { peerId: peerIdOf(100), port: 6881 }, report);
    this.registry.add(this.host.swarm);
  }

  /** Somebody at 10.0.0.`number` announces. */
  announce(number: number, now: number, event?: AnnounceEvent): void {
    const request = {
      ...announceOf(`-PD peer ${number}`),
      infoHash: metainfo.infoHash,
      ...(event && { event }),
    };
    this.registry.announce(request, `10.0.0.${number}`, now);
  }

  /** A remote peer of our kind that hears the list. */
  listener(): FakePeer {
    const fake = fakePeer(99, metainfo.layout.pieceCount);
    this.host.swarm.extensions.received(fake.peer, 0, encode({ m: { lan_peers: 1 } }), 0);
    return fake;
  }
}

/** Who was added to and dropped from the list in each message since the last call. */
function newsFor({ sender }: FakePeer): string[] {
  return sender.extended.splice(0).map(({ payload }) => {
    const { added, dropped } = parsePeerList(payload, BROADCAST.maxEndpoints);
    return [
      ...added.map(({ endpoint }) => `+${endpoint.address}`),
      ...dropped.map(({ address }) => `-${address}`),
    ].join(" ");
  });
}

Deno.test("SwarmRegistry has the tracker serve a swarm, and lists ourselves as what we are", () => {
  const { registry, table, host } = new Tracking(data);
  assert.equal(registry.find(metainfo.infoHash), host.swarm);
  assert.deepEqual([...registry.swarms], [host.swarm]);
  assert.equal(table.isServed(metainfo.infoHash), true);
  assert.deepEqual(table.scrape(metainfo.infoHash), {
    complete: 1,
    incomplete: 0,
    downloaders: 0,
    downloaded: 0,
  });
  assert.equal(new Tracking(null).table.scrape(metainfo.infoHash)?.incomplete, 1);
});

Deno.test("SwarmRegistry tells peers of a newcomer at once, and may dial it itself", () => {
  const tracking = new Tracking(null);
  const listener = tracking.listener();
  tracking.announce(1, 5_000);
  assert.deepEqual(newsFor(listener), ["+10.0.0.1"]);
  assert.deepEqual(tracking.host.swarm.takeDials(9), [{ address: "10.0.0.1", port: 6881 }]);
});

Deno.test("SwarmRegistry collects what follows and tells it with the clock", () => {
  const tracking = new Tracking(data);
  const listener = tracking.listener();
  for (let number = 1; number <= 30; number++) tracking.announce(number, 5_000 + number);
  assert.deepEqual(newsFor(listener), ["+10.0.0.1"]);
  tracking.registry.tick(5_001 + BROADCAST.batchMs, true);
  const [batch, ...more] = newsFor(listener);
  assert.equal(batch.split(" ").length, 29);
  assert.deepEqual(more, []);
});

Deno.test("SwarmRegistry tells who left, by its word or by its silence, and does not dial it", () => {
  const tracking = new Tracking(null);
  const listener = tracking.listener();
  tracking.announce(1, 1_000);
  tracking.registry.tick(2_000, true);
  tracking.announce(2, 2_000);
  newsFor(listener);
  tracking.announce(1, 3_000, "stopped");
  assert.deepEqual(newsFor(listener), ["-10.0.0.1"]);
  tracking.registry.tick(2_000 + TRACKER.intervalSeconds * TRACKER.silentIntervals * 1_000, true);
  assert.deepEqual(newsFor(listener), ["-10.0.0.2"]);
  const late = new Tracking(null);
  late.table.announce({ ...announceOf("peer 1"), infoHash: metainfo.infoHash }, "10.0.0.1", 0);
  late.announce(1, 1_000, "stopped");
  assert.deepEqual(late.host.swarm.takeDials(9), []);
});

Deno.test("SwarmRegistry reports who joined, has everything and left, and to how many that was pushed", () => {
  const told: SwarmEvent[] = [];
  const tracking = new Tracking(data, (event) => told.push(event));
  const listener = tracking.listener();
  const { registry } = tracking;
  tracking.announce(1, 5_000);
  const request = { ...announceOf("-PD peer 1"), infoHash: metainfo.infoHash };
  registry.announce({ ...request, left: 0, event: "completed" }, "10.0.0.1", 6_000);
  assert.deepEqual(newsFor(listener), ["+10.0.0.1", "+10.0.0.1"], "peers hear that it is a seed now");
  tracking.announce(1, 7_000, "stopped");
  tracking.announce(1, 7_001, "stopped");
  const change = {
    event: "tracker",
    infoHash: metainfo.infoHash,
    joined: [],
    left: [],
    finished: [],
    names: {},
  };
  const place = ["10.0.0.1:6881"];
  assert.deepEqual(told, [
    { ...change, joined: place, known: 1, pushedTo: 1 },
    { ...change, finished: place, known: 1, pushedTo: 1 },
    { ...change, left: place, known: 0, pushedTo: 1 },
  ]);
});

Deno.test("SwarmRegistry compares the list no more often than it tells it, even while nobody listens", () => {
  const tracking = new Tracking(data);
  let comparisons = 0;
  const list = tracking.table.list.bind(tracking.table);
  tracking.table.list = (infoHash) => (comparisons++, list(infoHash));
  for (let number = 1; number <= 200; number++) tracking.announce(number, 5_000 + number);
  assert(comparisons <= 1 + Math.ceil(200 / BROADCAST.batchMs), `${comparisons} comparisons in 200 ms`);
});

Deno.test("SwarmRegistry forgets changes of a torrent it has no swarm of", () => {
  const tracking = new Tracking(data);
  const other = metainfoOf(randomBytes(10, 2), 16_384).infoHash;
  assert.equal(tracking.registry.announce({ ...announceOf("a"), infoHash: other }, "10.0.0.1", 0), undefined);
  tracking.table.serve(other);
  assert.equal(
    tracking.registry.announce({ ...announceOf("a"), infoHash: other }, "10.0.0.1", 0)?.incomplete,
    1,
  );
  assert.equal(tracking.registry.find(other), undefined);
  tracking.registry.tick(1_000, true);
});

Deno.test("SwarmRegistry lists us while we do not rest, and forgets a swarm that is left", () => {
  const { registry, table, host } = new Tracking(data);
  const { infoHash } = metainfo;
  host.swarm.pause();
  registry.statusChanged(host.swarm);
  assert.equal(table.scrape(infoHash)?.complete, 0);
  host.swarm.resume();
  registry.statusChanged(host.swarm);
  assert.equal(table.scrape(infoHash)?.complete, 1);
  registry.announce({ ...announceOf("a"), infoHash }, "10.0.0.1", 0);
  registry.remove(infoHash);
  assert.deepEqual([registry.find(infoHash), table.scrape(infoHash)], [undefined, undefined]);
  assert.equal(registry.announce({ ...announceOf("a"), infoHash }, "10.0.0.1", 0), undefined);
  registry.tick(1_000, true);
});
