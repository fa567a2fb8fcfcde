/** The user's changes of the addresses in a torrent: trackers and web seeds that are added and dropped. */
import { parseAnnounceAddress } from "../../protocol/announce_address.ts";
import { ADDED_ADDRESSES, ANNOUNCING } from "../../settings.ts";

/** Announce addresses, tier by tier (BEP 12). */
type Tiers = readonly (readonly string[])[];

/** A tracker that the user has added. */
interface AddedTracker {
  readonly url: string;
  /** A tracker in whose tier it is; undefined for a tier of its own. */
  readonly beside: string | undefined;
}

/** The changes of one torrent's addresses. They hold for its `.torrent` file as it is at each start. */
export interface KeptAddresses {
  readonly trackers: readonly AddedTracker[];
  readonly droppedTrackers: readonly string[];
  readonly webSeeds: readonly string[];
  readonly droppedWebSeeds: readonly string[];
}

/** The changes of a torrent whose addresses the user has not changed. */
export const UNCHANGED: KeptAddresses = {
  trackers: [],
  droppedTrackers: [],
  webSeeds: [],
  droppedWebSeeds: [],
};

/** The announce tiers of a torrent with the user's changes. */
export function changedTiers(tiers: Tiers, { trackers, droppedTrackers }: KeptAddresses): Tiers {
  if (trackers.length === 0 && droppedTrackers.length === 0) return tiers;
  const dropped = new Set(droppedTrackers);
  /** The tier of each address, also of one that was dropped, since others may be beside it. */
  const tierOf = new Map<string, string[]>();
  const changed = tiers.map((tier) => {
    const left = tier.filter((address) => !dropped.has(urlOf(address)));
    for (const address of tier) tierOf.set(urlOf(address), left);
    return left;
  });
  for (const { url, beside = url } of trackers) {
    const tier = tierOf.get(beside) ?? [];
    if (tier.push(url) === 1 && !changed.includes(tier)) changed.push(tier);
    tierOf.set(beside, tier).set(url, tier);
  }
  return changed.filter((tier) => tier.length > 0);
}

/** The web seeds of a torrent, of either kind, with the user's changes. Those added serve files (BEP 19). */
export function changedWebSeeds(
  { webSeeds, httpSeeds }: { readonly webSeeds: readonly string[]; readonly httpSeeds: readonly string[] },
  { webSeeds: added, droppedWebSeeds: dropped }: KeptAddresses,
): { webSeeds: string[]; httpSeeds: string[] } {
  const isLeft = (url: string) => !dropped.includes(hrefOf(url));
  return { webSeeds: [...webSeeds.filter(isLeft), ...added], httpSeeds: httpSeeds.filter(isLeft) };
}

/**
 * Adds a tracker to the tier at position `tier` of those that hold now, or gives it a tier of its own; a tracker that is
 * there already stays where it is. Errors: `RangeError`.
 */
export function withTracker(
  kept: KeptAddresses,
  tiers: Tiers,
  address: string,
  tier: number | undefined,
): KeptAddresses {
  const url = parseAnnounceAddress(address)?.href;
  if (url === undefined) {
    throw new RangeError("Expected an announce address of http, https or udp, got another text");
  }
  const droppedTrackers = kept.droppedTrackers.filter((dropped) => dropped !== url);
  const restored = { ...kept, droppedTrackers };
  const present = changedTiers(tiers, restored);
  if (present.flat().some((each) => urlOf(each) === url)) return restored;
  const beside = present[tier ?? present.length]?.[0];
  const added = { url, beside: beside === undefined ? undefined : urlOf(beside) };
  return checked({ ...restored, trackers: [...kept.trackers, added] });
}

/**
 * Adds the trackers of the same torrent from elsewhere, as far as they can be read and fit in; those that the user has
 * dropped stay dropped.
 */
export function withTiers(kept: KeptAddresses, tiers: Tiers, others: Tiers): KeptAddresses {
  const known = new Set([...changedTiers(tiers, kept).flat().map(urlOf), ...kept.droppedTrackers]);
  const trackers = [...kept.trackers];
  let room = ADDED_ADDRESSES.allCharacters - lengthOf(kept);
  for (const tier of others.slice(0, ANNOUNCING.maxTiers)) {
    let beside: string | undefined;
    for (const address of tier.slice(0, ANNOUNCING.maxTrackersPerTier)) {
      const url = parseAnnounceAddress(address)?.href;
      if (url === undefined || url.length > ADDED_ADDRESSES.characters) continue;
      const added = { url, beside };
      beside ??= url;
      if (known.has(url)) continue;
      room -= JSON.stringify(added).length + 1;
      if (room < 0) return { ...kept, trackers };
      known.add(url);
      trackers.push(added);
    }
  }
  return { ...kept, trackers };
}

