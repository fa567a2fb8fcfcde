import { equalBytes, toUtf8 } from "./bytes.ts";
import { INFO_HASH_LENGTH, type InfoHash, infoHashBytes, infoHashFromBytes } from "./info_hash.ts";
import { PEER_ID_LENGTH } from "./peer_id.ts";

/** Length of the handshake in bytes (BEP 3): 1 + 19 + 8 reserved + 20 info-hash + 20 peer id. */
export const HANDSHAKE_LENGTH = 68;

/** The first 20 bytes of every plain handshake. */
export const PROTOCOL_HEADER = Uint8Array.of(19, ...toUtf8("BitTorrent protocol"));

const RESERVED_OFFSET = PROTOCOL_HEADER.length;
const INFO_HASH_OFFSET = RESERVED_OFFSET + 8;
const PEER_ID_OFFSET = INFO_HASH_OFFSET + INFO_HASH_LENGTH;

/** The contents of a handshake, the first message of each side. */
export interface Handshake {
  readonly infoHash: InfoHash;
  /** 20 bytes. */
  readonly peerId: Uint8Array;
  /** Whether the sender speaks the Fast extension (BEP 6). */
  readonly supportsFast: boolean;
  /** Whether the sender speaks the extension protocol (BEP 10). */
  readonly supportsExtensions: boolean;
}

/** The 68 bytes of our handshake. We speak BEP 6 and BEP 10. */
export function encodeHandshake(infoHash: InfoHash, peerId: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HANDSHAKE_LENGTH);
  bytes.set(PROTOCOL_HEADER);
  bytes[RESERVED_OFFSET + 5] |= 0x10;
  bytes[RESERVED_OFFSET + 7] |= 0x04;
  bytes.set(infoHashBytes(infoHash), INFO_HASH_OFFSET);
  bytes.set(peerId, PEER_ID_OFFSET);
  return bytes;
}

/** Reads a remote's 68 bytes; undefined when they are not a BitTorrent handshake. Other reserved bits are ignored. */
export function parseHandshake(bytes: Uint8Array): Handshake | undefined {
  if (bytes.length !== HANDSHAKE_LENGTH) return undefined;
  if (!equalBytes(bytes.subarray(0, PROTOCOL_HEADER.length), PROTOCOL_HEADER)) return undefined;
  return {
    infoHash: infoHashFromBytes(bytes.subarray(INFO_HASH_OFFSET, PEER_ID_OFFSET)),
    peerId: bytes.slice(PEER_ID_OFFSET, PEER_ID_OFFSET + PEER_ID_LENGTH),
    supportsFast: (bytes[RESERVED_OFFSET + 7] & 0x04) !== 0,
    supportsExtensions: (bytes[RESERVED_OFFSET + 5] & 0x10) !== 0,
  };
}
