import { BLOCK_LENGTH } from "../../protocol/piece_layout.ts";
import { TRANSFER } from "../../settings.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { type ActivePiece, type BlockRouting, NOBODY } from "./block_routing.ts";

/**
 * Asks a source for blocks that others were asked for already, once every missing block has been asked for. A block may
 * be asked of a second source, and a source that is far faster replaces one of the two.
 *
 * `asked` hears of each block that the table now holds for `peer`, as long as `hasRoom`. `now` in ms.
 */
export function askInEndgame(
  routing: BlockRouting,
  peers: ReadonlyMap<number, RemotePeer>,
  peer: RemotePeer,
  now: number,
  asked: (piece: ActivePiece, block: number) => void,
  hasRoom: () => boolean,
): void {
  for (const piece of routing.pieces) {
    if (!peer.offers(piece.index) || piece.isExclusive) continue;
    for (let block = 0; hasRoom();) {
      block = routing.askAgain(piece, peer.number, block, now);
      if (block < 0) break;
      asked(piece, block++);
    }
    for (let block = 0; hasRoom() && block < piece.blockCount; block++) {
      const slow = slowAskerOf(piece, block, peers, peer, now);
      if (slow === undefined || !routing.release(piece.index, block * BLOCK_LENGTH, slow.number)) continue;
      asked(piece, routing.askAgain(piece, peer.number, block, now));
    }
  }
}

/** A peer far slower than `peer` among the two others that a block is asked of; undefined when there is none. */
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
