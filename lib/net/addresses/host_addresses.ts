import { lookup } from "node:dns/promises";
import { canonicalAddress } from "../../protocol/endpoint.ts";

/**
 * Canonical addresses of a URL's `hostname`: the hostname itself when it is an address, otherwise the answer of the
 * system's resolver (hosts file included). Rejects when the name cannot be resolved, or when `signal` aborts.
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
