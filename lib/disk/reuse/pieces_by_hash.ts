import { equalBytes } from "../../protocol/bytes.ts";
import { type Metainfo, PIECE_HASH_LENGTH, pieceHash } from "../../protocol/metainfo.ts";
import type { Steps } from "../../protocol/steps.ts";

/** Pieces added between two pauses. */
const PIECES_PER_STEP = 16_384;
/** Ends a chain. */
const NONE = -1;

/**
 * Pieces of a torrent that are looked for, by hash: chains of numbers, of which two million take 16 MB. The chain of a
 * hash depends on chance, as a hostile torrent may list any hashes, all for one chain.
 */
export class PiecesByHash {
  readonly #metainfo: Metainfo;
  readonly #mask: number;
  readonly #factors = crypto.getRandomValues(new Int32Array(PIECE_HASH_LENGTH / 4));
  /** The first piece of each chain. */
  readonly #heads: Int32Array;
  /** The piece behind each piece in its chain. */
  readonly #next: Int32Array;

  private constructor(metainfo: Metainfo) {
    const { pieceCount } = metainfo.layout;
    const chains = 2 ** Math.ceil(Math.log2(Math.max(pieceCount, 1)));
    this.#metainfo = metainfo;
    this.#mask = chains - 1;
    this.#heads = new Int32Array(chains).fill(NONE);
    this.#next = new Int32Array(pieceCount).fill(NONE);
  }

  /** Makes it of `pieces`, with pauses. */
  static *of(metainfo: Metainfo, pieces: Iterable<number>): Steps<PiecesByHash> {
    const made = new PiecesByHash(metainfo);
    let count = 0;
    for (const index of pieces) {
      const chain = made.#chainOf(pieceHash(metainfo, index));
      made.#next[index] = made.#heads[chain];
      made.#heads[chain] = index;
      if (++count % PIECES_PER_STEP === 0) yield;
    }
    return made;
  }

  /** Takes out all pieces with this hash of 20 bytes; each is found once. */
  take(hash: Uint8Array): number[] {
    const taken: number[] = [];
    const chain = this.#chainOf(hash);
    let before = NONE;
    for (let index = this.#heads[chain]; index !== NONE; index = this.#next[index]) {
      if (!equalBytes(pieceHash(this.#metainfo, index), hash)) {
        before = index;
        continue;
      }
      if (before === NONE) this.#heads[chain] = this.#next[index];
      else this.#next[before] = this.#next[index];
      taken.push(index);
    }
    return taken;
  }

  #chainOf(hash: Uint8Array): number {
    let sum = 0;
    for (let word = 0; word < this.#factors.length; word++) {
      const at = 4 * word;
      const bits = hash[at] << 24 | hash[at + 1] << 16 | hash[at + 2] << 8 | hash[at + 3];
      sum = (sum + Math.imul(bits, this.#factors[word] | 1)) | 0;
    }
    return (sum ^ sum >>> 15) & this.#mask;
  }
}
