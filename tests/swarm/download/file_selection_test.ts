import assert from "node:assert/strict";
import { type FileChoice, seekingIdleGlobs } from "../../../lib/swarm/download/file_selection.ts";
import type { Metainfo } from "../../../lib/protocol/metainfo.ts";
import { finish } from "../../../lib/protocol/steps.ts";
import { selectFiles } from "../../harness/data/selection.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";

const PIECE = 16 * 1024;
const files = [
  { path: ["Track [1].flac"], length: 2 * PIECE + 10 },
  { path: ["cover.jpg"], length: 100 },
  { path: ["disc 2", "Track [1].flac"], length: PIECE },
  { path: ["disc 2", ".nfo"], length: 0 },
  { path: ["disc 2", "bonus", "cover.jpg"], length: 2 * PIECE },
];
const album = metainfoOf(new Uint8Array(5 * PIECE + 110), PIECE, "album", files);
const single = metainfoOf(new Uint8Array(PIECE + 1), PIECE, "a film.mkv");

function chosen(
  metainfo: Metainfo,
  choice: Partial<FileChoice>,
  positions?: { first: number; last: number }[],
) {
  const selection = selectFiles(metainfo, choice, positions);
  return { files: [...selection.files].join(" "), pieces: [...selection.pieces].join(" ") };
}

Deno.test("fileSelecting wants all files and pieces when nothing is said", () => {
  assert.deepEqual(chosen(album, {}), { files: "0 1 2 3 4", pieces: "0 1 2 3 4 5" });
});

Deno.test("fileSelecting holds a glob without a slash against names, others against paths", () => {
  const filesOf = (...only: string[]) => chosen(album, { only }).files;
  assert.equal(filesOf("*.flac"), "0 2");
  assert.equal(filesOf("cover.*"), "1 4");
  assert.equal(filesOf("disc 2/*"), "2 3");
  assert.equal(filesOf("disc 2/**"), "2 3 4");
  assert.equal(filesOf("**/cover.jpg"), "1 4");
  assert.equal(filesOf("/cover.jpg", "disc 2/.nfo"), "1 3");
  assert.equal(filesOf("Track \\[1\\].flac"), "0 2");
  assert.equal(filesOf("*.{jpg,nfo}"), "1 3 4");
  assert.equal(filesOf("cover.jpg", "*.nfo"), "1 3 4");
});

Deno.test("fileSelecting wants every piece that holds something of a wanted file", () => {
  assert.equal(chosen(album, { only: ["disc 2/*.flac"] }).pieces, "2 3");
  assert.equal(chosen(album, { only: ["disc 2/bonus/*"] }).pieces, "3 4 5");
  assert.equal(chosen(album, { only: [".nfo"] }).pieces, "");
});

Deno.test("fileSelecting skips files even where they are asked for", () => {
  assert.equal(chosen(album, { skip: ["*.jpg"] }).files, "0 2 3");
  assert.equal(chosen(album, { only: ["*.flac"], skip: ["disc 2/**"] }).files, "0");
});

Deno.test("fileSelecting takes the positions of a magnet link where no glob says which files are wanted", () => {
  const positions = [{ first: 1, last: 1 }, { first: 3, last: 9 }];
  assert.equal(chosen(album, { skip: ["*.nfo"] }, positions).files, "1 4");
  assert.equal(chosen(album, { only: ["*.flac"] }, positions).files, "0 2");
});

Deno.test("fileSelecting fetches the files at some positions before the others, beside those of globs", () => {
  const positions = [{ first: 2, last: 2 }, { first: 4, last: 2_000_000 }];
  const { firstFiles } = selectFiles(album, { first: ["cover.*"] }, [], positions);
  assert.deepEqual([...firstFiles], [1, 2, 4]);
});

Deno.test("fileSelecting knows a single file by its name", () => {
  assert.equal(chosen(single, { only: ["*.mkv"] }).pieces, "0 1");
});

Deno.test("fileSelecting refuses a choice that leaves nothing, by name", () => {
  assert.throws(() => chosen(single, { only: ["*.txt"], skip: ["*.mkv"] }), {
    name: "RangeError",
    message: "Expected one of 1 files of a film.mkv to be wanted (*.txt, not *.mkv), got none",
  });
  assert.throws(() => chosen(album, {}, [{ first: 5, last: 7 }]), {
    name: "RangeError",
    message: "Expected one of 5 files of album to be wanted (5-7), got none",
  });
});

Deno.test("fileSelecting tells the pieces of files that come first", () => {
  const { firstPieces, isSequential } = selectFiles(album, {
    first: ["cover.jpg", "nothing"],
    isSequential: true,
  });
  assert.deepEqual([...firstPieces], [2, 3, 4, 5]);
  assert.ok(isSequential);
});

Deno.test("fileSelecting takes parentheses and a leading ! as they are", () => {
  const show = metainfoOf(new Uint8Array(4 * PIECE), PIECE, "show", [
    { path: ["a (1080p).mkv"], length: PIECE },
    { path: ["!read.txt"], length: PIECE },
    { path: ["Show (2020)", "x"], length: PIECE },
    { path: ["Show 2020", "x"], length: PIECE },
  ]);
  assert.equal(chosen(show, { only: ["*(1080p)*"] }).files, "0");
  assert.equal(chosen(show, { only: ["Show (2020)/*"] }).files, "2");
  assert.equal(chosen(show, { only: ["./Show (2020)/*"] }).files, "2");
  assert.equal(chosen(show, { skip: ["!read.txt"] }).files, "0 2 3");
});

Deno.test("seekingIdleGlobs names what --skip and --first say in vain", () => {
  const choice = { skip: ["*.jpg", "*.png"], first: ["x", "*.flac"] };
  assert.deepEqual(finish(seekingIdleGlobs(album, choice)), ["--skip *.png", "--first x"]);
});
