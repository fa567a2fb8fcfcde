import {
  type AddressScope,
  canonicalAddress,
  type Endpoint,
  familyOf,
  type IpFamily,
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
  const candidates = interfaces().filter((own) => own.family === family && own.scope !== "loopback");
  const onItsNetwork = candidates.find(({ address, prefixLength }) =>
    sharesPrefix(address, remoteAddress, prefixLength)
  );
  return (onItsNetwork ?? candidates.find(({ scope }) => scope !== "linkLocal"))?.address;
}

/** Whether a remote is near by: on a network of this machine, or on a private one that routers lead to. */
export function isNear(remoteAddress: string): boolean {
  return scopeOf(remoteAddress) !== "global" || isOnOwnNetwork(remoteAddress);
}

/** Whether a remote is on a network of this machine, which no router stands before. */
export function isOnOwnNetwork(remoteAddress: string): boolean {
  const family = familyOf(remoteAddress);
  return interfaces().some((own) =>
    own.family === family && sharesPrefix(own.address, remoteAddress, own.prefixLength)
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
let listed: { readonly at: number; readonly text: string; readonly list: readonly OwnAddress[] } | undefined;

interface OwnAddress {
  readonly address: string;
  readonly family: IpFamily;
  readonly scope: AddressScope;
  readonly prefixLength: number;
  /** How the system names the interface in link-local addresses. */
  readonly zone: string;
}

/** Where the system does not say, as it does not while no descriptor is free, what it said last holds. */
function interfaces(): readonly OwnAddress[] {
  const now = performance.now();
  if (listed !== undefined && now - listed.at <= LIST_AGE_MS) return listed.list;
  let { text, list } = listed ?? { text: "", list: [] };
  try {
    const present = Deno.networkInterfaces();
    const presentText = JSON.stringify(present);
    // Reading the addresses takes longer than listing them, and they hardly ever change.
    if (presentText !== text) [text, list] = [presentText, present.flatMap(readInterface)];
  } catch {
    // What was listed before holds.
  }
  listed = { at: now, text, list };
  return list;
}

function readInterface({ name, address, cidr, scopeid }: Deno.NetworkInterfaceInfo): OwnAddress[] {
  const canonical = canonicalAddress(address);
  const prefixLength = Number(cidr.split("/")[1]);
  if (canonical === undefined || Number.isNaN(prefixLength)) return [];
  return [{
    address: canonical,
    family: familyOf(canonical),
    scope: scopeOf(canonical),
    prefixLength,
    zone: Deno.build.os === "windows" ? `${scopeid}` : name,
  }];
}
