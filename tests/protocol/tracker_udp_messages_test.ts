import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { concatBytes, fromHex, toUtf8 } from "../../lib/protocol/bytes.ts";
import { infoHashFromBytes } from "../../lib/protocol/info_hash.ts";
import type { AnnounceRequest } from "../../lib/protocol/tracker_messages.ts";
import {
  encodeUdpAnnounce,
  encodeUdpAnnounceReply,
  encodeUdpConnect,
  encodeUdpConnectReply,
  encodeUdpError,
  encodeUdpScrape,
  encodeUdpScrapeReply,
  maxUdpPeers,
  parseUdpAnnounceReply,
  parseUdpConnectReply,
  parseUdpRequest,
  parseUdpScrapeReply,
  UdpAction,
} from "../../lib/protocol/tracker_udp_messages.ts";

const connectionId = fromHex("0102030405060708")!;
const infoHash = infoHashFromBytes(new Uint8Array(20).fill(0xaa));
const announce: AnnounceRequest = {
  infoHash,
  peerId: new Uint8Array(20).fill(0xbb),
  downloaded: 2 ** 40 + 1,
  left: 3,
  uploaded: 4,
  event: "started",
  claimedAddresses: ["10.0.0.5"],
  key: 0xfffffffe,
  numwant: 50,
  port: 6881,
  compact: true,
  noPeerId: true,
  supportsCrypto: false,
};

Deno.test("encodeUdpConnect writes the 16 bytes of BEP 15", () => {
  assert.equal(encodeUdpConnect(0x01020304).toHex(), "00000417271019800000000001020304");
  assert.deepEqual(parseUdpRequest(encodeUdpConnect(7)), { action: UdpAction.connect, transactionId: 7 });
});

Deno.test("encodeUdpAnnounce writes the 98 bytes of BEP 15", () => {
  const datagram = encodeUdpAnnounce(connectionId, 9, announce, "");
  const expected = [
    "0102030405060708",
    "00000001",
    "00000009",
    "aa".repeat(20),
    "bb".repeat(20),
    "0000010000000001",
    "0000000000000003",
    "0000000000000004",
    "00000002",
    "0a000005",
    "fffffffe",
    "00000032",
    "1ae1",
  ].join("");
  assert.equal(datagram.toHex(), expected);
});

Deno.test("parseUdpRequest reads announces of all kinds", () => {
  for (const event of [undefined, "started", "completed", "stopped", "paused"] as const) {
    const { event: _, ...plain } = announce;
    const sent = event === undefined ? plain : { ...plain, event };
    const read = parseUdpRequest(encodeUdpAnnounce(connectionId, 9, sent, ""));
    const expected = {
      action: UdpAction.announce,
      transactionId: 9,
      connectionId,
      announce: sent,
      urlData: "",
    };
    assert.deepEqual(read, expected);
  }
});

Deno.test("parseUdpRequest takes absent numwant, address and length for nothing said", () => {
  const { numwant: _, ...rest } = announce;
  const sent = { ...rest, left: undefined, claimedAddresses: ["fd00::1"] };
  const read = parseUdpRequest(encodeUdpAnnounce(connectionId, 9, sent, ""));
  assert(read.action === UdpAction.announce);
  assert.equal(read.announce.numwant, undefined);
  assert.deepEqual(read.announce.claimedAddresses, []);
  assert.notEqual(read.announce.left, 0);
});

Deno.test("parseUdpRequest reads URL data of any length (BEP 41)", () => {
  for (const urlData of ["/announce", `/announce?key=${"x".repeat(600)}`]) {
    const read = parseUdpRequest(encodeUdpAnnounce(connectionId, 9, announce, urlData));
    assert.equal(read.action === UdpAction.announce && read.urlData, urlData);
  }
});

Deno.test("parseUdpRequest skips options it does not know and stops at their end", () => {
  const options = Uint8Array.of(1, 9, 1, 77, 1, 2, 2, 47, 97, 0, 2, 200);
  const read = parseUdpRequest(concatBytes(encodeUdpAnnounce(connectionId, 9, announce, ""), options));
  assert.equal(read.action === UdpAction.announce && read.urlData, "/a");
});

Deno.test("parseUdpRequest refuses options that do not end", () => {
  for (const options of [[2], [2, 1], [9, 255, 0]]) {
    const datagram = encodeUdpAnnounce(connectionId, 9, announce, "");
    assert.throws(() => parseUdpRequest(concatBytes(datagram, Uint8Array.from(options))), ProtocolError);
  }
});

