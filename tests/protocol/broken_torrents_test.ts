import assert from "node:assert/strict";
import { MetainfoError } from "../../lib/errors.ts";
import { decode } from "../../lib/protocol/bencode.ts";
import { type Encodable, encode } from "../../lib/protocol/bencode.ts";
import { fromUtf8 } from "../../lib/protocol/bytes.ts";
import { type Metainfo, parseInfo, parseMetainfo, replaceAnnounce } from "../../lib/protocol/metainfo.ts";
import { METAINFO_LIMITS } from "../../lib/settings.ts";
import {
  BROKEN_TORRENTS,
  ESCAPING_TORRENTS,
  folderTorrent,
  torrent,
} from "../harness/data/broken_torrents.ts";

const ALL = [...BROKEN_TORRENTS, ...ESCAPING_TORRENTS];

Deno.test("parseMetainfo refuses every broken torrent of the collection, each for its own reason", () => {
  assert.ok(BROKEN_TORRENTS.length >= 90 && ESCAPING_TORRENTS.length >= 90);
  assert.equal(new Set(ALL.map(({ what }) => what)).size, ALL.length);
  for (const { what, bytes, why } of ALL) {
    for (
      const parse of [parseMetainfo, (bytes: Uint8Array) => replaceAnnounce(bytes, [["h"]], METAINFO_LIMITS)]
    ) {
      assert.throws(() => parse(bytes, METAINFO_LIMITS), (error) => {
        assert.ok(error instanceof MetainfoError, `${what}: ${error}`);
        assert.match(error.message, why, what);
        assert.ok(error.message.length < 500 && !/\p{Cc}/u.test(error.message), what);
        return true;
      }, what);
    }
  }
});

Deno.test("parseInfo refuses the info dictionary of every broken torrent, as it comes by a magnet link", () => {
  let infos = 0;
  for (const { what, bytes, why } of ALL) {
    const info = infoOf(bytes);
    if (info === undefined) continue;
    infos++;
    assert.throws(() => parseInfo(info, METAINFO_LIMITS), (error) => {
      assert.ok(error instanceof MetainfoError, `${what}: ${error}`);
      assert.match(error.message, why, what);
      return true;
    }, what);
  }
  assert.ok(infos >= 200, `only ${infos} have an info dictionary`);
});

/** The info dictionary of a torrent; undefined when it has none. */
function infoOf(bytes: Uint8Array): Uint8Array | undefined {
  try {
    const info = (decode(bytes) as Record<string, unknown>)["info"];
    const isDictionary = typeof info === "object" && !Array.isArray(info) && !(info instanceof Uint8Array);
    return isDictionary ? encode(info as Encodable) : undefined;
  } catch {
    return undefined;
  }
}

/** Paths of the files, as they would be on disk. */
const pathsOf = (metainfo: Metainfo) => metainfo.files.map(({ path }) => path.join("/"));

Deno.test("parseMetainfo makes odd names harmless, the same for a single file, a folder and a file in it", () => {
  const odd: Record<string, string> = {
    "a\\b": "a_b",
    "C:": "C_",
    "C:evil": "C_evil",
    "a:stream": "a_stream",
    "a::$DATA": "a__$DATA",
    "con": "_con",
    "NUL.txt": "_NUL.txt",
    "com1.tar.gz": "_com1.tar.gz",
    "LPT9": "_LPT9",
    "conout$": "_conout$",
    "aux ": "aux_",
    "a.": "a_",
    "a ": "a_",
    "... ": "____",
    "a\0b": "a_b",
    "a\nb": "a_b",
    "\u001b[2Ja": "_[2Ja",
    "\u009b31ma": "_31ma",
    "\u202egpj.exe": "_gpj.exe",
    "\u200fa": "_a",
    "\u2066a\u2069": "_a_",
    "a\u200bb": "a_b",
    "\ufeffa": "_a",
    'a<>:"|?*b': "a_______b",
    // What only looks like a dot, a slash or a backslash is a name like any other.
    "．．": "．．",
    "．．／evil": "．．／evil",
    "‥": "‥",
    "a∕b": "a∕b",
    "a⧵b": "a⧵b",
    "%2e%2e%2fevil": "%2e%2e%2fevil",
    "~root": "~root",
    "$HOME": "$HOME",
    "-rf": "-rf",
    ".hidden": ".hidden",
  };
  for (const [name, safe] of Object.entries(odd)) {
    const single = parseMetainfo(torrent({ name }), METAINFO_LIMITS);
    assert.deepEqual(pathsOf(single), [safe], JSON.stringify(name));
    const folder = parseMetainfo(folderTorrent(["a", name], [name, "b"]), METAINFO_LIMITS);
    const paths = pathsOf(folder);
    assert.equal(paths[0].split("/")[2], safe, JSON.stringify(name));
    assert.equal(paths[1].split("/")[1], safe, JSON.stringify(name));
    const both = parseMetainfo(torrent({ name: "x", "name.utf-8": name }), METAINFO_LIMITS);
    assert.deepEqual(pathsOf(both), [safe]);
  }
});

Deno.test("parseMetainfo cuts names at 255 bytes between characters, and tells those apart that become equal", () => {
  for (const character of ["x", "ä", "語", "👍", "e\u0301"]) {
    const name = `${character.repeat(400)}.txt`;
    const [first, second] = pathsOf(parseMetainfo(folderTorrent([name], [`${name}`]), METAINFO_LIMITS));
    for (const path of [first, second]) {
      const bytes = new TextEncoder().encode(path.split("/")[1]);
      assert.ok(bytes.length <= 255 && !fromUtf8(bytes).includes("\uFFFD"));
    }
    assert.notEqual(first, second);
  }
  const same = [["a.txt"], ["A.TXT"], ["a.txt"], ["ä"], ["A\u0308"], ["ß"], ["ẞ"], ["K"], ["\u212a"]];
  const paths = pathsOf(parseMetainfo(folderTorrent(...same), METAINFO_LIMITS));
  const folded = paths.map((path) => path.normalize("NFC").toLowerCase().toUpperCase());
  assert.equal(new Set(folded).size, same.length, paths.join());
});

Deno.test("parseMetainfo leaves out symbolic links, wherever they point", () => {
  for (const target of [["..", "..", "etc", "passwd"], ["/etc/passwd"], ["a"], ["C:\\x"], []]) {
    const link = { attr: "l", length: 0, path: ["link"], "symlink path": target };
    const files = [link, { length: 50_000, path: ["a"] }];
    const metainfo = parseMetainfo(torrent({ length: undefined, name: "t", files }), METAINFO_LIMITS);
    assert.deepEqual(pathsOf(metainfo), ["t/a"]);
  }
});
