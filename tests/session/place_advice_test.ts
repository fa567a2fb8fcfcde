import assert from "node:assert/strict";
import { finish } from "../../lib/protocol/steps.ts";
import { adviceOnFilesInTheWay, clashOf } from "../../lib/session/advice/place_advice.ts";
import { PIECE, TestTorrent } from "../disk/test_home.ts";

type Files = ConstructorParameters<typeof TestTorrent>[0];

function clash(one: Files, other: Files, ignoresCase = false): string | undefined {
  const [a, b] = [one, other].map((files) => new TestTorrent(files).metainfo);
  return finish(clashOf(a, b, ignoresCase));
}

Deno.test("clashOf tells which file two torrents want with other contents, or as file and folder", () => {
  assert.equal(clash([["a/x", 5], ["a/y", 6]], [["a/x", 5], ["a/y", 7]]), "a/y");
  assert.equal(clash([["a/x", 5]], [["b/x", 6]]), undefined);
  assert.equal(clash([["a/X", 5]], [["A/x", 6]]), undefined);
  assert.equal(clash([["a/X", 5]], [["A/x", 6]], true), "a/X");
  assert.equal(clash([["a", 5]], [["a/x", 6]]), "a");
  assert.equal(clash([["a/x/y", 5]], [["a/x", 6]]), "a/x");
});

Deno.test("clashOf compares the pieces of files of one length, wherever they lie in their torrents", () => {
  const whole: Files = [["a/x", PIECE], ["a/y", 2 * PIECE]];
  assert.equal(clash(whole, whole), undefined, "the same data in two torrents");
  // The contents of a test torrent go on from file to file, so `a/y` has others where it comes first.
  assert.equal(clash(whole, [["a/y", 2 * PIECE]]), "a/y");
  assert.equal(clash([["a", 5]], [["a", 5]]), undefined);
});

Deno.test("adviceOnFilesInTheWay is one warning, whatever the number of files", () => {
  assert.equal(adviceOnFilesInTheWay([]), undefined);
  assert.match(
    adviceOnFilesInTheWay(["shareable/a"])!,
    /^shareable\/a is another file .*not replaced: move it away/,
  );
  const paths = Array.from({ length: 100_000 }, (_, i) => `shareable/a/${i}`);
  assert.match(
    adviceOnFilesInTheWay(paths)!,
    /^shareable\/a\/0 is .* \(and so are 99999 more in shareable\/\): move/,
  );
});
