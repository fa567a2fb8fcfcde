/** Who is connected and who is known: one connection each, within the limits, and whom to dial next. */
import { compareBytes } from "../../protocol/bytes.ts";
import { type Endpoint, familyOf, type IpFamily } from "../../protocol/endpoint.ts";
import { peerPriority } from "../../protocol/peer_priority.ts";
import { CHOKING, CONNECTIONS } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import { admit } from "./admission.ts";
import { type DialTarget, KnownPeers } from "./known_peers.ts";
import type { PeerSender, PeerSource } from "../ports.ts";
import { RecentMap } from "../recent_map.ts";
import { type PeerFacts, RemotePeer } from "./remote_peer.ts";

/** By what a peer is known again. */
type Identity = Pick<PeerFacts, "url" | "endpoint" | "peerId">;

/** The peers of one torrent. Times in ms. */
export class Roster {
  /** Connected remote peers by number. */
  readonly connected = new Map<number, RemotePeer>();
  readonly known: KnownPeers;
  readonly #surroundings: Surroundings;
  readonly #pieceCount: number;
  /** Our address on the last connection of each family. */
  readonly #ownAddresses = new Map<IpFamily, string>();
  readonly #bannedUrls = new Set<string>();
  /** Peers that gave us data and left, by number. */
  readonly #departed = new RecentMap<number, Identity>(CHOKING.maxDeparted);
  #lastNumber = 0;

  constructor(pieceCount: number, surroundings: Surroundings) {
    this.known = new KnownPeers((address) => surroundings.isBlocked(address));
    this.#surroundings = surroundings;
    this.#pieceCount = pieceCount;
  }

  /** Adds endpoints we heard of, but for our own; returns how many were new. `teller` as in `KnownPeers.add`. */
  hear(endpoints: readonly Endpoint[], source: PeerSource, now: number, teller?: string): number {
    const others = endpoints.filter((endpoint) => !this.#surroundings.isOurselves(endpoint));
    return this.known.add(others, source, now, teller);
  }

  /** Why a connection whose handshake is complete is refused; undefined when it is welcome. */
  refusal(facts: PeerFacts, now: number): string | undefined {
    if (facts.url !== undefined) return this.#bannedUrls.has(facts.url) ? "it is banned" : undefined;
    if (compareBytes(facts.peerId, this.#surroundings.peerId) === 0) {
      if (!facts.isIncoming) this.known.isOurselves(facts.endpoint);
      return "it is ourselves";
    }
    if (this.known.isBanned(facts.endpoint, facts.peerId)) return "it is banned";
    const { refusal, twin, displaced } = admit(
      facts,
      this.connected.values(),
      this.#surroundings.peerId,
      now,
    );
    displaced?.sender.close("there are too many connections, and it made room");
    if (refusal === undefined) twin?.sender.close("the connection was made twice");
    // We dialled somebody who had connected to us: now we know where it listens.
    else if (twin !== undefined && !facts.isIncoming) this.listensAt(twin, facts.endpoint, now);
    return refusal;
  }

  /** A connection is up. */
  add(facts: PeerFacts, sender: PeerSender, now: number): RemotePeer {
    const peer = new RemotePeer(++this.#lastNumber, this.#pieceCount, facts, sender, now);
    this.connected.set(peer.number, peer);
    if (facts.url === undefined) this.#ownAddresses.set(familyOf(facts.localAddress), facts.localAddress);
    if (peer.listens !== undefined) this.known.connected(peer.listens, now);
    return peer;
  }

  /** A connection is gone; false when it was gone before. */
  remove(peer: RemotePeer, now: number): boolean {
    if (!this.connected.delete(peer.number)) return false;
    if (peer.download.total > 0) this.#departed.set(peer.number, identityOf(peer));
    const { listens } = peer;
    if (listens === undefined || this.#isConnected(listens)) return true;
    if (peer.hasToldPieces || peer.extended !== undefined) {
      this.known.disconnected(listens, peer.isSeed || peer.isUploadOnly, now);
    } else {
      this.known.dialFailed(listens, now);
    }
    return true;
  }

  /** Closes all connections. */
  closeAll(reason: string): void {
    for (const peer of [...this.connected.values()]) peer.sender.close(reason);
  }

  /** A connected peer turned out to listen here. */
  listensAt(peer: RemotePeer, endpoint: Endpoint, now: number): void {
    peer.listens = endpoint;
    this.known.connected(endpoint, now);
  }

  /** Up to `limit` endpoints to dial now, those of the highest priority for both sides (BEP 40). */
  takeDials(limit: number, weSeed: boolean, now: number): DialTarget[] {
    const free = Math.min(limit, CONNECTIONS.dialled - this.connected.size);
    return this.known.takeDue(free, weSeed, now, (endpoint) => {
      const address = this.#ownAddresses.get(familyOf(endpoint.address));
      return address === undefined ? 0 : peerPriority({ address, port: 0 }, endpoint);
    });
  }

  /** A dial led to no connection; not even to a second one with a peer that connected to us meanwhile. */
  dialFailed(endpoint: Endpoint, now: number): void {
    if (!this.#isConnected(endpoint)) this.known.dialFailed(endpoint, now);
  }

  /** A peer sent wrong data: it is dropped, unless it is gone already, and does not come back. */
  ban(number: number): void {
    const peer = this.connected.get(number);
    const identity = peer === undefined ? this.#departed.get(number) : identityOf(peer);
    if (identity?.url !== undefined) this.#bannedUrls.add(identity.url);
    else if (identity !== undefined) this.known.ban(identity.endpoint, identity.peerId);
    peer?.sender.close("it sent wrong data");
  }

  #isConnected({ address, port }: Endpoint): boolean {
    for (const { listens } of this.connected.values()) {
      if (listens?.address === address && listens.port === port) return true;
    }
    return false;
  }
}

function identityOf({ facts: { url, endpoint, peerId }, listens }: RemotePeer): Identity {
  return { url, endpoint: listens ?? endpoint, peerId };
}
