import { BLOCK_LENGTH } from "../../protocol/piece_layout.ts";
import { TRANSFER } from "../../settings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { type ActivePiece, type BlockRouting, NOBODY } from "./block_routing.ts";

/**
 * Asks a source for blocks that others were asked for, as every missing block has been asked for: each may be asked of
 * a second source, and a source that is far faster takes the place of one of two.
 *
 * `ask` hears of each block that the table holds for `peer` now, while `hasRoom`. `now` in ms.
 */
export function askInEndgame(
  routing: BlockRouting,
  peers: ReadonlyMap<number, RemotePeer>,
  peer: RemotePeer,
  now: number,
  ask: (piece: ActivePiece, block: number) => void,
  hasRoom: () => boolean,
): void {
  for (const piece of routing.pieces) {
    if (!peer.offers(piece.index) || piece.isExclusive) continue;
    for (let block = 0; hasRoom();) {
      block = piece.askAgain(peer.number, block, now);
      if (block < 0) break;
      ask(piece, block++);
    }
    for (let block = 0; hasRoom() && block < piece.blockCount; block++) {
      const slow = slowAskerOf(piece, block, peers, peer, now);
      if (slow === undefined || !routing.release(piece.index, block * BLOCK_LENGTH, slow.number)) continue;
      slow.outstanding--;
      slow.released++;
      ask(piece, piece.askAgain(peer.number, block, now));
    }
  }
}

/** Of two others that a block is asked of, one that is far slower than `peer`; undefined when none is. */
function slowAskerOf(
  piece: ActivePiece,
  block: number,
  peers: ReadonlyMap<number, RemotePeer>,
  peer: RemotePeer,
  now: number,
): RemotePeer | undefined {
  const askers = [piece.askerOf(block), piece.secondAskerOf(block)];
  if (askers.includes(NOBODY) || askers.includes(peer.number)) return undefined;
  const rate = peer.download.bytesPerSecond(now);
  return askers.map((number) => peers.get(number)!)
    .find((asker) => asker.download.bytesPerSecond(now) * TRANSFER.farFaster < rate);
}
