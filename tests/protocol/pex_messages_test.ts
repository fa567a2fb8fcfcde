import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import { encodePex, parsePex, PexFlag } from "../../lib/protocol/pex_messages.ts";

Deno.test("encodePex writes what parsePex reads, both families and flags", () => {
  const message = {
    added: [
      { endpoint: { address: "10.0.0.5", port: 6881 }, flags: PexFlag.uploadOnly | PexFlag.reachable },
      { endpoint: { address: "10.0.0.6", port: 6882 }, flags: 0 },
      { endpoint: { address: "fd00::5", port: 6883 }, flags: PexFlag.prefersEncryption },
    ],
    dropped: [{ address: "10.0.0.7", port: 6884 }, { address: "fd00::7", port: 6885 }],
  };
  assert.deepEqual(parsePex(encodePex(message), 50), message);
});

Deno.test("encodePex writes BEP 11's keys, sorted", () => {
  const payload = encodePex({
    added: [{ endpoint: { address: "65.66.67.68", port: 0x4546 }, flags: 0x41 }],
    dropped: [],
  });
  assert.equal(
    fromUtf8(payload),
    "d5:added6:ABCDEF7:added.f1:A6:added60:8:added6.f0:7:dropped0:8:dropped60:e",
  );
});

Deno.test("parsePex takes missing lists and missing flags", () => {
  assert.deepEqual(parsePex(toUtf8("de"), 50), { added: [], dropped: [] });
  assert.deepEqual(parsePex(toUtf8("d5:added6:ABCDEFe"), 50).added, [
    { endpoint: { address: "65.66.67.68", port: 0x4546 }, flags: 0 },
  ]);
});

Deno.test("parsePex takes at most the limit of each list", () => {
  const added = new Uint8Array(6 * 100).fill(10);
  assert.equal(parsePex(encode({ added }), 50).added.length, 50);
});

Deno.test("parsePex leaves out what cannot be dialled, and keeps flags with their peers", () => {
  const added = Uint8Array.of(0, 0, 0, 0, 1, 1, 224, 0, 0, 1, 1, 1, 10, 0, 0, 1, 0, 0, 10, 0, 0, 2, 0, 9);
  const message = parsePex(encode({ added, "added.f": Uint8Array.of(1, 2, 4, 8) }), 50);
  assert.deepEqual(message.added, [{ endpoint: { address: "10.0.0.2", port: 9 }, flags: 8 }]);
});

Deno.test("parsePex refuses what is malformed", () => {
  for (const text of ["", "le", "d5:added5:ABCDEe", "d6:added66:ABCDEFe", "d7:dropped1:xe"]) {
    assert.throws(() => parsePex(toUtf8(text), 50), ProtocolError, text);
  }
});
