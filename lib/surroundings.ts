import type { Logger } from "./log.ts";
import type { Endpoint } from "./protocol/endpoint.ts";
import type { EncryptionPolicy } from "./settings.ts";

/** What every part of the process needs to know about the process: one shared object. Its functions need no `this`. */
export interface Surroundings {
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Our name and version, as other clients show it. */
  readonly client: string;
  /** The name of this machine, as people in the room know it. */
  readonly machine: string;
  /** Port on which we accept peers. */
  readonly listenPort: number;
  /** Port on which the embedded tracker listens; undefined when there is no embedded tracker. */
  readonly trackerPort: number | undefined;
  readonly encryption: EncryptionPolicy;
  readonly log: Logger;
  /** Whether this process itself listens at an endpoint. */
  readonly isOurselves: (endpoint: Endpoint) => boolean;
  /** Whether a canonical address is on a network of this machine, which no router stands before. */
  readonly isLocal: (address: string) => boolean;
  /** Whether the user has blocked a canonical address. */
  readonly isBlocked: (address: string) => boolean;
  /** Whether anybody wants to hear of each piece: there may be thousands a second, so nobody else has them reported. */
  readonly watchesPieces: () => boolean;
  /** Monotonic clock in ms. Pure code gets the time from its callers instead. */
  readonly now: () => number;
  /** The system clock in ms since 1970. It may jump, so it serves only to name moments to people. */
  readonly wallClock: () => number;
  /** Random numbers in [0, 1). */
  readonly random: () => number;
}
