import assert from "node:assert/strict";
import { encodeHandshake } from "../../../lib/protocol/handshake.ts";
import type { InfoHash } from "../../../lib/protocol/info_hash.ts";
import { CONNECTIONS } from "../../../lib/settings.ts";
import { LoopbackNode, RawPeer, until } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { peerIdOf } from "../../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";

const data = randomBytes(300_000, 1);
const metainfo = metainfoOf(data, 32_768);

/** A remote that is dialled, and what it does then. */
class Dialled {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #running: Promise<void>;
  /** Times it was dialled. */
  count = 0;

  constructor(behave: (peer: RawPeer) => Promise<unknown>) {
    this.#running = this.#accept(behave);
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #accept(behave: (peer: RawPeer) => Promise<unknown>): Promise<void> {
    for await (const connection of this.#listener) {
      this.count++;
      using peer = new RawPeer(connection as Deno.TcpConn);
      await behave(peer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#running;
  }
}

/** Asserts that a node dialled in vain: nobody is connected, and it would try again, but not at once. */
async function assertFailed(node: LoopbackNode, port: number): Promise<void> {
  await until(() => node.connections.count === 0, "given up");
  assert.equal(node.swarm.connectionCount, 0);
  assert.deepEqual(node.swarm.takeDials(9), []);
  node.swarm.tick(node.now + CONNECTIONS.redialMs + 1);
  assert.deepEqual(node.swarm.takeDials(9).map((endpoint) => endpoint.port), [port]);
}

Deno.test("Dialer connects two swarms, and one fetches all from the other", async () => {
  await using seeder = new LoopbackNode(metainfo, data, { id: 1 });
  await using leecher = new LoopbackNode(metainfo, null, { id: 2 });
  leecher.dial(seeder.listener.port);
  await until(() => leecher.swarm.seeding, "complete");
  assert.deepEqual(leecher.storage.data, data);
  assert.equal(leecher.storage.buffersOut, 0);
  assert.equal(seeder.swarm.totals.uploaded, data.length);
});

Deno.test("Dialer keeps one connection when both sides dial", async () => {
  const nodes = [1, 2].map((id) => new LoopbackNode(metainfo, null, { id }));
  const [a, b] = nodes;
  a.dial(b.listener.port);
  b.dial(a.listener.port);
  await until(
    () => nodes.every((node) => node.swarm.connectionCount === 1 && node.connections.count === 1),
    "settled",
  );
  for (const node of nodes) await node[Symbol.asyncDispose]();
});

Deno.test("Dialer notes a port where nobody listens as failed", async () => {
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr as Deno.NetAddr;
  closed.close();
  await using node = new LoopbackNode(metainfo, null);
  node.dial(port);
  await assertFailed(node, port);
});

const answer = (infoHash: InfoHash) => (peer: RawPeer) =>
  peer.stream.write(encodeHandshake(infoHash, peerIdOf(1))).then(() => peer.drain());

for (
  const [what, behave] of [
    ["closes at once", () => Promise.resolve()],
    ["answers with another info-hash", answer(metainfoOf(data.slice(1), 32_768).infoHash)],
    [
      "answers with garbage",
      (peer) => peer.stream.write(new Uint8Array(200).fill(9)).then(() => peer.drain()),
    ],
    ["answers with half a handshake", (peer) => peer.stream.write(new Uint8Array(30))],
    ["never answers", (peer) => peer.drain()],
  ] satisfies [string, (peer: RawPeer) => Promise<unknown>][]
) {
  Deno.test(`Dialer gives up a remote that ${what}`, async () => {
    await using remote = new Dialled(behave);
    await using node = new LoopbackNode(metainfo, null, { handshakeTimeoutMs: 100 });
    node.dial(remote.port);
    await assertFailed(node, remote.port);
  });
}

Deno.test("Dialer finds out that it dialled itself, and does so once", async () => {
  await using node = new LoopbackNode(metainfo, null);
  node.dial(node.listener.port);
  await until(() => node.connections.count === 0, "given up");
  assert.equal(node.swarm.connectionCount, 0);
  node.swarm.tick(node.now + CONNECTIONS.redialMaxMs);
  node.swarm.addPeers([node.endpoint], "user");
  assert.deepEqual(node.swarm.takeDials(9), []);
});

Deno.test("Dialer begins no dial after it was stopped", async () => {
  await using remote = new Dialled((peer) => peer.drain());
  const node = new LoopbackNode(metainfo, null);
  await node[Symbol.asyncDispose]();
  node.dial(remote.port);
  assert.equal(node.connections.count, 0);
  assert.equal(remote.count, 0);
});

Deno.test("Dialer gives up a handshake under way when it is stopped", async () => {
  await using remote = new Dialled((peer) => peer.drain());
  const node = new LoopbackNode(metainfo, null);
  node.dial(remote.port);
  await until(() => remote.count === 1, "dialled");
  const startedAt = performance.now();
  await node[Symbol.asyncDispose]();
  assert(performance.now() - startedAt < 1_000);
});
