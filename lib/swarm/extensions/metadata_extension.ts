/** The extension `ut_metadata` (BEP 9), for swarms that have the info dictionary and for those that want it. */
import type { InfoHash } from "../../protocol/info_hash.ts";
import {
  encodeMetadataReject,
  encodeMetadataRequest,
  parseMetadataMessage,
} from "../../protocol/metadata_messages.ts";
import type { Extension } from "./extension.ts";
import { MetadataDownload, MetadataUpload } from "./metadata_exchange.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";

/** Either side of the extension. */
export interface MetadataExtension extends Extension {
  /** Bytes of the info dictionary we give; undefined when we give none. */
  readonly metadataLength: number | undefined;
}

/** Gives the info dictionary to each peer that asks. */
export class MetadataGiving implements MetadataExtension {
  readonly name = "ut_metadata";
  readonly metadataLength: number;
  readonly #upload: MetadataUpload<RemotePeer>;
  readonly #senders = new Map<RemotePeer, (payload: Uint8Array) => void>();

  /** `rawInfo` is the info dictionary as it stands in the torrent. */
  constructor(rawInfo: Uint8Array) {
    this.metadataLength = rawInfo.length;
    this.#upload = new MetadataUpload(rawInfo);
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void): void {
    this.#senders.set(peer, send);
  }

  received(peer: RemotePeer, payload: Uint8Array): void {
    const message = parseMetadataMessage(payload);
    if (message?.type === "request") this.#senders.get(peer)?.(this.#upload.reply(peer, message.part));
  }

  peerLeft(peer: RemotePeer): void {
    this.#senders.delete(peer);
  }
}

/** Hears the result of a fetch. */
interface MetadataListener {
  /** The info dictionary is there and has the right hash. */
  metadataComplete(rawInfo: Uint8Array<ArrayBuffer>): void;
  /** The parts that these peers sent make a whole with a wrong hash. A single sender is a liar. */
  metadataWrong(senders: readonly RemotePeer[]): void;
}

/** Fetches the info dictionary from all peers that offer it. */
export class MetadataFetching implements MetadataExtension {
  readonly name = "ut_metadata";
  readonly metadataLength = undefined;
  readonly #download: MetadataDownload<RemotePeer>;
  readonly #listener: MetadataListener;
  readonly #senders = new Map<RemotePeer, (payload: Uint8Array) => void>();

  constructor(infoHash: InfoHash, listener: MetadataListener) {
    this.#download = new MetadataDownload(infoHash);
    this.#listener = listener;
  }

  offered(peer: RemotePeer, send: (payload: Uint8Array) => void, now: number): void {
    this.#senders.set(peer, send);
    this.#download.offered(peer, peer.extended?.metadataLength ?? 0);
    this.tick(now);
  }

  received(peer: RemotePeer, payload: Uint8Array, now: number): void {
    const message = parseMetadataMessage(payload);
    switch (message?.type) {
      case "request":
        this.#senders.get(peer)?.(encodeMetadataReject(message.part));
        return;
      case "reject":
        if (this.#download.rejected(peer, message.part, now)) this.tick(now);
        return;
      case "data": {
        const outcome = this.#download.dataReceived(peer, message.part, message.totalLength, message.bytes);
        if (outcome.kind === "complete") return this.#listener.metadataComplete(outcome.rawInfo);
        if (outcome.kind === "wrong") this.#listener.metadataWrong(outcome.senders);
        if (outcome.kind !== "unneeded") this.tick(now);
      }
    }
  }

  peerLeft(peer: RemotePeer, now: number): void {
    this.#senders.delete(peer);
    this.#download.peerClosed(peer);
    this.tick(now);
  }

  /** Asks for the missing parts. */
  tick(now: number): void {
    for (const { peer, part } of this.#download.requests(now)) {
      this.#senders.get(peer)?.(encodeMetadataRequest(part));
    }
  }
}
