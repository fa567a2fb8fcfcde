/**
 * The owner of a torrent of which only the info-hash is known, from a magnet link: it connects to peers and fetches
 * the info dictionary. Then a `Swarm` replaces it, and the connections are made anew, because the messages about
 * pieces that came on them so far could not be understood.
 */
import type { Endpoint } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import { encodePlain, MessageId, type MessageReader } from "../protocol/peer_messages.ts";
import type { ConnectionOwner } from "./connection_owner.ts";
import { emptySnapshot } from "./empty_snapshot.ts";
import type { Extensions } from "./extensions/extensions.ts";
import type { DialTarget, HeardPeer } from "./peers/known_peers.ts";
import { admitMessage } from "./peers/manners.ts";
import { MetadataFetching } from "./extensions/metadata_extension.ts";
import type { PeerSender, PeerSource, RateLimits, SwarmEvent, SwarmSnapshot } from "./ports.ts";
import type { PeerFacts, RemotePeer } from "./peers/remote_peer.ts";
import type { Roster } from "./peers/roster.ts";
import type { SwarmOptions } from "./swarm_options.ts";
import { SwarmPeers } from "./swarm_peers.ts";

/** What a `MetadataSwarm` is built from. */
interface MetadataSwarmOptions
  extends Pick<SwarmOptions, "policy" | "limits" | "surroundings" | "startedAt"> {
  readonly infoHash: InfoHash;
  /** The torrent's name for the user, until the metadata gives another one. */
  readonly name: string;
  report(event: SwarmEvent): void;
  /** The info dictionary is there, with the right hash; called once. */
  completed(rawInfo: Uint8Array<ArrayBuffer>): void;
}

/** Fetches the info dictionary of one info-hash. */
export class MetadataSwarm implements ConnectionOwner {
  /** Nothing can be stored or asked for yet. */
  readonly storage = {
    hasRoom: () => true,
    whenRoom: () => Promise.resolve(),
    readInto: () => {},
  };
  readonly limits: RateLimits;
  readonly state = "fetching metadata";
  readonly seeding = false;
  readonly isFinished = false;
  readonly #options: MetadataSwarmOptions;
  readonly #peers: SwarmPeers;
  readonly #roster: Roster;
  /** Whether no more connections are wanted. */
  #isOver = false;

  constructor(options: MetadataSwarmOptions) {
    this.#options = options;
    this.limits = options.limits;
    const { infoHash, policy, surroundings, startedAt } = options;
    this.#peers = new SwarmPeers({
      infoHash,
      pieceCount: 0,
      policy,
      surroundings,
      startedAt,
      isUploadOnly: () => undefined,
      report: (event) => options.report(event),
    }, {
      peerExchange: true,
      metadata: new MetadataFetching(infoHash, {
        metadataComplete: (rawInfo) => options.completed(rawInfo),
        metadataWrong: (senders) => this.#metadataWrong(senders),
      }),
      dontHave: undefined,
    });
    this.#roster = this.#peers.roster;
  }

  get extensions(): Extensions {
    return this.#peers.extensions;
  }

  get infoHash(): InfoHash {
    return this.#options.infoHash;
  }

  /** Amounts for trackers. The bytes left are unknown. */
  get totals(): { uploaded: number; downloaded: number; left: undefined } {
    return { uploaded: 0, downloaded: 0, left: undefined };
  }

  get connectionCount(): number {
    return this.#roster.connected.size;
  }

  /** All endpoints heard of, as `host:port`. */
  get knownPeers(): string[] {
    return this.#roster.known.names;
  }

  /** The same endpoints with their origin, for the swarm that takes over. */
  get heardPeers(): HeardPeer[] {
    return this.#roster.known.heard;
  }

  /** Adds endpoints that we heard of. */
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void {
    this.#peers.hear(endpoints, source);
  }

  /** Closes all connections, and makes no more. */
  stop(reason = "we are stopping"): void {
    this.#isOver = true;
    this.#roster.closeAll(reason);
  }

  takeDials(limit: number): DialTarget[] {
    return this.#isOver ? [] : this.#roster.takeDials(limit, false, this.#peers.now);
  }

  dialFailed(endpoint: Endpoint): void {
    this.#peers.dialFailed(endpoint);
  }

  refusal(facts: PeerFacts): string | undefined {
    return this.#isOver ? "we are stopping" : this.#roster.refusal(facts, this.#peers.now);
  }

  /** Any of its few peers may be about to send the metadata. */
  isInUse(): boolean {
    return true;
  }

  peerConnected(facts: PeerFacts, sender: PeerSender, now: number): RemotePeer {
    return this.#peers.connected(facts, sender, now, () => {
      if (facts.supportsFast) sender.send(encodePlain(MessageId.haveNone));
    });
  }

  /** There are no pieces yet. */
  pieceUnreadable(): void {}

  /** Messages about pieces are ignored, as the pieces are not known yet. */
  messageReceived(peer: RemotePeer, reader: MessageReader, now: number): void {
    admitMessage(peer, reader.id, now);
    if (reader.id !== MessageId.extended || this.#isOver) return;
    this.extensions.received(peer, reader.extendedId, reader.payload, now);
  }

  batchReceived(_peer: RemotePeer, now: number): void {
    this.#peers.now = now;
  }

  blockSent(): void {}

  peerClosed(peer: RemotePeer, reason: string, now: number): void {
    this.#peers.closed(peer, reason, now);
  }

  /** Does everything that waits for time to pass. Called every `TICK_MS`. */
  tick(now: number): void {
    this.#peers.tick(now);
    if (!this.#isOver) this.extensions.tick(now);
  }

  /** Everything about it at `now`, as plain data. */
  snapshot(now: number): SwarmSnapshot {
    const peers = Array.from(this.#roster.connected.values(), (peer) => peer.snapshot(now));
    const { infoHash, name } = this.#options;
    const known = this.#roster.known.size;
    return {
      ...emptySnapshot(infoHash, name),
      lacksMetadata: true,
      state: "fetching metadata",
      connections: peers.length,
      known,
      peers,
    };
  }

  #metadataWrong(senders: readonly RemotePeer[]): void {
    const names = senders.map(({ name }) => name).join(", ");
    this.#peers.report({ event: "warning", code: "metadata", message: `wrong metadata came from ${names}` });
    if (senders.length === 1) this.#roster.ban(senders[0].number);
  }
}
