import type { Logger } from "../../log.ts";
import type { SessionEvent } from "../../session/session.ts";
import { EventTexts } from "./event_texts.ts";
import type { ProgressView } from "./progress_view.ts";

/** Shows no progress, but writes warnings and errors to the log, so that silence does not hide them. */
export class LoggedProgress implements ProgressView {
  readonly #log: Logger;
  readonly #texts = new EventTexts();

  constructor(log: Logger) {
    this.#log = log;
  }

  event(event: SessionEvent): void {
    const text = this.#texts.textOf(event);
    if (text === undefined) return;
    if (event.event === "warning") this.#log.warn(text);
    else if (event.event === "error") this.#log.error(text);
  }

  tick(): void {}

  close(): void {}
}
