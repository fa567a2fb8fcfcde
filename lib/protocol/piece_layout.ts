/** Length of a block in bytes; only the last block of a piece is shorter. All clients ask for such blocks (BEP 3). */
export const BLOCK_LENGTH = 16 * 1024;

/** A run of bytes inside one file. */
export interface FileSpan {
  /** Position in the torrent's list of files. */
  readonly file: number;
  /** Offset of the run in that file, in bytes. */
  readonly position: number;
  /** Bytes in the run, at least 1. */
  readonly length: number;
}

/**
 * All arithmetic between pieces, blocks and files of one torrent, and nothing else.
 *
 * The files follow one another without gaps; pieces divide that row of bytes at multiples of `pieceLength`.
 */
export class PieceLayout {
  /** Length of every piece but the last, in bytes. */
  readonly pieceLength: number;
  /** Length of all files together, in bytes. */
  readonly totalLength: number;
  readonly pieceCount: number;
  readonly #fileStarts: Float64Array;
  readonly #fileLengths: ArrayLike<number>;

  constructor(pieceLength: number, fileLengths: ArrayLike<number>) {
    this.#fileStarts = new Float64Array(fileLengths.length);
    let start = 0;
    for (let file = 0; file < fileLengths.length; file++) {
      this.#fileStarts[file] = start;
      start += fileLengths[file];
    }
    this.pieceLength = pieceLength;
    this.totalLength = start;
    this.pieceCount = Math.ceil(start / pieceLength);
    this.#fileLengths = fileLengths;
  }

  get fileCount(): number {
    return this.#fileStarts.length;
  }

  /** Length of a piece in bytes. */
  lengthOf(index: number): number {
    return Math.min(this.pieceLength, this.totalLength - index * this.pieceLength);
  }

  /** Offset of a piece in the row of all files, in bytes. */
  offsetOf(index: number): number {
    return index * this.pieceLength;
  }

  /** Offset of a file in the row of all files, in bytes. */
  startOf(file: number): number {
    return this.#fileStarts[file];
  }

  /** Number of blocks in a piece. */
  blocksIn(index: number): number {
    return Math.ceil(this.lengthOf(index) / BLOCK_LENGTH);
  }

  /** Length in bytes of the block that starts at `begin` of a piece. */
  blockLength(index: number, begin: number): number {
    return Math.min(BLOCK_LENGTH, this.lengthOf(index) - begin);
  }

  /** Whether `begin` and `length` (bytes) lie inside piece `index`. */
  contains(index: number, begin: number, length: number): boolean {
    return index < this.pieceCount && length > 0 && begin + length <= this.lengthOf(index);
  }

  /** The file spans that `length` bytes from `offset` of the row of all files cover, in order. */
  spans(offset: number, length: number): FileSpan[] {
    if (length === 0 || offset >= this.totalLength) return [];
    const end = offset + length;
    const first = this.#fileAt(offset);
    const spans = [this.#spanIn(first, offset, end)];
    for (let file = first + 1; file < this.#fileStarts.length && this.#fileStarts[file] < end; file++) {
      if (this.#fileLengths[file] > 0) spans.push(this.#spanIn(file, offset, end));
    }
    return spans;
  }

  /** The part of the bytes from `offset` to `end` of the row of all files that lies in a file. */
  #spanIn(file: number, offset: number, end: number): FileSpan {
    const start = this.#fileStarts[file];
    const from = Math.max(offset, start);
    return { file, position: from - start, length: Math.min(end, start + this.#fileLengths[file]) - from };
  }

  /** About how many files `length` bytes from `offset` of the row of all files cover, empty ones included. */
  filesIn(offset: number, length: number): number {
    return this.#fileAt(offset + length - 1) - this.#fileAt(offset) + 1;
  }

  /** First and last piece that hold bytes of a file; undefined for an empty file. */
  piecesOf(file: number): { first: number; last: number } | undefined {
    const length = this.#fileLengths[file];
    if (length === 0) return undefined;
    const start = this.#fileStarts[file];
    return {
      first: Math.floor(start / this.pieceLength),
      last: Math.floor((start + length - 1) / this.pieceLength),
    };
  }

  /** The last file that starts at or before `offset`, by bisection. Of files with one start, only the last has bytes. */
  #fileAt(offset: number): number {
    let low = 0, high = this.#fileStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#fileStarts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