Deno.test("parseUdpRequest refuses every truncated datagram", () => {
  const datagrams = [
    encodeUdpConnect(1),
    encodeUdpAnnounce(connectionId, 1, announce, ""),
    encodeUdpScrape(connectionId, 1, [infoHash]),
  ];
  for (const datagram of datagrams) {
    for (let length = 0; length < datagram.length; length++) {
      assert.throws(() => parseUdpRequest(datagram.subarray(0, length)), ProtocolError);
    }
  }
});

Deno.test("parseUdpRequest refuses unknown actions, a wrong protocol id and port 0", () => {
  const unknown = encodeUdpConnect(1);
  unknown[11] = 9;
  const wrongId = encodeUdpConnect(1);
  wrongId[0] = 1;
  const noPort = encodeUdpAnnounce(connectionId, 1, { ...announce, port: 0 }, "");
  for (const datagram of [unknown, wrongId, noPort]) {
    assert.throws(() => parseUdpRequest(datagram), ProtocolError);
  }
});

Deno.test("encodeUdpConnectReply is no longer than the request it answers", () => {
  const reply = encodeUdpConnectReply(5, connectionId);
  assert.equal(reply.length, encodeUdpConnect(5).length);
  assert.deepEqual(parseUdpConnectReply(reply), connectionId);
});

Deno.test("parseUdpAnnounceReply reads what encodeUdpAnnounceReply writes, one family at a time", () => {
  const v4 = { endpoint: { address: "10.0.0.5", port: 1 } };
  const v6 = { endpoint: { address: "fd00::5", port: 2 } };
  const reply = { intervalSeconds: 30, complete: 1, incomplete: 2 };
  for (const [family, peers] of [[4, [v4]], [6, [v6]]] as const) {
    const datagram = encodeUdpAnnounceReply(5, { ...reply, peers: [v4, v6] }, family);
    assert.deepEqual(parseUdpAnnounceReply(datagram, family, 9), { ...reply, peers });
  }
});

Deno.test("encodeUdpAnnounceReply keeps within a datagram that every network carries", () => {
  const peers = Array.from({ length: 500 }, (_, at) => ({ endpoint: { address: "fd00::1", port: at + 1 } }));
  const datagram = encodeUdpAnnounceReply(5, { intervalSeconds: 30, peers }, 6);
  assert(datagram.length <= 1200);
  const read = parseUdpAnnounceReply(datagram, 6, 500);
  assert.equal("peers" in read && read.peers.length, maxUdpPeers(6));
  const limited = parseUdpAnnounceReply(datagram, 6, 3);
  assert.equal("peers" in limited && limited.peers.length, 3);
});

Deno.test("parseUdpScrapeReply reads what encodeUdpScrapeReply writes", () => {
  const counts = [{ complete: 1, downloaded: 2, incomplete: 3 }, {
    complete: 4,
    downloaded: 5,
    incomplete: 6,
  }];
  assert.deepEqual(parseUdpScrapeReply(encodeUdpScrapeReply(5, counts)), counts);
  const read = parseUdpRequest(encodeUdpScrape(connectionId, 1, [infoHash, infoHash]));
  assert.deepEqual(read.action === UdpAction.scrape && read.infoHashes, [infoHash, infoHash]);
});

Deno.test("parseUdpAnnounceReply reads errors, safe to print", () => {
  const failure = { failureReason: "no\uFFFD" };
  const datagram = encodeUdpError(5, "no\n");
  assert.deepEqual(parseUdpAnnounceReply(datagram, 4, 9), failure);
  assert.deepEqual(parseUdpConnectReply(datagram), failure);
  assert.deepEqual(parseUdpScrapeReply(datagram), failure);
});

Deno.test("parseUdpAnnounceReply refuses short datagrams and other actions", () => {
  const reply = encodeUdpAnnounceReply(5, { intervalSeconds: 30, peers: [] }, 4);
  for (let length = 0; length < reply.length; length++) {
    assert.throws(() => parseUdpAnnounceReply(reply.subarray(0, length), 4, 9), ProtocolError);
  }
  assert.throws(() => parseUdpAnnounceReply(encodeUdpConnectReply(5, connectionId), 4, 9), ProtocolError);
  assert.throws(() => parseUdpConnectReply(toUtf8("\0\0\0\0\0\0\0\x05short")), ProtocolError);
});
