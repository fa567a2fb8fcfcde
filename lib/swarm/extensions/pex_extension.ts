import { encodePex, parsePex, PexFlag, type PexPeer } from "../../protocol/pex_messages.ts";
import { PEX } from "../../settings.ts";
import { type Extension, type ExtensionsContext, meansSameTo, usableFrom } from "./extension.ts";
import { PeerExchange } from "./peer_exchange.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** A remote peer that we exchange peers with. */
interface Partner {
  readonly exchange: PeerExchange;
  readonly send: (payload: Uint8Array) => void;
}

/** The extension `ut_pex`: connected peers tell each other which other peers they are connected to (BEP 11). */
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

  /** Takes a list of peers. Peers that it reports as dropped may still be there, so we do not forget them. */
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
      if (!exchange.isDue(now)) continue;
      const tellable = connected.filter(({ endpoint }) => meansSameTo(peer, endpoint));
      const message = exchange.next(tellable, peer.listens ?? peer.facts.endpoint, now);
      if (message !== undefined) send(encodePex(message));
    }
  }
}

/** The entry of a connected peer in our messages; empty as long as it is unknown where the peer listens. */
function pexPeerOf(peer: RemotePeer): PexPeer[] {
  const { listens, extended, facts } = peer;
  if (listens === undefined) return [];
  const flags = (extended?.prefersEncryption ? PexFlag.prefersEncryption : 0) |
    (peer.isUploadOnly || (peer.hasToldPieces && peer.isSeed) ? PexFlag.uploadOnly : 0) |
    (facts.isIncoming ? 0 : PexFlag.reachable);
  return [{ endpoint: listens, flags }];
}
