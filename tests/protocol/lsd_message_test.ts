import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { fromByteString, fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { type InfoHash, parseInfoHash } from "../../lib/protocol/info_hash.ts";
import { encodeLsd, LSD_MAX_INFO_HASHES, LSD_MAX_LENGTH, parseLsd } from "../../lib/protocol/lsd_message.ts";

const A = parseInfoHash("0123456789abcdef0123456789abcdef01234567")!;
const B = parseInfoHash("f".repeat(40))!;

Deno.test("encodeLsd writes BEP 14's form for both groups", () => {
  assert.equal(
    fromUtf8(encodeLsd({ infoHashes: [A, B], port: 6881, cookie: "c00kie" }, 4)),
    `BT-SEARCH * HTTP/1.1\r\nHost: 239.192.152.143:6771\r\nPort: 6881\r\nInfohash: ${A}\r\nInfohash: ${B}\r\n` +
      "cookie: c00kie\r\n\r\n\r\n",
  );
  assert.equal(
    fromUtf8(encodeLsd({ infoHashes: [A], port: 1, cookie: "" }, 6)),
    `BT-SEARCH * HTTP/1.1\r\nHost: [ff15::efc0:988f]:6771\r\nPort: 1\r\nInfohash: ${A}\r\n\r\n\r\n`,
  );
});

Deno.test("parseLsd reads what encodeLsd writes", () => {
  const message = { infoHashes: [A, B], port: 65535, cookie: "c" };
  assert.deepEqual(parseLsd(encodeLsd(message, 4)), message);
  assert.deepEqual(parseLsd(encodeLsd(message, 6)), message);
});

Deno.test("encodeLsd stays below 1,400 bytes with as many info-hashes as it takes", () => {
  const infoHashes = Array.from(
    { length: LSD_MAX_INFO_HASHES },
    (_, i) => i.toString(16).padStart(40, "0") as InfoHash,
  );
  const datagram = encodeLsd({ infoHashes, port: 65535, cookie: "c".repeat(64) }, 6);
  assert.ok(datagram.length <= LSD_MAX_LENGTH, `${datagram.length}`);
  assert.equal(parseLsd(datagram).infoHashes.length, LSD_MAX_INFO_HASHES);
});

Deno.test("parseLsd takes any order, any case, other headers and one blank line", () => {
  const text = `BT-SEARCH * HTTP/1.1\r\nX-Other: 1:2\r\nINFOHASH:${A.toUpperCase()}\r\nport:\t6881 \r\n\r\n`;
  assert.deepEqual(parseLsd(toUtf8(text)), { infoHashes: [A], port: 6881, cookie: "" });
});

Deno.test("parseLsd refuses what is malformed", () => {
  const head = "BT-SEARCH * HTTP/1.1\r\n";
  for (
    const text of [
      "",
      "M-SEARCH * HTTP/1.1\r\n",
      head,
      `${head}Port: 6881\r\n\r\n`,
      `${head}Infohash: ${A}\r\n\r\n`,
      `${head}Port: 0\r\nInfohash: ${A}\r\n\r\n`,
      `${head}Port: 65536\r\nInfohash: ${A}\r\n\r\n`,
      `${head}Port: -1\r\nInfohash: ${A}\r\n\r\n`,
      `${head}Port: 6881\r\nInfohash: ${A}0\r\n\r\n`,
      `${head}Port: 6881\r\nInfohash ${A}\r\n\r\n`,
      `${head}Port: 6881\r\nInfohash: ${A}\r\n${"a: b\r\n".repeat(100)}\r\n`,
      `${head}Port: 6881\r\nInfohash: ${A}\r\ncookie: ${"x".repeat(3000)}\r\n\r\n`,
    ]
  ) {
    assert.throws(() => parseLsd(toUtf8(text)), ProtocolError, JSON.stringify(text));
  }
});

Deno.test("parseLsd leaves out what it cannot use of a datagram, and takes the rest", () => {
  const useless = [
    "no header",
    ": no name",
    "cookie: \x1b[31m",
    `Infohash: ${A}0`,
    "Infohash: \xff",
    "Port: 0",
    "Port: 70000",
    "X\x00: y",
    "",
  ];
  for (const line of useless) {
    for (const end of ["\r\n", "\n"]) {
      const lines = [
        "bt-search * HTTP/1.0",
        line,
        `Infohash: ${A}`,
        "Port: 6881",
        line,
        `Infohash : ${B}`,
        "",
      ];
      const message = { infoHashes: [A, B], port: 6881, cookie: "" };
      assert.deepEqual(parseLsd(fromByteString(lines.join(end))), message, JSON.stringify(line));
    }
  }
});
