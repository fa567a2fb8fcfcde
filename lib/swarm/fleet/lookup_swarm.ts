import type { Extension } from "../extensions/extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { type PiecelessOptions, PiecelessSwarm } from "../pieceless_swarm.ts";
import { LOOKUP } from "../../settings.ts";

/** What a `LookupSwarm` is built from. */
interface LookupSwarmOptions extends PiecelessOptions {
  /** The extension that is spoken here, beside the exchange of peers. */
  readonly extension: Extension;
}

/** The extensions that are spoken under lookup hashes, each under its own. */
const SPOKEN = ["peer_share", "peer_fleet"] as const;

/** An extension that we name in our handshake, and then neither speak nor hear. */
class MuteExtension implements Extension {
  readonly name: Extension["name"];

  constructor(name: Extension["name"]) {
    this.name = name;
  }

  offered(): void {}
  received(): void {}
  peerLeft(): void {}
}

/**
 * The hosts that meet under one lookup hash. There is no torrent behind it: they connect as in any swarm, and then
 * speak one extension of ours. The handshake names all of them, so that it does not tell what the hash is for.
 */
export class LookupSwarm extends PiecelessSwarm {
  readonly state = "downloading";

  constructor(options: LookupSwarmOptions) {
    super(options, {
      peerExchange: true,
      metadata: undefined,
      dontHave: undefined,
      own: SPOKEN.map((name) =>
        name === options.extension.name ? options.extension : new MuteExtension(name)
      ),
    });
  }

  /** A host that said something lately is in use; all others make room when the process has too many connections. */
  isInUse(peer: RemotePeer, now: number): boolean {
    return now - peer.heardAt < LOOKUP.inUseMs;
  }
}
