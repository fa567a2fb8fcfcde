import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { decode, encode } from "../../lib/protocol/bencode.ts";
import { concatBytes, toUtf8 } from "../../lib/protocol/bytes.ts";
import {
  encodeDontHave,
  encodeExtendedHandshake,
  encodePeerList,
  mergeHandshakes,
  OUR_EXTENSIONS,
  type OwnHandshake,
  parseDontHave,
  parseExtendedHandshake,
  parsePeerList,
} from "../../lib/protocol/extension_messages.ts";

const own: OwnHandshake = {
  extensions: [
    "lan_peers",
    "ut_metadata",
    "ut_pex",
    "peer_share",
    "peer_fleet",
    "lan_trackers",
    "lt_donthave",
  ],
  client: "peer 0.1.0",
  listenPort: 6881,
  maxQueuedRequests: 2_000,
  trackerPort: 6969,
  isUploadOnly: true,
  metadataLength: 31_235,
  prefersEncryption: true,
};

Deno.test("parseExtendedHandshake reads what encodeExtendedHandshake writes", () => {
  const handshake = parseExtendedHandshake(encodeExtendedHandshake(own));
  assert.deepEqual([...handshake.extensions], Object.entries(OUR_EXTENSIONS));
  assert.deepEqual(handshake, { ...own, extensions: handshake.extensions });
  const plain = encodeExtendedHandshake({ ...own, prefersEncryption: false });
  assert.equal(parseExtendedHandshake(plain).prefersEncryption, false);
});

Deno.test("encodeExtendedHandshake leaves out what we have not got", () => {
  const without = { ...own, extensions: [], trackerPort: undefined, metadataLength: undefined };
  const { extensions, trackerPort, metadataLength } = parseExtendedHandshake(
    encodeExtendedHandshake(without),
  );
  assert.deepEqual([extensions.size, trackerPort, metadataLength], [0, undefined, undefined]);
});

Deno.test("parseExtendedHandshake reads the example of BEP 10", () => {
  const text = "d1:md11:LT_metadatai1e6:µT_PEXi2ee1:pi6881e1:v13:\xc2\xb5Torrent 1.2e";
  const bytes = Uint8Array.from(text.replace("µT", "\xc2\xb5T").replace("6:", "7:"), (c) => c.charCodeAt(0));
  const { client, listenPort, extensions } = parseExtendedHandshake(bytes);
  assert.deepEqual([client, listenPort, extensions.size], ["µTorrent 1.2", 6881, 0]);
});

Deno.test("parseExtendedHandshake ignores members of the wrong type or out of range", () => {
  for (
    const odd of [
      {},
      { m: "text", p: "text", reqq: [], v: 7, lan_tracker: {}, metadata_size: "1", e: "1" },
      { m: { lan_peers: "1" }, p: 0, reqq: 0, lan_tracker: 65_536, metadata_size: -1, e: 2 },
      { m: { lan_peers: 256 }, p: -1, reqq: -5 },
      { m: { lan_peers: -1 }, p: 70_000 },
    ]
  ) {
    const handshake = parseExtendedHandshake(encode(odd));
    assert.equal(handshake.extensions.size, 0);
    const { listenPort, maxQueuedRequests, trackerPort, metadataLength, prefersEncryption } = handshake;
    const expected = [undefined, undefined, undefined, undefined, false];
    const found = [listenPort, maxQueuedRequests, trackerPort, metadataLength, prefersEncryption];
    assert.deepEqual(found, expected);
  }
});

Deno.test("parseExtendedHandshake cleans and shortens the client's name", () => {
  const { client } = parseExtendedHandshake(encode({ v: `\x1b[31m${"x".repeat(500)}` }));
  assert(client.length < 100);
  assert(!client.includes("\x1b"));
});

Deno.test("parseExtendedHandshake and parsePeerList refuse what is no dictionary", () => {
  for (const text of ["", "le", "i1e", "4:spam", "d", "d1:md", `${"d1:a".repeat(5_000)}`]) {
    assert.throws(() => parseExtendedHandshake(toUtf8(text)), ProtocolError, text.slice(0, 20));
    assert.throws(() => parsePeerList(toUtf8(text), 10), ProtocolError, text.slice(0, 20));
  }
});

const change = {
  added: [
    { endpoint: { address: "10.0.0.1", port: 6881 }, isSeed: true },
    { endpoint: { address: "10.0.0.2", port: 1 }, isSeed: false },
    { endpoint: { address: "fd00::1", port: 65_535 }, isSeed: true },
  ],
  dropped: [{ address: "10.0.0.3", port: 6881 }, { address: "fd00::2", port: 6882 }],
};

Deno.test("parsePeerList reads what encodePeerList writes, of both families", () => {
  assert.deepEqual(parsePeerList(encodePeerList(change), 10), change);
  assert.deepEqual(parsePeerList(encodePeerList({ added: [], dropped: [] }), 10), { added: [], dropped: [] });
});

Deno.test("encodePeerList uses the form of PEX", () => {
  const members = decode(encodePeerList(change)) as Record<string, Uint8Array>;
  assert.deepEqual(Object.keys(members), ["added", "added.f", "added6", "added6.f", "dropped", "dropped6"]);
  assert.deepEqual([...members["added"]], [10, 0, 0, 1, 0x1a, 0xe1, 10, 0, 0, 2, 0, 1]);
  assert.deepEqual([...members["added.f"]], [2, 0]);
});

Deno.test("parsePeerList takes no more than its limit, and lists with flags or a last entry cut off", () => {
  assert.equal(parsePeerList(encodePeerList(change), 1).added.length, 1);
  assert.equal(parsePeerList(encodePeerList(change), 1).dropped.length, 1);
  const added = concatBytes(Uint8Array.of(10, 0, 0, 1, 0x1a, 0xe1, 10, 0, 0, 2, 0, 1, 10, 0, 0));
  assert.deepEqual(
    parsePeerList(encode({ added, "added.f": Uint8Array.of(2) }), 10).added.map(({ isSeed }) => isSeed),
    [true, false],
  );
  assert.deepEqual(parsePeerList(encode({ added: 5, dropped: [], "added.f": {} }), 10), {
    added: [],
    dropped: [],
  });
});

Deno.test("mergeHandshakes keeps what a later handshake does not say again", () => {
  const earlier = parseExtendedHandshake(encodeExtendedHandshake({ ...own, isUploadOnly: false }));
  const merged = mergeHandshakes(earlier, parseExtendedHandshake(encode({ upload_only: 1 })));
  assert.deepEqual(merged, { ...earlier, isUploadOnly: true });
  assert.equal(mergeHandshakes(earlier, parseExtendedHandshake(encode({ p: 7 }))).isUploadOnly, false);
});

Deno.test("parseDontHave reads what encodeDontHave writes, and nothing of another length", () => {
  assert.equal(parseDontHave(encodeDontHave(70_000)), 70_000);
  for (const length of [0, 3, 5]) assert.throws(() => parseDontHave(new Uint8Array(length)), ProtocolError);
});
