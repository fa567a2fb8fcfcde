import { inSlices } from "../../../disk/time_slices.ts";
import type { InfoHash } from "../../../protocol/info_hash.ts";
import type { RpcContext } from "../call.ts";
import { RATIO_MODE } from "../fields/choice_fields.ts";
import { withPadding } from "../fields/file_fields.ts";
import { speaksOfFiles, wishesAfter } from "./file_wishes.ts";
import { bytesPerSecond, changedLimit, isLimited } from "../limits.ts";
import { invalid, type Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";
import type { ResultObject } from "../writing.ts";
import type { Changes } from "../../../session/session.ts";
import { BYTES_PER_KB } from "../fields/sizes.ts";
import { forEach, orderedTorrents, torrentOrders } from "./torrent_orders.ts";
import { changeTrackers, speaksOfTrackers } from "./tracker_changes.ts";

/**
 * The method `torrent_set`: changes files, limits, labels, trackers and the place in the queue of torrents. Clients send
 * choices that we do not have, as priorities among torrents, together with others; those are taken and forgotten.
 */
export async function torrentSet(params: Params, context: RpcContext): Promise<ResultObject> {
  if (params.has("location")) return torrentOrders.torrent_set_location(params, context, "json-rpc");
  return await forEach(
    orderedTorrents(params, context),
    context,
    (infoHash) => change(params, context, infoHash),
  );
}

async function change(params: Params, context: RpcContext, infoHash: InfoHash): Promise<void> {
  const { session } = context;
  const labels = labelsIn(params);
  const choices = choicesIn(params, context, infoHash);
  const isSequential = params.flag("sequential_download");
  if (speaksOfFiles(params) || isSequential !== undefined) {
    const wishes = speaksOfFiles(params)
      ? wishesAfter(params, withPadding(await inSlices(session.files(infoHash))))
      : {};
    await session.select(infoHash, { ...wishes, ...isSequential !== undefined && { isSequential } });
  }
  if (Object.keys(choices).length > 0) await session.choose(choices, infoHash);
  if (labels !== undefined) await session.label(infoHash, labels);
  if (speaksOfTrackers(params)) await changeTrackers(params, context, infoHash);
  const position = params.amount("queue_position");
  if (position !== undefined) await moveTo(position, infoHash, context);
}

/** The labels in a request without space around them. Errors: `RpcError` for those that Transmission refuses too. */
export function labelsIn(params: Params): readonly string[] | undefined {
  const labels = params.texts("labels")?.map((label) => label.trim());
  if (labels?.includes("")) throw new RpcError("invalid params", "labels cannot be empty");
  const bad = labels?.some((label) => label.includes(","));
  if (bad) throw new RpcError("invalid params", "labels cannot contain comma (,) character");
  return labels;
}

function choicesIn(params: Params, context: RpcContext, infoHash: InfoHash): Changes {
  const { maxDownload, maxUpload, seedRatio } = context.session.choices(infoHash);
  const { limits } = context.memories.of(infoHash);
  const rate = (number: string, isOn: string, present: number | undefined) =>
    changedLimit(params, { number, isOn }, (present ?? Infinity) / BYTES_PER_KB, limits);
  const download = rate("download_limit", "download_limited", maxDownload);
  const upload = rate("upload_limit", "upload_limited", maxUpload);
  const isRatioNamed = params.has("seed_ratio_limit") || params.has("seed_ratio_mode");
  return {
    ...download !== undefined && { maxDownload: bytesPerSecond(download) },
    ...upload !== undefined && { maxUpload: bytesPerSecond(upload) },
    ...isRatioNamed && { seedRatio: seedRatioIn(params, seedRatio, context.memories.of(infoHash).limits) },
  };
}

/** The ratio after a request: undefined for that of the session, `Infinity` for none. */
function seedRatioIn(
  params: Params,
  present: number | undefined,
  remembered: { get(name: string): number; set(name: string, number: number): void },
): number | undefined {
  const limit = params.amount("seed_ratio_limit") ??
    (isLimited(present) ? present! : remembered.get("seed_ratio_limit"));
  remembered.set("seed_ratio_limit", limit);
  switch (params.amount("seed_ratio_mode")) {
    case undefined:
      return isLimited(present) ? limit : present;
    case RATIO_MODE.global:
      return undefined;
    case RATIO_MODE.own:
      return limit;
    case RATIO_MODE.unlimited:
      return Infinity;
    default:
      throw invalid("0, 1 or 2 as seed_ratio_mode", params.value("seed_ratio_mode")!);
  }
}

/** Moves a torrent to a place in the queue, from 0. A place behind the last is the last one. */
async function moveTo(position: number, infoHash: InfoHash, { session }: RpcContext): Promise<void> {
  const present = session.snapshotOf(infoHash).queuePosition;
  const last = session.snapshot().length - 1;
  const wanted = Math.min(Math.floor(position), last);
  const steps = wanted - present;
  if (wanted === 0) return await session.queueMove(infoHash, "top");
  if (wanted === last) return await session.queueMove(infoHash, "bottom");
  for (let step = 0; step < Math.abs(steps); step++) {
    await session.queueMove(infoHash, steps < 0 ? "up" : "down");
  }
}
