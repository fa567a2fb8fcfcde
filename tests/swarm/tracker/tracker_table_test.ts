import assert from "node:assert/strict";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { type InfoHash, infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import type { AnnounceRequest } from "../../../lib/protocol/tracker_messages.ts";
import { TRACKER } from "../../../lib/settings.ts";
import type { TrackedPeer } from "../../../lib/swarm/tracker/tracked_peer.ts";
import { type AnnounceResult, TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import { heapBytes } from "../../harness/data/heap.ts";
import { seededRandom } from "../../harness/data/random.ts";
import { announceOf } from "../../harness/sessions/tracker.ts";

const TIME_TO_LIVE_MS = TRACKER.intervalSeconds * TRACKER.silentIntervals * 1000;
const hash = (number: number): InfoHash => infoHashFromBytes(toUtf8(String(number).padStart(20, "h")));
/** A peer id of our own kind. */
const id = (name: string | number): Uint8Array => toUtf8(`-PD${String(name).padStart(17, "p")}`);

function newTable(open = false): TrackerTable {
  const table = new TrackerTable({
    open,
    random: seededRandom(1),
    ownAddressFor: (remote) => remote.startsWith("10.") ? "10.0.0.1" : undefined,
  });
  if (!open) table.serve(hash(0));
  return table;
}

function announce(
  table: TrackerTable,
  from: string,
  name: string | number,
  changes: Partial<AnnounceRequest> = {},
  now = 0,
): AnnounceResult {
  const request = announceOf("", { infoHash: hash(0), peerId: id(name), ...changes });
  return table.announce(request, from, now);
}

const endpointsOf = (result: AnnounceResult) =>
  result.peers.map(({ endpoint }) => formatEndpoint(endpoint)).sort();

Deno.test("TrackerTable tells each peer of the others and never of itself", () => {
  const table = newTable();
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.2", "a")), []);
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.3", "b")), ["10.0.0.2:6881"]);
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.2", "a")), ["10.0.0.3:6881"]);
  assert.deepEqual(endpointsOf(announce(table, "fd00::2", "a")), ["10.0.0.3:6881"]);
});

Deno.test("TrackerTable says when membership changes, and counts", () => {
  const table = newTable();
  const steps = [
    [{ event: "started" }, true, [0, 1, 0]],
    [{}, false, [0, 1, 0]],
    [{ event: "completed", left: 0 }, true, [1, 0, 1]],
    [{ event: "completed", left: 0 }, false, [1, 0, 1]],
    [{ left: 5 }, true, [0, 1, 1]],
    [{ event: "stopped" }, true, [0, 0, 1]],
    [{ event: "stopped" }, false, [0, 0, 1]],
    [{ event: "completed", left: 0 }, true, [1, 0, 1]],
  ] as const;
  for (const [changes, changed, counts] of steps) {
    const { membershipChanged, complete, incomplete, downloaded } = announce(table, "10.0.0.2", "a", changes);
    assert.deepEqual([membershipChanged, [complete, incomplete, downloaded]], [changed, counts]);
    const [scrapedComplete, scrapedIncomplete, scrapedDownloaded] = counts;
    assert.deepEqual(table.scrape(hash(0)), {
      complete: scrapedComplete,
      incomplete: scrapedIncomplete,
      downloaders: scrapedIncomplete,
      downloaded: scrapedDownloaded,
    });
  }
});

Deno.test("TrackerTable counts partial seeds among the incomplete and not among downloaders (BEP 21)", () => {
  const table = newTable();
  table.setOwn(hash(0), { peerId: id("own"), port: 1, isSeed: false, wantsMore: false });
  announce(table, "10.0.0.2", "a", { event: "started" });
  announce(table, "10.0.0.3", "b", { event: "started" });
  assert.equal(announce(table, "10.0.0.3", "b", { event: "paused" }).membershipChanged, false);
  assert.deepEqual(table.scrape(hash(0)), { complete: 0, incomplete: 3, downloaders: 1, downloaded: 0 });
  announce(table, "10.0.0.3", "b");
  assert.equal(table.scrape(hash(0))?.downloaders, 2);
  announce(table, "10.0.0.3", "b", { event: "paused" });
  announce(table, "10.0.0.3", "b", { event: "completed", left: 0 });
  assert.deepEqual(table.scrape(hash(0)), { complete: 1, incomplete: 2, downloaders: 1, downloaded: 1 });
});

Deno.test("TrackerTable names to partial seeds those alone that want something (BEP 21)", () => {
  const table = newTable();
  announce(table, "10.0.0.2", "leech");
  announce(table, "10.0.0.3", "seed", { left: 0 });
  announce(table, "10.0.0.4", "partial", { event: "paused" });
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.5", "other", { event: "paused" })), ["10.0.0.2:6881"]);
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.3", "seed", { left: 0 })), ["10.0.0.2:6881"]);
  assert.equal(announce(table, "10.0.0.2", "leech").peers.length, 3);
  table.setOwn(hash(0), { peerId: id("own"), port: 1, isSeed: false, wantsMore: false });
  assert.equal(announce(table, "10.0.0.4", "partial", { event: "paused" }).peers.length, 1);
  assert.equal(announce(table, "10.0.0.2", "leech").peers.length, 4);
});

Deno.test("TrackerTable gives a leaving peer nobody", () => {
  const table = newTable();
  announce(table, "10.0.0.2", "a");
  assert.deepEqual(announce(table, "10.0.0.3", "b", { event: "stopped" }).peers, []);
});

Deno.test("TrackerTable does not let one peer stop another", () => {
  const table = newTable();
  announce(table, "10.0.0.2", "a");
  assert.equal(announce(table, "10.0.0.2", "forged", { event: "stopped" }).membershipChanged, false);
  assert.equal(announce(table, "10.0.0.3", "a", { event: "stopped" }).membershipChanged, false);
  assert.equal(table.peerCount, 1);
});

Deno.test("TrackerTable keeps peers behind one address apart but names an endpoint once", () => {
  const table = newTable();
  for (const name of ["a", "b", "c"]) announce(table, "10.0.0.2", name);
  announce(table, "10.0.0.2", "d", { port: 7000 });
  const { incomplete, peers } = announce(table, "10.0.0.3", "e");
  assert.equal(incomplete, 5);
  assert.equal(peers.length, 2);
});

Deno.test("TrackerTable lists no more peers of one address than the cap, yet answers them", () => {
  const table = newTable();
  for (let name = 0; name < TRACKER.maxPeersPerAddress; name++) announce(table, "10.0.0.2", name);
  const result = announce(table, "10.0.0.2", "more", { port: 1 });
  assert.equal(result.membershipChanged, false);
  assert.equal(result.incomplete, TRACKER.maxPeersPerAddress);
  assert.equal(announce(table, "10.0.0.3", "other").membershipChanged, true);
  announce(table, "10.0.0.2", 0, { event: "stopped" });
  assert.equal(announce(table, "10.0.0.2", "more", { port: 1 }).membershipChanged, true);
});

Deno.test("TrackerTable gives as many peers as asked for, within its limits", () => {
  const table = newTable();
  for (let at = 0; at < 300; at++) announce(table, `10.0.${at >> 8}.${at & 255}`, at);
  const given = (numwant?: number) =>
    announce(table, "10.9.9.9", "x", numwant === undefined ? {} : { numwant }).peers.length;
  assert.deepEqual([0, 1, 30, 200, 9999].map(given), [0, 1, 30, TRACKER.maxNumwant, TRACKER.maxNumwant]);
  assert.equal(given(), TRACKER.defaultNumwant);
});

Deno.test("TrackerTable selects at random: everybody is told of sooner or later, nobody twice at once", () => {
  const table = newTable();
  for (let at = 0; at < 101; at++) announce(table, `10.0.0.${at}`, at, { left: at % 2 });
  const times = new Map<string, number>();
  for (let round = 0; round < 400; round++) {
    const endpoints = endpointsOf(announce(table, "10.9.9.9", "x", { numwant: 10 }));
    assert.equal(new Set(endpoints).size, 10);
    for (const endpoint of endpoints) times.set(endpoint, (times.get(endpoint) ?? 0) + 1);
  }
  assert.equal(times.size, 101);
  assert(Math.min(...times.values()) > 15 && Math.max(...times.values()) < 75);
});

Deno.test("TrackerTable gives seeds no seeds", () => {
  const table = newTable();
  table.setOwn(hash(0), { peerId: id("own"), port: 1, isSeed: true, wantsMore: false });
  announce(table, "10.0.0.2", "seed", { left: 0 });
  announce(table, "10.0.0.3", "leech");
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.4", "x", { left: 0 })), ["10.0.0.3:6881"]);
  table.setOwn(hash(0), { peerId: id("own"), port: 1, isSeed: false, wantsMore: true });
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.4", "x", { left: 0 })), [
    "10.0.0.1:1",
    "10.0.0.3:6881",
  ]);
});

