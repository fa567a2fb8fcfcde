import { isOnOwnNetwork, isOwnEndpoint } from "../net/addresses/own_addresses.ts";
import type { Endpoint } from "../protocol/endpoint.ts";
import { createPeerId, PEER_ID_LENGTH } from "../protocol/peer_id.ts";
import { VERSION } from "../settings.ts";
import type { Surroundings } from "../surroundings.ts";
import type { TimeOfWeek } from "../swarm/time_of_week.ts";
import type { Bans } from "./kept/bans.ts";
import type { SessionOptions } from "./session_options.ts";

/** The surroundings of a session: a random peer id, the real clock, and the ports as soon as they are open. */
export class SessionSurroundings implements Surroundings {
  readonly peerId = createPeerId(crypto.getRandomValues(new Uint8Array(PEER_ID_LENGTH)));
  readonly client = `peer ${VERSION}`;
  readonly machine: string;
  listenPort = 0;
  trackerPort: number | undefined;
  readonly encryption: Surroundings["encryption"];
  readonly log: Surroundings["log"];
  readonly isBlocked: Surroundings["isBlocked"];

  constructor(
    { name, encryption, log, ipFilter }: Pick<SessionOptions, "name" | "encryption" | "log" | "ipFilter">,
    bans: Bans,
  ) {
    this.machine = name ?? Deno.hostname();
    this.encryption = encryption;
    this.log = log;
    this.isBlocked = (address) => bans.has(address) || (ipFilter?.has(address) ?? false);
  }

  watchesPieces: Surroundings["watchesPieces"] = () => false;

  readonly isOurselves = (endpoint: Endpoint) => isOwnEndpoint(endpoint, this.listenPort);
  readonly isLocal = isOnOwnNetwork;
  readonly now = () => performance.now();
  readonly wallClock = wallClock;
  readonly random = () => Math.random();
}

/** The system clock in ms since 1970. */
export function wallClock(): number {
  return Date.now();
}

/** A moment, in ms since 1970, within the week of this machine's time zone. */
export function timeOfWeek(wallClock: number): TimeOfWeek {
  const date = new Date(wallClock);
  return { day: date.getDay(), minute: date.getHours() * 60 + date.getMinutes() };
}
