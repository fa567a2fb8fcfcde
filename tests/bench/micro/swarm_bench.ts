import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { BLOCK_LENGTH, PieceLayout } from "../../../lib/protocol/piece_layout.ts";
import { BlockRouting } from "../../../lib/swarm/download/block_routing.ts";
import { PiecePicker } from "../../../lib/swarm/download/piece_picker.ts";
import { KIB } from "../test_file.ts";

const PIECES = 100_000;
const PEERS = 30;

/** A picker in a swarm where every peer has some of the pieces. */
function pickerInSwarm(): PiecePicker {
  const picker = new PiecePicker(Bitfield.full(PIECES));
  for (let peer = 0; peer < PEERS; peer++) {
    for (let index = peer; index < PIECES; index += 1 + peer % 7) picker.peerHas(index);
  }
  return picker;
}

const picker = pickerInSwarm();
Deno.bench("PiecePicker hears one have and its loss, 100,000 pieces", () => {
  picker.peerHas(50_000);
  picker.peerLost(50_000);
});
Deno.bench("PiecePicker picks, removes and restores the rarest of 100,000 pieces", () => {
  const index = picker.pickRarest(() => true, 0.5);
  picker.remove(index);
  picker.restore(index);
});

const layout = new PieceLayout(256 * KIB, [1024 * 256 * KIB]);
const buffer = new Uint8Array(layout.pieceLength);
const block = new Uint8Array(BLOCK_LENGTH);
const debtors = new Map([[1, { outstanding: 0, released: 0 }]]);
const routing = new BlockRouting(layout, () => buffer, debtors);
Deno.bench("BlockRouting asks for and receives the 16 blocks of a piece", () => {
  const piece = routing.activate(7, 1, false);
  for (let begin = 0; begin < layout.pieceLength; begin += BLOCK_LENGTH) {
    routing.ask(piece, 1, 0);
    routing.receive(7, begin, block, 1, 0);
  }
  routing.take(piece);
});
