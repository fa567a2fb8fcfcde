/** How a session is set up, and what it tells. */
import { type Logger, silentLogger } from "../log.ts";
import type { IpFilter } from "../net/addresses/ip_filter.ts";
import type { EncryptionPolicy } from "../settings.ts";
import type { FileWishes } from "./kept_choice.ts";
import type { Choices } from "../swarm/policy.ts";
import type { SwarmEvent, SwarmSnapshot } from "../swarm/ports.ts";

/** How a session is to run. */
export interface SessionOptions {
  /** Absolute path of the folder that holds `torrents/`, `shareable/` and `state/`. */
  readonly home: string;
  /** Address to listen on; undefined: all. */
  readonly host: string | undefined;
  /** Undefined: the first free one of `PORTS.peer`; 0: any free one. */
  readonly port: number | undefined;
  /** Undefined: the first free one of `PORTS.tracker`; 0: any free one. */
  readonly trackerPort: number | undefined;
  readonly runTracker: boolean;
  /** Whether the tracker serves any info-hash, not only those this machine shares. */
  readonly openTracker: boolean;
  /** Addresses of proxies whose word the tracker takes for whom they announce. */
  readonly trustedProxies: readonly string[];
  /** What the user chose for all torrents; rates are of the whole process. */
  readonly choices: Partial<Choices>;
  /** Whether peers are looked for by multicast (BEP 14). */
  readonly localDiscovery: boolean;
  readonly encryption: EncryptionPolicy;
  /** Addresses that are neither dialled nor let in; undefined: none. */
  readonly ipFilter: IpFilter | undefined;
  /** Which files are wanted, and in which order, of every torrent; what is not said is as it was for each. */
  readonly files: FileWishes;
  readonly log: Logger;
  /** Called at once and in order. */
  observe(event: SessionEvent): void;
}

/** How a session runs where the user says nothing else. */
export function defaultOptions(home: string): SessionOptions {
  return {
    home,
    host: undefined,
    port: undefined,
    trackerPort: undefined,
    runTracker: true,
    openTracker: false,
    trustedProxies: [],
    choices: {},
    localDiscovery: true,
    encryption: "prefer",
    ipFilter: undefined,
    files: {},
    log: silentLogger,
    observe() {},
  };
}

/** Something that happened (the JSON events of `lib/ui/README.md`); `progress` is what `snapshot` is for. */
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
  | { readonly event: "warning" | "error"; readonly code: string; readonly message: string }
  | { readonly event: "stopped" };

/** What is told of a torrent when it was joined. */
export type TorrentFacts = Pick<
  SwarmSnapshot,
  "infoHash" | "name" | "role" | "seeding" | "length" | "pieceLength" | "pieces" | "have"
>;

/** Takes them out of a snapshot. */
export function factsOf(snapshot: SwarmSnapshot): TorrentFacts {
  const { infoHash, name, role, seeding, length, pieceLength, pieces, have } = snapshot;
  return { infoHash, name, role, seeding, length, pieceLength, pieces, have };
}
