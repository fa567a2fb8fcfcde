import type { Logger } from "./log.ts";
import type { Endpoint } from "./protocol/endpoint.ts";
import type { EncryptionPolicy } from "./settings.ts";

/** What every part of the process needs to know of it: one object for all of them. Its functions need no `this`. */
export interface Surroundings {
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Our name and version, as other clients show it. */
  readonly client: string;
  /** Where we accept peers. */
  readonly listenPort: number;
  /** Where the embedded tracker listens; undefined when there is none. */
  readonly trackerPort: number | undefined;
  readonly encryption: EncryptionPolicy;
  readonly log: Logger;
  /** Whether an endpoint is where this very process listens. */
  readonly isOurselves: (endpoint: Endpoint) => boolean;
  /** Whether the user wants nothing to do with a canonical address. */
  readonly isBlocked: (address: string) => boolean;
  /** Monotonic clock in ms. Pure code is told the time by its callers instead. */
  readonly now: () => number;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}
