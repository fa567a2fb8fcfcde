import type { StorageError } from "../errors.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { MessageReader } from "../protocol/peer_messages.ts";
import type { DialTarget } from "./peers/known_peers.ts";
import type { PeerSender, PieceStorage, RateLimits } from "./ports.ts";
import type { PeerFacts, RemotePeer } from "./peers/remote_peer.ts";

/**
 * The owner of all connections of one info-hash: a `Swarm`, or a `MetadataSwarm` while only the info-hash is known.
 * `now` in ms.
 */
export interface ConnectionOwner {
  readonly infoHash: InfoHash;
  /** Blocks to send are read from it, and it says when more may be received. */
  readonly storage: Pick<PieceStorage, "readInto" | "hasRoom" | "whenRoom">;
  /** How fast the connections may send and receive. */
  readonly limits: RateLimits;

  /** Up to `limit` endpoints to dial now; each must end in a connection or in `dialFailed`. */
  takeDials(limit: number): DialTarget[];
  /** A dial led to no connection. */
  dialFailed(endpoint: Endpoint): void;

  /** Why a connection whose handshake is complete is refused; undefined when it is welcome. */
  refusal(facts: PeerFacts): string | undefined;
  /** Whether a peer uses its connection now, or did lately; one that does not makes room when the process is full. */
  isInUse(peer: RemotePeer, now: number): boolean;
  /** A connection is up and was not refused. The result is passed back with every event. */
  peerConnected(facts: PeerFacts, sender: PeerSender, now: number): RemotePeer;
  /** Takes one message, which is borrowed. Errors: `ProtocolError` when the connection must be closed. */
  messageReceived(peer: RemotePeer, reader: MessageReader, now: number): void;
  /** All messages of one read from the socket were taken. */
  batchReceived(peer: RemotePeer, now: number): void;
  /** Payload of `bytes` left for the peer. */
  blockSent(peer: RemotePeer, bytes: number, now: number): void;
  /** A piece that we have could not be read to be sent. */
  pieceUnreadable(index: number, error: StorageError): void;
  /** The connection is gone. */
  peerClosed(peer: RemotePeer, reason: string, now: number): void;
}
