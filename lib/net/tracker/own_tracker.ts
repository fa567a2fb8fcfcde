/** Finds out which announce addresses of a torrent stand for the tracker inside this process. */
import { announcePort, ownPathOf, parseAnnounceAddress } from "../../protocol/announce_address.ts";
import { withoutSecrets } from "../../protocol/secrets.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { ANNOUNCING } from "../../settings.ts";
import { isOwnHost } from "../addresses/own_addresses.ts";

/** The announce addresses of a torrent, sorted into our own tracker and others. */
interface SortedTrackers {
  /** Announce URLs of other trackers, tier by tier. */
  readonly tiers: string[][];
  /** Whether one of the addresses is our own tracker. */
  readonly isAnnouncer: boolean;
  /** Texts for people about addresses that are malformed, or that name this machine but miss its tracker. */
  readonly problems: string[];
}

/** Returns a function that tells whether a host name is this machine. It resolves each name once, so use it briefly. */
export function ownHosts(): (hostname: string) => Promise<boolean> {
  const timeout = AbortSignal.timeout(ANNOUNCING.resolveTimeoutMs);
  const asked = new Map<string, Promise<boolean>>();
  return (hostname) => {
    const known = asked.get(hostname);
    if (known !== undefined) return known;
    const answer = isOwnHost(hostname, timeout);
    asked.set(hostname, answer);
    return answer;
  };
}

/** Sorts the announce addresses of a torrent. `isOwn` is a function as `ownHosts` returns it. */
export async function trackersOf(
  { announceTiers }: Pick<Metainfo, "announceTiers">,
  trackerPort: number | undefined,
  isOwn: (hostname: string) => Promise<boolean> = ownHosts(),
): Promise<SortedTrackers> {
  let isAnnouncer = false;
  const problems = new Set<string>();
  const tiers = await Promise.all(announceTiers.map(async (tier) => {
    const urls: string[] = [];
    for (const address of tier) {
      const url = parseAnnounceAddress(address);
      if (url === undefined) {
        if (!address.includes("://")) {
          problems.add(`cannot announce to "${address}", which is no URL and no host`);
        }
        continue;
      }
      if (announcePort(url) !== trackerPort || !await isOwn(url.hostname)) {
        urls.push(url.href);
        continue;
      }
      const problem = missesOurTracker(url);
      if (problem === undefined) isAnnouncer = true;
      else problems.add(problem);
    }
    return urls;
  }));
  return { tiers, isAnnouncer, problems: [...problems] };
}

/** The reason, as a text for people, why clients that announce to this URL of our own machine and port do not reach our tracker there; undefined where they do. */
export function missesOurTracker(url: URL): string | undefined {
  const { protocol, host, pathname } = url;
  const instead = `change the torrent with "peer edit --announce http://${host}/announce"`;
  if (protocol === "https:") {
    return `nobody finds our tracker at https://${host}, as it answers http and udp only: ${instead}`;
  }
  if (protocol === "udp:" || ownPathOf(pathname) === "/announce") return undefined;
  return `nobody finds our tracker at ${withoutSecrets(url.href)}, as its path is /announce: ${instead}`;
}

/**
 * The faults, as texts for people, in the announce URLs of a torrent that this machine is going to share, where its
 * tracker will be on one of the ports `first` to `last`.
 */
export async function announceProblems(
  urls: readonly string[],
  { first, last }: { readonly first: number; readonly last: number },
): Promise<string[]> {
  const isOwn = ownHosts();
  const problems = await Promise.all(urls.map(async (address) => {
    const url = parseAnnounceAddress(address);
    if (url === undefined) return undefined;
    const port = announcePort(url);
    const problem = missesOurTracker(url);
    if (problem === undefined || port < first || port > last) return undefined;
    return await isOwn(url.hostname) ? problem : undefined;
  }));
  return problems.filter((problem) => problem !== undefined);
}

/**
 * Watches failed announces for URLs of this machine: other peers look there in vain for its tracker, as ours is on
 * `trackerPort`. Where another process of this machine is the tracker, no announce fails.
 *
 * Returns the function to call for each failure. `warn` gets a text for people, once for each URL.
 */
export function missingTrackers(
  trackerPort: number,
  warn: (message: string) => void,
): (url: string, reason: string) => Promise<void> {
  const looked = new Set<string>();
  return async (href, reason) => {
    if (looked.has(href)) return;
    looked.add(href);
    const url = new URL(href);
    if (!await isOwnHost(url.hostname, AbortSignal.timeout(ANNOUNCING.resolveTimeoutMs))) return;
    warn(
      `no tracker answers at ${url.host}, which is this machine (${reason}), and ours is on port ${trackerPort}: ` +
        `free port ${announcePort(url)} and start again, or change the torrent with "peer edit"`,
    );
  };
}
