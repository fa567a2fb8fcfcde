/** The options of a session, and the events that it reports. */
import { type Logger, silentLogger } from "../log.ts";
import type { IpFilter } from "../net/addresses/ip_filter.ts";
import type { EncryptionPolicy } from "../settings.ts";
import type { InfoHash } from "../protocol/info_hash.ts";
import type { OfferedHost, OfferView } from "./fleet/offer_view.ts";
import type { FileWishes } from "./kept/kept_choice.ts";
import type { Changes } from "../swarm/policy.ts";
import type { SwarmEvent, SwarmSnapshot } from "../swarm/ports.ts";

/** The options of a session. */
export interface SessionOptions {
  /** Absolute path of the folder that holds `torrents/`, `shareable/` and `state/`. */
  readonly home: string;
  /** The name of this machine in the room; undefined stands for its host name. */
  readonly name: string | undefined;
  /** Address to listen on; undefined stands for all addresses. */
  readonly host: string | undefined;
  /** Undefined stands for the first free port of `PORTS.peer`, 0 for any free port. */
  readonly port: number | undefined;
  /** Undefined stands for the first free port of `PORTS.tracker`, 0 for any free port. */
  readonly trackerPort: number | undefined;
  readonly runTracker: boolean;
  /** Whether the tracker serves any info-hash, not only those this machine shares. */
  readonly openTracker: boolean;
  /** Whether machines without the program can fetch it from the tracker's port. */
  readonly handsOut: boolean;
  /** Addresses of proxies that the tracker trusts to name the peer they announce for. */
  readonly trustedProxies: readonly string[];
  /** The user's choices for all torrents in this run; rates hold for the whole process. */
  readonly choices: Changes;
  /** The settings of `peer.toml`, which hold where nothing was chosen in this run and nothing was kept. */
  readonly configured: { readonly choices: Changes; readonly files: FileWishes };
  /** Whether the session looks for peers by multicast (BEP 14). */
  readonly localDiscovery: boolean;
  readonly encryption: EncryptionPolicy;
  /** Addresses that the session neither dials nor lets in; undefined where there are none. */
  readonly ipFilter: IpFilter | undefined;
  /** The user's wishes for the files of every torrent; a member that is left out stays as it was for each torrent. */
  readonly files: FileWishes;
  readonly log: Logger;
  /** Whether `observe` wants the event `piece`, too. */
  readonly watchesPieces: boolean;
  /** Gets each event at once and in order. */
  observe(event: SessionEvent): void;
}

/** The options of a session for which the user has chosen nothing. */
export function defaultOptions(home: string): SessionOptions {
  return {
    home,
    name: undefined,
    host: undefined,
    port: undefined,
    trackerPort: undefined,
    runTracker: true,
    openTracker: false,
    handsOut: false,
    trustedProxies: [],
    choices: {},
    configured: { choices: {}, files: {} },
    localDiscovery: true,
    encryption: "prefer",
    ipFilter: undefined,
    files: {},
    log: silentLogger,
    watchesPieces: false,
    observe() {},
  };
}

/** One of the JSON events of `lib/ui/README.md`, except `progress`, which the user interface makes of snapshots. */
export type SessionEvent =
  | SwarmEvent
  | {
    readonly event: "ready";
    readonly version: string;
    readonly peerId: string;
    readonly port: number;
    readonly trackerPort: number | null;
    readonly home: string;
    readonly pid: number;
  }
  | ({ readonly event: "torrent" } & TorrentFacts)
  | ({ readonly event: "offer" } & OfferNews)
  | { readonly event: "warning" | "error"; readonly code: string; readonly message: string }
  | { readonly event: "stopped" };

/** What is new about an offer of a lead: how this host takes it, or with `hosts` how all hosts take one of its own. */
interface OfferNews {
  readonly infoHash: InfoHash;
  readonly name: string;
  /** The name of the lead. */
  readonly lead: string;
  readonly state?: OfferView["state"];
  readonly hosts?: readonly OfferedHost[];
}

/** The members of the event `torrent`, which the session reports when a torrent has joined its swarm. */
export type TorrentFacts = Pick<
  SwarmSnapshot,
  "infoHash" | "name" | "role" | "seeding" | "length" | "pieceLength" | "pieces" | "have"
>;

/** The facts in a snapshot. */
export function factsOf(snapshot: SwarmSnapshot): TorrentFacts {
  const { infoHash, name, role, seeding, length, pieceLength, pieces, have } = snapshot;
  return { infoHash, name, role, seeding, length, pieceLength, pieces, have };
}
