import type { SwarmSnapshot } from "../../swarm/ports.ts";
import { jsonText } from "../json_text.ts";
import { outputWriter } from "../output.ts";
import type { ProgressView, ShownEvent } from "./progress_view.ts";

/** So many lines of pieces wait at most. */
const MAX_HELD = 256;

/**
 * One JSON object a line, as README.md lists them, for programs. Lines of pieces wait for the next other line or tick:
 * writing each by itself takes longer than handling its piece.
 */
export class JsonProgress implements ProgressView {
  readonly watchesPieces = true;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  /** The last `progress` of each info-hash, so that only changes are written. */
  readonly #lastProgress = new Map<string, string>();
  /** Lines of pieces. */
  #held: string[] = [];

  /** `now` is milliseconds since 1970. */
  constructor(write: (line: string) => void = outputWriter(), now: () => number = Date.now) {
    this.#write = write;
    this.#now = now;
  }

  event({ event, ...fields }: ShownEvent): void {
    const line = jsonText({ event, time: this.#now(), ...fields });
    if (event === "piece" && this.#held.push(line) < MAX_HELD) return;
    this.#flush();
    if (event !== "piece") this.#write(line);
  }

  tick(snapshots: readonly SwarmSnapshot[]): void {
    this.#flush();
    for (const snapshot of snapshots) {
      if (snapshot.lacksMetadata) continue;
      const fields = progressFields(snapshot);
      const text = JSON.stringify(fields);
      if (this.#lastProgress.get(snapshot.infoHash) === text) continue;
      this.#lastProgress.set(snapshot.infoHash, text);
      this.#write(jsonText({ event: "progress", time: this.#now(), ...fields }));
    }
  }

  close(): void {
    this.#flush();
  }

  #flush(): void {
    if (this.#held.length > 0) this.#write(this.#held.join("\n"));
    this.#held = [];
  }
}

/** The members of `progress`; rates as whole bytes per second. */
function progressFields(snapshot: SwarmSnapshot) {
  const { infoHash, have, pieces, downloaded, uploaded, connections } = snapshot;
  const { uploadSlotsUsed, downloadSourcesUsed } = snapshot;
  return {
    infoHash,
    have,
    pieces,
    downloaded,
    uploaded,
    downloadRate: Math.round(snapshot.downloadRate),
    uploadRate: Math.round(snapshot.uploadRate),
    connections,
    uploadSlotsUsed,
    downloadSourcesUsed,
  };
}
