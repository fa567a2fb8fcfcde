import assert from "node:assert/strict";
import {
  compareBytes,
  concatBytes,
  equalBytes,
  fromBase32,
  fromHex,
  fromStrictUtf8,
  fromUtf8,
  readUint16,
  readUint32,
  toByteString,
  toUtf8,
  writeUint16,
  writeUint32,
} from "../../lib/protocol/bytes.ts";

Deno.test("readUint32 reads what writeUint32 wrote, unsigned and big-endian, at any offset", () => {
  const bytes = new Uint8Array(7);
  for (const value of [0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff]) {
    writeUint32(bytes, 3, value);
    assert.equal(readUint32(bytes, 3), value);
  }
  writeUint32(bytes, 0, 0x01020304);
  assert.deepEqual([...bytes.subarray(0, 4)], [1, 2, 3, 4]);
});

Deno.test("readUint16 reads what writeUint16 wrote", () => {
  const bytes = new Uint8Array(3);
  for (const value of [0, 255, 256, 65535]) {
    writeUint16(bytes, 1, value);
    assert.equal(readUint16(bytes, 1), value);
  }
});

Deno.test("equalBytes compares length and contents", () => {
  assert.ok(equalBytes(new Uint8Array(0), new Uint8Array(0)));
  assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0)));
});

Deno.test("compareBytes orders like memcmp, a prefix first", () => {
  assert.ok(compareBytes(Uint8Array.of(1, 255), Uint8Array.of(2)) < 0);
  assert.ok(compareBytes(Uint8Array.of(1), Uint8Array.of(1, 0)) < 0);
  assert.equal(compareBytes(Uint8Array.of(7), Uint8Array.of(7)), 0);
  assert.ok(compareBytes(Uint8Array.of(200), Uint8Array.of(100)) > 0);
});

Deno.test("concatBytes joins any number of arrays", () => {
  assert.deepEqual(concatBytes(), new Uint8Array(0));
  assert.deepEqual(
    concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)),
    Uint8Array.of(1, 2, 3),
  );
});

Deno.test("fromHex reads what toHex wrote, in either case", () => {
  assert.equal(Uint8Array.of(0, 15, 255).toHex(), "000fff");
  assert.deepEqual(fromHex("000fFF"), Uint8Array.of(0, 15, 255));
  assert.deepEqual(fromHex(""), new Uint8Array(0));
});

Deno.test("fromHex refuses what is no hexadecimal text", () => {
  for (const text of ["0", "0g", " 00", "00\n", "0x00", "-1"]) assert.equal(fromHex(text), undefined, text);
});

Deno.test("fromHex takes a text of any length", () => {
  assert.equal(fromHex("ab".repeat(5_000_000))?.length, 5_000_000);
});

Deno.test("fromStrictUtf8 refuses malformed sequences, where fromUtf8 replaces them", () => {
  for (const bytes of [[0xff], [0xc0, 0xae], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
    assert.equal(fromStrictUtf8(Uint8Array.from(bytes)), undefined);
    assert.ok(fromUtf8(Uint8Array.from(bytes)).includes("\uFFFD"));
  }
});

Deno.test("fromUtf8 keeps a byte order mark, so that different bytes stay different texts", () => {
  assert.equal(fromUtf8(toUtf8("\uFEFFx")), "\uFEFFx");
  assert.equal(fromStrictUtf8(toUtf8("\uFEFFx")), "\uFEFFx");
});

Deno.test("toByteString gives one character for each byte", () => {
  assert.equal(toByteString(Uint8Array.of(0, 0x41, 0xff)), "\u0000A\u00ff");
});

Deno.test("fromBase32 reads RFC 4648's vectors without padding, in either case", () => {
  for (
    const [base32, text] of [
      ["", ""],
      ["MY", "f"],
      ["MZXQ", "fo"],
      ["MZXW6", "foo"],
      ["MZXW6YQ", "foob"],
      ["MZXW6YTB", "fooba"],
      ["mzxw6ytboi", "foobar"],
    ]
  ) {
    assert.deepEqual(fromBase32(base32), toUtf8(text));
  }
});

Deno.test("fromBase32 refuses other characters", () => {
  for (const text of ["MY======", "M1", "M Y", "MÝ"]) assert.equal(fromBase32(text), undefined);
});