/** Drops a tracker. Errors: `RangeError` for one that the torrent does not have. */
export function withoutTracker(kept: KeptAddresses, tiers: Tiers, address: string): KeptAddresses {
  const url = urlOf(address);
  if (!changedTiers(tiers, kept).flat().some((each) => urlOf(each) === url)) {
    throw new RangeError("Expected a tracker of the torrent, got another address");
  }
  const trackers = kept.trackers.filter((added) => added.url !== url);
  const isOfTorrent = tiers.flat().some((each) => urlOf(each) === url);
  const dropped = isOfTorrent ? [...kept.droppedTrackers, url] : kept.droppedTrackers;
  return checked({ ...kept, trackers, droppedTrackers: dropped });
}

/** Adds a web seed; one that is there already stays. Errors: `RangeError`. */
export function withWebSeed(kept: KeptAddresses, listed: readonly string[], address: string): KeptAddresses {
  const url = URL.parse(address);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new RangeError("Expected a web seed of http or https, got another text");
  }
  const restored = { ...kept, droppedWebSeeds: kept.droppedWebSeeds.filter((each) => each !== url.href) };
  if ([...listed, ...kept.webSeeds].some((each) => hrefOf(each) === url.href)) return restored;
  return checked({ ...restored, webSeeds: [...kept.webSeeds, url.href] });
}

/** Drops a web seed. Errors: `RangeError` for one that the torrent does not have. */
export function withoutWebSeed(
  kept: KeptAddresses,
  listed: readonly string[],
  address: string,
): KeptAddresses {
  const url = hrefOf(address);
  const isOfTorrent = listed.some((each) => hrefOf(each) === url);
  if (!kept.webSeeds.includes(url) && (!isOfTorrent || kept.droppedWebSeeds.includes(url))) {
    throw new RangeError("Expected a web seed of the torrent, got another address");
  }
  const webSeeds = kept.webSeeds.filter((each) => each !== url);
  const dropped = isOfTorrent ? [...kept.droppedWebSeeds, url] : kept.droppedWebSeeds;
  return checked({ ...kept, webSeeds, droppedWebSeeds: dropped });
}

/** The same changes, which must fit into a record of the resume state. Errors: `RangeError`. */
function checked(kept: KeptAddresses): KeptAddresses {
  const added = [...kept.trackers.map(({ url }) => url), ...kept.webSeeds];
  const long = added.find((url) => url.length > ADDED_ADDRESSES.characters);
  if (long !== undefined) {
    throw new RangeError(`Expected at most ${ADDED_ADDRESSES.characters} characters in an address, got more`);
  }
  if (lengthOf(kept) > ADDED_ADDRESSES.allCharacters) {
    const wanted = `at most ${ADDED_ADDRESSES.allCharacters} characters in all changed addresses`;
    throw new RangeError(`Expected ${wanted} of a torrent, got more`);
  }
  return kept;
}

function lengthOf({ trackers, droppedTrackers, webSeeds, droppedWebSeeds }: KeptAddresses): number {
  return JSON.stringify([trackers, droppedTrackers, webSeeds, droppedWebSeeds]).length;
}

/** Reads saved changes, which may be malformed. */
export function readAddresses(saved: unknown): KeptAddresses {
  const record = typeof saved === "object" && saved !== null ? saved as Record<string, unknown> : {};
  const textsIn = (name: string) => {
    const list = record[name];
    return Array.isArray(list) ? list.filter((each): each is string => typeof each === "string") : [];
  };
  const trackers = Array.isArray(record.trackers) ? record.trackers : [];
  return {
    trackers: trackers.flatMap((tracker) => {
      const { url, beside } = Object(tracker) as Partial<AddedTracker>;
      if (typeof url !== "string" || parseAnnounceAddress(url) === undefined) return [];
      return [{ url, beside: typeof beside === "string" ? beside : undefined }];
    }),
    droppedTrackers: textsIn("droppedTrackers"),
    webSeeds: textsIn("webSeeds").filter((url) => URL.canParse(url)),
    droppedWebSeeds: textsIn("droppedWebSeeds"),
  };
}

/** An announce address in one spelling. */
function urlOf(address: string): string {
  return parseAnnounceAddress(address)?.href ?? address;
}

function hrefOf(url: string): string {
  return URL.parse(url)?.href ?? url;
}
