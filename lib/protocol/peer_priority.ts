import { compareBytes, concatBytes, writeUint16 } from "./bytes.ts";
import { addressBytes, type Endpoint } from "./endpoint.ts";

/**
 * The priority of a connection between two peers, 0 to 2^32 - 1, the same on both sides; a higher one is better.
 *
 * A peer with too many connections keeps those of the highest priority. Since both ends compute the same value, the
 * swarm stays well mixed. Endpoints of different families have priority 0, as BEP 40 defines none for them.
 * Spec: BEP 40; the masks for IPv6 prefixes beyond /56 continue as its "and so on" says.
 */
export function peerPriority(ours: Endpoint, theirs: Endpoint): number {
  const [a, b] = [addressBytes(ours.address), addressBytes(theirs.address)];
  if (a.length !== b.length) return 0;
  const firstDifferent = a.findIndex((byte, position) => byte !== b[position]);
  if (firstDifferent < 0) return ordered(portBytes(ours.port), portBytes(theirs.port));
  // The bytes that both share and the next byte count in full; of the other bytes only every second bit counts.
  const inFull = Math.max(a.length === 4 ? 2 : 6, firstDifferent + 1);
  const masked = (address: number[]) =>
    Uint8Array.from(address, (byte, position) => position < inFull ? byte : byte & 0x55);
  return ordered(masked(a), masked(b));
}

function portBytes(port: number): Uint8Array {
  const bytes = new Uint8Array(2);
  writeUint16(bytes, 0, port);
  return bytes;
}

function ordered(a: Uint8Array, b: Uint8Array): number {
  return crc32c(compareBytes(a, b) <= 0 ? concatBytes(a, b) : concatBytes(b, a));
}

/** CRC of the byte value at each position, for the reflected Castagnoli polynomial. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** CRC-32C (Castagnoli) of `bytes`, unsigned. Spec: RFC 3720 appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ crc >>> 8;
  return ~crc >>> 0;
}
