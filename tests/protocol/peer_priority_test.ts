import assert from "node:assert/strict";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import type { Endpoint } from "../../lib/protocol/endpoint.ts";
import { crc32c, peerPriority } from "../../lib/protocol/peer_priority.ts";

const at = (address: string, port = 6881): Endpoint => ({ address, port });

Deno.test("crc32c gives the check value of its catalogue and RFC 3720's vectors", () => {
  assert.equal(crc32c(toUtf8("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
});

Deno.test("peerPriority gives BEP 40's example of different networks", () => {
  assert.equal(peerPriority(at("123.213.32.10"), at("98.76.54.32")), 0xec2d7224);
});

Deno.test("peerPriority gives BEP 40's example of one /24", () => {
  assert.equal(peerPriority(at("123.213.32.10"), at("123.213.32.234")), 0x99568189);
});

Deno.test("peerPriority masks the last byte alone in one /16", () => {
  assert.equal(
    peerPriority(at("123.213.32.10"), at("123.213.33.20")),
    crc32c(Uint8Array.of(123, 213, 32, 10 & 0x55, 123, 213, 33, 20 & 0x55)),
  );
});

Deno.test("peerPriority takes the ports where the addresses are equal", () => {
  assert.equal(
    peerPriority(at("10.0.0.1", 6882), at("10.0.0.1", 6881)),
    crc32c(Uint8Array.of(0x1a, 0xe1, 0x1a, 0xe2)),
  );
});

Deno.test("peerPriority masks IPv6 addresses behind their /48", () => {
  const masked = (
    last: number,
  ) => [0x20, 0x01, 0x0d, 0xb8, 0, last, 0x55, 0x55, 0, 0, 0, 0, 0, 0, 0x55, 0x55];
  assert.equal(
    peerPriority(at("2001:db8:2:ffff::ffff"), at("2001:db8:1:ffff::ffff")),
    crc32c(Uint8Array.from([...masked(1), ...masked(2)])),
  );
});

Deno.test("peerPriority is the same from both sides", () => {
  for (const [a, b] of [["10.0.0.1", "10.1.0.2"], ["fd00::1", "fd00::2"], ["2001:db8::1", "fd00::1"]]) {
    assert.equal(peerPriority(at(a), at(b)), peerPriority(at(b), at(a)));
  }
});

Deno.test("peerPriority is 0 across families", () => {
  assert.equal(peerPriority(at("10.0.0.1"), at("fd00::1")), 0);
});
