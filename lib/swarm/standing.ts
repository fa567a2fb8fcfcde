import type { Bitfield } from "../protocol/bitfield.ts";
import type { Selection, TorrentState } from "./ports.ts";

/** Why connections end when the user lets a torrent rest. */
export const PAUSED = "the user has paused it";

/**
 * Whether a torrent goes on, rests or has failed, and whether what is wanted of it is in its final place.
 *
 * Files are moved there once all that is wanted is stored. The user may come to want more meanwhile: a move counts only
 * for what was wanted when it began.
 */
export class Standing {
  /** Whether the user lets it rest. */
  isPaused = false;
  /** Whether it is about to end. */
  isStopping = false;
  #selection: Selection;
  /** What was wanted when the move that is under way began; undefined while there is none. */
  #moving: Selection | undefined;
  #isFinished: boolean;
  #failure: string | undefined;

  constructor(selection: Selection, isFinished: boolean) {
    this.#selection = selection;
    this.#isFinished = isFinished;
  }

  /** Everything that is wanted is in its final place. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Why it stands still; undefined while it does not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  get state(): TorrentState {
    if (this.isStopping) return "leaving";
    if (this.#failure !== undefined) return "failed";
    if (this.isPaused) return "paused";
    return this.#isFinished ? "seeding" : "downloading";
  }

  /** Why there are no connections; undefined when they are welcome. */
  get refusal(): string | undefined {
    if (this.isStopping) return "we are stopping";
    return this.isPaused ? PAUSED : undefined;
  }

  /** Other files are wanted from now on. */
  select(selection: Selection): void {
    this.#isFinished &&= hasAll(this.#selection.files, selection.files);
    this.#selection = selection;
  }

  /** Everything that is wanted is stored. Whether its files are to be moved now; `endMove` must follow then. */
  beginMove(): boolean {
    if (this.#isFinished || this.#moving !== undefined || this.#failure !== undefined) return false;
    this.#moving = this.#selection;
    return true;
  }

  /** The files of a move are in their final place. Whether those are all that are wanted by now. */
  endMove(): boolean {
    this.#isFinished = hasAll((this.#moving ?? this.#selection).files, this.#selection.files);
    this.#moving = undefined;
    return this.#isFinished;
  }

  /** It stands still from now on; `isLost`: what is in its final place cannot be relied on any more. */
  fail(reason: string, isLost: boolean): void {
    this.#failure = reason;
    if (isLost) this.#isFinished = false;
  }
}

function hasAll(files: Bitfield, wanted: Bitfield): boolean {
  for (const file of wanted) if (!files.has(file)) return false;
  return true;
}
