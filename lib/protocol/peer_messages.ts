/**
 * Messages between peers after the handshake (BEP 3, 6, 10), both ways.
 *
 *   receive buffer   | done | length id payload | length id pay…  |   free   |
 *                           ^ start                               ^ end
 *
 * `MessageReader` walks the complete messages between `start` and `end` without allocating for any of them.
 */
import { ProtocolError } from "../errors.ts";
import { readUint16, readUint32, writeUint32 } from "./bytes.ts";

/** Message ids (BEP 3; 0x0d–0x11 BEP 6; 20 BEP 10; port BEP 5). */
export const MessageId = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  port: 9,
  suggest: 0x0d,
  haveAll: 0x0e,
  haveNone: 0x0f,
  reject: 0x10,
  allowedFast: 0x11,
  extended: 20,
  /** Not on the wire; `MessageReader` reports it for an empty message. */
  keepAlive: -1,
} as const;

/** Whether a message belongs to the Fast extension (BEP 6) and is allowed only where both sides offered that. */
export function isFastMessage(id: number): boolean {
  return id >= MessageId.suggest && id <= MessageId.allowedFast;
}

/** Bytes in front of a block in a piece message: length, id, index, begin. */
export const PIECE_HEADER_LENGTH = 13;

/** Bytes of a request, cancel or reject message: length, id, index, begin, length. */
export const ABOUT_BLOCK_LENGTH = 17;

/** Payload bytes of the messages whose length is fixed. */
const FIXED_PAYLOAD = new Map<number, number>([
  [MessageId.choke, 0],
  [MessageId.unchoke, 0],
  [MessageId.interested, 0],
  [MessageId.notInterested, 0],
  [MessageId.have, 4],
  [MessageId.request, 12],
  [MessageId.cancel, 12],
  [MessageId.port, 2],
  [MessageId.suggest, 4],
  [MessageId.haveAll, 0],
  [MessageId.haveNone, 0],
  [MessageId.reject, 12],
  [MessageId.allowedFast, 4],
]);

/**
 * Cuts a receive buffer into messages.
 *
 * After `next()` returned true, `id` names the message and these fields hold its contents until the next call:
 * `index`, `begin`, `length` (have, request, cancel, reject, suggest, allowed fast; `index` and `begin` of a
 * piece), `payload` (bitfield; block of a piece; extended), `extendedId`. The reader also reports unknown ids.
 */
export class MessageReader {
  id = 0;
  index = 0;
  begin = 0;
  length = 0;
  extendedId = 0;
  /** Borrowed view into the buffer, valid until more bytes are read into it. */
  payload: Uint8Array = new Uint8Array(0);

  #buffer: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  readonly #maxLength: number;

  /** `maxLength` is the longest message accepted, in bytes behind its length prefix. */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** Goes on with the first `end` bytes of `buffer`. */
  begins(buffer: Uint8Array, end: number): void {
    this.#buffer = buffer;
    this.#start = 0;
    this.#end = end;
  }

  /** Offset of the first message that is not complete yet. */
  get consumed(): number {
    return this.#start;
  }

  /** Whole length in bytes of the incomplete message at `consumed`; 4 while its prefix is incomplete. */
  get wanted(): number {
    return this.#end - this.#start < 4 ? 4 : 4 + readUint32(this.#buffer, this.#start);
  }

