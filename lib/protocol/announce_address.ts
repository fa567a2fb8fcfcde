import { canonicalAddress } from "./endpoint.ts";

/** Port of the embedded tracker, and the one meant where an announce address names none. */
const DEFAULT_TRACKER_PORT = 6969;

const SCHEMES = ["http:", "https:", "udp:"];

/**
 * The announce URL an announce address stands for; undefined when it is none.
 *
 * People put the first seeder's bare address into a torrent, so beside URLs (`http`, `https`, `udp`) a host or
 * `host:port` counts, for the HTTP tracker on that host: `10.0.0.5` is `http://10.0.0.5:6969/announce`.
 */
export function parseAnnounceAddress(text: string): URL | undefined {
  const address = text.trim();
  if (address === "" || /[\s\p{Cc}]/u.test(address)) return undefined;
  const url = address.includes("://") ? URL.parse(address) : bareHost(address);
  if (url === null || !SCHEMES.includes(url.protocol) || url.hostname === "" || url.port === "0") {
    return undefined;
  }
  return url.username === "" && url.password === "" ? url : undefined;
}

function bareHost(address: string): URL | null {
  if (/[/\\?#@]/.test(address)) return null;
  const isBareIpv6 = !address.startsWith("[") && address.split(":").length > 2;
  const authority = isBareIpv6 ? `[${address}]` : address;
  const url = URL.parse(`http://${authority}/announce`);
  if (url === null) return null;
  // The URL parser reads "6969" and "10.0.5" as addresses; a person who writes that has forgotten something.
  if (/^[\d.]+$/.test(url.hostname) && !address.startsWith(url.hostname)) return null;
  // The URL parser drops ":80" as the default of http, so ask the text whether a port was named.
  if (!/:\d+$/.test(authority)) url.port = String(DEFAULT_TRACKER_PORT);
  return url;
}

/** The port an announce URL addresses, with its scheme's default filled in. */
export function announcePort(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : url.protocol === "http:" ? 80 : DEFAULT_TRACKER_PORT;
}

/**
 * The path of our own tracker that a path stands for, as people and other programs write it: slashes doubled, at the
 * end or alone, capitals, `announce.php`, and a key behind it or before it. Undefined for a path of something else.
 */
export function ownPathOf(path: string): "/announce" | "/scrape" | undefined {
  const steps = path.toLowerCase().split("/").filter((step) => step !== "");
  if (steps.length === 0) return "/announce";
  if (steps.length > 2) return undefined;
  const names = steps.map((step) => step.replace(/\.php$/, ""));
  if (names.includes("announce")) return "/announce";
  return names.includes("scrape") ? "/scrape" : undefined;
}

/** The host that an announce URL asks, as one text for each; for what is no URL, the text itself. */
export function announceHost(url: string): string {
  const hostname = URL.parse(url)?.hostname ?? url;
  return canonicalAddress(hostname) ?? hostname;
}
