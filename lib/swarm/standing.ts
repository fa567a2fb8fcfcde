import type { Selection, TorrentState } from "./ports.ts";

/** Why connections end when the user lets a torrent rest. */
export const PAUSED = "the user has paused it";

/**
 * Knows whether a torrent is active, paused or failed, and whether its wanted files are in their final place.
 *
 * The files are moved there once all wanted pieces are stored. The user may want more files meanwhile, so a move counts
 * only for the files that were wanted when it began.
 */
export class Standing {
  /** Whether the user has paused the torrent. */
  isPaused = false;
  /** Whether the torrent is about to leave the process. */
  isStopping = false;
  #selection: Selection;
  /** The selection when the present move began; undefined while files are not being moved. */
  #moving: Selection | undefined;
  #isFinished: boolean;
  #failure: string | undefined;

  constructor(selection: Selection, isFinished: boolean) {
    this.#selection = selection;
    this.#isFinished = isFinished;
  }

  /** Whether all wanted files are in their final place. */
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
    this.#isFinished &&= this.#selection.files.includesAll(selection.files);
    this.#selection = selection;
  }

  /** All wanted pieces are stored. Returns whether the files are to be moved now; `endMove` must follow then. */
  beginMove(): boolean {
    if (this.#isFinished || this.#moving !== undefined || this.#failure !== undefined) return false;
    this.#moving = this.#selection;
    return true;
  }

  /** The files of a move are in their final place. Returns whether these are all files that are wanted by now. */
  endMove(): boolean {
    this.#isFinished = (this.#moving ?? this.#selection).files.includesAll(this.#selection.files);
    this.#moving = undefined;
    return this.#isFinished;
  }

  /** The torrent has failed. `isLost`: the files in their final place can no longer be relied on. */
  fail(reason: string, isLost: boolean): void {
    this.#failure = reason;
    if (isLost) this.#isFinished = false;
  }
}
