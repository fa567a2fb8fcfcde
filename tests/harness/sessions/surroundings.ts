import { silentLogger } from "../../../lib/log.ts";
import type { Surroundings } from "../../../lib/surroundings.ts";
import { Policy } from "../../../lib/swarm/policy.ts";
import type { RateLimits } from "../../../lib/swarm/ports.ts";
import { seededRandom } from "../data/random.ts";
import { peerIdOf } from "./remote_peers.ts";

/** Surroundings of a process at 10.0.0.100:6881 whose clock stands still, with `changes`. */
export function testSurroundings(changes: Partial<Surroundings> = {}): Surroundings {
  return {
    peerId: peerIdOf(100),
    client: "peer test",
    machine: "this-machine",
    listenPort: 6881,
    trackerPort: undefined,
    encryption: "prefer",
    log: silentLogger,
    isOurselves: ({ address }) => address === "10.0.0.100",
    isLocal: () => true,
    isBlocked: () => false,
    watchesPieces: () => false,
    now: () => 0,
    wallClock: () => 0,
    random: seededRandom(1),
    ...changes,
  };
}

const noLimit = { lowestRate: Infinity, portion: Infinity, spend: () => Promise.resolve() };

/** Connections as fast as they will. */
export const noLimits: RateLimits = { upload: noLimit, download: noLimit };

/** What a swarm is built from, beside its torrent and its disk. */
export function ownOptions(changes: Partial<Surroundings> = {}) {
  return { policy: new Policy(), limits: noLimits, surroundings: testSurroundings(changes) };
}
