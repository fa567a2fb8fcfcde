import { lookup } from "node:dns/promises";
import { type AddressScope, canonicalAddress, scopeOf } from "../protocol/endpoint.ts";

/**
 * Canonical addresses of a URL's `hostname`: itself when it is an address, otherwise what the system's resolver
 * says (hosts file included). Rejects when there is none, or when `signal` aborts.
 */
export async function addressesOf(hostname: string, signal: AbortSignal): Promise<string[]> {
  const literal = canonicalAddress(hostname);
  if (literal !== undefined) return [literal];
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener("abort", abort);
  try {
    const found = await Promise.race([lookup(hostname, { all: true }), aborted]);
    return found.flatMap(({ address }) => canonicalAddress(address) ?? []);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** From our own machine outwards. */
const NEAR_TO_FAR: readonly AddressScope[] = ["loopback", "linkLocal", "private", "global"];

/**
 * Whether a remote at `from` may send us on to `to`: never nearer than it is itself, or strangers could make us
 * ask the machines of our own network, or our own.
 */
export function mayRedirect(from: string, to: string): boolean {
  const [fromScope, toScope] = [scopeOf(from), scopeOf(to)];
  if (fromScope === "unusable" || toScope === "unusable") return false;
  return NEAR_TO_FAR.indexOf(toScope) >= NEAR_TO_FAR.indexOf(fromScope);
}
