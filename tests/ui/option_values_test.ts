import assert from "node:assert/strict";
import { parseAnnounce } from "../../lib/ui/announce_values.ts";
import {
  oneOf,
  parseCount,
  parseDuration,
  parseHost,
  parseHosts,
  parseInterval,
  parsePeer,
  parsePieceLength,
  parsePort,
  parseRate,
  parseText,
  parseTimeout,
  parseWebSeed,
} from "../../lib/ui/option_values.ts";

const TABLE: [parse: (text: string) => unknown, good: [string, unknown][], bad: string[]][] = [
  [
    parsePort,
    [["0", 0], ["6881", 6881], ["65535", 65535]],
    ["", "65536", "-1", "+1", "1.0", "0x10", "1e3", " 80", "80 ", "port", "9".repeat(40)],
  ],
  [parseCount, [["1", 1], ["1000", 1000]], ["0", "1001", "four", "-4", "1.5"]],
  [parseDuration, [["0", 0], ["2", 2000], ["0.5", 500]], ["", "-1", "1s", ".5", "1e9", "99999999999"]],
  [
    parseTimeout,
    [["90", 90_000], ["1.5s", 1_500], ["10m", 600_000], ["1h", 3_600_000], ["2d", 172_800_000]],
    ["", "0", "0m", "1 h", "h", "-1s", "1h30m", "30d", "9".repeat(30)],
  ],
  [parseHosts, [["1", 1], ["30", 30]], ["0", "all", "1000000"]],
  [parseInterval, [["30", 30_000], ["0.1", 100]], ["0", "0.0", "-1", "soon"]],
  [
    parseRate,
    [["1", 1], ["500K", 500_000], ["10M", 10_000_000], ["1.5MiB", 1_572_864], ["2kb", 2000], [
      "1GiB",
      2 ** 30,
    ]],
    ["", "0", "0.2", "K", "1iB", "1 K", "-1K", "1T", "1.K", "Infinity", "9".repeat(30)],
  ],
  [
    parsePieceLength,
    [["16KiB", 16_384], ["16384", 16_384], ["1MiB", 1_048_576], ["64MiB", 67_108_864]],
    ["8KiB", "128MiB", "16K", "17KiB", "16000", "0", "", "big"],
  ],
  [parseHost, [["10.0.0.5", "10.0.0.5"], ["::1", "::1"], ["[fd00::5]", "fd00::5"]], [
    "",
    "10.0.0",
    "host",
    "1.2.3.4:5",
  ]],
  [
    parsePeer,
    [
      ["10.0.0.5:6881", "10.0.0.5:6881"],
      ["host-1.lan:1", "host-1.lan:1"],
      ["[::1]:65535", "[::1]:65535"],
      ["10.0.0.7", "10.0.0.7:6881"],
      ["pc-1", "pc-1:6881"],
      ["[fd00::7]", "[fd00::7]:6881"],
    ],
    ["", "10.0.0.5:", "host:0", "host:65536", "::1:80", "[host]:80", ":80", "a b:80", "host:port"],
  ],
  [
    parseAnnounce,
    [
      ["10.0.0.5", "http://10.0.0.5:6969/announce"],
      ["10.0.0.5:7000", "http://10.0.0.5:7000/announce"],
      ["udp://10.0.0.5:6969/announce", "udp://10.0.0.5:6969/announce"],
    ],
    ["", " ", "ftp://host/announce", "a b", "http://"],
  ],
  [parseWebSeed, [["http://10.0.0.5/a/", "http://10.0.0.5/a/"]], ["", "file:///etc/passwd", "10.0.0.5"]],
  [parseText, [["a", "a"]], ["", "  "]],
  [oneOf(["bars", "json"]), [["json", "json"]], ["", "JSON", "plain"]],
];

Deno.test("option parsers take what the interface names", () => {
  for (const [parse, good] of TABLE) {
    for (const [text, value] of good) assert.equal(parse(text), value, text);
  }
});

Deno.test("option parsers refuse all else and say what was expected and what came", () => {
  for (const [parse, , bad] of TABLE) {
    for (const text of bad) {
      assert.throws(() => parse(text), (error) => {
        assert(error instanceof RangeError, text);
        assert.match(error.message, /^Expected .+, got ".*"$/);
        return true;
      }, `${parse.name} ${text}`);
    }
  }
});
