import assert from "node:assert/strict";
import { didYouMean, nearest } from "../../lib/ui/did_you_mean.ts";

const NAMES = [
  "start",
  "create",
  "edit",
  "info",
  "check",
  "help",
  "age.torrent",
  "日本語.torrent",
  "Film.MP4.torrent",
];

Deno.test("nearest finds what was meant by letters left out, put in, swapped or in another case", () => {
  for (
    const [typed, meant] of [
      ["strat", "start"],
      ["craete", "create"],
      ["chekc", "check"],
      ["hlep", "help"],
      ["INFO", "info"],
      ["age.torent", "age.torrent"],
      ["age", "age.torrent"],
      ["Age.Torrent", "age.torrent"],
      ["film.mp4", "Film.MP4.torrent"],
      ["日本語", "日本語.torrent"],
    ]
  ) {
    assert.equal(nearest(typed, NAMES), meant, typed);
  }
});

Deno.test("nearest finds nothing where nothing is near", () => {
  for (const typed of ["", "x", "frobnicate", "zz", "movie.torrent"]) {
    assert.equal(nearest(typed, NAMES), undefined, typed);
  }
  assert.equal(nearest("start", []), undefined);
});

Deno.test("didYouMean stays quick with many long names", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `${"long name ".repeat(25)}${i}`);
  const startedAt = performance.now();
  didYouMean("another long name ".repeat(20), names);
  assert.ok(performance.now() - startedAt < 2_000);
  assert.equal(didYouMean("strat", NAMES), "; did you mean start?");
  assert.equal(didYouMean("zz", NAMES), "");
});
