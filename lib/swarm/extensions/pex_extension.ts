import { encodePex, parsePex, PexFlag, type PexPeer } from "../../protocol/pex_messages.ts";
import { PEX } from "../../settings.ts";
import { type Extension, type ExtensionsContext, meansSameTo, usableFrom } from "./extension.ts";
import { PeerExchange } from "./peer_exchange.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** A remote we exchange peers with. */
interface Partner {
  readonly exchange: PeerExchange;
  readonly send: (payload: Uint8Array) => void;
}

/** The extension `ut_pex`: whom we are connected to, told to those we are connected to (BEP 11). */
export class PexExtension implements Extension {
  readonly name = "ut_pex";
  readonly #context: ExtensionsContext;
  readonly #partners = new Map<RemotePeer, Partner>();
  #nextLookAt = 0;

  constructor(context: ExtensionsContext) {
    this.#context = context;
  }

  isOn(): boolean {
    return this.#context.policy.peerExchange;
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    if (!this.#partners.has(peer)) this.#partners.set(peer, { exchange: new PeerExchange(), send });
  }

  /** Peers that were dropped may be there all the same, so they stay known. */
  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    if (this.#partners.get(peer)?.exchange.received(now) !== true) return;
    const { roster, knownPeersChanged } = this.#context;
    const told = parsePex(payload, PEX.maxEndpoints).added.flatMap((each) =>
      usableFrom(peer, [each.endpoint]).map((endpoint) => ({ ...each, endpoint }))
    );
    const endpoints = told.map(({ endpoint }) => endpoint);
    const isNews = roster.hear(endpoints, "pex", now, peer.facts.endpoint.address) > 0;
    for (const { endpoint, flags } of told) {
      roster.known.rumoured(endpoint, {
        isSeed: (flags & PexFlag.uploadOnly) !== 0,
        prefersEncryption: (flags & PexFlag.prefersEncryption) !== 0,
      });
    }
    if (isNews) knownPeersChanged("pex");
  }

  peerLeft(peer: RemotePeer): void {
    this.#partners.delete(peer);
  }

  tick(now: number): void {
    if (now < this.#nextLookAt) return;
    this.#nextLookAt = now + PEX.lookMs;
    const connected = [...this.#context.roster.connected.values()].flatMap(pexPeerOf);
    for (const [peer, { exchange, send }] of this.#partners) {
      const tellable = connected.filter(({ endpoint }) => meansSameTo(peer, endpoint));
      const message = exchange.next(tellable, peer.listens ?? peer.facts.endpoint, now);
      if (message !== undefined) send(encodePex(message));
    }
  }
}

/** A connected peer as it is told of; empty while nobody knows where it listens. */
function pexPeerOf(peer: RemotePeer): PexPeer[] {
  const { listens, extended, facts } = peer;
  if (listens === undefined) return [];
  const flags = (extended?.prefersEncryption ? PexFlag.prefersEncryption : 0) |
    (peer.isUploadOnly || (peer.hasToldPieces && peer.isSeed) ? PexFlag.uploadOnly : 0) |
    (facts.isIncoming ? 0 : PexFlag.reachable);
  return [{ endpoint: listens, flags }];
}
