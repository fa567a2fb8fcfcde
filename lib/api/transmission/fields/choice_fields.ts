/** The fields of `torrent_get` about what the user has chosen for a torrent, and choices that we do not know. */
import { CONNECTIONS } from "../../../settings.ts";
import type { Field } from "./torrent_fields.ts";
import { isLimited, kilobytes } from "../limits.ts";

/** The values of `seed_ratio_mode`: as for all torrents, the torrent's own limit, or none. */
export const RATIO_MODE = { global: 0, own: 1, unlimited: 2 } as const;
/** The values of `seed_idle_mode` and `bandwidth_priority`, which cannot be chosen otherwise. */
const IDLE_UNLIMITED = 2;
const PRIORITY_NORMAL = 0;
/** Transmission's own default, for clients that show a number even where it does not count. */
const IDLE_MINUTES = 30;

export const choiceFields: Readonly<Record<string, Field>> = {
  bandwidth_priority: () => PRIORITY_NORMAL,
  download_limit: ({ choices, memory }) =>
    kilobytes(choices.maxDownload, memory.limits.get("download_limit")),
  download_limited: ({ choices }) => isLimited(choices.maxDownload),
  group: () => "",
  honors_session_limits: () => true,
  max_connected_peers: () => CONNECTIONS.perTorrent,
  peer_limit: () => CONNECTIONS.perTorrent,
  seed_idle_limit: () => IDLE_MINUTES,
  seed_idle_mode: () => IDLE_UNLIMITED,
  seed_ratio_limit: ({ choices, memory }) =>
    isLimited(choices.seedRatio) ? choices.seedRatio! : memory.limits.get("seed_ratio_limit"),
  seed_ratio_mode: ({ choices: { seedRatio } }) => {
    if (seedRatio === undefined) return RATIO_MODE.global;
    return isLimited(seedRatio) ? RATIO_MODE.own : RATIO_MODE.unlimited;
  },
  sequential_download: ({ details }) => details.isSequential,
  upload_limit: ({ choices, memory }) => kilobytes(choices.maxUpload, memory.limits.get("upload_limit")),
  upload_limited: ({ choices }) => isLimited(choices.maxUpload),
};
