/** A download beside sources that give right blocks, but so slowly that they are of no use. */
import assert from "node:assert/strict";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";

const PIECE = 16 * BLOCK_LENGTH;
const RATE = 2e6;
const data = randomBytes(48 * PIECE, 7);
const metainfo = metainfoOf(data, PIECE);

/** Virtual seconds of a download from a fast seeder beside others with these rates (bytes per second). */
function secondsBeside(rates: readonly number[], isFastLast: boolean, seed: number): number {
  const lan = new VirtualLan(metainfo, seed);
  const leecher = lan.add({ data: null });
  const joinFast = () => lan.connect(leecher, lan.add({ data, rate: RATE }));
  if (!isFastLast) joinFast();
  for (const rate of rates) lan.connect(leecher, lan.add({ data, rate }));
  if (isFastLast) {
    lan.run(() => false, 3_000);
    joinFast();
  }
  const start = lan.now;
  assert(lan.run(() => leecher.hasEverything, 120_000));
  assert.deepEqual(leecher.storage.data, data);
  return (lan.now - start) / 1_000;
}

const USUAL = secondsBeside([], false, 1);

for (
  const [what, rates] of [
    ["12 that give a block every 9 s", new Array<number>(12).fill(BLOCK_LENGTH / 9)],
    ["30 that give a block every 2.5 s", new Array<number>(30).fill(BLOCK_LENGTH / 2.5)],
    ["100 that give next to nothing", new Array<number>(100).fill(2_000)],
    ["30 that give a fiftieth", new Array<number>(30).fill(RATE / 50)],
    ["12 of very different rates", Array.from({ length: 12 }, (_, i) => 1_000 * 2 ** (i / 2))],
  ] as const
) {
  Deno.test(`Swarm is not held up by ${what}, be they there first or not`, () => {
    for (const isFastLast of [true, false]) {
      const seconds = secondsBeside(rates, isFastLast, 3);
      assert(seconds < 1.5 * USUAL, `${seconds} s instead of ${USUAL} s`);
    }
  });
}
