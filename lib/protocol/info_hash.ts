import { createHash } from "node:crypto";
import { fromHex } from "./bytes.ts";

declare const infoHashBrand: unique symbol;

/** Identity of a torrent: the SHA-1 of the raw bytes of its info dictionary, as 40 lower-case hex digits (BEP 3). */
export type InfoHash = string & { readonly [infoHashBrand]: true };

/** Length of an info-hash on the wire, in bytes. */
export const INFO_HASH_LENGTH = 20;

/** SHA-1 of `bytes`: 20 bytes. */
export function sha1(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash("sha1").update(bytes).digest());
}

/** The info-hash of an info dictionary, whose bytes must be those of the torrent. */
export function infoHashOf(rawInfo: Uint8Array): InfoHash {
  return sha1(rawInfo).toHex() as InfoHash;
}

/** The info-hash with these 20 bytes. Throws `RangeError` for another length. */
export function infoHashFromBytes(bytes: Uint8Array): InfoHash {
  if (bytes.length !== INFO_HASH_LENGTH) {
    throw new RangeError(`Expected ${INFO_HASH_LENGTH} bytes, got ${bytes.length}`);
  }
  return bytes.toHex() as InfoHash;
}

/** The info-hash that a hexadecimal text stands for; undefined when the text is not 40 hex digits. */
export function parseInfoHash(hex: string): InfoHash | undefined {
  return /^[0-9a-f]{40}$/i.test(hex) ? hex.toLowerCase() as InfoHash : undefined;
}

/** The 20 bytes of an info-hash. */
export function infoHashBytes(infoHash: InfoHash): Uint8Array<ArrayBuffer> {
  return fromHex(infoHash)!;
}
