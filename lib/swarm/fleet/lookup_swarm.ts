import type { Extension } from "../extensions/extension.ts";
import type { RemotePeer } from "../peers/remote_peer.ts";
import { type PiecelessOptions, PiecelessSwarm } from "../pieceless_swarm.ts";
import { LOOKUP } from "../../settings.ts";

/** What a `LookupSwarm` is built from. */
interface LookupSwarmOptions extends PiecelessOptions {
  /** The extension that is spoken here, beside the exchange of peers. */
  readonly extension: Extension;
}

/**
 * The hosts that meet under one lookup hash. There is no torrent behind it: they connect as in any swarm, and then
 * speak one extension of ours.
 */
export class LookupSwarm extends PiecelessSwarm {
  readonly state = "downloading";

  constructor(options: LookupSwarmOptions) {
    super(options, {
      peerExchange: true,
      metadata: undefined,
      dontHave: undefined,
      own: options.extension,
    });
  }

  /** A host that said something lately is in use; all others make room when the process has too many connections. */
  isInUse(peer: RemotePeer, now: number): boolean {
    return now - peer.heardAt < LOOKUP.inUseMs;
  }
}
