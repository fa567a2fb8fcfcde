import assert from "node:assert/strict";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { fc } from "../harness/data/fast_check.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { infoHashFromBytes } from "../../lib/protocol/info_hash.ts";
import { lookupHash } from "../../lib/protocol/lookup_hash.ts";
import { hasCode, lookupHashesOf, readShareCode, shareCode } from "../../lib/protocol/share_code.ts";

Deno.test("The words of codes are 2,048, and their first four letters tell them apart", () => {
  assert.equal(wordlist.length, 2_048);
  assert.equal(new Set(wordlist.map((word) => word.slice(0, 4))).size, 2_048);
});

Deno.test("shareCode says the first 44 bits of an info-hash in four words, or 66 in six", () => {
  const infoHash = infoHashFromBytes(
    Uint8Array.of(0, 0x20, 0x0c, 0x02, 0x80, 0x5f, 0xff, ...new Uint8Array(13)),
  );
  // 44 bits: 00000000001 00000000011 00000000101 00000000101, and then 11111111111 11000000000.
  assert.equal(shareCode(infoHash), [1, 3, 5, 5].map((position) => wordlist[position]).join(" "));
  assert.equal(shareCode(infoHash, true).split(" ").length, 6);
  assert(shareCode(infoHash, true).startsWith(shareCode(infoHash)));
});

needs("fast-check")(
  "readShareCode reads what shareCode says, however it is written, and finds the same lookup hash",
  () => {
    const infoHashes = fc.uint8Array({ minLength: 20, maxLength: 20 }).map(infoHashFromBytes);
    fc.assert(
      fc.property(
        infoHashes,
        fc.boolean(),
        fc.constantFrom(" ", "-", ", ", " / ", "\t"),
        (infoHash, isStrong, between) => {
          const text = shareCode(infoHash, isStrong);
          const short = text.split(" ").map((word) => word.slice(0, 4).toUpperCase()).join(between);
          for (const written of [text, short, `  ${short}.`]) {
            const code = readShareCode(written);
            assert.equal(code.text, text);
            assert.equal(code.lookupHash, lookupHashesOf(infoHash)[Number(isStrong)]);
            assert(hasCode(infoHash, code));
          }
        },
      ),
    );
  },
);

Deno.test("A torrent has no other code than its own, and a strong code is not a usual one", () => {
  const zeros = infoHashFromBytes(new Uint8Array(20));
  assert.equal(shareCode(zeros), "abandon abandon abandon abandon");
  assert(!hasCode(zeros, readShareCode("abandon abandon abandon ability")));
  assert.equal(lookupHashesOf(zeros)[0], lookupHash("share", new Uint8Array(6)));
  assert.equal(lookupHashesOf(zeros)[1], lookupHash("share", new Uint8Array(9)));
});

Deno.test("readShareCode names a wrong word and the nearest one, and says how many words there are to be", () => {
  const wrongs: [string, RegExp][] = [
    ["abandon ability able aboot", /got aboot; did you mean about\?/],
    ["cats act add age", /got cats; did you mean cat\?/],
    [`act add age ${"x".repeat(5_000)}`, /got x{32};/],
    ["", /Expected a code of 4 or 6 words, got 0/],
    ["act add age", /got 3/],
    ["act add age aim air", /got 5/],
  ];
  for (const [text, message] of wrongs) {
    assert.throws(() => readShareCode(text), { name: "RangeError", message });
  }
});
