import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import {
  bytesIn,
  checkBencode,
  decode,
  decodePrefix,
  dictionaryIn,
  encode,
  encodeMembers,
  listIn,
  MESSAGE_LIMITS,
  numberIn,
} from "../../lib/protocol/bencode.ts";
import { fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";

const decodeText = (text: string) => decode(toUtf8(text));

Deno.test("decode reads the examples of BEP 3", () => {
  assert.deepEqual(decodeText("4:spam"), toUtf8("spam"));
  assert.equal(decodeText("i3e"), 3);
  assert.equal(decodeText("i-3e"), -3);
  assert.equal(decodeText("i0e"), 0);
  assert.deepEqual(decodeText("l4:spam4:eggse"), [toUtf8("spam"), toUtf8("eggs")]);
  assert.deepEqual({ ...decodeText("d3:cow3:moo4:spam4:eggse") as object }, {
    cow: toUtf8("moo"),
    spam: toUtf8("eggs"),
  });
  assert.deepEqual({ ...decodeText("d4:spaml1:a1:bee") as object }, { spam: [toUtf8("a"), toUtf8("b")] });
});

Deno.test("decode reads empty strings, lists and dictionaries", () => {
  assert.deepEqual(decodeText("0:"), new Uint8Array(0));
  assert.deepEqual(decodeText("le"), []);
  assert.deepEqual(Object.keys(decodeText("de") as object), []);
  assert.deepEqual(Object.keys(decodeText("d0:0:e") as object), [""]);
});

Deno.test("decode reads whole numbers up to 2^53 - 1 exactly and refuses larger ones", () => {
  for (const number of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
    assert.equal(decodeText(`i${number}e`), number);
  }
  for (const text of ["i9007199254740992e", "i-9007199254740992e", `i${"9".repeat(400)}e`]) {
    assert.throws(() => decodeText(text), ProtocolError);
  }
});

Deno.test("decode refuses everything malformed with ProtocolError", () => {
  const malformed = [
    "",
    "x",
    "e",
    ":",
    "-1:a",
    "+1:a",
    "4:spa",
    "4",
    "04:spam",
    "00:",
    "1 :a",
    "1a:a",
    "99999999999999999999:a",
    "4294967296:a",
    "i",
    "ie",
    "i-e",
    "i-0e",
    "i03e",
    "i-03e",
    "i+3e",
    "i1.5e",
    "i1e5e",
    "i 1e",
    "i1",
    "i1x",
    "l",
    "li1e",
    "l4:spam",
    "d",
    "d1:a",
    "d1:ae",
    "d1:ai1e",
    "di1ei1ee",
    "dlei1ee",
    "d1:ai1e1:b",
    "i1ei2e",
    "lee",
    "dee",
    "0:0:",
  ];
  for (const text of malformed) assert.throws(() => decodeText(text), ProtocolError, text);
});

Deno.test("decode refuses doubled keys at every depth and takes unsorted ones", () => {
  for (const text of ["d1:ai1e1:ai2ee", "ld1:bi1e1:ai1e1:bi2eee", "d0:i1e0:i2ee"]) {
    assert.throws(() => decodeText(text), /twice/, text);
  }
  assert.deepEqual({ ...decodeText("d1:bi1e1:ai2ee") as object }, { b: 1, a: 2 });
});

Deno.test("decode refuses keys that only the library takes for the same", () => {
  assert.throws(() => decodeText("d1:ai1e4:\uFEFFai2ee"), /twice/);
  assert.throws(() => decode(Uint8Array.from("d2:ffi1e1:\u00ffi2ee", (char) => char.charCodeAt(0))), /twice/);
});

Deno.test("decode refuses a __proto__ key in any disguise and keeps other names of Object's own", () => {
  assert.throws(() => decodeText("d9:__proto__dee"), ProtocolError);
  assert.throws(() => decodeText("d12:\uFEFF__proto__dee"), ProtocolError);
  assert.throws(() => decodeText("ld1:ad9:__proto__i1eeee"), ProtocolError);
  const dictionary = decodeText("d11:constructori1e14:hasOwnPropertyi2e8:toStringi3ee") as Record<
    string,
    number
  >;
  assert.equal(numberIn(dictionary, "constructor"), 1);
  assert.equal(numberIn(dictionary, "hasOwnProperty"), 2);
  assert.equal(Object.getPrototypeOf(dictionary), Object.prototype);
});

Deno.test("decode nests to its limit and no deeper, without recursion", () => {
  const nested = (depth: number) => `${"l".repeat(depth)}${"e".repeat(depth)}`;
  assert.doesNotThrow(() => decodeText(nested(MESSAGE_LIMITS.depth)));
  assert.throws(() => decodeText(nested(MESSAGE_LIMITS.depth + 1)), /deeper than 16/);
  for (const open of ["l", "d1:a", "d0:"]) {
    assert.throws(() => decodeText(open.repeat(1_000_000)), ProtocolError);
  }
});

Deno.test("decode counts values and stops at its limit", () => {
  const limits = { depth: 2, values: 4 };
  assert.doesNotThrow(() => decode(toUtf8("li1ei2ei3ee"), limits));
  assert.throws(() => decode(toUtf8("li1ei2ei3ei4ee"), limits), /more than 4 values/);
});

Deno.test("decode refuses a string longer than what is there before it allocates for it", () => {
  for (const length of [2, 1_000_000_000, Number.MAX_SAFE_INTEGER]) {
    assert.throws(() => decodeText(`${length}:a`), /longer than what is there/);
  }
  assert.throws(() => decodeText("0".repeat(100_000)), ProtocolError);
  assert.throws(() => decodeText(`1${"0".repeat(100_000)}:`), ProtocolError);
});

Deno.test("decode gives strings that are copies", () => {
  const bytes = toUtf8("1:a");
  const value = decode(bytes) as Uint8Array;
  bytes.fill(0);
  assert.deepEqual(value, toUtf8("a"));
});

Deno.test("decode reads a view that does not start its buffer", () => {
  assert.equal(decode(toUtf8("xxi7exx").subarray(2, 5)), 7);
});

Deno.test("decodePrefix says where the value ends and leaves the rest", () => {
  const { value, end } = decodePrefix(toUtf8("d1:ai1eeREST"));
  assert.deepEqual([numberIn(value as Record<string, number>, "a"), end], [1, 8]);
  assert.throws(() => decodePrefix(toUtf8("d1:ai1e")), ProtocolError);
});

Deno.test("checkBencode gives the encoded bytes of each member of the outermost dictionary", () => {
  const { members, end } = checkBencode(toUtf8("d1:ad1:bi1ee1:cl1:dee"), MESSAGE_LIMITS);
  assert.equal(end, 21);
  assert.deepEqual([...members].map(([key, bytes]) => [key, fromUtf8(bytes)]), [["a", "d1:bi1ee"], [
    "c",
    "l1:de",
  ]]);
  assert.equal(checkBencode(toUtf8("ld1:ai1eee"), MESSAGE_LIMITS).members.size, 0);
});

Deno.test("encode sorts keys, leaves out what is undefined and writes texts as UTF-8", () => {
  assert.equal(fromUtf8(encode({ b: 1, a: "ä", c: undefined, d: [] })), "d1:a2:ä1:bi1e1:dlee");
  assert.equal(
    fromUtf8(encode([Number.MAX_SAFE_INTEGER, -1, 0, new Uint8Array(0)])),
    "li9007199254740991ei-1ei0e0:e",
  );
});

Deno.test("decode reads what encode wrote", () => {
  const value = { a: [1, -2, { b: Uint8Array.of(0, 255) }], z: {} };
  assert.deepEqual(encode(decode(encode(value))), encode(value));
});

Deno.test("encodeMembers keeps members byte for byte and sorts keys by byte, text or not", () => {
  const members = new Map([["\u00ff", toUtf8("i1e")], ["b", toUtf8("i2e")], [
    "aa",
    toUtf8("d1:bi1e1:ai2ee"),
  ]]);
  const bytes = encodeMembers(members);
  assert.equal(String.fromCharCode(...bytes), "d2:aad1:bi1e1:ai2ee1:bi2e1:\u00ffi1ee");
  assert.deepEqual([...checkBencode(bytes, MESSAGE_LIMITS).members.keys()], ["aa", "b", "\u00ff"]);
});

Deno.test("numberIn, bytesIn, listIn and dictionaryIn give own members of the asked type only", () => {
  const dictionary = decodeText("d1:bd1:xi1ee1:ll1:xe1:ni5e1:s1:xe") as Record<string, never>;
  const readers = { n: numberIn, s: bytesIn, l: listIn, b: dictionaryIn };
  for (const [owner, read] of Object.entries(readers)) {
    for (const key of ["n", "s", "l", "b", "missing", "constructor", "toString"]) {
      assert.equal(read(dictionary, key) !== undefined, key === owner, `${owner} ${key}`);
    }
  }
});

Deno.test("encodeMembers writes a dictionary of more members than a call takes arguments", () => {
  const members = new Map(Array.from({ length: 150_000 }, (_, i) => [`${i}`, Uint8Array.of(0x30, 0x3a)]));
  assert.equal(checkBencode(encodeMembers(members), { depth: 1, values: 200_000 }).members.size, 150_000);
});
