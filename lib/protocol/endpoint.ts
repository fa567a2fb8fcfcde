import ipaddr from "ipaddr.js";
import { fromByteString, readUint16, writeUint16 } from "./bytes.ts";

/** An IP address and a port, as a value; often the place where a peer listens. */
export interface Endpoint {
  /** Canonical text: `10.0.0.5`, `fd00::5`, with a zone for link-local IPv6 (`fe80::5%eth0`). */
  readonly address: string;
  readonly port: number;
}

/** Length of one compact endpoint: 6 bytes for IPv4 (BEP 23), 18 for IPv6 (BEP 7). */
export const COMPACT_LENGTH = { 4: 6, 6: 18 } as const;
export type IpFamily = keyof typeof COMPACT_LENGTH;

/** Names or numbers of interfaces; ipaddr.js accepts only letters and digits. */
const ZONE = /^[\w.-]{1,64}$/;

/** An IPv4 address. The library's check takes longer than answering an announce until it is compiled. */
const DOTTED = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/**
 * The canonical text of an address, so that one address has one spelling: IPv6 shortened, IPv4 inside IPv6
 * (`::ffff:a.b.c.d`) as IPv4, a zone only for a link-local address. Undefined when the text is not an IP address.
 */
export function canonicalAddress(text: string): string | undefined {
  const inside = text.startsWith("[") && text.endsWith("]") ? text.slice(1, -1) : text;
  if (DOTTED.test(inside)) return inside;
  const bare = withoutZone(inside);
  const zone = zoneOf(inside);
  if (!ipaddr.IPv6.isValid(bare) || (zone !== undefined && !ZONE.test(zone))) return undefined;
  const address = ipaddr.IPv6.parse(bare);
  if (address.isIPv4MappedAddress()) return address.toIPv4Address().toString();
  return zone !== undefined && address.range() === "linkLocal" ? `${address}%${zone}` : address.toString();
}

/** Family of a canonical address. */
export function familyOf(address: string): IpFamily {
  return address.includes(":") ? 6 : 4;
}

/** The kind of network that an address belongs to, which decides what it may be used for. */
export type AddressScope = "loopback" | "private" | "linkLocal" | "global" | "unusable";

/** Scope of a canonical address; multicast, broadcast and unspecified ones are `unusable`. */
export function scopeOf(address: string): AddressScope {
  switch (ipaddr.parse(withoutZone(address)).range()) {
    case "loopback":
      return "loopback";
    case "private":
    case "uniqueLocal":
    case "carrierGradeNat":
      return "private";
    case "linkLocal":
      return "linkLocal";
    case "unspecified":
    case "broadcast":
    case "multicast":
      return "unusable";
    default:
      return "global";
  }
}

/** The zone of a link-local IPv6 address, such as `eth0` in `fe80::5%eth0`; undefined for an address without a zone. */
export function zoneOf(address: string): string | undefined {
  const sign = address.indexOf("%");
  return sign < 0 ? undefined : address.slice(sign + 1);
}

/** Whether a canonical address needs a zone to be reachable, and has none. */
export function lacksZone(address: string): boolean {
  return familyOf(address) === 6 && zoneOf(address) === undefined && scopeOf(address) === "linkLocal";
}

/**
 * Completes a canonical address that a peer at `teller` told us: an address that lacks a zone gets the zone of the
 * teller, on whose link it is. Compact forms have no room for a zone, and it means nothing on other hosts (RFC 4007).
 */
export function inZoneOf(teller: string, address: string): string {
  const zone = zoneOf(teller);
  return zone !== undefined && lacksZone(address) ? `${address}%${zone}` : address;
}

/** A canonical address without its zone, in the form in which we tell it to other hosts. */
export function withoutZone(address: string): string {
  return address.split("%", 1)[0];
}

/** Whether an endpoint has a port and an address that can be dialled at all. */
export function isDialable(endpoint: Endpoint): boolean {
  return endpoint.port > 0 && endpoint.port < 65536 && scopeOf(endpoint.address) !== "unusable";
}

/** The text of an endpoint, `10.0.0.5:6881` or `[fd00::5]:6881`; also the key under which an endpoint is stored. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { address, port } = endpoint;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The endpoint that an `address:port` text stands for; undefined for any other text, also one with a host name. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const address = match === null ? undefined : canonicalAddress(match[1]);
  const port = Number(match?.[2]);
  return address !== undefined && port > 0 && port < 65536 ? { address, port } : undefined;
}

/** The bytes of a canonical address in network order: 4 or 16. */
export function addressBytes(address: string): number[] {
  // Splitting an IPv4 address is quicker than the library: a tracker does it for fifty peers in every reply.
  return familyOf(address) === 4
    ? address.split(".").map(Number)
    : ipaddr.IPv6.parse(withoutZone(address)).toByteArray();
}

/** The compact form of an endpoint: its address in network order, then its port. */
export function toCompact(endpoint: Endpoint): Uint8Array<ArrayBuffer> {
  const address = addressBytes(endpoint.address);
  const compact = new Uint8Array(address.length + 2);
  compact.set(address);
  writeUint16(compact, address.length, endpoint.port);
  return compact;
}

/** The compact form as text, one character a byte, which a tracker makes for every announce. */
export function toCompactText({ address, port }: Endpoint): string {
  return String.fromCharCode(...addressBytes(address), port >> 8, port & 0xff);
}

/** The endpoint of a compact form given as text of 6 or 18 characters. */
export function fromCompactText(compact: string): Endpoint {
  const at = (position: number) => compact.charCodeAt(position);
  if (compact.length === COMPACT_LENGTH[4]) {
    // This is quicker than the library: a tracker does it for ten thousand peers at once.
    return { address: `${at(0)}.${at(1)}.${at(2)}.${at(3)}`, port: at(4) << 8 | at(5) };
  }
  const [endpoint] = fromCompactList(fromByteString(compact), 6, 1);
  return endpoint;
}

/** Joins endpoints of one family into a compact list. */
export function toCompactList(endpoints: readonly Endpoint[], family: IpFamily): Uint8Array<ArrayBuffer> {
  const length = COMPACT_LENGTH[family];
  const list = new Uint8Array(endpoints.length * length);
  endpoints.forEach((endpoint, position) => list.set(toCompact(endpoint), position * length));
  return list;
}

/** Endpoints of a compact list, at most `limit`; an incomplete last entry is ignored. */
export function fromCompactList(bytes: Uint8Array, family: IpFamily, limit: number): Endpoint[] {
  const length = COMPACT_LENGTH[family];
  const endpoints: Endpoint[] = [];
  for (let at = 0; at + length <= bytes.length && endpoints.length < limit; at += length) {
    const text = ipaddr.fromByteArray([...bytes.subarray(at, at + length - 2)]).toString();
    const address = canonicalAddress(text);
    if (address !== undefined) endpoints.push({ address, port: readUint16(bytes, at + length - 2) });
  }
  return endpoints;
}

/** Whether two canonical addresses share their first `prefixLength` bits; false across families. */
export function sharesPrefix(a: string, b: string, prefixLength: number): boolean {
  const [parsedA, parsedB] = [a, b].map((address) => ipaddr.parse(withoutZone(address)));
  return parsedA.kind() === parsedB.kind() && parsedA.match(parsedB, prefixLength);
}
