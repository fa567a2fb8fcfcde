import { concatBytes, readUint32 } from "./bytes.ts";
import { addressBytes, familyOf } from "./endpoint.ts";
import { type InfoHash, infoHashBytes, sha1 } from "./info_hash.ts";

/**
 * The pieces that a remote may ask for while choked, so that a newcomer gets something to trade with.
 *
 * Every peer computes the same set for the same address, so a remote gains nothing by connecting again.
 * Shape: at most `size` different indices, in the order in which the algorithm finds them; none for IPv6, for which
 * the algorithm is not defined.
 * Spec: BEP 6 "allowed fast set generation".
 */
export function allowedFastSet(
  address: string,
  infoHash: InfoHash,
  pieceCount: number,
  size: number,
): number[] {
  if (familyOf(address) !== 4) return [];
  const [a, b, c] = addressBytes(address);
  const allowed = new Set<number>();
  const wanted = Math.min(size, pieceCount);
  let hash = concatBytes(Uint8Array.of(a, b, c, 0), infoHashBytes(infoHash));
  while (allowed.size < wanted) {
    hash = sha1(hash);
    for (let offset = 0; offset < hash.length && allowed.size < wanted; offset += 4) {
      allowed.add(readUint32(hash, offset) % pieceCount);
    }
  }
  return [...allowed];
}
