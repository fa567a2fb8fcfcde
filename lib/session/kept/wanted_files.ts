import type { InfoHash } from "../../protocol/info_hash.ts";
import type { FileRange } from "../../protocol/magnet.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import type { FileSelection } from "../../swarm/download/file_selection.ts";
import { chooseFiles, type ChoosingContext, type FileWishes, isSaid, keepWishes } from "./kept_choice.ts";

/** The user's wishes for the files of one torrent, until the kept choice holds all of them. */
export class WantedFiles {
  #files: FileWishes;
  #positions: readonly FileRange[];
  readonly #infoHash: InfoHash;
  readonly #context: ChoosingContext;

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
    const positions = more.only === undefined && more.skip === undefined ? this.#positions : [];
    if (!isSaid(files, positions)) return;
    if (metainfo === undefined) await keepWishes(this.#infoHash, files, positions, this.#context.resume);
    else await chooseFiles(metainfo, files, positions, this.#context);
    this.areKept();
  }

  /** Keeps wishes beside those that are kept, and selects the files. Errors: `RangeError` as `keep`. */
  select(metainfo: Metainfo, wishes: FileWishes): Promise<FileSelection> {
    return chooseFiles(metainfo, wishes, [], this.#context);
  }
}
