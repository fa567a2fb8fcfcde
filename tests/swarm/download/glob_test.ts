import assert from "node:assert/strict";
import { globMatcher } from "../../../lib/swarm/download/glob.ts";

Deno.test("globMatcher takes six characters for special", () => {
  const cases: [glob: string, matches: string[], others: string[]][] = [
    ["*.mkv", ["a.mkv", ".mkv", ".hidden.mkv"], ["a.mkv2", "d/a.mkv"]],
    ["a?c", ["abc", "a😀c"], ["ac", "a/c", "abbc"]],
    ["d/*", ["d/a", "d/.a"], ["d/e/a", "d"]],
    ["d/**", ["d/a", "d/e/a"], ["a", "dd/a"]],
    ["**/a", ["a", "d/a", "d/e/a"], ["ba", "d/ba"]],
    ["d/**/a", ["d/a", "d/e/a", "d/e/f/a"], ["da", "d/ba", "e/d/a"]],
    ["a**b", ["ab", "axxb"], ["a/b"]],
    ["[a-c]1", ["a1", "c1"], ["d1", "-1", "1"]],
    ["[!a-c]1", ["d1"], ["a1", "/1"]],
    ["[^a]1", ["b1"], ["a1"]],
    ["[]x]", ["]", "x"], ["y"]],
    ["[a-]", ["a", "-"], ["b"]],
    ["[z-a]", [], ["z", "a", "-"]],
    ["[\\]]", ["]"], ["\\"]],
    ["*.{jpg,pn?}", ["a.jpg", "a.png"], ["a.gif"]],
    ["{a,{b,c}d}", ["a", "bd", "cd"], ["b", "d"]],
    ["{a,}b", ["ab", "b"], ["cb"]],
    ["\\*\\?\\[\\{\\\\", ["*?[{\\"], ["a?[{\\"]],
    ["{a}", ["{a}"], ["a"]],
    ["{a,b", ["{a,b"], ["a"]],
    ["[ab", ["[ab"], ["a"]],
    ["a\\", ["a\\"], ["a"]],
  ];
  for (const [glob, matches, others] of cases) {
    for (const path of matches) assert.ok(globMatcher(glob)(path), `${glob} matches ${path}`);
    for (const path of others) assert.ok(!globMatcher(glob)(path), `${glob} does not match ${path}`);
  }
});

Deno.test("globMatcher takes every other character as it is", () => {
  for (
    const name of [
      "(1080p)",
      "a+b",
      "!x",
      "!(x)",
      "@(x|y)",
      "+(x)",
      "a|b",
      "^a$",
      "a.b",
      '"q"',
      "`q`",
      "'q'",
      "~",
      "#1",
      "&",
      "%20",
      "a,b",
      "]",
      "}",
      "{1..3}",
      "-",
      "a\nb",
      "./a",
    ]
  ) {
    assert.ok(globMatcher(name)(name), name);
    assert.ok(!globMatcher(name)("x"), name);
  }
  assert.ok(!globMatcher("(a)")("a"));
  assert.ok(!globMatcher("a.b")("axb"));
});

Deno.test("globMatcher matches accents however they are composed", () => {
  for (const glob of ["Caf\u00e9 *", "Cafe\u0301 *", "Caf[e\u0301] *", "Caf? *"]) {
    for (const path of ["Caf\u00e9 1", "Cafe\u0301 1"]) assert.ok(globMatcher(glob)(path), glob);
  }
});
