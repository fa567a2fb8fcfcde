import { printable } from "../../log.ts";
import type { SwarmSnapshot } from "../../swarm/ports.ts";
import { EventTexts } from "./event_texts.ts";
import { outputWriter } from "../output.ts";
import type { ProgressView, ShownEvent } from "./progress_view.ts";
import { formatRate, percentOf } from "../number_format.ts";
import { formatWaiting } from "../text_format.ts";

/** The least time between two lines with the percent of one torrent, in milliseconds. */
const PERCENT_EVERY_MS = 5000;

/** Writes a line for each event and for each step of progress, for files, pipes and their readers. */
export class PlainProgress implements ProgressView {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #texts = new EventTexts();
  /** The last text about the progress of each info-hash, and its time in milliseconds. */
  readonly #told = new Map<string, { text: string; at: number }>();
  /** The last reason for which each info-hash waited. */
  readonly #reasons = new Map<string, string | undefined>();

  /** `now` is milliseconds on any clock that does not go back. */
  constructor(
    write: (line: string) => void = outputWriter(),
    now: () => number = () => performance.now(),
  ) {
    this.#write = write;
    this.#now = now;
  }

  event(event: ShownEvent): void {
    const text = this.#texts.textOf(event);
    if (text !== undefined) this.#write(text);
  }

  tick(snapshots: readonly SwarmSnapshot[]): void {
    const now = this.#now();
    for (const snapshot of snapshots) {
      this.#tellWaiting(snapshot);
      const text = standing(snapshot);
      const told = this.#told.get(snapshot.infoHash);
      const isDue = told === undefined || (told.text !== text && now - told.at >= PERCENT_EVERY_MS);
      if (text === undefined || !isDue) continue;
      this.#told.set(snapshot.infoHash, { text, at: now });
      const rates = `down ${formatRate(snapshot.downloadRate)}, up ${formatRate(snapshot.uploadRate)}`;
      this.#write(printable(`${snapshot.name}: ${text}, ${rates}, peers ${snapshot.connections}`));
    }
  }

  /** Writes the reason why a torrent waits, once until it changes. */
  #tellWaiting({ infoHash, name, waiting }: SwarmSnapshot): void {
    if (waiting?.reason === this.#reasons.get(infoHash)) return;
    this.#reasons.set(infoHash, waiting?.reason);
    if (waiting !== undefined) this.#write(printable(`${name}: ${formatWaiting(waiting)}`));
  }

  close(): void {}
}

/** The progress of a torrent, or the reason why it makes none; undefined when it is finished. */
function standing(snapshot: SwarmSnapshot): string | undefined {
  const { pieces, have, missing, checked, state, failure, finished, lacksMetadata } = snapshot;
  if (failure !== undefined) return `failed: ${failure}`;
  if (state === "paused") return "paused";
  if (lacksMetadata) return "fetching metadata";
  if (checked !== undefined) return `checked ${percentOf(checked, pieces)}%`;
  return finished ? undefined : `${percentOf(have, have + missing)}%`;
}
