/** `peer status`: all torrents of the running process in one table. */
import { setTimeout as delay } from "node:timers/promises";
import { EXIT, type ExitCode } from "../failure.ts";
import { formatBytes, formatDuration, formatRate, percentOf } from "../number_format.ts";
import { LiveLines } from "../progress/live_lines.ts";
import { TerminalScreen } from "../progress/terminal_screen.ts";
import { StopSignals } from "../stop_signals.ts";
import { formatWaiting } from "../text_format.ts";
import type { Style } from "./paint.ts";
import {
  byNumber,
  type Page,
  pageHere,
  printResult,
  type Remote,
  type RemoteOptions,
  stateOf,
} from "./remote.ts";
import type { State, TorrentSummary } from "../../api/shapes.ts";
import { type Column, tableLines } from "./table.ts";

/** The time between two looks of `--watch`, in milliseconds. */
const WATCH_EVERY_MS = 1000;

/** Options of `status`. */
interface StatusOptions extends RemoteOptions {
  /** Whether to show the table again and again, until a signal. */
  readonly watch?: boolean;
}

/** Shows the state of the process. */
export async function status(remote: Remote, { json, watch }: StatusOptions): Promise<ExitCode> {
  if (watch) return await watchStatus(remote, json ?? false);
  const state = await stateOf(remote);
  printResult(json, state, () => statusLines(state, pageHere()));
  return EXIT.ok;
}

/** Shows the state anew each second until a signal: in place on a terminal, else below one another. */
async function watchStatus(remote: Remote, isJson: boolean): Promise<ExitCode> {
  const signals = new StopSignals();
  const isLive = !isJson && Deno.stdout.isTerminal();
  const live = isLive ? new LiveLines(new TerminalScreen(Deno.stdout), { fillsScreen: true }) : undefined;
  try {
    while (!signals.stop.aborted) {
      const state = await stateOf(remote);
      const { paint } = pageHere();
      if (live === undefined) printResult(isJson, state, () => statusLines(state, pageHere()));
      else live.show((width, maxLines) => cutLines(statusLines(state, { width, paint }), maxLines));
      await delay(WATCH_EVERY_MS, undefined, { signal: signals.stop }).catch(() => {});
    }
  } finally {
    live?.close();
    signals.close();
  }
  return EXIT.ok;
}

/** At most `maxLines` lines; where there are more, the last one says so. */
function cutLines(lines: readonly string[], maxLines: number): readonly string[] {
  if (lines.length <= maxLines) return lines;
  const shown = lines.slice(0, Math.max(0, maxLines - 1));
  return [...shown, `… and ${lines.length - shown.length} more lines; peer status shows all`];
}

/** The totals, and a table of all torrents. */
export function statusLines(state: State, page: Page): string[] {
  const torrents = byNumber(state);
  const totals = page.paint(totalsText(state, torrents), "bold");
  if (torrents.length === 0) {
    return [totals, "no torrents yet: peer add TORRENT|MAGNET|URL, or put .torrent files into torrents/"];
  }
  const below = (torrent: TorrentSummary) => reasonOf(torrent, state.time);
  return [totals, ...tableLines(COLUMNS, torrents, { ...page, below })];
}

/** `peer 0.2.0 on pc-1, port 6881: 3 torrents, 1 active, ↓ 1.5 MiB/s ↑ 0 B/s`. */
function totalsText({ process }: State, torrents: readonly TorrentSummary[]): string {
  const sumOf = (rate: "downloadRate" | "uploadRate") =>
    torrents.reduce((sum, torrent) => sum + torrent[rate], 0);
  const active = torrents.filter(({ downloadRate, uploadRate }) => downloadRate + uploadRate > 0).length;
  const count = torrents.length === 1 ? "1 torrent" : `${torrents.length} torrents`;
  return `peer ${process.version} on ${process.hostname}, port ${process.port}: ${count}, ${active} active, ` +
    `↓ ${formatRate(sumOf("downloadRate"))} ↑ ${formatRate(sumOf("uploadRate"))}`;
}

const COLUMNS: readonly Column<TorrentSummary>[] = [
  { title: "#", text: ({ number }) => String(number), isNumber: true, rank: 0 },
  { title: "NAME", text: ({ name }) => name, rank: 1, isElastic: true },
  {
    title: "SIZE",
    text: ({ length, lacksMetadata }) => lacksMetadata ? "" : formatBytes(length),
    isNumber: true,
    rank: 7,
  },
  { title: "DONE", text: doneText, isNumber: true, rank: 2 },
  { title: "STATE", text: ({ state }) => state, style: ({ state }) => STATE_STYLES[state], rank: 3 },
  { title: "DOWN", text: ({ downloadRate }) => rateText(downloadRate), isNumber: true, rank: 4 },
  { title: "UP", text: ({ uploadRate }) => rateText(uploadRate), isNumber: true, rank: 5 },
  {
    title: "LEFT",
    text: ({ etaS }) => etaS === undefined ? "" : formatDuration(etaS),
    isNumber: true,
    rank: 6,
  },
  {
    title: "PEERS",
    text: ({ connections }) => connections === 0 ? "" : String(connections),
    isNumber: true,
    rank: 8,
  },
  { title: "LABELS", text: ({ labels }) => (labels ?? []).join(", "), rank: 9 },
];

/** Colours of the states that a person looks for first. */
const STATE_STYLES: Readonly<Record<string, Style>> = {
  downloading: "cyan",
  seeding: "green",
  checking: "yellow",
  failed: "red",
  paused: "dim",
  queued: "dim",
};

/** How much of what is wanted is there, or of a check how much is done. */
function doneText({ state, checked, pieces, have, missing, lacksMetadata }: TorrentSummary): string {
  if (lacksMetadata) return "";
  if (state === "checking" && checked !== undefined) return `${percentOf(checked, pieces)}%`;
  return `${percentOf(have, have + missing)}%`;
}

/** A rate; nothing where nothing moves, so that a table without transfers has no such column. */
function rateText(rate: number): string {
  return rate < 1 ? "" : formatRate(rate);
}

/** Why a torrent stands still. */
function reasonOf(
  { failure, pauseReason, waiting }: TorrentSummary,
  now: number,
): { text: string; style?: Style } | undefined {
  if (failure !== undefined) return { text: failure, style: "red" };
  if (pauseReason !== undefined) return { text: pauseReason };
  if (waiting === undefined) return undefined;
  const { reason, nextTryAt } = waiting;
  return {
    text: formatWaiting({ reason, nextTryInMs: nextTryAt && Math.max(0, nextTryAt - now) }),
    style: "dim",
  };
}
