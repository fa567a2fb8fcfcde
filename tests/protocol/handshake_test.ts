import assert from "node:assert/strict";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  encodeHandshake,
  HANDSHAKE_LENGTH,
  parseHandshake,
  PROTOCOL_HEADER,
} from "../../lib/protocol/handshake.ts";
import { infoHashOf } from "../../lib/protocol/info_hash.ts";

const INFO_HASH = infoHashOf(toUtf8("handshake"));
const PEER_ID = toUtf8("-PD0100-abcdefghijkl");

Deno.test("encodeHandshake writes the 68 bytes of BEP 3 with the bits of BEP 6 and BEP 10", () => {
  const bytes = encodeHandshake(INFO_HASH, PEER_ID);
  assert.equal(bytes.length, HANDSHAKE_LENGTH);
  assert.deepEqual(bytes.subarray(0, 20), toUtf8("\u0013BitTorrent protocol"));
  assert.deepEqual([...bytes.subarray(20, 28)], [0, 0, 0, 0, 0, 0x10, 0, 0x04]);
  assert.deepEqual(bytes.subarray(48), PEER_ID);
});

Deno.test("parseHandshake reads what encodeHandshake wrote", () => {
  assert.deepEqual(parseHandshake(encodeHandshake(INFO_HASH, PEER_ID)), {
    infoHash: INFO_HASH,
    peerId: PEER_ID,
    supportsFast: true,
    supportsExtensions: true,
  });
});

Deno.test("parseHandshake ignores reserved bits it does not know, the v2 bit of BEP 52 among them", () => {
  const bytes = encodeHandshake(INFO_HASH, PEER_ID);
  bytes.fill(0xff, 20, 28);
  assert.equal(parseHandshake(bytes)?.infoHash, INFO_HASH);
  bytes.fill(0, 20, 28);
  const plain = parseHandshake(bytes)!;
  assert.deepEqual([plain.supportsFast, plain.supportsExtensions], [false, false]);
});

Deno.test("parseHandshake keeps a copy of the peer id", () => {
  const bytes = encodeHandshake(INFO_HASH, PEER_ID);
  const { peerId } = parseHandshake(bytes)!;
  bytes.fill(0);
  assert.deepEqual(peerId, PEER_ID);
});

Deno.test("parseHandshake refuses a wrong length and every changed byte of the header", () => {
  const bytes = encodeHandshake(INFO_HASH, PEER_ID);
  assert.equal(parseHandshake(bytes.subarray(1)), undefined);
  assert.equal(parseHandshake(new Uint8Array(HANDSHAKE_LENGTH + 1)), undefined);
  for (let offset = 0; offset < PROTOCOL_HEADER.length; offset++) {
    const changed = bytes.slice();
    changed[offset] ^= 0x20;
    assert.equal(parseHandshake(changed), undefined);
  }
});
