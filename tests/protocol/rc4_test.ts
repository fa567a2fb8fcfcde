import assert from "node:assert/strict";
import { fromHex, toUtf8 } from "../../lib/protocol/bytes.ts";
import { Rc4 } from "../../lib/protocol/rc4.ts";

function keyStream(key: Uint8Array, offset: number): string {
  const bytes = new Uint8Array(16);
  new Rc4(key, offset).process(bytes);
  return bytes.toHex();
}

Deno.test("Rc4 gives RFC 6229's key stream for a key of 40 bits", () => {
  const key = fromHex("0102030405")!;
  assert.equal(keyStream(key, 0), "b2396305f03dc027ccc3524a0a1118a8");
  assert.equal(keyStream(key, 1024), "30abbcc7c20b01609f23ee2d5f6bb7df");
});

Deno.test("Rc4 gives RFC 6229's key stream for a key of 128 bits", () => {
  const key = fromHex("0102030405060708090a0b0c0d0e0f10")!;
  assert.equal(keyStream(key, 0), "9ac7cc9a609d1ef7b2932899cde41b97");
  assert.equal(keyStream(key, 1024), "bdf0324e6083dcc6d3cedd3ca8c53c16");
});

Deno.test("Rc4 throws the first 1,024 bytes away unless told otherwise", () => {
  const bytes = new Uint8Array(16);
  new Rc4(fromHex("0102030405")!).process(bytes);
  assert.equal(bytes.toHex(), "30abbcc7c20b01609f23ee2d5f6bb7df");
});

Deno.test("Rc4 goes on where the last call ended, and undoes itself", () => {
  const key = toUtf8("some key");
  const text = toUtf8("a text that is encrypted in two steps and decrypted in one");
  const bytes = text.slice();
  const cipher = new Rc4(key);
  cipher.process(bytes.subarray(0, 11));
  cipher.process(bytes.subarray(11));
  assert.notDeepEqual(bytes, text);
  new Rc4(key).process(bytes);
  assert.deepEqual(bytes, text);
});
