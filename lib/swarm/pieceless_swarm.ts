import type { Endpoint } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { encodePlain, MessageId, type MessageReader } from "../protocol/peer_messages.ts";
import type { ConnectionOwner } from "./connection_owner.ts";
import type { Extensions, ExtensionsInUse } from "./extensions/extensions.ts";
import type { DialTarget, HeardEndpoint, HeardPeer } from "./peers/known_peers.ts";
import { admitMessage } from "./peers/manners.ts";
import type { PeerFacts, RemotePeer } from "./peers/remote_peer.ts";
import type { PeerSender, PeerSource, RateLimits, SwarmEvent } from "./ports.ts";
import type { SwarmOptions } from "./swarm_options.ts";
import { SwarmPeers } from "./swarm_peers.ts";

/** What every swarm without pieces is built from. */
export interface PiecelessOptions
  extends Pick<SwarmOptions, "policy" | "limits" | "surroundings" | "startedAt"> {
  readonly infoHash: InfoHash;
  report(event: SwarmEvent): void;
}

/**
 * The owner of the connections of an info-hash whose pieces are not known, or that has none: on them, only messages of
 * the extension protocol (BEP 10) count. All about peers is as in a `Swarm`.
 */
export abstract class PiecelessSwarm implements ConnectionOwner {
  /** Nothing can be stored or asked for. */
  readonly storage = {
    hasRoom: () => true,
    whenRoom: () => Promise.resolve(),
    readInto: () => {},
  };
  readonly infoHash: InfoHash;
  readonly limits: RateLimits;
  readonly seeding = false;
  readonly isFinished = false;
  protected readonly peers: SwarmPeers;
  /** Whether no more connections are wanted. */
  #isOver = false;

  protected constructor(options: PiecelessOptions, extensions: ExtensionsInUse) {
    const { infoHash, policy, surroundings, startedAt } = options;
    this.infoHash = infoHash;
    this.limits = options.limits;
    this.peers = new SwarmPeers({
      infoHash,
      pieceCount: 0,
      policy,
      surroundings,
      startedAt,
      isUploadOnly: () => undefined,
      report: (event) => options.report(event),
    }, extensions);
  }

  get extensions(): Extensions {
    return this.peers.extensions;
  }

  /** As of `Swarm`. */
  get standIns() {
    return this.extensions.standIns;
  }

  /** Amounts for trackers. The bytes left are unknown. */
  get totals(): { uploaded: number; downloaded: number; left: undefined } {
    return { uploaded: 0, downloaded: 0, left: undefined };
  }

  get connectionCount(): number {
    return this.peers.roster.connected.size;
  }

  /** All endpoints heard of, as `host:port`. */
  get knownPeers(): string[] {
    return this.peers.roster.known.names;
  }

  /** The same endpoints with their origin, for a swarm that takes over. */
  get heardPeers(): HeardPeer[] {
    return this.peers.roster.known.heard;
  }

  /** Adds endpoints that we heard of. */
  addPeers(endpoints: readonly HeardEndpoint[], source: PeerSource): void {
    this.peers.hear(endpoints, source);
  }

  /** Closes all connections, and makes no more. */
  stop(reason = "we are stopping"): void {
    this.#isOver = true;
    this.peers.roster.closeAll(reason);
  }

  takeDials(limit: number): DialTarget[] {
    return this.#isOver ? [] : this.peers.roster.takeDials(limit, false, this.peers.now);
  }

  dialFailed(endpoint: Endpoint): void {
    this.peers.dialFailed(endpoint);
  }

  refusal(facts: PeerFacts): string | undefined {
    return this.#isOver ? "we are stopping" : this.peers.roster.refusal(facts, this.peers.now);
  }

  abstract isInUse(peer: RemotePeer, now: number): boolean;

  peerConnected(facts: PeerFacts, sender: PeerSender, now: number): RemotePeer {
    return this.peers.connected(facts, sender, now, () => {
      if (facts.supportsFast) sender.send(encodePlain(MessageId.haveNone));
    });
  }

  /** There are no pieces. */
  pieceUnreadable(): void {}

  /** Messages about pieces are ignored. */
  messageReceived(peer: RemotePeer, reader: MessageReader, now: number): void {
    admitMessage(peer, reader.id, now);
    if (reader.id !== MessageId.extended || this.#isOver) return;
    this.extensions.received(peer, reader.extendedId, reader.payload, now);
  }

  batchReceived(_peer: RemotePeer, now: number): void {
    this.peers.now = now;
  }

  blockSent(): void {}

  peerClosed(peer: RemotePeer, reason: string, now: number): void {
    this.peers.closed(peer, reason, now);
  }

  /** Does everything that waits for time to pass. Called every `TICK_MS`. */
  tick(now: number): void {
    this.peers.tick(now);
    if (!this.#isOver) this.extensions.tick(now);
  }
}
