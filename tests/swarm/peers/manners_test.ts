import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { admitBitfield } from "../../../lib/swarm/peers/manners.ts";
import { TRANSFER } from "../../../lib/settings.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";

/** How many bitfields with so many news a peer of a torrent may send at once, up to a limit. */
function admitted(pieces: number, news: number): number {
  const { peer } = fakePeer(1, pieces);
  for (let count = 0; count < 10_000; count++) {
    try {
      admitBitfield(peer, news, 0);
    } catch (error) {
      assert.ok(error instanceof ProtocolError);
      return count;
    }
  }
  return Infinity;
}

Deno.test("admitBitfield lets a peer tell many pieces at once as often as it likes", () => {
  assert.equal(admitted(40, TRANSFER.bitfield.manyPieces), Infinity);
});

Deno.test("admitBitfield loses patience with bitfields without news, soon where they are long", () => {
  assert.equal(admitted(40, 0), TRANSFER.patience.burst);
  assert.equal(admitted(1_000_000, 0), 4);
  assert.equal(admitted(1_000_000, TRANSFER.bitfield.manyPieces - 1), 4);
});
