import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { concatBytes, writeUint32 } from "../../lib/protocol/bytes.ts";
import {
  encodeAboutBlock,
  encodeAboutPiece,
  encodeBitfield,
  encodeExtended,
  encodeKeepAlive,
  encodePlain,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writeAboutBlock,
  writePieceHeader,
} from "../../lib/protocol/peer_messages.ts";

const MAX_LENGTH = 1 << 17;

function readerOf(bytes: Uint8Array, maxLength = MAX_LENGTH): MessageReader {
  const reader = new MessageReader(maxLength);
  reader.begins(bytes, bytes.length);
  return reader;
}

function message(id: number, payloadLength: number): Uint8Array {
  const bytes = new Uint8Array(5 + payloadLength);
  writeUint32(bytes, 0, 1 + payloadLength);
  bytes[4] = id;
  return bytes;
}

function pieceMessage(index: number, begin: number, block: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(PIECE_HEADER_LENGTH + block.length);
  writePieceHeader(bytes, 0, index, begin, block.length);
  bytes.set(block, PIECE_HEADER_LENGTH);
  return bytes;
}

Deno.test("encodeAboutBlock writes a request as BEP 3 shows it", () => {
  const bytes = encodeAboutBlock(MessageId.request, 1, 0x4000, 0x4000);
  assert.deepEqual([...bytes], [0, 0, 0, 13, 6, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, 0x40, 0]);
  const target = new Uint8Array(20);
  writeAboutBlock(target, 3, MessageId.request, 1, 0x4000, 0x4000);
  assert.deepEqual(target.subarray(3), bytes);
});

Deno.test("MessageReader reads every message that is an id alone", () => {
  for (const id of [0, 1, 2, 3, MessageId.haveAll, MessageId.haveNone]) {
    const reader = readerOf(encodePlain(id));
    assert.ok(reader.next());
    assert.equal(reader.id, id);
    assert.ok(!reader.next());
    assert.equal(reader.consumed, 5);
  }
});

Deno.test("MessageReader reads messages about a piece and about a block up to the highest numbers", () => {
  for (const id of [MessageId.have, MessageId.suggest, MessageId.allowedFast]) {
    const reader = readerOf(encodeAboutPiece(id, 0xffffffff));
    assert.ok(reader.next());
    assert.deepEqual([reader.id, reader.index], [id, 0xffffffff]);
  }
  for (const id of [MessageId.request, MessageId.cancel, MessageId.reject]) {
    const reader = readerOf(encodeAboutBlock(id, 0xfffffffe, 0x80000000, 0xffffffff));
    assert.ok(reader.next());
    assert.deepEqual(
      [reader.id, reader.index, reader.begin, reader.length],
      [id, 0xfffffffe, 0x80000000, 0xffffffff],
    );
  }
});

Deno.test("MessageReader gives a block as a view into the buffer", () => {
  const bytes = pieceMessage(7, 0x4000, Uint8Array.of(1, 2, 3));
  const reader = readerOf(bytes);
  assert.ok(reader.next());
  assert.deepEqual([reader.id, reader.index, reader.begin, reader.length], [MessageId.piece, 7, 0x4000, 3]);
  assert.deepEqual([...reader.payload], [1, 2, 3]);
  assert.equal(reader.payload.buffer, bytes.buffer);
});

Deno.test("MessageReader reads bitfield, extended and port messages", () => {
  const reader = readerOf(
    concatBytes(
      encodeBitfield(Uint8Array.of(0xf0)),
      encodeBitfield(new Uint8Array(0)),
      encodeExtended(3, Uint8Array.of(9)),
      encodeExtended(0, new Uint8Array(0)),
      Uint8Array.of(0, 0, 0, 3, MessageId.port, 0x1a, 0xe1),
    ),
  );
  assert.ok(reader.next());
  assert.deepEqual([reader.id, ...reader.payload], [MessageId.bitfield, 0xf0]);
  assert.ok(reader.next());
  assert.equal(reader.payload.length, 0);
  assert.ok(reader.next());
  assert.deepEqual([reader.id, reader.extendedId, ...reader.payload], [MessageId.extended, 3, 9]);
  assert.ok(reader.next());
  assert.deepEqual([reader.extendedId, reader.payload.length], [0, 0]);
  assert.ok(reader.next());
  assert.deepEqual([reader.id, reader.index], [MessageId.port, 6881]);
  assert.ok(!reader.next());
});

Deno.test("MessageReader reports keep-alives and unknown ids as they are", () => {
  const reader = readerOf(concatBytes(encodeKeepAlive(), message(99, 3)));
  assert.ok(reader.next());
  assert.equal(reader.id, MessageId.keepAlive);
  assert.ok(reader.next());
  assert.equal(reader.id, 99);
});

Deno.test("MessageReader finds the same messages wherever the buffer is cut", () => {
  const bytes = concatBytes(
    encodeKeepAlive(),
    pieceMessage(1, 0, new Uint8Array(30)),
    encodeAboutPiece(MessageId.have, 5),
    encodePlain(MessageId.unchoke),
  );
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new MessageReader(MAX_LENGTH);
    const ids: number[] = [];
    reader.begins(bytes, cut);
    while (reader.next()) ids.push(reader.id);
    const rest = bytes.subarray(reader.consumed);
    assert.ok(reader.wanted > cut - reader.consumed, "more is wanted than is there");
    reader.begins(rest, rest.length);
    while (reader.next()) ids.push(reader.id);
    assert.deepEqual(ids, [MessageId.keepAlive, MessageId.piece, MessageId.have, MessageId.unchoke]);
    assert.equal(reader.consumed, rest.length);
  }
});

Deno.test("MessageReader says how long the incomplete message will be", () => {
  const bytes = pieceMessage(0, 0, new Uint8Array(16));
  const reader = readerOf(bytes.subarray(0, 3));
  assert.equal(reader.wanted, 4);
  reader.begins(bytes, 4);
  assert.equal(reader.wanted, bytes.length);
  assert.ok(!reader.next());
});

Deno.test("MessageReader refuses a length above its limit as soon as the prefix is there", () => {
  const prefix = new Uint8Array(4);
  for (const length of [MAX_LENGTH + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
    writeUint32(prefix, 0, length);
    assert.throws(() => readerOf(prefix).next(), ProtocolError);
  }
  writeUint32(prefix, 0, MAX_LENGTH);
  assert.equal(readerOf(prefix).next(), false);
});

Deno.test("MessageReader refuses every wrong length of a message whose length is fixed", () => {
  const fixed = new Map<number, number>([[4, 4], [6, 12], [8, 12], [9, 2], [13, 4], [16, 12], [17, 4]]);
  for (const id of [0, 1, 2, 3, 14, 15]) fixed.set(id, 0);
  for (const [id, right] of fixed) {
    for (let length = 0; length < 20; length++) {
      const reader = readerOf(message(id, length));
      if (length === right) assert.ok(reader.next());
      else assert.throws(() => reader.next(), ProtocolError, `message ${id} of ${length}`);
    }
  }
});

Deno.test("MessageReader refuses a piece without room for its header, and an extended message without id", () => {
  for (let length = 0; length < 8; length++) {
    assert.throws(() => readerOf(message(MessageId.piece, length)).next(), ProtocolError);
  }
  assert.ok(readerOf(message(MessageId.piece, 8)).next());
  assert.throws(() => readerOf(message(MessageId.extended, 0)).next(), ProtocolError);
});
