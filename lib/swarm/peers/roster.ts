/**
 * The peers of one torrent that are connected or known. It admits and closes connections, and says whom to dial next.
 */
import { compareBytes } from "../../protocol/bytes.ts";
import { type Endpoint, familyOf, type IpFamily, withoutZone } from "../../protocol/endpoint.ts";
import { peerPriority } from "../../protocol/peer_priority.ts";
import { CHOKING, CONNECTIONS, DOCTOR, NEAR } from "../../settings.ts";
import type { Surroundings } from "../../surroundings.ts";
import { admit } from "./admission.ts";
import { type DialTarget, type HeardEndpoint, KnownPeers } from "./known_peers.ts";
import type { PeerSender, PeerSource } from "../ports.ts";
import { RecentMap } from "../recent_map.ts";
import { type PeerFacts, RemotePeer } from "./remote_peer.ts";
import { isSameHost, isTwin, MADE_TWICE, spareOf } from "./twins.ts";

/** The facts by which a peer is recognized later. */
type Identity = Pick<PeerFacts, "url" | "endpoint" | "peerId"> & Pick<RemotePeer, "foundAt">;

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
  /** By address, those of peers that left. */
  readonly #pastTrackers = new RecentMap<string, Endpoint>(DOCTOR.maxNeighbours);
  /** Connections that came up while another one had the same peer id. */
  readonly #doubled = new Set<RemotePeer>();
  #lastNumber = 0;

  constructor(pieceCount: number, surroundings: Surroundings) {
    this.known = new KnownPeers((address) => surroundings.isBlocked(address));
    this.#surroundings = surroundings;
    this.#pieceCount = pieceCount;
  }

  /**
   * Adds endpoints that we heard of, except our own; returns how many were new. `teller`: `remote` of
   * `KnownPeers.add`.
   */
  hear(endpoints: readonly HeardEndpoint[], source: PeerSource, now: number, teller?: string): number {
    const others = endpoints.filter((endpoint) => !this.#surroundings.isOurselves(endpoint));
    return this.known.add(others, source, now, teller);
  }

  /** Where the trackers of connected peers of our kind listen. */
  get trackers(): Endpoint[] {
    return [...this.connected.values()].flatMap((peer) => trackerOf(peer) ?? []);
  }

  /** Where those of peers that were connected lately listen. */
  get pastTrackers(): Endpoint[] {
    return [...this.#pastTrackers.values()].toReversed();
  }

  /** Why a connection whose handshake is complete is refused; undefined when it is welcome. */
  refusal(facts: PeerFacts, now: number): string | undefined {
    if (facts.url !== undefined) return this.#bannedUrls.has(facts.url) ? "it is banned" : undefined;
    if (compareBytes(facts.peerId, this.#surroundings.peerId) === 0) {
      if (!facts.isIncoming) this.known.isOurselves(facts.endpoint);
      return "it is ourselves";
    }
    if (this.known.isBanned(facts.endpoint, facts.peerId)) {
      // We dialled an endpoint and found a banned peer there.
      if (!facts.isIncoming) this.known.banEndpoint(facts.endpoint);
      return "it is banned";
    }
    const { refusal, twin, displaced } = admit(
      facts,
      this.connected.values(),
      this.#surroundings.peerId,
      now,
    );
    displaced?.sender.close("there are too many connections, and it made room");
    if (refusal === undefined) twin?.sender.close(MADE_TWICE);
    // We dialled a peer that had connected to us: now we know where it listens.
    else if (twin !== undefined && !facts.isIncoming) this.#found(twin, facts.endpoint, now);
    return refusal;
  }

  /** A connection is up. */
  add(facts: PeerFacts, sender: PeerSender, now: number): RemotePeer {
    const source = this.known.sourceOf(facts.endpoint);
    const isFar = facts.url === undefined && !this.#surroundings.isLocal(facts.endpoint.address);
    const peer = new RemotePeer(++this.#lastNumber, this.#pieceCount, facts, sender, now, source, isFar);
    if (this.twinsOf(peer).length > 0) this.#doubled.add(peer);
    this.connected.set(peer.number, peer);
    if (facts.url === undefined) this.#ownAddresses.set(familyOf(facts.localAddress), facts.localAddress);
    if (peer.listens !== undefined) this.known.connected(peer.listens, now);
    return peer;
  }

  /** A peer has sent an extended handshake, the first one or a later one. */
  introduced(peer: RemotePeer, now: number): void {
    const port = peer.extended?.listenPort;
    if (peer.listens === undefined && port !== undefined) {
      peer.listens = { address: peer.facts.endpoint.address, port };
      this.known.claimed(peer.listens, now);
    }
    this.tick(now);
  }

  /** Other connections that are up and bear the same peer id. */
  twinsOf(peer: RemotePeer): RemotePeer[] {
    if (peer.isWebSeed) return [];
    return [...this.connected.values()].filter((other) => other !== peer && isTwin(peer.facts, other));
  }

  /** Our addresses on all connections to a peer, by which it can recognize us; undefined with one connection only. */
  ownAddressesTo(peer: RemotePeer): string[] | undefined {
    const twins = this.twinsOf(peer);
    if (twins.length === 0) return undefined;
    return [...new Set([peer, ...twins].map(({ facts }) => withoutZone(facts.localAddress)))];
  }

  /** Closes second connections to the same peer. Called every `TICK_MS`. */
  tick(now: number): void {
    for (const newer of this.#doubled) {
      const older = this.twinsOf(newer).filter(({ number }) => number < newer.number);
      if (older.length === 0) this.#doubled.delete(newer);
      for (const each of older) {
        const spare = spareOf(each, newer, this.#surroundings.peerId, now);
        spare?.peer.sender.close(spare.reason);
      }
    }
  }

  /** A connection is gone; false when it was gone before. */
  remove(peer: RemotePeer, now: number): boolean {
    if (!this.connected.delete(peer.number)) return false;
    this.#doubled.delete(peer);
    const tracker = trackerOf(peer);
    if (tracker !== undefined) this.#pastTrackers.set(tracker.address, tracker);
    if (peer.download.total > 0) this.#departed.set(peer.number, identityOf(peer));
    const twins = this.twinsOf(peer);
    const rest = twins.find((twin) => isSameHost(peer, twin));
    if (rest !== undefined) {
      for (const endpoint of peer.foundAt) this.#found(rest, endpoint, now);
      rest.listens ??= peer.listens;
    }
    for (const endpoint of endpointsOf(peer)) {
      if (this.#isConnected(endpoint)) continue;
      const cameToSomething = peer.hasToldPieces || peer.extended !== undefined;
      if (cameToSomething && twins.length === 0) {
        this.known.disconnected(endpoint, peer.isSeed || peer.isUploadOnly, now);
      } else {
        this.known.dialFailed(endpoint, now);
      }
    }
    return true;
  }

  /** Closes all connections. */
  closeAll(reason: string): void {
    for (const peer of [...this.connected.values()]) peer.sender.close(reason);
  }

  /** We dialled an endpoint and found a peer there that is connected already. */
  #found(peer: RemotePeer, endpoint: Endpoint, now: number): void {
    if (!peer.foundAt.some((other) => isSame(other, endpoint))) peer.foundAt.push(endpoint);
    peer.listens ??= endpoint;
    this.known.connected(endpoint, now);
  }

  /**
   * Up to `limit` endpoints to dial now: near ones first, but some far ones in any case, and of each kind those with the
   * highest priority for both sides (BEP 40).
   */
  takeDials(limit: number, weSeed: boolean, now: number): DialTarget[] {
    if (this.known.size === 0) return [];
    const dialled = this.connected.values().filter(({ facts }) => !facts.isIncoming).toArray().length;
    // Peers that fill us with connections must not keep us from dialling others ourselves.
    const free = Math.max(CONNECTIONS.dialled - this.connected.size, CONNECTIONS.leastDialled - dialled);
    const far = this.connected.values().filter(({ isFar }) => isFar).toArray().length;
    return this.known.takeDue(Math.min(limit, free), weSeed, now, {
      priorityOf: (endpoint) => {
        const address = this.#ownAddresses.get(familyOf(endpoint.address));
        return address === undefined ? 0 : peerPriority({ address, port: 0 }, endpoint);
      },
      isNear: ({ address }) => this.#surroundings.isLocal(address),
      far: Math.max(NEAR.leastFar - far, 0),
    });
  }

  /** A dial led to no connection. It did not fail if its peer has connected to us meanwhile. */
  dialFailed(endpoint: Endpoint, now: number): void {
    if (!this.#isConnected(endpoint)) this.known.dialFailed(endpoint, now);
  }

  /**
   * A peer sent wrong data: bans it, and closes its connection if that is still up. The endpoint at which it only says
   * that it listens is not banned, as it may be a neighbour's.
   */
  ban(number: number): void {
    const peer = this.connected.get(number);
    const identity = peer === undefined ? this.#departed.get(number) : identityOf(peer);
    if (identity?.url !== undefined) this.#bannedUrls.add(identity.url);
    else if (identity !== undefined) {
      this.known.ban(identity.endpoint, identity.peerId);
      for (const endpoint of identity.foundAt) this.known.banEndpoint(endpoint);
    }
    if (peer === undefined) return;
    if (peer.foundAt.length === 0 && peer.listens !== undefined) {
      this.known.disclaimed(peer.listens);
      peer.listens = undefined;
    }
    peer.sender.close("it sent wrong data");
  }

  #isConnected(endpoint: Endpoint): boolean {
    return this.connected.values().some((peer) => endpointsOf(peer).some((other) => isSame(other, endpoint)));
  }
}

function identityOf({ facts: { url, endpoint, peerId }, foundAt }: RemotePeer): Identity {
  return { url, endpoint, peerId, foundAt };
}

/** Where the tracker of a peer of our kind listens; undefined where it runs none. */
function trackerOf({ extended, facts }: RemotePeer): Endpoint | undefined {
  const port = extended?.trackerPort;
  return port === undefined ? undefined : { address: facts.endpoint.address, port };
}

/** The endpoints at which a peer was found, or says that it listens. */
function endpointsOf({ listens, foundAt }: RemotePeer): Endpoint[] {
  const isClaim = listens !== undefined && !foundAt.some((endpoint) => isSame(endpoint, listens));
  return isClaim ? [listens, ...foundAt] : [...foundAt];
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}
