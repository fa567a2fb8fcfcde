import assert from "node:assert/strict";
import { BLOCK_LENGTH, PieceLayout } from "../../../lib/protocol/piece_layout.ts";
import { GREED } from "../../../lib/settings.ts";
import { Appetite } from "../../../lib/swarm/upload/appetite.ts";
import { seededRandom } from "../../harness/data/random.ts";

const PIECES = 100;
const BLOCKS = 16;
const layout = new PieceLayout(BLOCKS * BLOCK_LENGTH, [PIECES * BLOCKS * BLOCK_LENGTH]);

Deno.test("Appetite finds a peer modest that asks for each block once, whatever the size of its requests", () => {
  for (const length of [BLOCK_LENGTH / 2, BLOCK_LENGTH, 2 * BLOCK_LENGTH, 8 * BLOCK_LENGTH]) {
    const appetite = new Appetite(layout);
    for (let index = 0; index < PIECES; index++) {
      for (let begin = 0; begin < layout.pieceLength; begin += length) {
        appetite.requested(index, begin, length, false);
        appetite.sent(length, index * 1_000);
      }
      appetite.digested();
      assert(!appetite.isGreedy(index * 1_000));
    }
  }
});

Deno.test("Appetite finds a peer greedy that asks again for what it was sent, or asks at random", () => {
  const random = seededRandom(1);
  const any = (count: number) => Math.floor(random() * count);
  for (const pick of [() => [any(2), any(BLOCKS)], () => [any(PIECES), any(BLOCKS)]]) {
    const appetite = new Appetite(layout);
    let blocks = 0;
    for (; !appetite.isGreedy(0) && blocks < 10_000; blocks++) {
      const [index, block] = pick();
      appetite.requested(index, block * BLOCK_LENGTH, BLOCK_LENGTH, false);
      appetite.sent(BLOCK_LENGTH, 0);
    }
    assert(blocks < PIECES * BLOCKS / 2, `${blocks} blocks`);
  }
});

Deno.test("Appetite finds a peer greedy that asks for what it says it has", () => {
  const appetite = new Appetite(layout);
  appetite.sent(1, 0);
  for (let block = 0; block <= GREED.repeatedBlocks; block++) {
    appetite.requested(block, 0, BLOCK_LENGTH, true);
    appetite.digested();
  }
  assert(appetite.isGreedy(0));
});

Deno.test("Appetite finds a peer greedy that takes much and never has a piece", () => {
  const appetite = new Appetite(layout);
  const enough = GREED.undigestedBytes + GREED.undigestedPieces * layout.pieceLength;
  appetite.sent(enough, 100);
  assert(!appetite.isGreedy(10_000));
  appetite.sent(1, 200);
  assert(!appetite.isGreedy(99 + GREED.digestMs));
  assert(appetite.isGreedy(100 + GREED.digestMs));
  appetite.digested();
  assert(!appetite.isGreedy(100 + GREED.digestMs));
});

Deno.test("Appetite holds nothing against a peer that asks again for what it did not get", () => {
  const appetite = new Appetite(layout);
  appetite.sent(1, 0);
  for (let round = 0; round < 100; round++) {
    appetite.requested(0, 0, BLOCK_LENGTH, false);
    appetite.takenBack(0, 0, BLOCK_LENGTH);
  }
  assert(!appetite.isGreedy(0));
});
