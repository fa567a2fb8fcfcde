import { Buffer } from "node:buffer";

/** Reads an unsigned 16-bit big-endian number at `offset`. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return bytes[offset] << 8 | bytes[offset + 1];
}

/** Reads an unsigned 32-bit big-endian number at `offset`. */
export function readUint32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24 | bytes[offset + 1] << 16 | bytes[offset + 2] << 8 | bytes[offset + 3]) >>> 0;
}

/** Writes an unsigned 16-bit big-endian number at `offset`. */
export function writeUint16(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 8;
  bytes[offset + 1] = value;
}

/** Writes an unsigned 32-bit big-endian number at `offset`. */
export function writeUint32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Whether two byte arrays have the same length and contents. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/** Orders two byte arrays like memcmp: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

/** Joins a few byte arrays into a new one; for a list that may be long there is `joinBytes`. */
export function concatBytes(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joinBytes(parts);
}

/** Joins a list of byte arrays of any length into a new one. As arguments, 100,000 of them would overflow the stack. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** The bytes of a hexadecimal text in either case; undefined when the text is not hexadecimal. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.fromHex(hex);
  } catch {
    return undefined;
  }
}

/** The bytes of a base32 text in either case without padding (RFC 4648); undefined when the text is not base32. */
export function fromBase32(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[a-z2-7]*$/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length * 5 >>> 3);
  let bits = 0, bitCount = 0, length = 0;
  for (const digit of text.toUpperCase()) {
    bits = (bits << 5 | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(digit)) & 0xfff;
    bitCount += 5;
    if (bitCount >= 8) bytes[length++] = bits >>> (bitCount -= 8);
  }
  return bytes;
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function toUtf8(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}

/** Text of UTF-8 bytes; malformed sequences become `�`. */
export function fromUtf8(bytes: Uint8Array): string {
  return lenientUtf8.decode(bytes);
}

/** Text of UTF-8 bytes, or undefined when they are malformed. */
export function fromStrictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Text of bytes, one character for each byte (ISO 8859-1): every byte sequence has a text, and no two have the same.
 * `Buffer` makes it in one step; joining single characters takes long and keeps all parts in memory.
 */
export function toByteString(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** Bytes of such a text: one for each character, of which none may be above U+00FF. */
export function fromByteString(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