  /**
   * Steps to the next complete message; false, as an ordinary result, when the rest is incomplete.
   *
   * Errors: `ProtocolError` for a length above the limit (before anything is allocated) or one that does not
   * fit the message.
   */
  next(): boolean {
    const buffer = this.#buffer;
    const start = this.#start;
    if (this.#end - start < 4) return false;
    const length = readUint32(buffer, start);
    if (length > this.#maxLength) {
      throw new ProtocolError(`Expected a message of at most ${this.#maxLength} bytes, got ${length}`);
    }
    const next = start + 4 + length;
    if (next > this.#end) return false;
    this.#start = next;
    if (length === 0) {
      this.id = MessageId.keepAlive;
      return true;
    }
    const id = buffer[start + 4];
    this.id = id;
    if (id === MessageId.piece) {
      if (length < 9) throw new ProtocolError(`Expected a block, got a piece message of ${length} bytes`);
      this.index = readUint32(buffer, start + 5);
      this.begin = readUint32(buffer, start + 9);
      this.payload = buffer.subarray(start + PIECE_HEADER_LENGTH, next);
      this.length = length - 9;
      return true;
    }
    this.#readOther(id, start + 5, length - 1);
    return true;
  }

  #readOther(id: number, offset: number, payloadLength: number): void {
    const buffer = this.#buffer;
    const expected = FIXED_PAYLOAD.get(id);
    if (expected !== undefined && expected !== payloadLength) {
      throw new ProtocolError(`Expected ${expected} bytes in message ${id}, got ${payloadLength}`);
    }
    switch (id) {
      case MessageId.request:
      case MessageId.cancel:
      case MessageId.reject:
        this.begin = readUint32(buffer, offset + 4);
        this.length = readUint32(buffer, offset + 8);
        this.index = readUint32(buffer, offset);
        break;
      case MessageId.have:
      case MessageId.suggest:
      case MessageId.allowedFast:
        this.index = readUint32(buffer, offset);
        break;
      case MessageId.port:
        this.index = readUint16(buffer, offset);
        break;
      case MessageId.bitfield:
        this.payload = buffer.subarray(offset, offset + payloadLength);
        break;
      case MessageId.extended:
        if (payloadLength < 1) throw new ProtocolError("Expected an extended message id, got none");
        this.extendedId = buffer[offset];
        this.payload = buffer.subarray(offset + 1, offset + payloadLength);
        break;
    }
  }
}

/** A message that consists of its id alone: choke, unchoke, interested, not interested, have all, have none. */
export function encodePlain(id: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0, 0, 0, 1, id);
}

/** A message about one piece: have, suggest, allowed fast. */
export function encodeAboutPiece(id: number, index: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(9);
  bytes[3] = 5;
  bytes[4] = id;
  writeUint32(bytes, 5, index);
  return bytes;
}

/** A message about one block: request, cancel, reject. `begin` and `length` in bytes. */
export function encodeAboutBlock(
  id: number,
  index: number,
  begin: number,
  length: number,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(ABOUT_BLOCK_LENGTH);
  writeAboutBlock(bytes, 0, id, index, begin, length);
  return bytes;
}

/** Writes a message about one block (17 bytes) at `offset` of a buffer, so that one write can send many. */
export function writeAboutBlock(
  target: Uint8Array,
  offset: number,
  id: number,
  index: number,
  begin: number,
  length: number,
): void {
  writeUint32(target, offset, ABOUT_BLOCK_LENGTH - 4);
  target[offset + 4] = id;
  writeUint32(target, offset + 5, index);
  writeUint32(target, offset + 9, begin);
  writeUint32(target, offset + 13, length);
}

/** A bitfield message from the wire form of a bitfield. */
export function encodeBitfield(bitfieldBytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeWithPayload(MessageId.bitfield, bitfieldBytes);
}

/** An extended message (BEP 10); `extendedId` is the number the *remote* gave the extension. */
export function encodeExtended(extendedId: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(1 + payload.length);
  body[0] = extendedId;
  body.set(payload, 1);
  return encodeWithPayload(MessageId.extended, body);
}

/** An empty message. */
export function encodeKeepAlive(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(4);
}

/** Writes the 13 bytes that precede a block of `length` bytes at `offset` of a send buffer. */
export function writePieceHeader(
  target: Uint8Array,
  offset: number,
  index: number,
  begin: number,
  length: number,
): void {
  writeUint32(target, offset, 9 + length);
  target[offset + 4] = MessageId.piece;
  writeUint32(target, offset + 5, index);
  writeUint32(target, offset + 9, begin);
}

function encodeWithPayload(id: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(5 + payload.length);
  writeUint32(bytes, 0, 1 + payload.length);
  bytes[4] = id;
  bytes.set(payload, 5);
  return bytes;
}
