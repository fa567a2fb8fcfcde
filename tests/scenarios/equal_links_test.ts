/** One seeder and sixteen receivers on equal links: how close the last one comes to the time of a single copy. */
import assert from "node:assert/strict";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { PIECE_HEADER_LENGTH } from "../../lib/protocol/peer_messages.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 16 * BLOCK_LENGTH;
/** 25 Mbit/s. */
const RATE = 3.125e6;
const data = randomBytes(256 * PIECE, 7);
const metainfo = metainfoOf(data, PIECE);
/** Time one link takes for all data, in ms. */
const ONE_COPY_MS = data.length * (1 + PIECE_HEADER_LENGTH / BLOCK_LENGTH) / RATE * 1_000;

Deno.test("Swarm of sixteen receivers on equal links is done in little more than one copy takes, all together", () => {
  const lan = new VirtualLan(metainfo);
  const start = lan.now;
  const seeder = lan.add({ data, rate: RATE });
  const receivers = Array.from({ length: 16 }, () => lan.add({ data: null, rate: RATE }));
  lan.introduceAll();
  assert(lan.run(() => receivers.every((host) => host.hasEverything), 4 * ONE_COPY_MS));
  for (const { storage } of receivers) assert.deepEqual(storage.data, data);
  const times = receivers.map(({ finishedAt }) => (finishedAt! - start) / ONE_COPY_MS).sort();
  const [median, last] = [times[8], times[15]];
  assert(last <= 1.16, `the last needed ${last} one-copy times`);
  assert(last / median <= 1.06, `the last needed ${last} one-copy times, the median ${median}`);
  const copies = seeder.payloadSent / data.length;
  assert(copies <= 1.12, `the seeder sent ${copies} copies`);
});
