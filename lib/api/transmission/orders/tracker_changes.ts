/** Changes of a torrent's trackers, as Transmission has them: a whole list, or single ones added, removed, replaced. */
import type { InfoHash } from "../../../protocol/info_hash.ts";
import type { RpcContext } from "../call.ts";
import type { Json } from "../json.ts";
import { invalid, isList, type Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";

const MEMBERS = ["tracker_list", "tracker_add", "tracker_remove", "tracker_replace"];

/** Whether a request says anything about trackers. */
export function speaksOfTrackers(params: Params): boolean {
  return MEMBERS.some((name) => params.has(name));
}

/** Changes the trackers of a torrent. Errors: `RpcError`; those of the session. */
export async function changeTrackers(params: Params, context: RpcContext, infoHash: InfoHash): Promise<void> {
  const { session, memories } = context;
  const memory = memories.of(infoHash);
  const urlOf = (id: Json) => {
    const url = typeof id === "number" ? memory.trackerUrl(id) : undefined;
    const isThere = session.trackers(infoHash).some((tracker) => tracker.url === url);
    if (url === undefined || !isThere) {
      throw new RpcError("trackers", `Expected the id of a tracker, got ${id}`);
    }
    return url;
  };
  const list = params.text("tracker_list");
  if (list !== undefined) await replaceAll(list, context, infoHash);
  for (const url of params.texts("tracker_add") ?? []) await add(url, undefined, context, infoHash);
  for (const [id, url] of replacementsIn(params)) {
    const old = urlOf(id);
    const tier = session.trackers(infoHash).find((tracker) => tracker.url === old)?.tier;
    await add(url, tier, context, infoHash);
    if (url !== old) await session.dropTracker(infoHash, old);
  }
  const removed = params.integers("tracker_remove")?.map(urlOf) ?? [];
  for (const url of removed) await session.dropTracker(infoHash, url);
}

/** Pairs of the id of a tracker and the address that replaces it: in one list, one after another. */
function replacementsIn(params: Params): [id: Json, url: string][] {
  const list = params.value("tracker_replace");
  if (list === undefined) return [];
  if (!isList(list) || list.length % 2 !== 0) {
    throw invalid("pairs of id and address as tracker_replace", list);
  }
  return Array.from({ length: list.length / 2 }, (_, pair) => {
    const [id, url] = list.slice(2 * pair, 2 * pair + 2);
    if (typeof url !== "string") throw invalid("an address in tracker_replace", url);
    return [id, url];
  });
}

/** Makes a list the trackers of a torrent: one address in a line, and empty lines between the tiers. */
async function replaceAll(list: string, context: RpcContext, infoHash: InfoHash): Promise<void> {
  const { session } = context;
  const tiers = list.split(/\r?\n[ \t]*\r?\n/).map((tier) => tier.split(/\s+/).filter((url) => url !== ""));
  const wanted = tiers.filter((urls) => urls.length > 0);
  const before = session.trackers(infoHash);
  for (const [tier, urls] of wanted.entries()) {
    for (const url of urls) {
      const known = before.find((tracker) => tracker.url === url);
      if (known?.tier === tier) continue;
      if (known !== undefined) await session.dropTracker(infoHash, url);
      await add(url, tier, context, infoHash);
    }
  }
  const kept = new Set(wanted.flat());
  for (const { url } of before) if (!kept.has(url)) await session.dropTracker(infoHash, url);
}

async function add(
  url: string,
  tier: number | undefined,
  { session }: RpcContext,
  infoHash: InfoHash,
): Promise<void> {
  try {
    await session.addTracker(infoHash, url, tier);
  } catch (error) {
    // The address is no announce address.
    if (error instanceof RangeError) throw new RpcError("tracker list", error.message);
    throw error;
  }
}
