import assert from "node:assert/strict";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  infoHashBytes,
  infoHashFromBytes,
  infoHashOf,
  parseInfoHash,
  sha1,
} from "../../lib/protocol/info_hash.ts";

Deno.test("sha1 gives the digest of FIPS 180's first example", () => {
  assert.equal(sha1(toUtf8("abc")).toHex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
});

Deno.test("infoHashOf is the SHA-1 of the bytes as they stand", () => {
  assert.equal(infoHashOf(new Uint8Array(0)), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
});

Deno.test("infoHashFromBytes reads what infoHashBytes wrote and no other length", () => {
  const infoHash = infoHashOf(toUtf8("x"));
  assert.equal(infoHashFromBytes(infoHashBytes(infoHash)), infoHash);
  for (const length of [0, 19, 21, 32]) {
    assert.throws(() => infoHashFromBytes(new Uint8Array(length)), RangeError);
  }
});

Deno.test("parseInfoHash takes 40 hex digits of either case and nothing else", () => {
  assert.equal(parseInfoHash("AB".repeat(20)), "ab".repeat(20));
  for (const text of ["", "ab".repeat(19), "ab".repeat(21), "zz".repeat(20), `${"ab".repeat(20)}\n`]) {
    assert.equal(parseInfoHash(text), undefined);
  }
});
