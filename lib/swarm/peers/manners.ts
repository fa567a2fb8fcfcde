/**
 * What a remote peer may send at all, and how often. Messages that cost us work, bring nothing and could come for ever
 * use up our patience. What has an end by itself does not: news of pieces, blocks, requests that are served.
 */
import { ProtocolError } from "../../errors.ts";
import { isFastMessage, MessageId } from "../../protocol/peer_messages.ts";
import { TRANSFER } from "../../settings.ts";
import type { RemotePeer } from "./remote_peer.ts";

/** What a message costs of `TRANSFER.patience` whatever it says; all that are not named, unknown ones too, cost 1. */
const COSTS: ReadonlyMap<number, number> = new Map([
  // Its sender takes its requests back, and others get its place.
  [MessageId.choke, 10],
  [MessageId.unchoke, 10],
  // These cost by what they say, or come once.
  [MessageId.have, 0],
  [MessageId.bitfield, 0],
  [MessageId.haveAll, 0],
  [MessageId.haveNone, 0],
  [MessageId.request, 0],
  [MessageId.piece, 0],
  // These do next to nothing, and as many come as there are pieces.
  [MessageId.suggest, 0],
  [MessageId.allowedFast, 0],
  [MessageId.reject, 0],
]);

/** Notes that a message of this id came, at `now` (ms). Errors: `ProtocolError` when it may not come, or too many came. */
export function admitMessage(peer: RemotePeer, id: number, now: number): void {
  peer.heardAt = now;
  if (isFastMessage(id) && !peer.facts.supportsFast) {
    throw new ProtocolError(`Expected no message ${id} without the Fast extension`);
  }
  losePatience(peer, now, COSTS.get(id) ?? 1);
}

/**
 * Counts a bitfield, or what stands for one, that told `news` pieces, at `now` (ms). With many it costs nothing; with
 * few by its length, as each piece in it is looked at. Errors: `ProtocolError` when that was one too many.
 */
export function admitBitfield(peer: RemotePeer, news: number, now: number): void {
  if (news >= TRANSFER.bitfield.manyPieces) return;
  losePatience(peer, now, Math.ceil(peer.have.length / TRANSFER.bitfield.piecesPerMessage));
}

/** Counts something that brought nothing, at `now` (ms). Errors: `ProtocolError` when that was one too many. */
export function losePatience(peer: RemotePeer, now: number, cost = 1): void {
  if (!peer.patience.take(now, cost)) {
    throw new ProtocolError("Expected messages that bring something, got a flood of others");
  }
}
