import assert from "node:assert/strict";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { PieceOrder } from "../../../lib/swarm/download/piece_order.ts";
import { piecesIn } from "../../harness/data/pictures.ts";

/** An order drawn as pieces that are stored, wanted and to come first. */
function orderOf(stored: string, wanted: string, first: string, isSequential = false): PieceOrder {
  const pieces = piecesIn(wanted);
  const selection = {
    files: new Bitfield(0),
    pieces,
    firstFiles: new Bitfield(0),
    firstPieces: piecesIn(first),
    isSequential,
  };
  return new PieceOrder(selection, piecesIn(stored));
}

/** All pieces in the order in which they would be fetched from somebody who has those of `theirs`. */
function fetched(order: PieceOrder, theirs = "######"): number[] {
  const has = piecesIn(theirs);
  const fetched: number[] = [];
  for (;;) {
    const index = order.pick((index) => has.has(index), false, 0.5);
    if (index < 0) return fetched;
    order.remove(index);
    fetched.push(index);
  }
}

Deno.test("PieceOrder never picks what is not wanted, not even when it is to be restored", () => {
  const order = orderOf("#.....", "##.##.", "......");
  assert.equal(order.missing, 3);
  order.restore(2);
  assert.equal(order.missing, 3);
  assert.deepEqual(fetched(order).sort(), [1, 3, 4]);
  order.restore(3);
  assert.deepEqual(fetched(order), [3]);
});

Deno.test("PieceOrder picks first pieces first and the rarest among them, then the rarest of the others", () => {
  const order = orderOf("......", "#####.", "..##.#");
  for (const index of [0, 1, 1, 3, 4, 4, 4]) order.peerHas(index);
  assert.equal(order.isFree, false);
  assert.deepEqual(fetched(order), [2, 3, 0, 1, 4]);
  order.restore(3);
  order.restore(0);
  order.peerLost(3);
  assert.equal(order.availabilityOf(3), 0);
  assert.deepEqual(fetched(order, "####.."), [3, 0]);
});

Deno.test("PieceOrder picks others while the peer has none of the first ones", () => {
  assert.deepEqual(fetched(orderOf("......", "######", "##...."), "..#..."), [2]);
});

Deno.test("PieceOrder goes from the beginning to the end when that is wanted, first pieces before", () => {
  const order = orderOf("..#...", "######", "....#.", true);
  order.peerHas(0);
  assert.deepEqual(fetched(order, "##.###"), [4, 0, 1, 3, 5]);
  order.restore(1);
  order.restore(5);
  assert.deepEqual(fetched(order), [1, 5]);
});
