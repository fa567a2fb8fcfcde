import type { InfoHash } from "../../protocol/info_hash.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import type { JoinedTorrent } from "../joined_torrent.ts";
import {
  chooseFiles,
  type ChoosingContext,
  type FileWishes,
  isSaid,
  keepWishes,
  namesWanted,
} from "./kept_choice.ts";

/** A torrent, as far as its files can be selected at any moment. */
interface SelectedTorrent {
  /** Undefined while the metadata is not known. */
  metainfo(): Metainfo | undefined;
  /** Undefined while the torrent has not joined its swarm, and when it leaves. */
  joined(): JoinedTorrent | undefined;
  /** Resolves when no check is under way. */
  checked(): Promise<void>;
  /** The selection has taken effect. */
  selected(joined: JoinedTorrent): void;
}

/** The user's wishes for the files of one torrent, until the kept choice holds all of them. */
export class WantedFiles {
  #files: FileWishes;
  #positions: readonly FileRange[];
  readonly #infoHash: InfoHash;
  readonly #context: ChoosingContext;
  /** The last selection under way; each one waits for the one before. */
  #selecting: Promise<void> = Promise.resolve();

  /** `positions`: the files that a magnet link names, an empty list for all. */
  constructor(
    infoHash: InfoHash,
    files: FileWishes,
    positions: readonly FileRange[],
    context: ChoosingContext,
  ) {
    this.#infoHash = infoHash;
    this.#files = files;
    this.#positions = positions;
    this.#context = context;
  }

  /** Wishes that are not kept yet. */
  get files(): FileWishes {
    return this.#files;
  }

  /** The files that a magnet link names, as long as they are not kept yet. */
  get positions(): readonly FileRange[] {
    return this.#positions;
  }

  /** The torrent has joined with these wishes. */
  areKept(): void {
    this.#files = {};
    this.#positions = [];
  }

  /**
   * Keeps all wishes, with `more` of them; `metainfo` is undefined while it is not known. Errors: `RangeError` when no
   * file would be wanted; then nothing is kept.
   */
  async keep(metainfo: Metainfo | undefined, more: FileWishes = {}): Promise<void> {
    const files = { ...this.#files, ...more };
    const positions = namesWanted(more) ? [] : this.#positions;
    if (!isSaid(files, positions)) return;
    if (metainfo === undefined) await keepWishes(this.#infoHash, files, positions, this.#context.resume);
    else await chooseFiles(metainfo, files, positions, this.#context, true);
    this.areKept();
  }

  /**
   * Changes which files are wanted, or their order, one change after another. Resolves when the change has taken effect
   * and is kept. Errors: `RangeError` as `keep`.
   */
  select(wishes: FileWishes, torrent: SelectedTorrent): Promise<void> {
    const selecting = this.#selecting.then(() => this.#select(wishes, torrent));
    this.#selecting = selecting.catch(() => {});
    return selecting;
  }

  async #select(wishes: FileWishes, torrent: SelectedTorrent): Promise<void> {
    const metainfo = torrent.metainfo();
    await this.keep(metainfo, wishes);
    // A check under way began with the selection before this one.
    if (metainfo !== undefined && torrent.joined() === undefined) await torrent.checked();
    const joined = torrent.joined();
    if (joined === undefined) return;
    const selection = await chooseFiles(joined.swarm.metainfo, wishes, [], this.#context);
    // A new swarm that has replaced this one meanwhile began with the choice just kept.
    if (torrent.joined() !== joined) return;
    joined.select(selection);
    torrent.selected(joined);
  }

  /** Resolves when no selection is under way. Never rejects. */
  get settled(): Promise<void> {
    return this.#selecting;
  }
}
