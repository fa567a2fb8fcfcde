/** Pieces that are only partly there when a run stops cleanly: their blocks lie in the files, their maps in the resume state. */
import { Bitfield } from "../../protocol/bitfield.ts";
import type { Metainfo } from "../../protocol/metainfo.ts";
import { BLOCK_LENGTH } from "../../protocol/piece_layout.ts";
import type { TorrentFiles } from "../torrent_files.ts";
import type { ResumeStore } from "./resume_store.ts";

/** A piece that was only partly there when the last run stopped. */
export interface UnfinishedPiece {
  /** A buffer that the caller owns. Only the blocks in `blocks` have defined contents. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Blocks that are there, by number within the piece. */
  readonly blocks: Bitfield;
}

/** The unfinished pieces of one torrent, from one run to the next. */
export class UnfinishedPieces {
  readonly #metainfo: Metainfo;
  readonly #files: TorrentFiles;
  readonly #resume: ResumeStore;
  /** Those to be saved in the end: written in this run, or not wanted in it. */
  readonly #kept = new Map<number, Bitfield>();

  constructor(metainfo: Metainfo, files: TorrentFiles, resume: ResumeStore) {
    this.#metainfo = metainfo;
    this.#files = files;
    this.#resume = resume;
  }

  /** Takes the maps of the last run out of the resume state: blocks by piece. Errors: what KV throws. */
  taken(): Promise<Map<number, Uint8Array>> {
    return this.#resume.takeUnfinished(this.#metainfo.infoHash);
  }

  /**
   * Reads the `wanted` pieces of those maps that are not in `have`, each into a buffer of `takeBuffer`; keeps the others
   * for later.
   */
  read(
    maps: ReadonlyMap<number, Uint8Array>,
    have: Bitfield,
    wanted: Bitfield,
    takeBuffer: () => Uint8Array<ArrayBuffer>,
  ): Map<number, UnfinishedPiece> {
    const { layout } = this.#metainfo;
    const unfinished = new Map<number, UnfinishedPiece>();
    for (const [index, map] of maps) {
      if (index >= layout.pieceCount || have.has(index)) continue;
      const blocks = Bitfield.fromBytes(map, layout.blocksIn(index));
      if (blocks === undefined) continue;
      if (!wanted.has(index)) {
        this.#kept.set(index, blocks);
        continue;
      }
      const buffer = takeBuffer();
      for (const block of blocks) {
        const begin = block * BLOCK_LENGTH;
        const target = buffer.subarray(begin, begin + layout.blockLength(index, begin));
        // Somebody may have taken away a file in which no whole piece lies.
        if (!this.#files.current.tryRead(layout.offsetOf(index) + begin, target)) blocks.delete(block);
      }
      unfinished.set(index, { buffer, blocks });
    }
    return unfinished;
  }

  /** Writes the `blocks` of a piece to the files; `save` notes them. Errors: `StorageError`. */
  write(index: number, buffer: Uint8Array, blocks: Bitfield): void {
    const { layout } = this.#metainfo;
    const unmade = this.#files.unmadeIn(index);
    for (const block of blocks) {
      const begin = block * BLOCK_LENGTH;
      const bytes = buffer.subarray(begin, begin + layout.blockLength(index, begin));
      this.#files.current.write(layout.offsetOf(index) + begin, bytes, unmade);
    }
    this.#kept.set(index, blocks);
  }

  /** Notes all that are kept. Errors: what KV throws. */
  async save(): Promise<void> {
    await this.#resume.saveUnfinished(this.#metainfo.infoHash, this.#kept);
  }
}
