/** The methods that give orders to torrents. */
import type { InfoHash } from "../../../protocol/info_hash.ts";
import type { Method, RpcContext } from "../call.ts";
import { locationIn } from "./folders.ts";
import type { JsonObject } from "../json.ts";
import type { Params } from "../params.ts";
import { RpcError } from "../rpc_error.ts";
import { chosenTorrents } from "../torrent_choice.ts";

/** The torrents that an order means, in the order of the queue. */
export function orderedTorrents(params: Params, { session, recent }: RpcContext): InfoHash[] {
  return chosenTorrents(params, session.snapshot(), recent).map(({ infoHash }) => infoHash);
}

/**
 * Gives an order to all torrents that a request means. A torrent that is removed meanwhile needs no order any more; when
 * others fail, the rest still get the order. Errors: the first failure.
 */
export async function forEach(
  torrents: readonly InfoHash[],
  { session, recent }: RpcContext,
  order: (infoHash: InfoHash) => Promise<void> | void,
): Promise<JsonObject> {
  const outcomes = await Promise.allSettled(torrents.map(async (infoHash) => {
    await order(infoHash);
    recent.touch(infoHash);
  }));
  const isThere = new Set(session.snapshot().map(({ infoHash }) => infoHash));
  for (const [at, outcome] of outcomes.entries()) {
    if (outcome.status === "rejected" && isThere.has(torrents[at])) throw outcome.reason;
  }
  return {};
}

function order(give: (infoHash: InfoHash, context: RpcContext) => Promise<void> | void): Method {
  return (params, context) =>
    forEach(orderedTorrents(params, context), context, (infoHash) => give(infoHash, context));
}

/** Moves torrents in the queue, one after another, so that they keep their order among each other. */
function queueMove(to: "top" | "up" | "down" | "bottom"): Method {
  return async (params, context) => {
    const torrents = orderedTorrents(params, context);
    // The last one that is moved to the top is the first one there; one that moves down must not pass the next one.
    if (to === "top" || to === "down") torrents.reverse();
    for (const infoHash of torrents) {
      await forEach([infoHash], context, () => context.session.queueMove(infoHash, to));
    }
    return {};
  };
}

/** Orders by name. */
export const torrentOrders: Readonly<Record<string, Method>> = {
  torrent_start: order((infoHash, { session }) => session.resume(infoHash)),
  torrent_start_now: order(async (infoHash, { session }) => {
    await session.queueMove(infoHash, "top");
    await session.resume(infoHash);
  }),
  torrent_stop: order((infoHash, { session }) => session.pause(infoHash)),
  torrent_verify: order((infoHash, { session }) => session.verify(infoHash)),
  torrent_reannounce: order((infoHash, { session }) => session.reannounce(infoHash)),
  torrent_remove: (params, context) => {
    const deletesData = params.flag("delete_local_data") ?? false;
    return forEach(
      orderedTorrents(params, context),
      context,
      (infoHash) => context.session.remove(infoHash, deletesData),
    );
  },
  torrent_set_location: (params, context) => {
    const folder = locationIn(params, context);
    const movesData = params.flag("move") ?? false;
    return forEach(
      orderedTorrents(params, context),
      context,
      (infoHash) => context.session.relocate(infoHash, folder, movesData),
    );
  },
  torrent_rename_path: () => {
    throw new RpcError(
      "system",
      "Expected files to keep their names, got a new name; peer keeps the torrent's own names",
    );
  },
  queue_move_top: queueMove("top"),
  queue_move_up: queueMove("up"),
  queue_move_down: queueMove("down"),
  queue_move_bottom: queueMove("bottom"),
};
