import assert from "node:assert/strict";
import { MetainfoError } from "../../lib/errors.ts";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import { safeName, safePaths } from "../../lib/protocol/safe_path.ts";

/** Longest name most file systems take, in UTF-8 bytes. */
const MAX_NAME_BYTES = 255;

Deno.test("safeName leaves ordinary names of all languages alone", () => {
  const names = [
    "notes.txt",
    ".hidden",
    "a b.tar.gz",
    "..a",
    "a..b",
    "größe",
    "日本語.txt",
    "שלום",
    "👩‍👩‍👧.png",
    "console",
    "com10",
    "nul-1.txt",
    "~",
    "$(rm -rf)`x`;&'%PATH%",
    "-rf",
  ];
  for (const name of names) assert.equal(safeName(name), name);
});

Deno.test("safeName refuses every name that tries to leave its folder", () => {
  const names = [
    "",
    ".",
    "..",
    "../x",
    "..\\x",
    "x/..",
    "x\\..",
    "x\\..\\y",
    "x/./y",
    ".\\x",
    "/etc/passwd",
    "/",
    "a/b",
    "a/",
    "\\",
    "\\windows",
    "\\\\server\\share",
    "\\\\?\\C:\\x",
    "\\\\.\\pipe\\x",
    "C:\\x",
    "c:\\",
    "C:/x",
    "\\..",
  ];
  for (const name of names) assert.throws(() => safeName(name), MetainfoError, name);
});

Deno.test("safeName changes what is awkward on some system, in one way everywhere", () => {
  const changed = {
    "a\\b": "a_b",
    "a:b": "a_b",
    "C:": "C_",
    "C:x": "C_x",
    'a<b>c"d|e?f*g': "a_b_c_d_e_f_g",
    "a\u0000b": "a_b",
    "..\u0000": ".._",
    "\u202egpj.exe": "_gpj.exe",
    "a\nb\u001b[2J": "a_b_[2J",
    "a\ud800b": "a_b",
    "a.": "a_",
    "a..": "a__",
    "a ": "a_",
    "a. .": "a___",
    "...": "___",
    ".. ": "___",
    " ": "_",
    "  a": "__a",
    "a\u0301": "á",
  };
  for (const [name, safe] of Object.entries(changed)) {
    assert.equal(safeName(name), safe, JSON.stringify(name));
  }
});

Deno.test("safeName moves Windows device names out of the way", () => {
  const devices = [
    "con",
    "PRN",
    "Aux",
    "nul",
    "NUL.txt",
    "com1",
    "COM9.log",
    "lpt¹",
    "conin$",
    "nul.tar.gz",
    "nul .txt",
  ];
  for (const name of devices) assert.equal(safeName(name), `_${name}`);
  assert.equal(safeName("con."), "con_");
  assert.equal(safeName("con:"), "con_");
});

Deno.test("safeName is settled: a safe name stays as it is", () => {
  for (
    const name of [
      "a:b",
      " con",
      "x".repeat(300),
      "ä".repeat(200) + ". .txt",
      `${"x".repeat(241)}. y`,
      "nul .a",
    ]
  ) {
    assert.equal(safeName(safeName(name)), safeName(name));
  }
});

Deno.test("safeName cuts long names between characters and keeps a short extension", () => {
  for (const character of ["x", "ä", "語", "👍"]) {
    const safe = safeName(`${character.repeat(400)}.txt`);
    assert.ok(safe.endsWith(`${character}.txt`));
    assert.ok(toUtf8(safe).length <= MAX_NAME_BYTES);
    assert.ok(toUtf8(safe).length > MAX_NAME_BYTES - 20);
    assert.ok(!safe.includes("\uFFFD"));
  }
});

Deno.test("safeName leaves no trailing dot or space where it cuts", () => {
  for (let length = 230; length < 260; length++) {
    for (const tail of [". . . . . . . . . . . . . . . . .x y", "                                z z"]) {
      assert.doesNotMatch(safeName("x".repeat(length) + tail), /[. ]$/);
    }
  }
});

Deno.test("safeName takes little time for a very long name", () => {
  const hostile = [
    "\u0316\u0301".repeat(1_000_000),
    "/".repeat(1_000_000),
    " ".repeat(1_000_000),
    ".a".repeat(1_000_000),
  ];
  for (const name of hostile) {
    const start = performance.now();
    try {
      assert.ok(toUtf8(safeName(`a${name}`)).length <= MAX_NAME_BYTES);
    } catch (error) {
      assert.ok(error instanceof MetainfoError && error.message.length < 2_000);
    }
    assert.ok(performance.now() - start < 1_000);
  }
});

Deno.test("safePaths keeps different paths and their order", () => {
  const paths = [["t", "b", "x"], ["t", "a"], ["t", "b", "y"]];
  assert.deepEqual(safePaths(paths), paths);
});

Deno.test("safePaths marks files that are one on a system that ignores case or normal form", () => {
  const names = ["a.txt", "A.TXT", "ä", "a\u0308", "Ä", "ς", "σ", "ß", "ẞ", "a?b", "a*b"];
  assert.deepEqual(safePaths(names.map((name) => ["t", name])).map((path) => path[1]), [
    "a.txt",
    "A (2).TXT",
    "ä",
    "ä (2)",
    "Ä (3)",
    "ς",
    "σ (2)",
    "ß",
    "ẞ (2)",
    "a_b",
    "a_b (2)",
  ]);
});

Deno.test("safePaths finds a mark that is free when a marked name is in the torrent already", () => {
  const names = ["a (2)", "a", "a", ".rc", ".rc"];
  assert.deepEqual(safePaths(names.map((name) => [name])).flat(), ["a (2)", "a", "a (3)", ".rc", ".rc (2)"]);
});

Deno.test("safePaths keeps the longest names short enough with any mark", () => {
  const paths = safePaths(Array.from({ length: 12_000 }, () => [`${"ä".repeat(300)}.txt`]));
  assert.equal(new Set(paths.flat()).size, paths.length);
  for (const [name] of paths) assert.ok(toUtf8(name).length <= MAX_NAME_BYTES);
});

Deno.test("safePaths takes time in step with the number of equal names", () => {
  const start = performance.now();
  safePaths(Array.from({ length: 20_000 }, (_, i) => ["t", `x${i % 21}`]));
  assert.ok(performance.now() - start < 2_000);
});

Deno.test("safePaths refuses a path that is a file and a folder at once, whatever its case", () => {
  for (
    const paths of [[["t", "a"], ["t", "A", "b"]], [["t", "a", "b", "c"], ["t", "a"]], [["t"], ["t", "a"]]]
  ) {
    assert.throws(() => safePaths(paths), MetainfoError);
  }
  assert.doesNotThrow(() => safePaths([["t", "a"], ["t", "ab", "c"]]));
});

Deno.test("safePaths refuses empty and too deep paths, and bad names anywhere in a path", () => {
  for (const path of [[], new Array(101).fill("a"), ["t", "..", "x"], ["..", "x"], ["t", "a", ""]]) {
    assert.throws(() => safePaths([path]), MetainfoError);
  }
  assert.equal(safePaths([new Array(100).fill("a")])[0].length, 100);
});
