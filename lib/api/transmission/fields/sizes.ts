/** Sizes, shares and moments in the units of Transmission. */
import type { TorrentSnapshot } from "../../../session/session.ts";

/** Bytes in the kB that limits are given in. */
export const BYTES_PER_KB = 1_000;

/** A moment in ms since 1970 as Transmission writes it: in seconds, 0 for none. */
export function seconds(milliseconds: number | undefined): number {
  return milliseconds === undefined ? 0 : Math.round(milliseconds / 1_000);
}

/** The part of a whole as a number from 0 to 1; of nothing, all is there. */
export function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

/** Bytes of stored pieces. Where not everything is wanted, the last piece may count as long as the others. */
export function storedBytes({ have, missing, pieces, pieceLength, length, left }: TorrentSnapshot): number {
  if (have + missing === pieces) return length - left;
  return Math.min(have * pieceLength, length);
}

/** Bytes that are wanted or stored: what there will be in the end. */
export function wantedBytes(snapshot: TorrentSnapshot): number {
  return Math.min(storedBytes(snapshot) + snapshot.left, snapshot.length);
}
