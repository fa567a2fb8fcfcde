import type { SessionEvent } from "../../session/session.ts";
import type { SwarmSnapshot } from "../../swarm/ports.ts";

/** How a running session is shown: as bars, as plain lines, as JSON, or not at all. */
export interface ProgressView {
  /** Something happened. */
  event(event: SessionEvent): void;
  /** About once a second: how every swarm stands. */
  tick(snapshots: readonly SwarmSnapshot[]): void;
  /** Writes a log line in a place where it does not tear what is shown; absent where any place will do. */
  log?(line: string): void;
  /** Ends the showing and leaves the terminal as it was. */
  close(): void;
}

/** Values of `--progress`. */
export const PROGRESS_MODES = ["auto", "bars", "plain", "json", "none"] as const;
export type ProgressMode = typeof PROGRESS_MODES[number];
