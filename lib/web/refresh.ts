/** Fetches what the user looks at beyond the state, again and again while it is on the screen. */
import { effect, type Signal, signal } from "@preact/signals";
import { get } from "./connection.ts";
import type { FleetView } from "../api/shapes.ts";
import { details, files, fleet, hosts, isUp, peers, pieces, selectedHash, trackers } from "./store.ts";

/** The parts of a torrent that can be folded out. */
export type Fold = "files" | "pieces" | "peers" | "trackers" | "log";

/** The parts that are folded out. */
export const unfolded = signal<ReadonlySet<Fold>>(new Set());

/** Folds a part out or in. */
export function toggle(fold: Fold): void {
  const next = new Set(unfolded.value);
  if (!next.delete(fold)) next.add(fold);
  unfolded.value = next;
}

interface Source {
  readonly path: string;
  /** The member of the answer that holds the value; without it, the answer is the value. */
  readonly member?: string;
  // deno-lint-ignore no-explicit-any -- Each signal holds what its own path answers.
  readonly target: Signal<any>;
  readonly everyMs: number;
  /** The fold that must be open; without it, it is always on the screen. */
  readonly fold?: Fold;
}

const SOURCES: readonly Source[] = [
  { path: "/hosts", member: "hosts", target: hosts, everyMs: 1_000 },
  { path: "", target: details, everyMs: 3_000 },
  { path: "/files", member: "files", target: files, everyMs: 3_000, fold: "files" },
  { path: "/peers", member: "peers", target: peers, everyMs: 1_000, fold: "peers" },
  { path: "/trackers", member: "trackers", target: trackers, everyMs: 3_000, fold: "trackers" },
  { path: "/pieces", target: pieces, everyMs: 3_000, fold: "pieces" },
];

/** The time between two looks at the fleet, in ms. */
const FLEET_EVERY_MS = 3_000;

/** Begins to fetch; it goes on for as long as the page is open. */
export function refresh(): void {
  effect(() => {
    if (!isUp.value) return;
    const timer = setInterval(refreshFleet, FLEET_EVERY_MS);
    refreshFleet();
    return () => clearInterval(timer);
  });
  for (const source of SOURCES) {
    effect(() => {
      const infoHash = selectedHash.value;
      const isShown = source.fold === undefined || unfolded.value.has(source.fold);
      if (infoHash === undefined || !isShown || !isUp.value) return;
      const ending = new AbortController();
      fetchAgainAndAgain(source, infoHash, ending.signal);
      return () => ending.abort();
    });
  }
}

/** Looks at the fleet now. */
export async function refreshFleet(): Promise<void> {
  fleet.value = (await get<FleetView>("fleet").catch(() => undefined))?.fleet ?? fleet.value;
}

async function fetchAgainAndAgain(source: Source, infoHash: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const answer = await get<Record<string, unknown>>(`torrents/${infoHash}${source.path}`);
      if (signal.aborted) return;
      source.target.value = source.member === undefined ? answer : answer[source.member] ?? [];
    } catch {
      // The connection's own loop tells the user that the program is out of reach; this one tries again.
    }
    await new Promise((resolve) => setTimeout(resolve, source.everyMs));
  }
}
