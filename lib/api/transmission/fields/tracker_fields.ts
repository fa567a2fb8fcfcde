/** The fields of `torrent_get` about trackers. */
import type { JsonObject } from "../json.ts";
import type { TrackerView } from "../../../session/session.ts";
import { seconds } from "./sizes.ts";
import type { Field } from "./torrent_fields.ts";
import type { TorrentMemory } from "./torrent_look.ts";

/** The values of `announce_state` and `scrape_state`. */
const INACTIVE = 0;
const WAITING = 1;
const ACTIVE = 3;
/** Stands for a count that no tracker has told. */
const UNKNOWN = -1;

export const trackerFields: Readonly<Record<string, Field>> = {
  tracker_list: ({ trackers }) => {
    const tiers = Map.groupBy(trackers, ({ tier }) => tier);
    return Array.from(tiers.values(), (tier) => tier.map(({ url }) => `${url}\n`).join("")).join("\n");
  },
  tracker_stats: ({ trackers, memory }) =>
    trackers.map((tracker) => ({ ...identityOf(tracker, memory), ...statisticsOf(tracker) })),
  trackers: ({ trackers, memory }) => trackers.map((tracker) => identityOf(tracker, memory)),
};

function identityOf({ url, tier }: TrackerView, memory: TorrentMemory): JsonObject {
  return {
    id: memory.trackerNumber(url),
    announce: url,
    scrape: scrapeUrl(url),
    sitename: siteOf(url),
    tier,
  };
}

/**
 * What is known of a tracker. Clients read all of these members without a look whether they are there. Our announces
 * bring the counts that Transmission scrapes for, so each announce counts as a scrape too.
 */
function statisticsOf(tracker: TrackerView): JsonObject {
  const { url, state, peersHeard, failure } = tracker;
  const last = seconds(tracker.lastAnnounceAt);
  const next = seconds(tracker.nextAnnounceAt);
  const hasAnnounced = last > 0;
  const hasSucceeded = hasAnnounced && failure === undefined;
  const result = failure ?? (hasAnnounced ? "Success" : "");
  const hasTimedOut = /timed out|no answer within/i.test(failure ?? "");
  return {
    host: originOf(url),
    is_backup: state === "not asked",
    announce_state: stateOf(tracker),
    has_announced: hasAnnounced,
    last_announce_peer_count: peersHeard,
    last_announce_result: result,
    last_announce_start_time: last,
    last_announce_succeeded: hasSucceeded,
    last_announce_time: last,
    last_announce_timed_out: hasTimedOut,
    next_announce_time: next,
    scrape_state: stateOf(tracker),
    has_scraped: hasAnnounced,
    last_scrape_result: result,
    last_scrape_start_time: last,
    last_scrape_succeeded: hasSucceeded,
    last_scrape_time: last,
    last_scrape_timed_out: hasTimedOut,
    next_scrape_time: next,
    seeder_count: tracker.seeders ?? UNKNOWN,
    leecher_count: tracker.leechers ?? UNKNOWN,
    download_count: tracker.downloads ?? UNKNOWN,
    downloader_count: UNKNOWN,
  };
}

function stateOf({ state, nextAnnounceAt }: TrackerView): number {
  if (state === "announcing") return ACTIVE;
  return nextAnnounceAt === undefined ? INACTIVE : WAITING;
}

/** The address for counts that belongs to an announce address (BEP 48); empty where there is none. */
function scrapeUrl(url: string): string {
  if (url.startsWith("udp:")) return url;
  return /\/announce[^/]*$/.test(url) ? url.replace(/\/announce(?=[^/]*$)/, "/scrape") : "";
}

/** Scheme, host and port of a tracker. */
function originOf(url: string): string {
  return /^[^/]+\/\/[^/?#]+/.exec(url)?.[0] ?? url;
}

/** The part of a host's name by which people know a site, or an address as a whole. */
function siteOf(url: string): string {
  const host = /^[^/]+\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/.exec(url)?.[1] ?? "";
  return /^[\d.]+$|^\[/.test(host) ? host : host.split(".").at(-2) ?? host;
}
