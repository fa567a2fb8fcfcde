import type { TorrentFile } from "../protocol/metainfo.ts";
import type { PieceLayout } from "../protocol/piece_layout.ts";

/** Where the bytes of a file are: in a file of its own below the row's folder, in `shareable/`, or among the parts. */
export const FilePlace = { own: 0, shareable: 1, parts: 2 } as const;

/** What is put behind a torrent's name to name its parts file, which lies beside the torrent's own folder or file. */
export const PARTS_ENDING = ".parts";

/**
 * Where the parts file keeps what pieces hold of files that are not wanted.
 *
 * A piece that several files share has a slot of its own there, as long as a piece; so everything has its one
 * place, whatever is wanted now or later. Pieces of one file alone have none: who does not want the file does
 * not fetch them.
 */
export class PartsLayout {
  readonly #layout: PieceLayout;
  /** Slot of each shared piece. */
  readonly #slots = new Map<number, number>();

  constructor(layout: PieceLayout, files: readonly TorrentFile[]) {
    this.#layout = layout;
    let last = -1;
    files.forEach(({ isPadding }, file) => {
      const pieces = isPadding ? undefined : layout.piecesOf(file);
      if (pieces === undefined) return;
      if (pieces.first === last && !this.#slots.has(last)) this.#slots.set(last, this.#slots.size);
      last = pieces.last;
    });
  }

  /** Position in the parts file of the byte at `offset` of the row of all files; undefined where it has none. */
  positionOf(offset: number): number | undefined {
    const { pieceLength } = this.#layout;
    const slot = this.#slots.get(Math.floor(offset / pieceLength));
    return slot === undefined ? undefined : slot * pieceLength + offset % pieceLength;
  }
}
