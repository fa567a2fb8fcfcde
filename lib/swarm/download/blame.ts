/**
 * Finds the peers that sent wrong bytes of a corrupt piece.
 *
 * A piece that one peer delivered alone convicts that peer. When several peers delivered it, a digest of every block is
 * kept with its sender. Once the piece is fetched again and hashes right, every peer that sent a different block lied.
 */
import { equalBytes } from "../../protocol/bytes.ts";
import { sha1 } from "../../protocol/info_hash.ts";
import { BLOCK_LENGTH } from "../../protocol/piece_layout.ts";
import { CHOKING } from "../../settings.ts";

interface SuspectBlock {
  readonly peer: number;
  readonly digest: Uint8Array;
}

/** Evidence about the corrupt pieces of one torrent. */
export class Blame {
  /** The blocks of each suspect piece that were sent in all failed attempts. */
  readonly #suspects = new Map<number, SuspectBlock[][]>();
  /** Liars found by comparing, for pieces that are being verified once more. */
  readonly #accused = new Map<number, number[]>();

  /** Whether a piece failed before: it must be fetched from a single peer. */
  isSuspect(index: number): boolean {
    return this.#suspects.has(index);
  }

  /**
   * A piece hashed wrong. Returns the peer that delivered all of it; undefined when several peers did. `piece` is
   * borrowed; `deliveredBy` holds the sender of each block.
   */
  pieceFailed(index: number, piece: Uint8Array, deliveredBy: Int32Array): number | undefined {
    this.#accused.delete(index);
    if (deliveredBy.every((peer) => peer === deliveredBy[0])) return deliveredBy[0];
    if (this.#suspects.size < CHOKING.maxSuspectPieces || this.#suspects.has(index)) {
      const blocks = this.#suspects.get(index) ?? Array.from(deliveredBy, () => []);
      deliveredBy.forEach((peer, block) => blocks[block].push({ peer, digest: digestOf(piece, block) }));
      this.#suspects.set(index, blocks);
    }
    return undefined;
  }

  /** A piece is about to be verified. If it is a suspect one, notes the peers that sent other bytes of it before. */
  pieceComplete(index: number, piece: Uint8Array): void {
    const blocks = this.#suspects.get(index);
    if (blocks === undefined) return;
    const accused = new Set<number>();
    blocks.forEach((sent, block) => {
      const digest = digestOf(piece, block);
      for (const { peer, digest: other } of sent) if (!equalBytes(digest, other)) accused.add(peer);
    });
    this.#accused.set(index, [...accused]);
  }

  /** A piece hashed right: returns the peers that sent wrong blocks of it before. */
  pieceVerified(index: number): number[] {
    const liars = this.#accused.get(index) ?? [];
    this.#accused.delete(index);
    this.#suspects.delete(index);
    return liars;
  }
}

function digestOf(piece: Uint8Array, block: number): Uint8Array {
  return sha1(piece.subarray(block * BLOCK_LENGTH, (block + 1) * BLOCK_LENGTH));
}
