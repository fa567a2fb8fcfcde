import { canonicalAddress } from "./endpoint.ts";

/** Port of the embedded tracker, and of an announce address that names no port. */
const DEFAULT_TRACKER_PORT = 6969;

const SCHEMES = ["http:", "https:", "udp:"];

/**
 * The announce URL that an announce address stands for; undefined when the text is no announce address.
 *
 * People put the first seeder's bare address into a torrent. So beside URLs (`http`, `https`, `udp`) a host or
 * `host:port` counts as the HTTP tracker on that host: `10.0.0.5` is `http://10.0.0.5:6969/announce`. A URL that only
 * lacks its scheme, as `10.0.0.5:6969/announce`, counts as one of `http`.
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
  const [, host, path] = /^([^/]+:\d+)(\/.*)$/.exec(address) ?? [];
  if (path !== undefined && !/[?#]/.test(path)) {
    const url = bareHost(host);
    if (url !== null) url.pathname = path;
    return url;
  }
  if (/[/\\?#@]/.test(address)) return null;
  const isBareIpv6 = !address.startsWith("[") && address.split(":").length > 2;
  const authority = isBareIpv6 ? `[${address}]` : address;
  const url = URL.parse(`http://${authority}/announce`);
  if (url === null) return null;
  // The URL parser reads "6969" and "10.0.5" as addresses; a person who writes that has forgotten something.
  if (/^[\d.]+$/.test(url.hostname) && !address.startsWith(url.hostname)) return null;
  // The URL parser drops ":80" as the default of http, so only the text shows whether a port was named.
  if (!/:\d+$/.test(authority)) url.port = String(DEFAULT_TRACKER_PORT);
  return url;
}

/** The port of an announce URL; its scheme's default where the URL names none. */
export function announcePort(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : url.protocol === "http:" ? 80 : DEFAULT_TRACKER_PORT;
}

/**
 * The path of our own tracker that a path stands for. People and other programs write it with slashes doubled, at the
 * end or alone, in capitals, as `announce.php`, or with a key before or behind it. Undefined for any other path.
 */
export function ownPathOf(path: string): "/announce" | "/scrape" | undefined {
  const steps = path.toLowerCase().split("/").filter((step) => step !== "");
  if (steps.length === 0) return "/announce";
  if (steps.length > 2) return undefined;
  const names = steps.map((step) => step.replace(/\.php$/, ""));
  if (names.includes("announce")) return "/announce";
  return names.includes("scrape") ? "/scrape" : undefined;
}

/** The host of an announce URL, in one spelling for each host; for a text that is no URL, the text itself. */
export function announceHost(url: string): string {
  const hostname = URL.parse(url)?.hostname ?? url;
  return canonicalAddress(hostname) ?? hostname;
}
