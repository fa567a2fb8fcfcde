import type { ComponentChildren } from "preact";
import { type Fold, toggle, unfolded } from "../refresh.ts";
import { FilesPart } from "./files_part.tsx";
import { LogPart } from "./log_part.tsx";
import { PeersPart } from "./peers_part.tsx";
import { PiecesPart } from "./pieces_part.tsx";
import { TrackersPart } from "./trackers_part.tsx";

const FOLDS: readonly (readonly [Fold, hint: string, draw: () => ComponentChildren])[] = [
  ["files", "which files are wanted", () => <FilesPart />],
  ["pieces", "copies of each piece", () => <PiecesPart />],
  ["peers", "slots, sources, and why", () => <PeersPart />],
  ["trackers", "who is asked for others", () => <TrackersPart />],
  ["log", "what happened", () => <LogPart />],
];

/** The parts of a torrent that are folded out on demand. */
export function Folds() {
  return (
    <>
      {FOLDS.map(([fold, hint, draw]) => {
        const isOpen = unfolded.value.has(fold);
        return (
          <section class="card fold" key={fold} id={`fold-${fold}`}>
            <h3>
              <button
                type="button"
                aria-expanded={isOpen}
                aria-controls={`part-${fold}`}
                onClick={() => toggle(fold)}
              >
                <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {fold} <small>{hint}</small>
              </button>
            </h3>
            <div id={`part-${fold}`}>{isOpen && draw()}</div>
          </section>
        );
      })}
    </>
  );
}
