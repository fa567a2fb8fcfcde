import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { concatBytes, fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  METADATA_PART_LENGTH,
  metadataParts,
  parseMetadataMessage,
} from "../../lib/protocol/metadata_messages.ts";

Deno.test("encodeMetadataRequest and encodeMetadataReject give BEP 9's examples", () => {
  assert.equal(fromUtf8(encodeMetadataRequest(0)), "d8:msg_typei0e5:piecei0ee");
  assert.equal(fromUtf8(encodeMetadataReject(0)), "d8:msg_typei2e5:piecei0ee");
});

Deno.test("parseMetadataMessage reads requests and rejects", () => {
  assert.deepEqual(parseMetadataMessage(encodeMetadataRequest(7)), { type: "request", part: 7 });
  assert.deepEqual(parseMetadataMessage(encodeMetadataReject(7)), { type: "reject", part: 7 });
});

Deno.test("parseMetadataMessage reads a data message of BEP 9's form", () => {
  const rawInfo = new Uint8Array(34256).map((_, i) => i);
  const header = toUtf8("d8:msg_typei1e5:piecei2e10:total_sizei34256ee");
  const bytes = rawInfo.subarray(2 * METADATA_PART_LENGTH);
  const payload = encodeMetadataData(2, rawInfo);
  assert.deepEqual(payload, concatBytes(header, bytes));
  assert.deepEqual(parseMetadataMessage(payload), { type: "data", part: 2, totalLength: 34256, bytes });
});

Deno.test("parseMetadataMessage ignores types it does not know", () => {
  assert.equal(parseMetadataMessage(toUtf8("d8:msg_typei9e5:piecei0ee")), undefined);
});

Deno.test("parseMetadataMessage refuses what is malformed", () => {
  const whole = "x".repeat(10);
  for (
    const text of [
      "",
      "le",
      "i0e",
      "d8:msg_typei0ee",
      "d5:piecei0ee",
      "d8:msg_typei0e5:piecei-1ee",
      `d8:msg_typei1e5:piecei0ee${whole}`,
      `d8:msg_typei1e5:piecei0e10:total_sizei11ee${whole}`,
      `d8:msg_typei1e5:piecei0e10:total_sizei9ee${whole}`,
      `d8:msg_typei1e5:piecei1e10:total_sizei10ee${whole}`,
      `d8:msg_typei1e5:piecei0e10:total_sizei0ee`,
      `d8:msg_typei1e5:piecei0e10:total_sizei-5ee`,
    ]
  ) {
    assert.throws(() => parseMetadataMessage(toUtf8(text)), ProtocolError, text);
  }
});

Deno.test("encodeMetadataData throws RangeError for a part that does not exist", () => {
  assert.throws(() => encodeMetadataData(1, new Uint8Array(METADATA_PART_LENGTH)), RangeError);
  assert.equal(metadataParts(METADATA_PART_LENGTH), 1);
  assert.equal(metadataParts(METADATA_PART_LENGTH + 1), 2);
});
