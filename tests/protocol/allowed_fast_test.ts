import assert from "node:assert/strict";
import { allowedFastSet } from "../../lib/protocol/allowed_fast.ts";
import { parseInfoHash } from "../../lib/protocol/info_hash.ts";

const infoHash = parseInfoHash("aa".repeat(20))!;

Deno.test("allowedFastSet gives BEP 6's example of seven pieces", () => {
  assert.deepEqual(allowedFastSet("80.4.4.200", infoHash, 1313, 7), [1059, 431, 808, 1217, 287, 376, 1188]);
});

Deno.test("allowedFastSet gives BEP 6's example of nine pieces", () => {
  assert.deepEqual(
    allowedFastSet("80.4.4.200", infoHash, 1313, 9),
    [1059, 431, 808, 1217, 287, 376, 1188, 353, 508],
  );
});

Deno.test("allowedFastSet is the same for a whole /24", () => {
  assert.deepEqual(
    allowedFastSet("80.4.4.1", infoHash, 1313, 7),
    allowedFastSet("80.4.4.254", infoHash, 1313, 7),
  );
});

Deno.test("allowedFastSet ends when there are fewer pieces than asked for", () => {
  assert.deepEqual(allowedFastSet("80.4.4.200", infoHash, 3, 10).sort(), [0, 1, 2]);
  assert.deepEqual(allowedFastSet("80.4.4.200", infoHash, 0, 10), []);
});

Deno.test("allowedFastSet is empty for IPv6", () => {
  assert.deepEqual(allowedFastSet("fd00::1", infoHash, 1313, 7), []);
});
