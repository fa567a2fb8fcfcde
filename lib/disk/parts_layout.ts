import type { PieceLayout } from "../protocol/piece_layout.ts";

/** The place of a file's bytes: a file of its own below the row's folder, `shareable/`, or the parts file. */
export const FilePlace = { own: 0, shareable: 1, parts: 2 } as const;

/** The end of the name of a parts file, which lies beside the torrent's own folder or file and begins with its name. */
export const PARTS_ENDING = ".parts";

/**
 * The layout of the parts file, which keeps the bytes of wanted pieces that belong to files not wanted.
 *
 * Each piece that several files share has a slot there, as long as a piece. So every byte has one fixed place,
 * whichever files are wanted now or later. A piece within one file has no slot: where that file is not wanted, the
 * piece is not needed.
 */
export class PartsLayout {
  readonly #layout: PieceLayout;
  /** The slot of each shared piece. */
  readonly #slots = new Map<number, number>();

  constructor(layout: PieceLayout, isPadding: (file: number) => boolean) {
    this.#layout = layout;
    let last = -1;
    for (let file = 0; file < layout.fileCount; file++) {
      const pieces = isPadding(file) ? undefined : layout.piecesOf(file);
      if (pieces === undefined) continue;
      if (pieces.first === last && !this.#slots.has(last)) this.#slots.set(last, this.#slots.size);
      last = pieces.last;
    }
  }

  /** Position in the parts file of the byte at `offset` of the row of all files; undefined where it has none. */
  positionOf(offset: number): number | undefined {
    const { pieceLength } = this.#layout;
    const slot = this.#slots.get(Math.floor(offset / pieceLength));
    return slot === undefined ? undefined : slot * pieceLength + offset % pieceLength;
  }
}
