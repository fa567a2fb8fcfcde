/**
 * The owner of a torrent of which only the info-hash is known, from a magnet link: it connects to peers and fetches
 * the info dictionary. Then a `Swarm` replaces it, and the connections are made anew, because the messages about
 * pieces that came on them so far could not be understood.
 */
import { emptySnapshot } from "./empty_snapshot.ts";
import { MetadataFetching } from "./extensions/metadata_extension.ts";
import type { RemotePeer } from "./peers/remote_peer.ts";
import { type PiecelessOptions, PiecelessSwarm } from "./pieceless_swarm.ts";
import type { SwarmSnapshot } from "./ports.ts";
import { Successors } from "./tracker/successors.ts";

/** What a `MetadataSwarm` is built from. */
interface MetadataSwarmOptions extends PiecelessOptions {
  /** The torrent's name for the user, until the metadata gives another one. */
  readonly name: string;
  /** The info dictionary is there, with the right hash; called once. */
  completed(rawInfo: Uint8Array<ArrayBuffer>): void;
}

/** Fetches the info dictionary of one info-hash. */
export class MetadataSwarm extends PiecelessSwarm {
  readonly state = "fetching metadata";
  readonly #name: string;

  constructor(options: MetadataSwarmOptions) {
    super(options, {
      peerExchange: true,
      successors: new Successors(options.infoHash),
      metadata: new MetadataFetching(options.infoHash, {
        metadataComplete: (rawInfo) => options.completed(rawInfo),
        metadataWrong: (senders) => this.#metadataWrong(senders),
      }),
      dontHave: undefined,
    });
    this.#name = options.name;
  }

  /** Any of its few peers may be about to send the metadata. */
  isInUse(): boolean {
    return true;
  }

  /** Everything about it at `now`, as plain data. */
  snapshot(now: number): SwarmSnapshot {
    const { roster } = this.peers;
    const peers = Array.from(roster.connected.values(), (peer) => peer.snapshot(now));
    return {
      ...emptySnapshot(this.infoHash, this.#name),
      lacksMetadata: true,
      state: "fetching metadata",
      connections: peers.length,
      known: roster.known.size,
      peers,
    };
  }

  #metadataWrong(senders: readonly RemotePeer[]): void {
    const names = senders.map(({ name }) => name).join(", ");
    this.peers.report({ event: "warning", code: "metadata", message: `wrong metadata came from ${names}` });
    if (senders.length === 1) this.peers.roster.ban(senders[0].number);
  }
}
