import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { encodeHandshake, HANDSHAKE_LENGTH } from "../../../lib/protocol/handshake.ts";
import { readFully } from "../../../lib/net/peers/byte_stream.ts";
import { CONNECTIONS } from "../../../lib/settings.ts";
import { LoopbackNode, RawPeer, until } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { peerIdOf } from "../../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";

const data = randomBytes(100_000, 1);
const metainfo = metainfoOf(data, 32_768);
const { infoHash } = metainfo;

Deno.test("Connections refuses ourselves", async () => {
  await using node = new LoopbackNode(metainfo, data, { id: 7 });
  using peer = await RawPeer.introduced(node.listener.port, infoHash, 7);
  assert.equal(await peer.drain(), 0);
  assert.equal(node.swarm.connectionCount, 0);
  assert.match(node.log.join(), /refused: it is ourselves/);
});

Deno.test("Connections refuses a second connection of the same peer and keeps the first", async () => {
  await using node = new LoopbackNode(metainfo, data);
  using first = await RawPeer.introduced(node.listener.port, infoHash, 1);
  await until(() => node.swarm.connectionCount === 1, "connected");
  using second = await RawPeer.introduced(node.listener.port, infoHash, 1);
  assert.equal(await second.drain(), 0);
  assert.equal(node.swarm.connectionCount, 1);
  assert(await first.stream.read(new Uint8Array(1)), "it is told something");
});

Deno.test("Connections ends at once, and tells it, what is connected by an own address that is gone", async () => {
  let addresses = ["127.0.0.1", "10.0.0.1"];
  await using node = new LoopbackNode(metainfo, data, { ownAddresses: () => addresses });
  using peer = await RawPeer.introduced(node.listener.port, infoHash, 1);
  using shaking = await RawPeer.connect(node.listener.port);
  await until(() => node.swarm.connectionCount === 1 && node.connections.count === 2, "connected");
  node.connections.tick(node.now);
  addresses = ["127.0.0.1"];
  node.connections.tick(node.now);
  assert.equal(node.swarm.connectionCount, 1, "another address is gone");
  addresses = ["10.0.0.2"];
  node.connections.tick(node.now);
  await Promise.all([peer.drain(), shaking.drain()]);
  assert.deepEqual(node.reasons, ["our address 127.0.0.1 is gone"]);
  await until(() => node.connections.count === 0, "ended");
});

Deno.test("Connections keeps what is connected by an address that was never listed", async () => {
  await using node = new LoopbackNode(metainfo, data, { ownAddresses: () => [] });
  using _peer = await RawPeer.introduced(node.listener.port, infoHash, 1);
  await until(() => node.swarm.connectionCount === 1, "connected");
  for (let turn = 0; turn < 3; turn++) node.connections.tick(node.now);
  assert.equal(node.swarm.connectionCount, 1);
});

Deno.test("Connections closes the oldest idle connection for a newcomer when the process is full, and none in use", async () => {
  await using node = new LoopbackNode(metainfo, data, { limit: 3 });
  const peers: RawPeer[] = [];
  const come = async (id: number) => {
    const peer = await RawPeer.introduced(node.listener.port, infoHash, id);
    peers.push(peer);
    return peer;
  };
  try {
    for (const id of [1, 2, 3]) {
      await come(id);
      await until(() => node.swarm.connectionCount === id, `peer ${id}`);
    }
    const [connected] = node.swarm.snapshot(node.now).peers;
    const first = await come(4);
    await peers[0].drain();
    await until(() => node.swarm.connectionCount === 3, "the oldest one is gone");
    assert.ok(!node.swarm.snapshot(node.now).peers.some(({ endpoint }) => endpoint === connected.endpoint));
    assert.deepEqual(node.reasons, ["there are too many connections, and it made room"]);

    node.swarm.isInUse = () => true;
    const second = await come(5);
    assert.equal(await second.drain(), 0, "all places are in use");
    assert.equal(node.swarm.connectionCount, 3);
    assert.ok(await first.stream.read(new Uint8Array(1)));
  } finally {
    for (const peer of peers) peer[Symbol.dispose]();
  }
});

