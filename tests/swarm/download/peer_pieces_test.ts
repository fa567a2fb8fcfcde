import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { PeerPieces } from "../../../lib/swarm/download/peer_pieces.ts";
import { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { pickerOf, piecesIn } from "../../harness/data/pictures.ts";
import { factsOf, fakePeer, FakeSender } from "../../harness/sessions/remote_peers.ts";

/** One who has the pieces of `ours`, and two remote peers that have told nothing yet. */
function knowing(ours: string) {
  const picker = pickerOf(ours);
  const stored = piecesIn(ours);
  const { peer } = fakePeer(1, stored.length);
  const other = fakePeer(2, stored.length).peer;
  const near = new Array(stored.length).fill(0);
  const count = (index: number, change: number) => near[index] += change;
  const nearCopies = () => near.join("");
  const availability = () => [...ours].map((_, index) => picker.availabilityOf(index)).join("");
  const pieces = new PeerPieces(stored, Bitfield.full(stored.length), picker, {
    count,
    farHas() {},
    farLeft() {},
  });
  return { pieces, peer, other, availability, nearCopies };
}

Deno.test("PeerPieces counts what peers have, and how much of it we lack", () => {
  const { pieces, peer, other, availability } = knowing("#...");
  pieces.bitfieldReceived(peer, piecesIn("##.."));
  pieces.haveReceived(peer, 2);
  pieces.haveReceived(peer, 2);
  pieces.haveReceived(other, 1);
  assert.equal(peer.wantedPieces, 2);
  assert.equal(availability(), "1210");
  pieces.peerLeft(peer);
  assert.equal(availability(), "0100");
});

Deno.test("PeerPieces does not count who has everything from the start", () => {
  const { pieces, peer, other, availability } = knowing("#...");
  pieces.bitfieldReceived(peer, piecesIn("####"));
  assert.equal(peer.wantedPieces, 3);
  assert.equal(peer.isSeed, true);
  pieces.bitfieldReceived(other, piecesIn("...."));
  assert.equal(availability(), "0000");
  pieces.peerLeft(peer);
  pieces.peerLeft(other);
  assert.equal(availability(), "0000");
});

Deno.test("PeerPieces counts who became a seed piece by piece, and takes all of it back", () => {
  const { pieces, peer, availability } = knowing("#...");
  for (const index of [0, 1]) pieces.haveReceived(peer, index);
  pieces.bitfieldReceived(peer, piecesIn("####"));
  assert.equal(peer.isSeed, true);
  assert.equal(peer.wantedPieces, 3);
  assert.equal(availability(), "1111");
  pieces.peerLeft(peer);
  assert.equal(availability(), "0000");
});

Deno.test("PeerPieces takes a bitfield that comes late as news, never as less than before", () => {
  const { pieces, peer, availability } = knowing("....");
  assert.equal(pieces.haveReceived(peer, 0), true);
  assert.equal(pieces.haveReceived(peer, 0), false);
  pieces.bitfieldReceived(peer, piecesIn(".##."));
  assert.equal(peer.wantedPieces, 3);
  assert.equal(availability(), "1110");
});

Deno.test("PeerPieces is told all pieces again, and says how many are news", () => {
  const { pieces, peer, availability } = knowing("....");
  assert.equal(pieces.bitfieldReceived(peer, piecesIn("#...")), 1);
  assert.equal(pieces.bitfieldReceived(peer, piecesIn("#.##")), 2);
  assert.equal(pieces.bitfieldReceived(peer, piecesIn("####")), 1);
  assert.equal(pieces.bitfieldReceived(peer, piecesIn("####")), 0);
  assert.equal(peer.wantedPieces, 4);
  assert.equal(availability(), "1111");
});

Deno.test("PeerPieces refuses a piece that does not exist and a bitfield that does not fit", () => {
  const { pieces, peer, availability } = knowing("....");
  assert.throws(() => pieces.haveReceived(peer, 4), ProtocolError);
  assert.throws(() => pieces.haveReceived(peer, 0xffffffff), ProtocolError);
  assert.throws(() => pieces.bitfieldReceived(peer, undefined), ProtocolError);
  assert.equal(availability(), "0000");
});

Deno.test("PeerPieces lowers what a peer has when it lost a piece, also when it had everything", () => {
  const { pieces, peer, other, availability } = knowing("#...");
  pieces.bitfieldReceived(peer, piecesIn("####"));
  pieces.bitfieldReceived(other, piecesIn("##.."));
  pieces.lossReceived(peer, 1);
  pieces.lossReceived(peer, 1);
  pieces.lossReceived(other, 3);
  assert.deepEqual([peer.wantedPieces, other.wantedPieces, peer.isSeed], [2, 1, false]);
  assert.equal(availability(), "2111");
  assert.throws(() => pieces.lossReceived(peer, 4), ProtocolError);
  pieces.peerLeft(peer);
  assert.equal(availability(), "1100");
});

Deno.test("PeerPieces counts the copies of near peers apart", () => {
  const { pieces, peer, availability, nearCopies } = knowing("....");
  const far = new RemotePeer(3, 4, factsOf(3), new FakeSender(), 0, "user", true);
  pieces.bitfieldReceived(peer, piecesIn("##.."));
  pieces.bitfieldReceived(far, piecesIn(".##."));
  pieces.haveReceived(far, 3);
  assert.deepEqual([availability(), nearCopies()], ["1211", "1100"]);
  pieces.lossReceived(peer, 0);
  assert.equal(nearCopies(), "0100");
  pieces.peerLeft(peer);
  pieces.peerLeft(far);
  assert.deepEqual([availability(), nearCopies()], ["0000", "0000"]);
});
