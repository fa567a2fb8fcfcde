import type { SwarmSnapshot } from "../../swarm/ports.ts";
import { jsonText } from "../json_text.ts";
import { outputWriter } from "../output.ts";
import type { ProgressView, ShownEvent } from "./progress_view.ts";

/** One JSON object a line, as README.md lists them, for programs. */
export class JsonProgress implements ProgressView {
  readonly watchesPieces = true;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  /** The last `progress` of each info-hash, so that only changes are written. */
  readonly #lastProgress = new Map<string, string>();

  /** `now` is milliseconds since 1970. */
  constructor(write: (line: string) => void = outputWriter(), now: () => number = Date.now) {
    this.#write = write;
    this.#now = now;
  }

  event({ event, ...fields }: ShownEvent): void {
    this.#write(jsonText({ event, time: this.#now(), ...fields }));
  }

  tick(snapshots: readonly SwarmSnapshot[]): void {
    for (const snapshot of snapshots) {
      if (snapshot.lacksMetadata) continue;
      const fields = progressFields(snapshot);
      const text = JSON.stringify(fields);
      if (this.#lastProgress.get(snapshot.infoHash) === text) continue;
      this.#lastProgress.set(snapshot.infoHash, text);
      this.#write(jsonText({ event: "progress", time: this.#now(), ...fields }));
    }
  }

  close(): void {}
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
