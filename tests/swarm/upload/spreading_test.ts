import assert from "node:assert/strict";
import { Spreading } from "../../../lib/swarm/upload/spreading.ts";

const FIRST = 1, SECOND = 2;

/** Every piece that can still be suggested to somebody. */
function freshOf(spreading: Spreading, peer: number): number[] {
  const indices: number[] = [];
  for (let index = spreading.suggestFor(peer, 0); index >= 0; index = spreading.suggestFor(peer, 0)) {
    indices.push(index);
  }
  return indices.sort();
}

Deno.test("Spreading suggests every piece to one peer, once", () => {
  const spreading = new Spreading(4);
  const suggested = [0.99, 0.5, 0, 0].map((random, i) => spreading.suggestFor(i % 2 + 1, random));
  assert.deepEqual(suggested.toSorted(), [0, 1, 2, 3]);
  assert.equal(spreading.suggestFor(FIRST, 0), -1);
  assert.deepEqual([spreading.suggestedTo(FIRST), spreading.suggestedTo(SECOND)], [2, 2]);
});

Deno.test("Spreading does not suggest what was requested of its own accord, or what somebody has", () => {
  const spreading = new Spreading(3);
  spreading.requested(FIRST, 1);
  spreading.peerHas(2);
  assert.equal(spreading.suggestedTo(FIRST), 0);
  assert.deepEqual(freshOf(spreading, SECOND), [0]);
});

Deno.test("Spreading suggests anew what a choked peer did not request", () => {
  const spreading = new Spreading(2);
  assert.deepEqual(freshOf(spreading, FIRST), [0, 1]);
  spreading.requested(FIRST, 0);
  assert.equal(spreading.suggestedTo(FIRST), 1);
  spreading.choked(SECOND);
  assert.deepEqual(freshOf(spreading, SECOND), []);
  spreading.choked(FIRST);
  assert.deepEqual(freshOf(spreading, SECOND), [1]);
});

Deno.test("Spreading suggests anew what a peer that left was given and nobody has", () => {
  const spreading = new Spreading(4);
  assert.deepEqual(freshOf(spreading, FIRST), [0, 1, 2, 3]);
  spreading.requested(FIRST, 0);
  spreading.requested(FIRST, 1);
  spreading.peerHas(1);
  // What was only suggested to one is on its way to another that requested it.
  spreading.requested(SECOND, 2);
  spreading.peerLeft(FIRST);
  assert.deepEqual(freshOf(spreading, SECOND), [0, 3]);
});

Deno.test("Spreading is over once each piece was seen at a remote peer", () => {
  const spreading = new Spreading(2);
  spreading.requested(FIRST, 0);
  spreading.requested(SECOND, 0);
  assert(!spreading.isSpread);
  spreading.peerHas(0);
  assert(!spreading.isSpread);
  spreading.peerHas(1);
  assert(spreading.isSpread);
});
