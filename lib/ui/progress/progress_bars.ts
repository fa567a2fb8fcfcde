import { EVENT_STYLES, type Paint, plain } from "../control/paint.ts";
import { renderBarLines, swarmLines } from "./bar_lines.ts";
import { EventTexts } from "./event_texts.ts";
import { LiveLines, type Screen } from "./live_lines.ts";
import type { ProgressView, ShownEvent, ShownSwarm } from "./progress_view.ts";

/** Shows bars on a terminal, one for each torrent and each connected peer, and the events above them. */
export class ProgressBars implements ProgressView {
  readonly showsRooms = true;
  readonly #bars: LiveLines;
  readonly #paint: Paint;
  readonly #texts = new EventTexts();
  #lastSnapshots: readonly ShownSwarm[] = [];

  constructor(screen: Screen, paint: Paint = plain) {
    this.#paint = paint;
    this.#bars = new LiveLines(screen);
  }

  event(event: ShownEvent): void {
    const text = this.#texts.textOf(event);
    if (text !== undefined) this.#bars.log(this.#paint(text, EVENT_STYLES[event.event]));
  }

  tick(snapshots: readonly ShownSwarm[]): void {
    this.#lastSnapshots = snapshots;
    this.#show(snapshots);
  }

  log(line: string): void {
    this.#bars.log(line);
  }

  /** Leaves the lines of the torrents on the terminal, without their peers. */
  close(): void {
    this.#show(this.#lastSnapshots.map((snapshot) => ({ ...snapshot, peers: [] })));
    this.#bars.close();
  }

  #show(snapshots: readonly ShownSwarm[]): void {
    this.#bars.show((columns, maxLines) =>
      renderBarLines(swarmLines(snapshots, maxLines, columns), columns, this.#paint)
    );
  }
}
