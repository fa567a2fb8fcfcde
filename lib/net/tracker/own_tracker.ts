/** Whether the announce addresses of a torrent mean the tracker inside this process. */
import { announcePort, parseAnnounceAddress } from "../../protocol/announce_address.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { ANNOUNCING } from "../../settings.ts";
import { isOwnHost } from "../addresses/own_addresses.ts";

/** Announce URLs of a torrent without those that mean our own tracker, and whether there were such. */
export async function trackersOf(
  { announceTiers }: Pick<Metainfo, "announceTiers">,
  trackerPort: number | undefined,
): Promise<{ tiers: string[][]; isAnnouncer: boolean }> {
  const timeout = AbortSignal.timeout(ANNOUNCING.resolveTimeoutMs);
  let isAnnouncer = false;
  const tiers = await Promise.all(announceTiers.map(async (tier) => {
    const urls: string[] = [];
    for (const address of tier) {
      const url = parseAnnounceAddress(address);
      if (url === undefined) continue;
      if (announcePort(url) === trackerPort && await isOwnHost(url.hostname, timeout)) isAnnouncer = true;
      else urls.push(url.href);
    }
    return urls;
  }));
  return { tiers, isAnnouncer };
}

/**
 * Watches failed announces for those to this very machine: others look for its tracker there, in vain, as ours is on
 * `trackerPort`. Where another process here is the tracker, none fails.
 *
 * Returns what is to be told of each failure. `warn` gets a text for people, once for each URL.
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