Deno.test("TrackerTable prefers the asker's family and gives some of the other", () => {
  const table = newTable();
  for (let at = 0; at < 100; at++) {
    announce(table, `10.0.0.${at}`, at);
    announce(table, `fd00::${at}`, `six ${at}`);
  }
  const { peers } = announce(table, "fd00::9:9", "x", { numwant: 40 });
  const six = peers.filter(({ endpoint }) => endpoint.address.includes(":"));
  assert.deepEqual([six.length, peers.length], [30, 40]);
  for (let at = 1; at < 100; at++) announce(table, `10.0.0.${at}`, at, { event: "stopped" });
  assert.equal(announce(table, "fd00::9:9", "x", { numwant: 40 }).peers.length, 40);
  assert.equal(announce(table, "10.9.9.9", "y", { numwant: 40 }).peers.length, 40);
});

Deno.test("TrackerTable lists its own process, with an address the asker can reach", () => {
  const table = newTable();
  table.setOwn(hash(0), { peerId: id("own"), port: 6882, isSeed: true, wantsMore: false });
  const { peers, complete } = announce(table, "10.0.0.2", "a");
  assert.deepEqual(peers, [{
    endpoint: { address: "10.0.0.1", port: 6882 },
    peerId: "-PDppppppppppppppown",
  }]);
  assert.equal(complete, 1);
  assert.deepEqual(endpointsOf(announce(table, "192.0.2.9", "b")), ["10.0.0.2:6881"]);
  assert.equal(announce(table, "127.0.0.1", "own").membershipChanged, false);
  assert.deepEqual(table.list(hash(0)).map(({ endpoint }) => endpoint.address), ["10.0.0.2", "192.0.2.9"]);
});

