import {
  canonicalAddress,
  type Endpoint,
  familyOf,
  lacksZone,
  scopeOf,
  sharesPrefix,
  withoutZone,
} from "../../protocol/endpoint.ts";
import { addressesOf } from "./host_addresses.ts";

/** Addresses of this machine: every interface, IPv4 and IPv6, canonical. They change; ask again for each decision. */
export function ownAddresses(): string[] {
  return interfaces().map(({ address }) => address);
}

/** The same addresses in the form needed to listen on them: with a zone where an address needs one. */
export function bindableAddresses(): string[] {
  return interfaces().map(({ address, zone }) => lacksZone(address) ? `${address}%${zone}` : address);
}

/**
 * Whether the host of an announce address is this machine: one of its addresses, loopback, or a name for one of them.
 * The answer is no for a name that cannot be resolved before `signal` aborts.
 */
export async function isOwnHost(hostname: string, signal: AbortSignal): Promise<boolean> {
  if (hostname === "localhost" || hostname.toLowerCase() === Deno.hostname().toLowerCase()) return true;
  const addresses = await addressesOf(hostname, signal).catch(() => []);
  const own = ownAddresses();
  return addresses.some((address) => scopeOf(address) === "loopback" || own.includes(address));
}

/** Whether an endpoint leads to this process, which listens on `ownPort`. */
export function isOwnEndpoint({ address, port }: Endpoint, ownPort: number): boolean {
  return port === ownPort && ownAddresses().includes(withoutZone(address));
}

/**
 * The address at which a remote reaches this machine: our address on the remote's own network, else our first address
 * of its family that is valid beyond one link; undefined when there is none.
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

/** Whether a remote is near by: on a network of this machine, or on a private one that routers lead to. */
export function isNear(remoteAddress: string): boolean {
  return scopeOf(remoteAddress) !== "global" || isOnOwnNetwork(remoteAddress);
}

/** Whether a remote is on a network of this machine, which no router stands before. */
export function isOnOwnNetwork(remoteAddress: string): boolean {
  const family = familyOf(remoteAddress);
  return interfaces().some(({ address, prefixLength }) =>
    familyOf(address) === family && sharesPrefix(address, remoteAddress, prefixLength)
  );
}

/**
 * The canonical address of a remote, from the addresses of a socket. The system leaves out the zone of a link-local
 * IPv6 address: it is the interface that has our local address, or, where that is unknown, the only interface with
 * such addresses. Where neither decides, the result has no zone.
 */
export function remoteAddress(hostname: string, localHostname?: string): string {
  const address = canonicalAddress(hostname) ?? hostname;
  if (!lacksZone(address)) return address;
  const zones = new Set(
    interfaces().filter(({ address: own }) =>
      lacksZone(own) && (localHostname === undefined || own === localHostname)
    ).map(({ zone }) => zone),
  );
  const [zone] = zones;
  return zones.size === 1 ? `${address}%${zone}` : address;
}

/** How long a list of interfaces is used, in ms: listing them costs as much as answering an announce. */
const LIST_AGE_MS = 1_000;
let listed: { readonly at: number; readonly list: readonly OwnAddress[] } | undefined;

interface OwnAddress {
  readonly address: string;
  readonly prefixLength: number;
  /** How the system names the interface in link-local addresses. */
  readonly zone: string;
}

/** Where the system does not say, as it does not while no descriptor is free, what it said last holds. */
function interfaces(): readonly OwnAddress[] {
  const now = performance.now();
  if (listed !== undefined && now - listed.at <= LIST_AGE_MS) return listed.list;
  try {
    listed = { at: now, list: listInterfaces() };
  } catch {
    listed = { at: now, list: listed?.list ?? [] };
  }
  return listed.list;
}

function listInterfaces(): OwnAddress[] {
  return Deno.networkInterfaces().flatMap(({ name, address, cidr, scopeid }) => {
    const canonical = canonicalAddress(address);
    const prefixLength = Number(cidr.split("/")[1]);
    return canonical === undefined || Number.isNaN(prefixLength)
      ? []
      : [{ address: canonical, prefixLength, zone: Deno.build.os === "windows" ? `${scopeid}` : name }];
  });
}