Deno.test("Connections lets a newcomer in though others only connect and fill what is kept for handshakes", async () => {
  await using node = new LoopbackNode(metainfo, data, { limit: 1 });
  using _idle = await RawPeer.introduced(node.listener.port, infoHash, 1);
  await until(() => node.swarm.connectionCount === 1, "connected");
  const silent: RawPeer[] = [];
  try {
    for (let i = 0; i < 3 * CONNECTIONS.newcomersBeyond; i++) {
      silent.push(await RawPeer.connect(node.listener.port));
    }
    using newcomer = await RawPeer.introduced(node.listener.port, infoHash, 2);
    assert.ok(await newcomer.stream.read(new Uint8Array(1)), "it is welcome");
    assert.ok(node.connections.count <= 1 + CONNECTIONS.newcomersBeyond + 1, `${node.connections.count}`);
  } finally {
    for (const peer of silent) peer[Symbol.dispose]();
  }
});

/** A client of another kind that connects to a node while that dials it, and keeps what it likes of the two. */
async function dialBothWays(node: LoopbackNode): Promise<{ accepted: RawPeer; dialled: RawPeer }> {
  const listening = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const handshake = encodeHandshake(infoHash, peerIdOf(7));
  node.dial(listening.addr.port);
  const accepted = new RawPeer(await listening.accept());
  const dialled = await RawPeer.connect(node.listener.port);
  for (const { stream } of [accepted, dialled]) {
    await stream.write(handshake.slice());
    await readFully(stream, new Uint8Array(HANDSHAKE_LENGTH));
  }
  listening.close();
  return { accepted, dialled };
}

for (const closed of ["accepted", "dialled"] as const) {
  for (const waitMs of [0, 300]) {
    Deno.test(`Connections is left with one when another client closes the one it ${closed}, after ${waitMs} ms`, async () => {
      await using node = new LoopbackNode(metainfo, null);
      const both = await dialBothWays(node);
      await delay(waitMs);
      both[closed].stream.close();
      await until(() => node.swarm.connectionCount === 1, "one is left");
      node.clockOffset += 2 * CONNECTIONS.twinTrialMs;
      node.swarm.tick(node.now);
      assert.equal(node.swarm.connectionCount, 1);
      const kept = closed === "accepted" ? both.dialled : both.accepted;
      assert(await kept.stream.read(new Uint8Array(1)), "it is told something");
      kept.stream.close();
    });
  }
}

Deno.test("Connections refuses more connections than one address may have", async () => {
  await using node = new LoopbackNode(metainfo, data);
  const peers: RawPeer[] = [];
  for (let id = 1; id <= CONNECTIONS.perAddress; id++) {
    peers.push(await RawPeer.introduced(node.listener.port, infoHash, id));
  }
  await until(() => node.swarm.connectionCount === CONNECTIONS.perAddress, "connected");
  using late = await RawPeer.introduced(node.listener.port, infoHash, 200);
  assert.equal(await late.drain(), 0);
  assert.match(node.log.join(), /refused: too many connections from its address/);
  peers[0].stream.close();
  await until(() => node.swarm.connectionCount === CONNECTIONS.perAddress - 1, "one left");
  using next = await RawPeer.introduced(node.listener.port, infoHash, 201);
  await until(() => node.swarm.connectionCount === CONNECTIONS.perAddress, "another came");
  for (const { stream } of [...peers, next]) stream.close();
});

Deno.test("Connections refuses everybody once it stops, and waits for those that are there", async () => {
  const node = new LoopbackNode(metainfo, data);
  using peer = await RawPeer.introduced(node.listener.port, infoHash, 1);
  await until(() => node.swarm.connectionCount === 1, "connected");
  await node[Symbol.asyncDispose]();
  await peer.drain();
  assert.deepEqual(node.reasons, ["we are stopping"]);
  await assert.rejects(RawPeer.connect(node.listener.port), Deno.errors.ConnectionRefused);
});

Deno.test("Connections keeps quiet connections alive, and closes those that are silent for too long", async () => {
  await using node = new LoopbackNode(metainfo, data);
  using peer = await RawPeer.introduced(node.listener.port, infoHash, 1);
  await until(() => node.swarm.connectionCount === 1, "connected");
  const buffer = new Uint8Array(1_000);
  await peer.stream.read(buffer);
  node.clockOffset += CONNECTIONS.keepAliveMs + 1;
  node.connections.tick(node.now);
  assert.equal(await peer.stream.read(buffer), 4);
  assert.deepEqual([...buffer.subarray(0, 4)], [0, 0, 0, 0]);
  node.clockOffset += CONNECTIONS.silenceTimeoutMs;
  node.connections.tick(node.now);
  assert.equal(await peer.drain(), 0);
  assert.deepEqual(node.reasons, ["it was silent for too long"]);
});