Deno.test("TrackerTable translates peers that announced over loopback for askers elsewhere", () => {
  const table = newTable();
  announce(table, "127.0.0.1", "a", { port: 7001 });
  announce(table, "::1", "b", { port: 7002 });
  assert.deepEqual(endpointsOf(announce(table, "10.0.0.2", "c")), ["10.0.0.1:7001", "10.0.0.1:7002"]);
  assert.deepEqual(endpointsOf(announce(table, "192.0.2.9", "d")), ["10.0.0.2:6881"]);
  assert.deepEqual(
    endpointsOf(announce(table, "127.0.0.1", "e", { port: 7003 })),
    ["10.0.0.2:6881", "127.0.0.1:7001", "192.0.2.9:6881", "[::1]:7002"],
  );
});

Deno.test("TrackerTable does not list link-local IPv6 addresses, which need a zone", () => {
  const table = newTable();
  announce(table, "10.0.0.2", "a");
  const result = announce(table, "fe80::1", "b");
  assert.equal(result.membershipChanged, false);
  assert.deepEqual(endpointsOf(result), ["10.0.0.2:6881"]);
});

Deno.test("TrackerTable expires peers that fell silent, and those only", () => {
  const table = newTable();
  announce(table, "10.0.0.2", "a", {}, 0);
  announce(table, "10.0.0.3", "b", {}, 1000);
  announce(table, "10.0.0.2", "a", {}, 2000);
  assert.deepEqual(table.expire(TIME_TO_LIVE_MS + 999), []);
  assert.deepEqual(table.expire(TIME_TO_LIVE_MS + 1000), [hash(0)]);
  assert.deepEqual(table.list(hash(0)).map(({ endpoint }) => endpoint.address), ["10.0.0.2"]);
  assert.deepEqual(table.expire(TIME_TO_LIVE_MS + 2000), [hash(0)]);
  assert.equal(table.peerCount, 0);
  assert(table.isServed(hash(0)));
});

