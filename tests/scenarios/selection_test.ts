/** Whole swarms of which some hosts want some files only. */
import assert from "node:assert/strict";
import { StorageError } from "../../lib/errors.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(40 * PIECE, 7);
const files = [
  { path: ["a"], length: 10 * PIECE + 5 },
  { path: ["b"], length: 9 * PIECE },
  { path: ["c"], length: 21 * PIECE - 5 },
];
const metainfo = metainfoOf(data, PIECE, "album", files);

function pieces(host: Host): number[] {
  return [...host.swarm.download.stored];
}

Deno.test("Swarm fetches the pieces of wanted files alone, and says that it is complete but no seeder", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const host = lan.add({ data: null, files: { only: ["b"] } });
  lan.introduceAll();
  assert(lan.run(() => host.finishedAt !== undefined, 60_000));
  lan.run(() => false, 2_000);
  assert.deepEqual(pieces(host), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  assert.equal(seeder.payloadSent, 10 * PIECE);
  const { role, seeding, finished, missing } = host.swarm.snapshot(lan.now);
  assert.deepEqual({ role, seeding, finished, missing }, {
    role: "peer",
    seeding: false,
    finished: true,
    missing: 0,
  });
  assert.equal(host.events.filter(({ event }) => event === "complete").length, 1);
  assert.equal(host.events.filter(({ event }) => event === "status").length, 0);
  assert.equal(host.storage.buffersOut, 0);
});

Deno.test("Swarm finishes from hosts that have only what they wanted", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const partial = [
    lan.add({ data: null, files: { only: ["a"] } }),
    lan.add({ data: null, files: { skip: ["a"] } }),
  ];
  lan.introduceAll();
  assert(lan.run(() => partial.every((host) => host.finishedAt !== undefined), 120_000));
  seeder.swarm.stop();
  const late = lan.add({ data: null });
  lan.introduceAll();
  assert(lan.run(() => late.hasEverything, 120_000));
  assert.deepEqual(late.storage.data, data);
  assert.ok(late.swarm.seeding);
});

/** Pieces in the order in which a host stored them. */
function orderOf(files: Parameters<VirtualLan["add"]>[0]["files"]): number[] {
  const lan = new VirtualLan(metainfo);
  lan.add({ data, rate: 1e6 });
  const host = lan.add({ data: null, files });
  const order: number[] = [];
  const { pieceStored } = host.swarm;
  host.swarm.pieceStored = (index) => {
    order.push(index);
    pieceStored.call(host.swarm, index);
  };
  lan.introduceAll();
  assert(lan.run(() => host.hasEverything, 60_000));
  return order;
}

Deno.test("Swarm fetches in sequence, or some files first, when that is wanted", () => {
  assert.deepEqual(orderOf({ isSequential: true }), [...Array(40).keys()]);
  const first = orderOf({ first: ["b"] });
  assert.deepEqual(first.slice(0, 10).sort((a, b) => a - b), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  assert.equal(first.length, 40);
});

Deno.test("Swarm lets go of a peer that wants as little as itself, and is told when one has come to that (BEP 21)", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const [a, b] = [
    lan.add({ data: null, files: { only: ["a"] } }),
    lan.add({ data: null, files: { only: ["b"] } }),
  ];
  // The embedded tracker's list is not what keeps them together.
  for (const { swarm } of lan.hosts) swarm.extensions.isListener = () => false;
  lan.introduceAll();
  assert(lan.run(() => [a, b].every((host) => host.finishedAt !== undefined), 60_000));
  lan.run(() => false, 1_000);
  for (const { swarm } of [seeder, a, b]) assert.equal(swarm.connectionCount, 0);
  const reasons = [seeder, a, b].flatMap(({ events }) =>
    events.flatMap((event) => event.event === "disconnected" ? [event.reason] : [])
  );
  assert(reasons.includes("neither wants anything"));
});

Deno.test("Swarm finishes from others when a piece is lost where it was asked for (BEP 54)", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const other = lan.add({ data, rate: 2e5 });
  const host = lan.add({ data: null });
  lan.introduceAll();
  lan.run(() => host.swarm.download.stored.count > 3, 10_000);
  const index = [...Array(40).keys()].find((index) => !host.swarm.download.stored.has(index))!;
  seeder.swarm.pieceUnreadable(index, new StorageError("Input/output error"));
  assert.deepEqual([seeder.swarm.seeding, seeder.swarm.role], [false, "peer"]);
  assert.match(seeder.swarm.failure!, /Input/);
  assert(lan.run(() => host.hasEverything, 60_000));
  assert.deepEqual(host.storage.data, data);
  assert(other.payloadSent > 0);
});
