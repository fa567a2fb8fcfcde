/** The words and signs for the state of a torrent or a host. A sign never stands for a state without its word. */
import type { HostView, TorrentSummary } from "../api/shapes.ts";

/** A sign with the class that colours it. */
interface Sign {
  readonly sign: string;
  readonly kind: "" | "busy" | "done" | "bad" | "rest";
}

const TORRENT_SIGNS: Readonly<Record<TorrentSummary["state"], Sign>> = {
  "fetching metadata": { sign: "●", kind: "busy" },
  checking: { sign: "●", kind: "busy" },
  downloading: { sign: "●", kind: "busy" },
  seeding: { sign: "✓", kind: "done" },
  paused: { sign: "‖", kind: "rest" },
  queued: { sign: "○", kind: "rest" },
  failed: { sign: "⚠", kind: "bad" },
  leaving: { sign: "○", kind: "rest" },
};

/** The sign of a torrent's state. */
export function symbolOf({ state }: TorrentSummary): Sign {
  return TORRENT_SIGNS[state] ?? { sign: "●", kind: "" };
}

/** The state of a torrent in a word or two. */
export function wordOf({ state, finished, pauseReason, waiting }: TorrentSummary): string {
  if (state === "paused") return pauseReason ?? "paused";
  if (state === "seeding") return finished ? "complete, shared" : "shared";
  if (state === "queued") return "waits for its turn";
  if (state === "downloading" && waiting !== undefined) return "waits";
  return state;
}

/** The part of the wanted data that is there, 0 to 1; while it is checked, the part that was checked. */
export function haveOf({ have, missing, pieces, checked, finished }: TorrentSummary): number {
  if (checked !== undefined) return pieces === 0 ? 0 : checked / pieces;
  if (finished) return 1;
  return have + missing === 0 ? 0 : have / (have + missing);
}

const HOST_SIGNS: Readonly<Record<HostView["state"], Sign>> = {
  downloading: { sign: "●", kind: "busy" },
  checking: { sign: "●", kind: "busy" },
  waiting: { sign: "○", kind: "rest" },
  done: { sign: "✓", kind: "done" },
  paused: { sign: "‖", kind: "rest" },
  failed: { sign: "⚠", kind: "bad" },
  gone: { sign: "○", kind: "bad" },
};

/** The sign of a host's state. */
export function hostSign({ state, part }: HostView): Sign {
  if (state === "gone" && part === 1) return { sign: "○", kind: "rest" };
  return HOST_SIGNS[state] ?? { sign: "●", kind: "" };
}
