import assert from "node:assert/strict";
import { printable } from "../../lib/protocol/printable.ts";

Deno.test("printable leaves ordinary text of all languages alone", () => {
  for (const text of ["", "notes.txt", "größe Ж 日本語 שלום", "👩‍👩‍👧 family", "a\u0301", "می‌خواهم"]) {
    assert.equal(printable(text), text);
  }
});

Deno.test("printable replaces everything that moves a cursor, forges a line or turns text around", () => {
  const cases = [
    "\u0000",
    "\n",
    "\r",
    "\t",
    "\u001b",
    "\u007f",
    "\u009b",
    "\u061c",
    "\u200b",
    "\u200e",
    "\u2028",
    "\u202e",
    "\u2066",
    "\ufeff",
    "\u{e0041}",
    "\ud800",
    "\udfff",
  ];
  for (const character of cases) {
    assert.equal(printable(`a${character}b`), "a\uFFFDb", character.codePointAt(0)!.toString(16));
  }
});

Deno.test("printable replaces each character of an escape sequence that matters", () => {
  assert.equal(printable("\u001b[31mred\u001b[0m"), "\uFFFD[31mred\uFFFD[0m");
});
