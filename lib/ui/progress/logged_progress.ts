import type { Logger } from "../../log.ts";
import type { SwarmSnapshot } from "../../swarm/ports.ts";
import { EventTexts } from "./event_texts.ts";
import type { ProgressView, ShownEvent } from "./progress_view.ts";

/** Events that every view shows by itself. */
const SHOWN: readonly ShownEvent["event"][] = [
  "ready",
  "torrent",
  "complete",
  "corrupt",
  "warning",
  "error",
  "stopped",
  "handed-over",
  "left-running",
  "offer",
];

/** What a `LoggedProgress` is built from. */
interface LoggedProgressOptions {
  readonly log: Logger;
  /** The view that is shown beside the log; undefined for none. */
  readonly shown: ProgressView | undefined;
  /** Whether the readers of the log do not see the view, so that the log tells all that is shown, too. */
  readonly isAlone: boolean;
  /** Whether the log tells enough that each piece is told. */
  readonly watchesPieces: boolean;
}

/** A view beside which events are written to the log: failures as what they are, all else as information. */
export class LoggedProgress implements ProgressView {
  readonly watchesPieces: boolean;
  readonly showsRooms: boolean;
  readonly #options: LoggedProgressOptions;
  readonly #texts = new EventTexts();

  constructor(options: LoggedProgressOptions) {
    this.#options = options;
    this.watchesPieces = options.watchesPieces || options.shown?.watchesPieces === true;
    this.showsRooms = options.shown?.showsRooms === true;
  }

  event(event: ShownEvent): void {
    const { log, shown, isAlone } = this.#options;
    shown?.event(event);
    if (event.event === "piece" && !this.#options.watchesPieces) return;
    const lines = this.#texts.linesOf(event);
    if (!isAlone && SHOWN.includes(event.event)) return;
    const level = event.event === "warning" ? "warn" : event.event === "error" ? "error" : "info";
    for (const line of lines) log[level](line);
  }

  tick(snapshots: readonly SwarmSnapshot[]): void {
    this.#options.shown?.tick(snapshots);
  }

  close(): void {
    this.#options.shown?.close();
  }
}
