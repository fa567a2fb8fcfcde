import type { Endpoint } from "../protocol/endpoint.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { Surroundings } from "../surroundings.ts";
import { Extensions, type ExtensionsInUse } from "./extensions/extensions.ts";
import { PeerNews } from "./extensions/peer_news.ts";
import type { HeardEndpoint, HeardPeer } from "./peers/known_peers.ts";
import type { PeerFacts, RemotePeer } from "./peers/remote_peer.ts";
import { Roster } from "./peers/roster.ts";
import type { Policy } from "./policy.ts";
import { isSameHost, MADE_TWICE } from "./peers/twins.ts";
import {
  CLOSED_BY_PEER,
  type PeerSender,
  type PeerSource,
  type SwarmEvent,
  type SwarmNews,
} from "./ports.ts";

/** What the peers of one info-hash are built from. */
interface SwarmPeersOptions {
  readonly infoHash: InfoHash;
  /** Zero while the pieces are not known. */
  readonly pieceCount: number;
  readonly policy: Policy;
  readonly surroundings: Surroundings;
  /** When the swarm began, in ms. */
  readonly startedAt: number;
  /** Whether our handshake says that we want nothing more (BEP 21); undefined leaves it unsaid. */
  isUploadOnly(): boolean | undefined;
  report(event: SwarmEvent): void;
}

/**
 * The peers of one info-hash and all that passes between us and them beside pieces: what a `Swarm` and a
 * `MetadataSwarm` have in common. Both tell it the time by `now`, in ms.
 */
export class SwarmPeers {
  readonly roster: Roster;
  readonly extensions: Extensions;
  /** The latest moment that its swarm heard of. */
  now: number;
  readonly #news: PeerNews;
  readonly #options: SwarmPeersOptions;

  constructor(options: SwarmPeersOptions, extensions: ExtensionsInUse) {
    this.#options = options;
    this.now = options.startedAt;
    const { surroundings, policy } = options;
    this.roster = new Roster(options.pieceCount, surroundings);
    this.#news = new PeerNews((source) =>
      this.report({ event: "peers", source, peers: this.roster.known.names })
    );
    this.extensions = new Extensions({
      surroundings,
      policy,
      roster: this.roster,
      isUploadOnly: () => options.isUploadOnly(),
      knownPeersChanged: (source) => this.#news.changed(source, this.now),
    }, extensions);
  }

  /** Adds endpoints that we heard of. */
  hear(endpoints: readonly HeardEndpoint[], source: PeerSource): void {
    if (this.roster.hear(endpoints, source, this.now) > 0) this.#news.changed(source, this.now);
  }

  /** Adds endpoints that another swarm heard of, with their origin. */
  adopt(heard: Iterable<HeardPeer>): void {
    let added = 0;
    for (const { endpoint, source, teller } of heard) {
      added += this.roster.hear([endpoint], source, this.now, teller);
    }
    if (added > 0) this.#news.changed("user", this.now);
  }

  dialFailed(endpoint: Endpoint): void {
    this.roster.dialFailed(endpoint, this.now);
  }

  /** A connection is up and was not refused. `greet` sends what must come before all other messages. */
  connected(
    facts: PeerFacts,
    sender: PeerSender,
    now: number,
    greet: (peer: RemotePeer) => void,
  ): RemotePeer {
    this.now = now;
    const peer = this.roster.add(facts, sender, now);
    greet(peer);
    for (const each of [peer, ...this.roster.twinsOf(peer)]) this.extensions.introduce(each);
    this.report({ event: "connected", peer: peer.name, client: peer.client });
    return peer;
  }

  /** The connection is gone: the only place where a remote peer ends. `forget` tells the other parts of the swarm. */
  closed(peer: RemotePeer, reason: string, now: number, forget: () => void = () => {}): void {
    this.now = now;
    if (!this.roster.remove(peer, now)) return;
    this.extensions.peerLeft(peer, now);
    forget();
    // Where two connections lead to one peer, either side may be the one that ends the spare one.
    const isSpare = reason === CLOSED_BY_PEER &&
      this.roster.twinsOf(peer).some((twin) => isSameHost(peer, twin));
    const { name, client } = peer;
    this.report({ event: "disconnected", peer: name, client, reason: isSpare ? MADE_TWICE : reason });
  }

  /** Does what waits for time to pass, but for the extensions. Called every `TICK_MS`. */
  tick(now: number): void {
    this.now = now;
    this.#news.tick(now);
    this.roster.tick(now);
  }

  /** Reports an event of this info-hash. */
  report(news: SwarmNews): void {
    this.#options.report({ infoHash: this.#options.infoHash, ...news });
  }
}
