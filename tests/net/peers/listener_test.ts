import assert from "node:assert/strict";
import { encodeHandshake } from "../../../lib/protocol/handshake.ts";
import { CONNECTIONS } from "../../../lib/settings.ts";
import { LoopbackNode, RawPeer, until } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { peerIdOf } from "../../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";

const data = randomBytes(100_000, 1);
const metainfo = metainfoOf(data, 32_768);
const other = metainfoOf(randomBytes(10, 2), 16_384);

Deno.test("Listener answers a handshake and lets the peer in", async () => {
  await using node = new LoopbackNode(metainfo, data);
  using peer = await RawPeer.connect(node.listener.port);
  assert.equal(await peer.shakeHands(metainfo.infoHash, 1), true);
  await until(() => node.swarm.connectionCount === 1, "connected");
});

Deno.test("Listener closes a connection that wants a torrent it does not share, and tells it nothing", async () => {
  await using node = new LoopbackNode(metainfo, data);
  using peer = await RawPeer.connect(node.listener.port);
  assert.equal(await peer.shakeHands(other.infoHash, 1), false);
  assert.match(node.log.join(), /Expected an info-hash of ours/);
});

const NO_HANDSHAKES = ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x13BitTorrent protocoL", "\0".repeat(68)];

Deno.test("Listener closes a connection that speaks something else at once when it may not be encrypted", async () => {
  await using node = new LoopbackNode(metainfo, data, { encryption: "off" });
  for (const text of NO_HANDSHAKES) {
    using peer = await RawPeer.connect(node.listener.port);
    await peer.stream.write(new TextEncoder().encode(text));
    assert.equal(await peer.drain(), 0);
  }
  assert.equal(node.log.filter((line) => line.includes("Expected no encrypted handshake")).length, 3);
});

Deno.test("Listener takes what it does not know for encrypted, and gives it no more time than others", async () => {
  await using node = new LoopbackNode(metainfo, data, { handshakeTimeoutMs: 50 });
  for (const text of NO_HANDSHAKES) {
    using peer = await RawPeer.connect(node.listener.port);
    await peer.stream.write(new TextEncoder().encode(text));
    assert.equal(await peer.drain(), 0);
  }
});

Deno.test("Listener takes a handshake that comes byte by byte, and gives up one that ends before", async () => {
  await using node = new LoopbackNode(metainfo, data);
  const handshake = encodeHandshake(metainfo.infoHash, peerIdOf(1));
  using slow = await RawPeer.connect(node.listener.port);
  for (const byte of handshake) await slow.stream.write(Uint8Array.of(byte));
  await until(() => node.swarm.connectionCount === 1, "connected");
  for (const length of [0, 1, 20, 67]) {
    const peer = await RawPeer.connect(node.listener.port);
    await peer.stream.write(handshake.slice(0, length));
    peer.stream.close();
  }
  await until(() => node.connections.count === 1, "given up");
});

Deno.test("Listener gives up a handshake that does not come in time", async () => {
  await using node = new LoopbackNode(metainfo, data, { handshakeTimeoutMs: 50 });
  using silent = await RawPeer.connect(node.listener.port);
  using half = await RawPeer.connect(node.listener.port);
  await half.stream.write(encodeHandshake(metainfo.infoHash, peerIdOf(1)).subarray(0, 40));
  const startedAt = performance.now();
  assert.deepEqual(await Promise.all([silent.drain(), half.drain()]), [0, 0]);
  assert(performance.now() - startedAt < 2_000);
});

Deno.test("Listener lets only so many shake hands at once: the oldest gives way, whoever means it gets in", async () => {
  await using node = new LoopbackNode(metainfo, data);
  const silent: RawPeer[] = [];
  for (let i = 0; i < CONNECTIONS.handshaking; i++) silent.push(await RawPeer.connect(node.listener.port));
  await until(() => node.connections.count === CONNECTIONS.handshaking, "accepted");
  using peer = await RawPeer.connect(node.listener.port);
  assert.equal(await silent[0].drain(), 0);
  assert.equal(await peer.shakeHands(metainfo.infoHash, 1), true);
  await until(() => node.swarm.connectionCount === 1, "connected");
  assert.equal(node.connections.count, CONNECTIONS.handshaking);
  for (const { stream } of silent) stream.close();
});

Deno.test("Listener stops at once, though a handshake is under way", async () => {
  const node = new LoopbackNode(metainfo, data);
  using _silent = await RawPeer.connect(node.listener.port);
  await until(() => node.connections.count === 1, "accepted");
  const startedAt = performance.now();
  await node[Symbol.asyncDispose]();
  assert(performance.now() - startedAt < 1_000);
});
