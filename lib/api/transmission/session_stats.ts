import type { RpcContext } from "./call.ts";
import type { JsonObject } from "./json.ts";
import type { Params } from "./params.ts";

const MS_PER_SECOND = 1_000;

/** The method `session_stats`: counts, rates, and totals of this run and of all runs. */
export function sessionStats(_params: Params, { session, recent }: RpcContext): JsonObject {
  const torrents = session.snapshot();
  const totals = session.process();
  const paused = torrents.filter(({ state }) => state === "paused" || state === "failed").length;
  const numbers = torrents.map(({ number }) => number);
  const secondsActive = Math.max(0, Math.round((recent.now - totals.startedAt) / MS_PER_SECOND));
  return {
    active_torrent_count: torrents.length - paused,
    paused_torrent_count: paused,
    torrent_count: torrents.length,
    download_speed: Math.round(totals.downloadRate),
    upload_speed: Math.round(totals.uploadRate),
    cumulative_stats: {
      downloaded_bytes: totals.downloadedEver,
      uploaded_bytes: totals.uploadedEver,
      // Numbers begin at 1 and are never given again.
      files_added: Math.max(0, ...numbers),
      seconds_active: secondsActive,
      session_count: 1,
    },
    current_stats: {
      downloaded_bytes: totals.downloaded,
      uploaded_bytes: totals.uploaded,
      files_added: torrents.filter(({ addedAt }) => addedAt >= totals.startedAt).length,
      seconds_active: secondsActive,
      session_count: 1,
    },
  };
}
