/** The extension protocol of one swarm (BEP 10): extended handshakes, and the messages of each extension. */
import {
  encodeExtendedHandshake,
  EXTENDED_HANDSHAKE_ID,
  type ExtensionName,
  mergeHandshakes,
  OUR_EXTENSIONS,
  parseExtendedHandshake,
} from "../../protocol/extension_messages.ts";
import { encodeExtended } from "../../protocol/peer_messages.ts";
import { TRANSFER } from "../../settings.ts";
import type { DontHaveExtension } from "./dont_have_extension.ts";
import type { Extension, ExtensionsContext } from "./extension.ts";
import { LanPeersExtension } from "./lan_peers_extension.ts";
import { LanTrackersExtension } from "./lan_trackers_extension.ts";
import type { MetadataExtension } from "./metadata_extension.ts";
import type { PeerBroadcast } from "./peer_broadcast.ts";
import { PexExtension } from "./pex_extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import type { StandIns } from "../tracker/succession.ts";
import type { Successors } from "../tracker/successors.ts";

/** The extensions that a swarm uses beside `lan_peers`. Private torrents use fewer (BEP 27). */
export interface ExtensionsInUse {
  /** Whether peers may be exchanged when the user wants it. */
  readonly peerExchange: boolean;
  readonly metadata: MetadataExtension | undefined;
  /** Undefined while the pieces are not known. */
  readonly dontHave: DontHaveExtension | undefined;
  /** The trackers that stand in for the torrent's own; undefined where none may (BEP 27). */
  readonly successors?: Successors | undefined;
  /** The extensions of a lookup swarm. */
  readonly own?: readonly Extension[];
}

/** All extended messages of one swarm. */
export class Extensions {
  readonly #context: ExtensionsContext;
  readonly #lanPeers: LanPeersExtension;
  /** The trackers that stand in for the torrent's own; undefined where none may. */
  readonly standIns: StandIns | undefined;
  readonly #metadata: MetadataExtension | undefined;
  readonly #all: readonly Extension[];
  /** What changes in our handshake, as it was said last. */
  #said = "";

  constructor(
    context: ExtensionsContext,
    { peerExchange, metadata, dontHave, own = [], successors }: ExtensionsInUse,
  ) {
    this.#context = context;
    this.#lanPeers = new LanPeersExtension(context);
    this.#metadata = metadata;
    const lanTrackers = successors && new LanTrackersExtension(context, successors);
    this.standIns = lanTrackers;
    this.#all = [
      this.#lanPeers,
      ...(metadata === undefined ? [] : [metadata]),
      ...(dontHave === undefined ? [] : [dontHave]),
      ...own,
      ...(lanTrackers === undefined ? [] : [lanTrackers]),
      ...(peerExchange ? [new PexExtension(context)] : []),
    ];
  }

  /** The embedded tracker's list, as it is pushed to peers of our kind. */
  get broadcast(): PeerBroadcast {
    return this.#lanPeers.broadcast;
  }

  /** Whether the peer gets the embedded tracker's list over this connection. */
  isListener(peer: RemotePeer): boolean {
    return this.#lanPeers.isListener(peer);
  }

  /** Sends our extended handshake again to all peers, if something in it has changed since the last one. */
  introduceAgain(): void {
    if (this.#said === this.#toSay) return;
    for (const peer of this.#context.roster.connected.values()) this.introduce(peer);
  }

  /** What changes in our handshake. */
  get #toSay(): string {
    return `${this.#context.isUploadOnly()} ${this.#inUse.map(({ name }) => name)}`;
  }

  /** Sends our extended handshake to a peer that understands it. Called again when something in it changed. */
  introduce(peer: RemotePeer): void {
    if (!peer.facts.supportsExtensions) return;
    this.#said = this.#toSay;
    const { client, listenPort, trackerPort, encryption } = this.#context.surroundings;
    const handshake = encodeExtendedHandshake({
      client,
      listenPort,
      trackerPort,
      prefersEncryption: encryption === "require",
      extensions: this.#inUse.map(({ name }) => name),
      maxQueuedRequests: TRANSFER.maxQueuedRequests,
      metadataLength: this.#metadata?.metadataLength,
      isUploadOnly: this.#context.isUploadOnly(),
      addresses: this.#context.roster.ownAddressesTo(peer),
    });
    peer.sender.send(encodeExtended(EXTENDED_HANDSHAKE_ID, handshake));
  }

  /** Takes one extended message and ignores unknown ids. `payload` is borrowed. Errors: `ProtocolError`. */
  received(peer: RemotePeer, extendedId: number, payload: Uint8Array, now: number): void {
    if (extendedId === EXTENDED_HANDSHAKE_ID) return this.#handshakeReceived(peer, payload, now);
    this.#inUse.find(({ name }) => OUR_EXTENSIONS[name] === extendedId)?.received(peer, payload, now);
  }

  /** The connection is gone. */
  peerLeft(peer: RemotePeer, now: number): void {
    for (const extension of this.#all) extension.peerLeft(peer, now);
  }

  /** Does everything that waits for time to pass. Called every `TICK_MS`. */
  tick(now: number): void {
    for (const extension of this.#inUse) extension.tick?.(now);
  }

  /** The extensions that the user wants at this moment. */
  get #inUse(): Extension[] {
    return this.#all.filter((extension) => extension.isOn?.() ?? true);
  }

  /** Sends a payload under the id that the peer's last handshake gave the extension. */
  #send({ extended, sender }: RemotePeer, name: ExtensionName, payload: Uint8Array): void {
    const id = extended?.extensions.get(name);
    if (id !== undefined) sender.send(encodeExtended(id, payload));
  }

  #handshakeReceived(peer: RemotePeer, payload: Uint8Array, now: number): void {
    const handshake = mergeHandshakes(peer.extended, parseExtendedHandshake(payload));
    peer.extended = handshake;
    this.#context.roster.introduced(peer, now);
    for (const extension of this.#all) {
      const { name } = extension;
      const id = handshake.extensions.get(name);
      if (id === undefined) continue;
      if (id === 0) extension.peerLeft(peer, now);
      else extension.offered(peer, (payload) => this.#send(peer, name, payload), now);
    }
  }
}
