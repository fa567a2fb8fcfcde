import { messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { type Endpoint, parseEndpoint } from "../../protocol/endpoint.ts";
import { ANNOUNCING } from "../../settings.ts";
import type { PeerSource } from "../../swarm/ports.ts";
import { addressesOf } from "../addresses/host_addresses.ts";

/** The swarm, as far as it takes peers. */
interface PeerTaker {
  addPeers(endpoints: readonly Endpoint[], source: PeerSource): void;
}

/**
 * Adds peers that the user named, `HOST:PORT` each: addresses at once, names when the system has resolved them. The log
 * reports a name that cannot be resolved. `signal` ends the resolving.
 */
export function addNamedPeers(
  swarm: PeerTaker,
  peers: readonly string[],
  signal: AbortSignal,
  log: Logger,
): void {
  const endpoints = peers.map(parseEndpoint);
  swarm.addPeers(endpoints.filter((endpoint) => endpoint !== undefined), "user");
  for (const name of peers.filter((_, position) => endpoints[position] === undefined)) {
    resolve(name, signal).then(
      (endpoints) => swarm.addPeers(endpoints, "user"),
      (error) => signal.aborted || log.warn(`peer ${name}: ${messageOf(error)}`),
    );
  }
}

async function resolve(name: string, signal: AbortSignal): Promise<Endpoint[]> {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(name) ?? [];
  if (host === undefined) throw new RangeError(`Expected HOST:PORT, got ${name}`);
  const timeout = AbortSignal.timeout(ANNOUNCING.resolveTimeoutMs);
  const addresses = await addressesOf(host, AbortSignal.any([signal, timeout]));
  return addresses.map((address) => ({ address, port: Number(port) }));
}
