/**
 * The rules for HTTP and UDP requests whose address comes from outside: trackers and web seeds, as torrents and magnet
 * links name them, and the targets of their redirects. Services on this machine and on its links often trust every
 * client that reaches them, as we do; a stranger must not be able to reach them through us.
 *
 *   to                                a tracker        a web seed                       a redirect      a download
 *   this machine                      /announce only   named by its address, no query   no              named by its address
 *   link-local                        /announce only   no                               no              named by its address
 *   local network                     yes              no query                         not from afar   yes
 *   anywhere else                     yes              yes                              yes             yes
 *   clouds' secrets, no host at all   no               no                               no              no
 *
 * A redirect to the server's own address and port is always allowed, except that the web seed rules still hold.
 */
import { canonicalAddress, scopeOf, withoutZone } from "../../protocol/endpoint.ts";
import { ownAddresses } from "../addresses/own_addresses.ts";

/** How far away an address is; each distance has rules of its own. */
export type Distance = "machine" | "link" | "site" | "world";

const NEAR_TO_FAR: readonly Distance[] = ["machine", "link", "site", "world"];

/** Addresses at which a cloud gives a machine its secrets, to any program that asks from there. */
const CLOUD_SECRETS = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"];

/** The path that a close tracker must have; a key of digits and letters behind it is usual. */
const ANNOUNCE_PATH = /^\/announce(\.php)?(\/[\w-]*)?$/;

/** The target of a request: this address, whatever the URL's host may stand for later. */
export interface Hop {
  readonly url: URL;
  /** Canonical. */
  readonly address: string;
}

/** The distance of a canonical address; undefined for an address to which no request may go. */
export function distanceOf(address: string): Distance | undefined {
  const bare = withoutZone(address);
  if (CLOUD_SECRETS.includes(bare)) return undefined;
  if (ownAddresses().includes(bare)) return "machine";
  switch (scopeOf(bare)) {
    case "loopback":
      return "machine";
    case "linkLocal":
      return "link";
    case "private":
      return "site";
    case "global":
      return "world";
    case "unusable":
      return undefined;
  }
}

/** The reason why an announce must not be made; undefined when it may. The text is safe to print and names no path. */
export function trackerRefusal({ url, address }: Hop): string | undefined {
  const distance = distanceOf(address);
  if (distance === undefined) return `Expected an address that may be asked, got ${address}`;
  const isClose = distance === "machine" || distance === "link";
  const isBareUdp = url.protocol === "udp:" && ["", "/"].includes(url.pathname);
  if (!isClose || isBareUdp || ANNOUNCE_PATH.test(url.pathname)) return undefined;
  return `Expected the path /announce for a tracker on ${PLACES[distance]}, got another`;
}

const PLACES = { machine: "this machine", link: "a link-local address" } as const;

/** The reason why a web seed must not be asked for a range; undefined when it may. */
export function webSeedRefusal({ url, address }: Hop): string | undefined {
  const distance = distanceOf(address);
  if (distance === undefined || distance === "link") {
    return `Expected an address that may be asked, got ${address}`;
  }
  if (distance === "machine" && !namesThisMachine(url)) {
    return "Expected a web seed on this machine to be named by its address, got a name";
  }
  return distance === "world" || url.search === ""
    ? undefined
    : "Expected no query to the local network, got one";
}

/**
 * The reason why a file that the user names must not be downloaded; undefined when it may. A name that stands for a close
 * address is refused, as whoever made the name may mean a service here that the user knows nothing of.
 */
export function downloadRefusal({ url, address }: Hop): string | undefined {
  const distance = distanceOf(address);
  if (distance === undefined) return `Expected an address that may be asked, got ${address}`;
  const isClose = distance === "machine" || distance === "link";
  if (!isClose || namesThisMachine(url) || canonicalAddress(url.hostname) !== undefined) return undefined;
  return `Expected a server on ${PLACES[distance]} to be named by its address, got a name`;
}

/** Whether a URL openly leads to this machine: its host is `localhost` or one of our addresses. */
export function namesThisMachine({ hostname }: URL): boolean {
  if (hostname === "localhost") return true;
  const address = canonicalAddress(hostname);
  return address !== undefined && distanceOf(address) === "machine";
}

/** The reason, besides the rules above, why a redirect must not be followed; undefined when there is none. */
export function redirectRefusal(from: Hop, to: Hop): string | undefined {
  if (from.url.origin === to.url.origin && from.address === to.address) return undefined;
  const [fromDistance, toDistance] = [distanceOf(from.address), distanceOf(to.address)];
  const isClose = toDistance === undefined || toDistance === "machine" || toDistance === "link";
  if (isClose || fromDistance === undefined) {
    return "Refused a redirect to this machine or a link-local address";
  }
  if (NEAR_TO_FAR.indexOf(toDistance) >= NEAR_TO_FAR.indexOf(fromDistance)) return undefined;
  return "Refused a redirect that leads from afar to near";
}
