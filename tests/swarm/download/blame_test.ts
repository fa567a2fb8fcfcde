import assert from "node:assert/strict";
import { BLOCK_LENGTH } from "../../../lib/protocol/piece_layout.ts";
import { CHOKING } from "../../../lib/settings.ts";
import { Blame } from "../../../lib/swarm/download/blame.ts";

/** A piece drawn as one digit a block: equal digits, equal contents. */
function piece(picture: string): Uint8Array {
  return new Uint8Array(picture.length * BLOCK_LENGTH).map((_, at) =>
    Number(picture[Math.trunc(at / BLOCK_LENGTH)])
  );
}

/** Who delivered each block, one digit a block. */
function by(picture: string): Int32Array {
  return Int32Array.from(picture, Number);
}

Deno.test("Blame convicts a peer that delivered a corrupt piece alone", () => {
  const blame = new Blame();
  assert.equal(blame.pieceFailed(0, piece("111"), by("555")), 5);
  assert.equal(blame.isSuspect(0), false);
});

Deno.test("Blame suspects a mixed piece and finds who sent the block that differs", () => {
  const blame = new Blame();
  assert.equal(blame.pieceFailed(3, piece("192"), by("121")), undefined);
  assert.equal(blame.isSuspect(3), true);
  blame.pieceComplete(3, piece("112"));
  assert.deepEqual(blame.pieceVerified(3), [2]);
  assert.equal(blame.isSuspect(3), false);
  assert.deepEqual(blame.pieceVerified(3), []);
});

Deno.test("Blame accuses nobody who sent the right bytes, over several failed attempts", () => {
  const blame = new Blame();
  blame.pieceFailed(0, piece("192"), by("121"));
  blame.pieceFailed(0, piece("118"), by("343"));
  blame.pieceComplete(0, piece("112"));
  assert.deepEqual(blame.pieceVerified(0).sort(), [2, 3]);
});

Deno.test("Blame drops an accusation when the piece it was compared with is wrong too", () => {
  const blame = new Blame();
  blame.pieceFailed(0, piece("12"), by("12"));
  blame.pieceComplete(0, piece("99"));
  assert.equal(blame.pieceFailed(0, piece("99"), by("33")), 3);
  assert.deepEqual(blame.pieceVerified(0), []);
});

Deno.test("Blame remembers only so many suspect pieces", () => {
  const blame = new Blame();
  for (let index = 0; index <= CHOKING.maxSuspectPieces; index++) {
    blame.pieceFailed(index, piece("12"), by("12"));
  }
  assert.equal(blame.isSuspect(CHOKING.maxSuspectPieces - 1), true);
  assert.equal(blame.isSuspect(CHOKING.maxSuspectPieces), false);
});
