/**
 * Decides what a remote peer may send, and how often. A message uses up our patience when it costs us work, brings
 * nothing, and could come for ever. News of pieces, blocks, and requests that are served end by themselves.
 */
import { ProtocolError } from "../../errors.ts";
import { isFastMessage, MessageId } from "../../protocol/peer_messages.ts";
import { TRANSFER } from "../../settings.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** How much of `TRANSFER.patience` a message costs whatever it says. All other messages, unknown ones too, cost 1. */
const COSTS: ReadonlyMap<number, number> = new Map([
  // We take requests back from the sender, and other peers become sources.
  [MessageId.choke, 10],
  [MessageId.unchoke, 10],
  // The cost of these depends on what they say, and is counted there.
  [MessageId.have, 0],
  [MessageId.bitfield, 0],
  [MessageId.haveAll, 0],
  [MessageId.haveNone, 0],
  [MessageId.request, 0],
  [MessageId.piece, 0],
  // These do next to nothing, and a peer may send one for each piece or request.
  [MessageId.suggest, 0],
  [MessageId.allowedFast, 0],
  [MessageId.reject, 0],
]);

/** Counts a message with this id at `now` (ms). Errors: `ProtocolError` when it is not allowed, or too many came. */
export function admitMessage(peer: RemotePeer, id: number, now: number): void {
  peer.heardAt = now;
  if (isFastMessage(id) && !peer.facts.supportsFast) {
    throw new ProtocolError(`Expected no message ${id} without the Fast extension`);
  }
  losePatience(peer, now, COSTS.get(id) ?? 1);
}

/**
 * Counts a bitfield, or a message that stands for one, at `now` (ms). `news`: pieces in it that we did not know of.
 * With many of them it costs nothing; else the cost follows its length, as we look at each piece in it.
 *
 * Errors: `ProtocolError` when it was one too many.
 */
export function admitBitfield(peer: RemotePeer, news: number, now: number): void {
  if (news >= TRANSFER.bitfield.manyPieces) return;
  losePatience(peer, now, Math.ceil(peer.have.length / TRANSFER.bitfield.piecesPerMessage));
}

/** Counts a message that brought nothing, at `now` (ms). Errors: `ProtocolError` when it was one too many. */
export function losePatience(peer: RemotePeer, now: number, cost = 1): void {
  if (!peer.patience.take(now, cost)) {
    throw new ProtocolError("Expected messages that bring something, got a flood of others");
  }
}
