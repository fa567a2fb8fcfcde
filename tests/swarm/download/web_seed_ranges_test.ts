import assert from "node:assert/strict";
import { encode } from "../../../lib/protocol/bencode.ts";
import { encodeInfo, type InfoFile, parseInfo } from "../../../lib/protocol/metainfo.ts";
import { originalPaths } from "../../harness/data/torrents.ts";
import { METAINFO_LIMITS } from "../../../lib/settings.ts";
import { WebSeedRanges } from "../../../lib/swarm/download/web_seed_ranges.ts";

const PIECE = 16 * 1024;

function rangesOf(base: string, name: string, files: InfoFile[]): WebSeedRanges {
  const length = files.reduce((sum, file) => sum + file.length, 0);
  const rawInfo = encodeInfo(name, files, PIECE, new Uint8Array(20 * Math.ceil(length / PIECE)), false);
  return new WebSeedRanges(
    base,
    parseInfo(rawInfo, METAINFO_LIMITS),
    originalPaths(rawInfo),
  );
}

const single = (base: string, name = "file.exe") => rangesOf(base, name, [{ path: [], length: 3 * PIECE }]);
const urlOf = (ranges: WebSeedRanges) => ranges.of(0, 0, 10)[0].url;

Deno.test("WebSeedRanges takes the address of a single file as it is", () => {
  assert.equal(urlOf(single("http://mirror.com/file.exe")), "http://mirror.com/file.exe");
  assert.equal(urlOf(single("https://mirror.com/other?x=1&y=2#z")), "https://mirror.com/other?x=1&y=2");
});

Deno.test("WebSeedRanges adds the name where the address of a single file ends in a slash", () => {
  assert.equal(urlOf(single("http://mirror.com/pub/")), "http://mirror.com/pub/file.exe");
  assert.equal(urlOf(single("http://mirror.com")), "http://mirror.com/file.exe");
});

Deno.test("WebSeedRanges builds BEP 19's example of several files, with and without the slash", () => {
  for (const base of ["http://mirror.com/pub/", "http://mirror.com/pub"]) {
    const ranges = rangesOf(base, "michael", [{ path: ["Readme.txt"], length: 949 }]);
    assert.equal(urlOf(ranges), "http://mirror.com/pub/michael/Readme.txt");
  }
});

Deno.test("WebSeedRanges encodes names as the torrent spells them, not as the disk has them", () => {
  const ranges = rangesOf("http://h/", "What? 100%", [{ path: ["a&b", "Ä:c #1.txt"], length: 10 }]);
  assert.equal(urlOf(ranges), "http://h/What%3F%20100%25/a%26b/%C3%84%3Ac%20%231.txt");
});

Deno.test("WebSeedRanges cuts a span at the borders of files", () => {
  const ranges = rangesOf("http://h/", "t", [
    { path: ["a"], length: 100 },
    { path: ["empty"], length: 0 },
    { path: ["b"], length: PIECE },
    { path: ["c"], length: PIECE },
  ]);
  assert.deepEqual(ranges.of(0, 50, PIECE - 50), [
    { url: "http://h/t/a", fileLength: 100, position: 50, length: 50, offset: 0 },
    { url: "http://h/t/b", fileLength: PIECE, position: 0, length: PIECE - 100, offset: 50 },
  ]);
  assert.deepEqual(ranges.of(1, 0, 200), [
    { url: "http://h/t/b", fileLength: PIECE, position: PIECE - 100, length: 100, offset: 0 },
    { url: "http://h/t/c", fileLength: PIECE, position: 0, length: 100, offset: 100 },
  ]);
});

Deno.test("WebSeedRanges asks nobody for padding", () => {
  const rawInfo = encode({
    files: [{ length: 10, path: ["a"] }, { attr: "p", length: 20, path: [".pad", "20"] }, {
      length: 5,
      path: ["b"],
    }],
    name: "t",
    "piece length": PIECE,
    pieces: new Uint8Array(20),
  });
  const ranges = new WebSeedRanges(
    "http://h/",
    parseInfo(rawInfo, METAINFO_LIMITS),
    originalPaths(rawInfo),
  );
  assert.deepEqual(ranges.of(0, 0, 35).map(({ url, length }) => [url, length]), [
    ["http://h/t/a", 10],
    [undefined, 20],
    ["http://h/t/b", 5],
  ]);
});

Deno.test("WebSeedRanges refuses addresses of which no URL can be made", () => {
  for (
    const base of ["", "mirror.com/x", "ftp://h/", "file:///etc/", "http://user:secret@h/", "http://h/?dir=/"]
  ) {
    assert.throws(() => single(base), TypeError, base);
  }
  assert.throws(() => rangesOf("http://h/get?x=1", "t", [{ path: ["a"], length: 1 }]), TypeError);
});
