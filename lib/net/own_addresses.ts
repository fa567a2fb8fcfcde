import { canonicalAddress, familyOf, scopeOf, sharesPrefix } from "../protocol/endpoint.ts";
import { addressesOf } from "./host_addresses.ts";

/** Addresses of this machine: every interface, IPv4 and IPv6, canonical. They change; ask again for each decision. */
export function ownAddresses(): string[] {
  return interfaces().map(({ address }) => address);
}

/**
 * Whether a host of an announce address is this machine: one of its addresses, loopback, or a name that stands
 * for one of them. A name that cannot be resolved, or not before `signal` aborts, is not.
 */
export async function isOwnHost(hostname: string, signal: AbortSignal): Promise<boolean> {
  if (hostname === "localhost" || hostname.toLowerCase() === Deno.hostname().toLowerCase()) return true;
  const addresses = await addressesOf(hostname, signal).catch(() => []);
  const own = ownAddresses();
  return addresses.some((address) => scopeOf(address) === "loopback" || own.includes(address));
}

/**
 * The address under which a remote reaches this machine: the one on the remote's own network, else the first
 * of its family that is good beyond one link; undefined when there is none.
 */
export function ownAddressFor(remoteAddress: string): string | undefined {
  const family = familyOf(remoteAddress);
  if (scopeOf(remoteAddress) === "loopback") return family === 4 ? "127.0.0.1" : "::1";
  const candidates = interfaces().filter(({ address }) =>
    familyOf(address) === family && scopeOf(address) !== "loopback"
  );
  const onItsNetwork = candidates.find(({ address, prefixLength }) =>
    sharesPrefix(address, remoteAddress, prefixLength)
  );
  return (onItsNetwork ?? candidates.find(({ address }) => scopeOf(address) !== "linkLocal"))?.address;
}

/** How long a list of interfaces is good for, in ms: asking costs as much as answering an announce. */
const LIST_AGE_MS = 1_000;
let listed: { readonly at: number; readonly list: { address: string; prefixLength: number }[] } | undefined;

function interfaces(): { address: string; prefixLength: number }[] {
  const now = performance.now();
  if (listed === undefined || now - listed.at > LIST_AGE_MS) listed = { at: now, list: listInterfaces() };
  return listed.list;
}

function listInterfaces(): { address: string; prefixLength: number }[] {
  return Deno.networkInterfaces().flatMap(({ address, cidr }) => {
    const canonical = canonicalAddress(address);
    const prefixLength = Number(cidr.split("/")[1]);
    return canonical === undefined || Number.isNaN(prefixLength)
      ? []
      : [{ address: canonical, prefixLength }];
  });
}