Deno.test("TrackerTable keeps peers of other kinds that announce as seldom as they do", () => {
  const table = newTable();
  const stranger = (from: string, client: string, now: number) =>
    announce(table, from, "", { peerId: toUtf8(client.padEnd(20, "x")) }, now);
  announce(table, "10.0.0.2", "ours", {}, 0);
  stranger("10.0.0.3", "-LT20A0-", 0);
  stranger("10.0.0.4", "-lt0DA0-", 0);
  table.expire(TIME_TO_LIVE_MS);
  assert.equal(table.peerCount, 2);
  // libtorrent comes every 5 minutes, rTorrent every 10.
  for (let now = 300_000; now < 3 * 3_600_000; now += 300_000) {
    stranger("10.0.0.3", "-LT20A0-", now);
    if (now % 600_000 === 0) stranger("10.0.0.4", "-lt0DA0-", now);
    table.expire(now + 299_000);
    assert.deepEqual(endpointsOf(announce(table, "10.0.0.5", "x", { event: "paused" }, now)).length, 2);
    announce(table, "10.0.0.5", "x", { event: "stopped" }, now);
  }
  table.expire(3 * 3_600_000 + TRACKER.strangersSilenceMs);
  assert.equal(table.peerCount, 0, "those that are gone do not stay for ever");
});

Deno.test("TrackerTable counts what is claimed for whoever claims it", () => {
  const table = newTable(true);
  const claim = (number: number, infoHash: InfoHash) =>
    table.announce(
      announceOf("", { infoHash, peerId: id(number), port: 2_000 + number }),
      `10.1.${number >> 8}.${number & 255}`,
      0,
      "10.0.0.9",
    );
  for (let number = 0; number < 1_000; number++) claim(number, hash(1));
  assert.equal(table.peerCount, TRACKER.maxPeersPerAddress);
  assert.equal(claim(1_001, hash(2)).membershipChanged, true, "another torrent counts for itself");
  assert.equal(announce(table, "10.1.9.9", "honest", { infoHash: hash(1) }).membershipChanged, true);
});

Deno.test("TrackerTable lets nobody change what another listed, unless by its key or from its address", () => {
  const victim = { peerId: id("victim"), port: 6881, key: 77 };
  const from = (table: TrackerTable, source: string, changes: Partial<AnnounceRequest>) =>
    table.announce(announceOf("", { infoHash: hash(0), ...victim, ...changes }), "10.0.0.2", 0, source);
  for (const key of [undefined, 0, 78]) {
    const table = newTable();
    announce(table, "10.0.0.2", "victim", { key: victim.key });
    for (const changes of [{ event: "stopped" }, { left: 0 }, { event: "completed", left: 0 }] as const) {
      const { key: _, ...rest } = { ...victim, ...changes };
      const request = {
        ...announceOf("", { infoHash: hash(0), ...rest }),
        ...(key === undefined ? {} : { key }),
      };
      const result = table.announce(request, "10.0.0.2", 0, "10.0.0.9");
      assert.deepEqual([result.membershipChanged, result.complete, result.downloaded], [false, 0, 0]);
    }
    assert.equal(table.peerCount, 1);
  }
  const table = newTable();
  announce(table, "10.0.0.2", "victim", { key: victim.key });
  assert.equal(
    from(table, "10.0.0.9", { event: "stopped" }).membershipChanged,
    true,
    "the key tells it is itself",
  );
  from(table, "10.0.0.9", {});
  assert.equal(
    from(table, "10.0.0.2", { key: 1, event: "stopped" }).membershipChanged,
    true,
    "and so does its address",
  );
});

Deno.test("TrackerTable lists no claimed port of a system's services", () => {
  const table = newTable();
  const claim = (port: number) =>
    table.announce(announceOf("", { infoHash: hash(0), port }), "10.0.0.2", 0, "127.0.0.1").membershipChanged;
  assert.deepEqual([22, 25, 80, 1_023].map(claim), [false, false, false, false]);
  assert.deepEqual([1_024, 6_881].map(claim), [true, true]);
  assert.equal(announce(table, "10.0.0.3", "own", { port: 80 }).membershipChanged, true);
});

Deno.test("TrackerTable lets one address bring only so much news, however it changes", () => {
  const { burst, perSecond } = TRACKER.newsPerSender;
  const tricks: ((round: number) => Partial<AnnounceRequest>[])[] = [
    () => [{ left: 0 }, { left: 5 }],
    (round) => [{ port: 1 + round }, { port: 1 + round, event: "stopped" }],
    () => [{}, { event: "stopped" }],
  ];
  for (const changesOf of tricks) {
    const table = newTable();
    let news = 0;
    for (let round = 0; round < 20_000; round++) {
      for (const changes of changesOf(round)) {
        if (announce(table, "10.0.0.2", "x", changes, round).membershipChanged) news++;
      }
    }
    assert.ok(news <= 2 * (burst + 20 * perSecond), `${news}`);
    assert.equal(announce(table, "10.0.0.3", "honest", {}, 20_000).membershipChanged, true);
  }
});

