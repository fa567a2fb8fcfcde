/**
 * Lookup hashes: info-hashes of swarms that have no data, where hosts of our kind find each other by what they know.
 * Other programs see an unknown info-hash and ignore it.
 */
import { joinBytes, toUtf8 } from "./bytes.ts";
import { type InfoHash, infoHashFromBytes, sha1 } from "./info_hash.ts";

/** The purpose of a lookup hash: one share by its code, all shares near by, the members of a fleet, or an invitation. */
export type LookupKind = "share" | "near" | "fleet" | "invite";

/** The lookup hash of a purpose: SHA-1 of `peer-KIND-1` and then `secret`, the bits that its hosts have in common. */
export function lookupHash(kind: LookupKind, secret: Uint8Array = new Uint8Array()): InfoHash {
  return infoHashFromBytes(sha1(joinBytes([toUtf8(`peer-${kind}-1`), secret])));
}
