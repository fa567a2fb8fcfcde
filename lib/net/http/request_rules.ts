/**
 * Where HTTP and UDP requests may go whose address somebody else made up: trackers and web seeds, as torrents and
 * magnet links name them, and what they redirect to. Services on this machine and on its links often trust whoever
 * reaches them, and we do; a stranger must not be able to reach them through us.
 *
 *   to                                a tracker                 a web seed                           a redirect
 *   this machine                      /announce only            named by its address, no query       no
 *   link-local                        /announce only            no                                   no
 *   local network                     yes                       no query                             not from afar
 *   anywhere else                     yes                       yes                                  yes
 *   clouds' secrets, no host at all   no                        no                                   no
 *
 * Whatever a server redirects to on its own address and port is its own affair, and held to the web seed rules only.
 */
import { canonicalAddress, scopeOf, withoutZone } from "../../protocol/endpoint.ts";
import { ownAddresses } from "../addresses/own_addresses.ts";

/** How far away an address is, by what may be asked there. */
export type Distance = "machine" | "link" | "site" | "world";

const NEAR_TO_FAR: readonly Distance[] = ["machine", "link", "site", "world"];

/** Where clouds tell a machine, and whoever asks from it, its secrets. */
const CLOUD_SECRETS = ["169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"];

/** All that a tracker's path may be where it is close: a key of digits and letters behind it is usual. */
const ANNOUNCE_PATH = /^\/announce(\.php)?(\/[\w-]*)?$/;

/** A request about to be made: to this address, whatever the URL's host comes to mean later. */
export interface Hop {
  readonly url: URL;
  /** Canonical. */
  readonly address: string;
}

/** How far away a canonical address is; undefined for one that must not be asked at all. */
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

/** Why an announce must not be made; undefined when it may. The text is safe to print and names no path. */
export function trackerRefusal({ url, address }: Hop): string | undefined {
  const distance = distanceOf(address);
  if (distance === undefined) return `Expected an address that may be asked, got ${address}`;
  const isClose = distance === "machine" || distance === "link";
  const isBareUdp = url.protocol === "udp:" && ["", "/"].includes(url.pathname);
  if (!isClose || isBareUdp || ANNOUNCE_PATH.test(url.pathname)) return undefined;
  return `Expected the path /announce for a tracker on ${PLACES[distance]}, got another`;
}

const PLACES = { machine: "this machine", link: "a link-local address" } as const;

/** The same for a range asked of a web seed. */
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

/** Whether anybody can see that a URL leads to this machine: its host is `localhost` or one of our addresses. */
export function namesThisMachine({ hostname }: URL): boolean {
  if (hostname === "localhost") return true;
  const address = canonicalAddress(hostname);
  return address !== undefined && distanceOf(address) === "machine";
}

/** Why a redirect must not be followed, beside what the rules above say of its target. */
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
