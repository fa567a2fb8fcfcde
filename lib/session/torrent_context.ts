import type { InfoHash } from "../protocol/info_hash.ts";
import type { Magnet } from "../protocol/magnet.ts";
import type { Metainfo } from "../protocol/metainfo.ts";
import type { AnySwarm, SwarmRegistry } from "../swarm/swarm_registry.ts";
import type { SharedParts } from "./joined_torrent.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import type { WillContext } from "./kept/torrent_will.ts";
import type { SessionEvent } from "./session_options.ts";

/** The parts of its session that a torrent needs. */
export interface TorrentContext extends SharedParts, WillContext {
  readonly registry: SwarmRegistry;
  /** The wishes of the command line for files. */
  readonly files: FileWishes;
  readonly usesMulticast: boolean;
  observe(event: SessionEvent): void;
  /** The swarm may have peers to dial. */
  dial(swarm: AnySwarm): void;
  /** The torrent has begun to look for peers or has ended it, is complete, or begins to rest. */
  standingChanged(): void;
}

/** The source of a torrent that is added: its metadata, or a magnet link. */
export interface TorrentSource {
  readonly infoHash: InfoHash;
  readonly metainfo?: Metainfo | undefined;
  readonly magnet?: Magnet | undefined;
  /** Peers to dial at once, `HOST:PORT` each. */
  readonly peers: readonly string[];
  /** The user's wishes for its files beside those of the command line. */
  readonly files?: FileWishes;
}
