import assert from "node:assert/strict";
import { CODE_SEED_LENGTH, makeFleetCode, readFleetCode } from "../../lib/protocol/fleet_code.ts";
import {
  credentialsText,
  fingerprint,
  keyText,
  readCredentialsText,
  readKeyText,
} from "../../lib/protocol/fleet_key.ts";

Deno.test("A code of a fleet has a number and three words, and is read however it is typed", () => {
  const code = makeFleetCode(Uint8Array.from({ length: CODE_SEED_LENGTH }, (_, at) => 37 * at));
  assert.match(code.text, /^\d{4} \w+ \w+ \w+$/);
  const typed = code.text.toUpperCase().split(" ").map((word) => word.slice(0, 4)).join(" - ");
  assert.deepEqual(readFleetCode(typed), code);
  for (
    const text of ["", "12 otter velvet lamp", "1234 otter velvet", "otter velvet lamp river", "1234 a b c d"]
  ) {
    assert.throws(() => readFleetCode(text), RangeError, text);
  }
  assert.throws(() => readFleetCode("1234 otterly velvet rivver"), /did you mean/);
});

Deno.test("The hash of a code depends on its number alone, the password on the words as well", () => {
  const [one, other] = ["1234 abandon zebra zoo", "1234 abandon zebra zone"].map(readFleetCode);
  assert.equal(one.lookupHash, other.lookupHash);
  assert.notEqual(one.password, other.password);
  assert.notEqual(readFleetCode("1235 abandon zebra zoo").lookupHash, one.lookupHash);
});

Deno.test("Codes are spread over all numbers and words", () => {
  const codes = Array.from({ length: 500 }, () => {
    return makeFleetCode(crypto.getRandomValues(new Uint8Array(CODE_SEED_LENGTH))).text.split(" ");
  });
  assert(codes.every(([number]) => Number(number) >= 1_000 && Number(number) <= 9_999));
  for (const part of [0, 1, 2, 3]) assert(new Set(codes.map((code) => code[part])).size > 350);
});

Deno.test("Keys and credentials are read as they were written", () => {
  const key = Uint8Array.from({ length: 32 }, (_, at) => at);
  assert.deepEqual(readKeyText(keyText(key)), key);
  assert.match(fingerprint(key), /^(\w+ ){5}\w+$/);
  const credentials = { name: "room 7", fleetKey: key, lead: { key: key.toReversed(), name: "desk" } };
  assert.deepEqual(readCredentialsText(credentialsText(credentials)), credentials);
  for (const text of ["", "peer-fleet:", "peer-fleet:AAAA", keyText(key), "peer-fleet:ä"]) {
    assert.equal(readCredentialsText(text), undefined);
  }
  for (const text of ["", "AAAA", credentialsText(credentials)]) assert.equal(readKeyText(text), undefined);
});
