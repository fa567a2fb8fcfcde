/** All methods of the RPC by name. */
import type { Method } from "./call.ts";
import { freeSpace } from "./free_space.ts";
import { RpcError } from "./rpc_error.ts";
import { sessionGet } from "./fields/session_fields.ts";
import { sessionSet } from "./orders/session_set.ts";
import { sessionStats } from "./session_stats.ts";
import { torrentAdd } from "./orders/torrent_add.ts";
import { torrentGet } from "./torrent_get.ts";
import { torrentOrders } from "./orders/torrent_orders.ts";
import { torrentSet } from "./orders/torrent_set.ts";

const IP_PROTOCOLS = ["ipv4", "ipv6"];

export const METHODS: ReadonlyMap<string, Method> = new Map(Object.entries<Method>({
  ...torrentOrders,
  torrent_add: torrentAdd,
  torrent_get: torrentGet,
  torrent_set: torrentSet,
  session_get: sessionGet,
  session_set: sessionSet,
  session_stats: sessionStats,
  session_close: (_params, { options }) => {
    options.stop();
    return {};
  },
  free_space: freeSpace,
  blocklist_update: () => ({ blocklist_size: 0 }),
  // On a LAN, the port on which we listen is open.
  port_test: (params) => {
    const protocol = params.text("ip_protocol");
    if (protocol === undefined) return { port_is_open: true };
    if (!IP_PROTOCOLS.includes(protocol)) throw new RpcError("invalid params", "invalid ip protocol string");
    return { port_is_open: true, ip_protocol: protocol };
  },
  group_get: () => ({ group: [] }),
  group_set: () => {
    throw new RpcError(
      "invalid params",
      "Expected no bandwidth groups, got one; limit the torrents themselves",
    );
  },
}));
