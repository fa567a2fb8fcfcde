import type { EncryptionPolicy } from "../settings.ts";
import type { Choices } from "../swarm/policy.ts";
import type { TrafficSnapshot } from "./traffic.ts";

/** The process at one moment, as plain data. */
export interface ProcessSnapshot extends TrafficSnapshot {
  readonly version: string;
  /** The name of this machine. */
  readonly hostname: string;
  /** 20 characters, one a byte. */
  readonly peerId: string;
  readonly pid: number;
  readonly home: string;
  /** The port at which peers reach us. */
  readonly port: number;
  /** The port of the embedded tracker; undefined where there is none. */
  readonly trackerPort: number | undefined;
  /** In ms since 1970. */
  readonly startedAt: number;
  readonly encryption: EncryptionPolicy;
  /** Whether the session looks for peers by multicast (BEP 14). */
  readonly localDiscovery: boolean;
  /** Connections to peers, those whose handshake is under way included. */
  readonly connections: number;
  /** The choices that hold for the process, and for each torrent that has none of its own. */
  readonly choices: Choices;
  /** Whether the alternative limits hold. */
  readonly isAlternative: boolean;
}
