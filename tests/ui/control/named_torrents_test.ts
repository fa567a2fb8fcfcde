import assert from "node:assert/strict";
import { type Named, namedTorrents } from "../../../lib/ui/control/named_torrents.ts";
import { Failure } from "../../../lib/ui/failure.ts";

const TORRENTS: readonly Named[] = [
  { number: 1, name: "lecture.mp4", infoHash: `abcd1${"0".repeat(35)}` },
  { number: 2, name: "Lab notes", infoHash: `abcd2${"0".repeat(35)}` },
  { number: 3, name: "twin", infoHash: `1234${"5".repeat(36)}` },
  { number: 5, name: "twin", infoHash: `6${"0".repeat(39)}` },
  { number: 12, name: "2", infoHash: `f${"1".repeat(39)}` },
];

const numbersOf = (...words: string[]) => namedTorrents(words, TORRENTS).map(({ number }) => number);

Deno.test("torrents are named by number, name, info-hash, and unique beginnings", () => {
  const cases: [word: string, number: number][] = [
    ["1", 1],
    ["lecture.mp4", 1],
    ["LECTURE.MP4", 1],
    ["lect", 1],
    ["lab notes", 2],
    ["abcd2", 2],
    ["ABCD1", 1],
    [`abcd1${"0".repeat(35)}`, 1],
    ["1234", 3],
    // The number comes before a name that looks like one.
    ["2", 2],
    ["12", 12],
  ];
  for (const [word, number] of cases) assert.deepEqual(numbersOf(word), [number], word);
});

Deno.test("all names all torrents, and each is named once", () => {
  assert.deepEqual(numbersOf("all"), [1, 2, 3, 5, 12]);
  assert.deepEqual(numbersOf("5", "lect", "1", "all"), [5, 1, 2, 3, 12]);
  assert.deepEqual(namedTorrents(["all"], []), []);
});

Deno.test("a word that names no torrent, or several, is refused with the way out", () => {
  const cases: [word: string, why: RegExp][] = [
    ["abcd", /^Expected one torrent, got 2: 1 \(lecture\.mp4\), 2 \(Lab notes\); name it by its number$/],
    ["twin", /^Expected one torrent, got 2: 3 \(twin\), 5 \(twin\)/],
    ["l", /^Expected one torrent, got 2/],
    // A number that was used once must not become the beginning of an info-hash.
    ["6", /got none of them; /],
    ["123", /got none of them; peer status shows them$/],
    ["abc", /got none of them/],
    ["lectrue.mp4", /; did you mean lecture\.mp4\?$/],
    ["", /got none of them/],
    ["1 ", /got none of them/],
  ];
  for (const [word, why] of cases) {
    assert.throws(
      () => numbersOf(word),
      (error) => error instanceof Failure && error.exitCode === 1 && why.test(error.message),
      word,
    );
  }
  assert.throws(() => numbersOf("1", "no such torrent"), Failure);
});
