/** Everything that the page knows, as signals: a part of the page is drawn anew when a signal it read has changed. */
import { computed, signal } from "@preact/signals";
import type {
  FileView,
  FleetView,
  HostView,
  PeerView,
  PiecesView,
  State,
  TorrentDetails,
  TorrentSummary,
  TrackerView,
} from "../api/shapes.ts";

/** An event of the program, with its time in ms since 1970. */
export interface LogEntry {
  readonly event: string;
  readonly time?: number;
  readonly [member: string]: unknown;
}

/** How the page stands with the program. */
type Link =
  | { readonly status: "connecting" }
  | { readonly status: "up" }
  /** `since` in ms since 1970; it tries again by itself. */
  | { readonly status: "lost"; readonly since: number }
  /** The program wants a password; `message` says why the last one was refused. */
  | { readonly status: "locked"; readonly message: string };

/** Seconds that a spark line shows. */
export const SPARK_SECONDS = 60;
/** Entries of the log that are kept. */
const MAX_LOG_ENTRIES = 500;

export const link = signal<Link>({ status: "connecting" });
export const state = signal<State | undefined>(undefined);
/** The info-hash that the user has chosen; see `selected`. */
const chosen = signal<string | undefined>(undefined);
/** The user's search among the torrents. */
export const torrentFilter = signal("");
export const log = signal<readonly LogEntry[]>([]);
/** What the last order of the user led to, until the next one. */
export const notice = signal<{ readonly text: string; readonly isError: boolean } | undefined>(undefined);
/** Tells the user what an order led to. */
export function tell(text: string): void {
  notice.value = { text, isError: false };
}
/** Tells the user why an order led to nothing. */
export function complain(text: string): void {
  notice.value = { text, isError: true };
}
/** The dialog that is open. */
export const dialog = signal<"add" | "share" | "remove" | "limits" | "code" | "offer" | "help" | undefined>(
  undefined,
);

/** The fleet that this host is a member of, as it was seen last. */
export const fleet = signal<FleetView["fleet"]>(undefined);

/** What is known of the selected torrent beyond its state; undefined until it has been fetched. */
export const hosts = signal<readonly HostView[] | undefined>(undefined);
export const details = signal<TorrentDetails | undefined>(undefined);
export const files = signal<readonly FileView[] | undefined>(undefined);
export const peers = signal<readonly PeerView[] | undefined>(undefined);
export const trackers = signal<readonly TrackerView[] | undefined>(undefined);
export const pieces = signal<PiecesView | undefined>(undefined);

/** All torrents in the order of their numbers. */
export const torrents = computed<readonly TorrentSummary[]>(() =>
  Object.values(state.value?.torrents ?? {}).sort((a, b) => a.number - b.number)
);

/** Those that match the user's search. */
export const shownTorrents = computed(() => {
  const words = torrentFilter.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return torrents.value;
  return torrents.value.filter(({ name, state, labels = [] }) => {
    const text = [name, state, ...labels].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
});

/** The torrent that the page shows in full: the chosen one, else the first. */
export const selected = computed<TorrentSummary | undefined>(() => {
  const byHash = state.value?.torrents ?? {};
  return byHash[chosen.value ?? ""] ?? torrents.value[0];
});

/** The info-hash of the torrent that the page shows in full; it changes less often than what is known of it. */
export const selectedHash = computed(() => selected.value?.infoHash);
/** Whether the program is heard. */
export const isUp = computed(() => link.value.status === "up");

/** The rates of the last minute in bytes per second, oldest first, by info-hash. */
const rates = new Map<string, { readonly down: number[]; readonly up: number[] }>();
/** Counts the seconds for which rates were noted; who reads it is drawn anew with the next ones. */
export const ratesNoted = signal(0);

/** The rates of a torrent in the last minute. */
export function ratesOf(
  infoHash: string,
): { readonly down: readonly number[]; readonly up: readonly number[] } {
  return rates.get(infoHash) ?? { down: [], up: [] };
}

/** Notes the present rates of all torrents, once a second. */
export function noteRates(): void {
  const present = state.value?.torrents ?? {};
  for (const infoHash of rates.keys()) if (!Object.hasOwn(present, infoHash)) rates.delete(infoHash);
  for (const { infoHash, downloadRate, uploadRate } of Object.values(present)) {
    const noted = rates.get(infoHash) ?? { down: [], up: [] };
    rates.set(infoHash, noted);
    for (const [list, value] of [[noted.down, downloadRate], [noted.up, uploadRate]] as const) {
      list.push(value);
      if (list.length > SPARK_SECONDS) list.shift();
    }
  }
  ratesNoted.value++;
}

/** Adds entries to the log, and lets the oldest go. */
export function noteLog(entries: readonly LogEntry[]): void {
  if (entries.length > 0) log.value = [...log.value, ...entries].slice(-MAX_LOG_ENTRIES);
}

/** Shows another torrent in full. */
export function choose(infoHash: string): void {
  if (selected.value?.infoHash === infoHash) return;
  chosen.value = infoHash;
  for (const each of [hosts, details, files, peers, trackers, pieces]) each.value = undefined;
}