Deno.test("TrackerTable takes few bytes for each of many peers", () => {
  const table = newTable(true);
  const before = heapBytes();
  const count = TRACKER.maxPeers / 5;
  for (let number = 0; number < count; number++) {
    const from = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    announce(table, from, number, { infoHash: hash(number % 20), numwant: 0 });
  }
  assert.equal(table.peerCount, count);
  const bytes = (heapBytes() - before) / count;
  assert.ok(bytes < 400, `${bytes} bytes each`);
});

Deno.test("TrackerTable serves what it is told to, until it is told not to", () => {
  const table = newTable();
  announce(table, "10.0.0.2", "a");
  assert(!table.isServed(hash(1)));
  assert.equal(table.scrape(hash(1)), undefined);
  table.unserve(hash(0));
  table.unserve(hash(1));
  assert(!table.isServed(hash(0)));
  assert.deepEqual([table.peerCount, table.swarmCount], [0, 0]);
});

Deno.test("TrackerTable serves any info-hash when open, and forgets it when nobody is left", () => {
  const table = newTable(true);
  assert(table.isServed(hash(7)));
  announce(table, "10.0.0.2", "a", { infoHash: hash(7) });
  announce(table, "10.0.0.3", "b", { infoHash: hash(8) });
  announce(table, "10.0.0.2", "a", { infoHash: hash(7), event: "stopped" });
  announce(table, "10.0.0.2", "a", { infoHash: hash(9), event: "stopped" });
  assert.equal(table.swarmCount, 1);
  table.expire(TIME_TO_LIVE_MS);
  assert.deepEqual([table.peerCount, table.swarmCount], [0, 0]);
});

Deno.test("TrackerTable forgets the least recently announced info-hash when open and full, never a served one", () => {
  const table = newTable(true);
  table.serve(hash(0));
  for (let number = 1; number < TRACKER.maxInfoHashes; number++) {
    announce(table, "10.0.0.2", "a", { infoHash: hash(number) });
  }
  announce(table, "10.0.0.2", "a", { infoHash: hash(1) });
  announce(table, "10.0.0.2", "a", { infoHash: hash(TRACKER.maxInfoHashes) });
  assert.equal(table.swarmCount, TRACKER.maxInfoHashes);
  assert.equal(table.peerCount, TRACKER.maxInfoHashes - 1);
  assert.equal(table.scrape(hash(2)), undefined);
  assert.notEqual(table.scrape(hash(0)), undefined);
  assert.notEqual(table.scrape(hash(1)), undefined);
});

Deno.test("TrackerTable keeps its books through thousands of random announces", () => {
  const table = newTable(true);
  const random = seededRandom(5);
  const pick = (count: number) => Math.floor(random() * count);
  for (let now = 0; now < 300_000; now += 60) {
    if (pick(10) === 0) table.expire(now);
    const event = (["started", "stopped", "completed", "paused", undefined] as const)[pick(5)];
    const family = pick(2) === 0 ? "10.0.0." : "fd00::";
    const infoHash = hash(pick(5));
    const changes = { infoHash, left: pick(2), ...(event === undefined ? {} : { event }) };
    const { peers, complete, incomplete } = announce(table, family + pick(40), pick(3), changes, now);
    const listed = table.list(infoHash) as TrackedPeer[];
    const seeds = listed.filter(({ isSeed }) => isSeed).length;
    assert.deepEqual([seeds, listed.length - seeds], [complete, incomplete]);
    const downloaders = listed.filter(({ wantsMore }) => wantsMore).length;
    assert.equal(table.scrape(infoHash)?.downloaders ?? 0, downloaders);
    assert.equal(new Set(peers.map(({ endpoint }) => formatEndpoint(endpoint))).size, peers.length);
  }
  const listed = [0, 1, 2, 3, 4].reduce((sum, number) => sum + table.list(hash(number)).length, 0);
  assert.equal(table.peerCount, listed);
});
