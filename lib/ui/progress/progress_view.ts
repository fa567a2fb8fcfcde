import type { RoomView, SessionEvent } from "../../session/session.ts";
import type { SwarmSnapshot } from "../../swarm/ports.ts";

/** An event of a session, or of a command that hands torrents over to another process. */
export type ShownEvent =
  | SessionEvent
  | {
    /** The process `pid`, which runs in `home`, has taken the torrent. */
    readonly event: "handed-over";
    readonly infoHash: string;
    readonly name: string;
    /** False for a torrent that it had already. */
    readonly isNew: boolean;
    readonly home: string;
    readonly pid: number;
  }
  | {
    /** The user shares it now, from `path`. */
    readonly event: "shared";
    readonly infoHash: string;
    readonly name: string;
    readonly length: number;
    readonly files: number;
    readonly code: string;
    readonly magnet: string;
    readonly path: string;
  }
  | {
    /** The user has seen enough, and the process `pid` goes on. */
    readonly event: "left-running";
    readonly infoHash: string;
    readonly name: string;
    readonly pid: number;
  }
  | {
    /** The page and the HTTP interface are served there, without the secret that they need. */
    readonly event: "page";
    readonly address: string;
  }
  | {
    /** Machines without the program get it there. */
    readonly event: "hand-out";
    readonly address: string;
  };

/** A swarm with its room, where another machine is known. */
export interface ShownSwarm extends SwarmSnapshot {
  readonly room?: RoomView | undefined;
  /** Looks up the names of machines by endpoint, of those that gave one. */
  readonly names?: (() => ReadonlyMap<string, string>) | undefined;
}

/** Shows a running session: as bars, as plain lines, as JSON, or not at all. */
export interface ProgressView {
  /** Whether it wants the event `piece`, which may come thousands of times a second; left out for no. */
  readonly watchesPieces?: boolean;
  /** Whether it shows rooms; where it does not, it gets none. */
  readonly showsRooms?: boolean;
  /** Shows an event. */
  event(event: ShownEvent): void;
  /** Shows the present state of every swarm; called about once a second. */
  tick(snapshots: readonly ShownSwarm[]): void;
  /** Writes a log line where it does not tear the view; absent where it may stand anywhere. */
  log?(line: string): void;
  /** Ends the showing and leaves the terminal as it was. */
  close(): void;
}

/** Values of `--progress`. */
export const PROGRESS_MODES = ["auto", "bars", "plain", "json", "none"] as const;
export type ProgressMode = typeof PROGRESS_MODES[number];
