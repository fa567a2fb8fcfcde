import assert from "node:assert/strict";
import { magicPacket, readMac } from "../../lib/protocol/magic_packet.ts";

Deno.test("magicPacket: six bytes of ones, and the address 16 times", () => {
  const mac = readMac("02:00:5e:10:00:ff")!;
  assert.equal(magicPacket(mac).toHex(), "ff".repeat(6) + "02005e1000ff".repeat(16));
});

Deno.test("readMac takes what systems write, and no address of none or of many", () => {
  assert.deepEqual(readMac("02-00-5E-10-00-FF"), readMac("02:00:5e:10:00:ff"));
  for (
    const text of [
      "",
      "00:00:00:00:00:00",
      "ff:ff:ff:ff:ff:ff",
      "01:00:5e:00:00:01",
      "02:00:5e:10:00",
      "02:00:5e:10:00:f",
    ]
  ) {
    assert.equal(readMac(text), undefined, text);
  }
});
