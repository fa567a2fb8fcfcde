import assert from "node:assert/strict";
import { toByteString, toUtf8 } from "../../lib/protocol/bytes.ts";
import { clientNameOf, createPeerId, PEER_ID_LENGTH, PEER_ID_PREFIX } from "../../lib/protocol/peer_id.ts";

Deno.test("createPeerId is the prefix and letters and digits from the random bytes", () => {
  for (const byte of [0, 61, 62, 255]) {
    const peerId = createPeerId(new Uint8Array(PEER_ID_LENGTH).fill(byte));
    assert.match(toByteString(peerId), new RegExp(`^${PEER_ID_PREFIX}[0-9a-zA-Z]{12}$`));
  }
  const other = createPeerId(Uint8Array.from({ length: PEER_ID_LENGTH }, (_, i) => i));
  assert.notDeepEqual(other, createPeerId(new Uint8Array(PEER_ID_LENGTH)));
});

Deno.test("clientNameOf names known and unknown Azureus-style clients", () => {
  assert.equal(clientNameOf(createPeerId(new Uint8Array(20))), "peer 0.1.0");
  assert.equal(clientNameOf(toUtf8("-qB4650-abcdefghijkl")), "qBittorrent 4.6.5");
  assert.equal(clientNameOf(toUtf8("-XX1A03-abcdefghijkl")), "XX 1.10.0.3");
});

Deno.test("clientNameOf names aria2, which has a style of its own", () => {
  assert.equal(clientNameOf(toUtf8("A2-1-37-0-abcdefghij")), "aria2 1.37.0");
});

Deno.test("clientNameOf is safe to print whatever the peer id holds", () => {
  assert.equal(
    clientNameOf(toUtf8("\u001b[2J\r\n\u0000\u007fabcdefghijkl")),
    "\uFFFD[2J\uFFFD\uFFFD\uFFFD\uFFFD",
  );
  assert.equal(clientNameOf(new Uint8Array(0)), "");
});
