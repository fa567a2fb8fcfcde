/** Rounds and pieces of whole swarms, as their events tell them. */
import assert from "node:assert/strict";
import type { SwarmEvent } from "../../lib/swarm/ports.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import type { Host } from "../harness/virtual/host.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 64 * 1024;
const data = randomBytes(100 * PIECE, 3);
const metainfo = metainfoOf(data, PIECE);

type Round = Extract<SwarmEvent, { event: "rechoke" }>;

function roundsOf({ events }: Host): Round[] {
  return events.filter((event): event is Round => event.event === "rechoke");
}

Deno.test("Swarm tells in each round who has a slot and is a source, why, how fast it is, and how many wait", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6, uploadSlots: 2 });
  const leechers = [2e6, 4e5, 4e5, 4e5].map((rate) => lan.add({ data: null, rate, uploadSlots: 1 }));
  for (const { policy } of lan.hosts) policy.change({ rechokeMs: 1_000, downloadSources: 2 });
  lan.introduceAll();
  const startedAt = lan.now;
  assert(lan.run(() => leechers.every((host) => host.hasEverything), 300_000));
  const names = lan.hosts.map(({ endpoint }) => `${endpoint.address}:6881`);

  const given = roundsOf(seeder);
  assert(Math.abs(given.length - (lan.now - startedAt) / 1_000) <= 2, "one a second");
  assert(given.some(({ waitingForSlot }) => waitingForSlot > 0), "six slots for four that want two each");
  for (const { slots, slotsBy, sources, waitingAsSource } of given) {
    assert.deepEqual([slotsBy, sources, waitingAsSource], ["what they take", [], 0]);
    assert(slots.length <= 2);
    assert.deepEqual(slots.map(({ rate }) => rate), slots.map(({ rate }) => rate).sort((a, b) => b - a));
    assert(slots.filter(({ reason }) => reason === "fastest").length <= 1, "one of two is optimistic");
    for (const { peer, reason, rate } of slots) {
      assert(names.includes(peer));
      assert(reason !== "fastest" || rate > 0);
    }
  }
  assert(given.some(({ slots }) => slots.some(({ reason }) => reason === "by chance")));

  const taken = leechers.flatMap(roundsOf);
  assert(
    taken.some(({ slotsBy, slots }) => slotsBy === "what they give" && slots.some(({ rate }) => rate > 0)),
  );
  assert(taken.some(({ sources, waitingAsSource }) => sources.length === 2 && waitingAsSource > 0));
  for (const { sources } of taken) assert(sources.length <= 2);
});
