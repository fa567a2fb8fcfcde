/** Attacks on who a peer is and where it is: a stolen peer id, a neighbour's port, names of hosts that say nothing. */
import assert from "node:assert/strict";
import { encode } from "../../lib/protocol/bencode.ts";
import {
  encodeExtended,
  encodePlain,
  MessageId,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../lib/protocol/peer_messages.ts";
import { CONNECTIONS } from "../../lib/settings.ts";
import { LoopbackNode, RawPeer, ticking, until } from "../harness/sessions/loopback_node.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { ourIdOf } from "../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker } from "./attacker.ts";

const data = randomBytes(1_000_000, 1);
const metainfo = metainfoOf(data, 32_768);
const { infoHash } = metainfo;

needs("linux")(
  "peer gives to an honest peer though a thief of its id is there first, idle or served",
  async () => {
    for (const wants of [false, true]) {
      await using seeder = new LoopbackNode(metainfo, data, { id: 50 });
      await using leecher = new LoopbackNode(metainfo, null, { id: 51 });
      using _time = ticking(seeder, leecher);
      using thief = await Attacker.connect(seeder.listener.port, infoHash, { peerId: ourIdOf(51) });
      if (wants) await thief.send(encodePlain(MessageId.haveNone), encodePlain(MessageId.interested));
      await until(() => seeder.swarm.connectionCount === 1, "the thief");
      leecher.dial(seeder.listener.port);
      await until(() => leecher.swarm.seeding, "complete", 20_000);
      assert.deepEqual(leecher.storage.data, data);
      assert(!thief.isDropped);
    }
  },
);

needs("linux")("peer downloads from the honest seeder whose port a liar of its address claims", async () => {
  await using seeder = new LoopbackNode(metainfo, data, { id: 50 });
  await using leecher = new LoopbackNode(metainfo, null, { id: 51 });
  using _time = ticking(seeder, leecher);
  using liar = await Attacker.connect(leecher.listener.port, infoHash, { from: "127.0.0.1" });
  await liar.send(
    encodeExtended(0, encode({ m: {}, p: seeder.listener.port })),
    encodePlain(MessageId.haveAll),
    encodePlain(MessageId.unchoke),
  );
  void liar.listen(({ id, index, begin, length }) => {
    if (id !== MessageId.request) return;
    const message = new Uint8Array(PIECE_HEADER_LENGTH + length);
    writePieceHeader(message, 0, index, begin, length);
    return liar.send(message);
  });
  await until(() => leecher.reasons.includes("it sent wrong data"), "banned", 20_000);
  leecher.dial(seeder.listener.port);
  await until(() => leecher.swarm.seeding, "complete", 20_000);
  assert.deepEqual(leecher.storage.data, data);
});

/** Endpoints on this machine that accept and say nothing. */
class Tarpits implements AsyncDisposable {
  readonly #listening = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  readonly #accepted: Deno.Conn[] = [];
  readonly #running: Promise<void>;
  readonly endpoints: readonly { address: string; port: number }[];

  constructor(count: number) {
    const { port } = this.#listening.addr as Deno.NetAddr;
    this.endpoints = Array.from(
      { length: count },
      (_, i) => ({ address: `127.9.${i >> 8}.${i & 255}`, port }),
    );
    this.#running = this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listening) this.#accepted.push(connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.close();
    await this.#running;
    for (const connection of this.#accepted) connection.close();
  }
}

needs("linux")(
  "peer lets everybody in while 990 endpoints are named that accept and say nothing",
  async () => {
    await using tarpits = new Tarpits(990);
    await using node = new LoopbackNode(metainfo, null);
    using _time = ticking(node);
    node.swarm.addPeers(tarpits.endpoints, "tracker");
    await until(() => node.connections.count === CONNECTIONS.dialling, "dialling");
    const honest: RawPeer[] = [];
    for (let id = 1; id <= 15; id++) {
      const peer = await RawPeer.connect(node.listener.port);
      assert.equal(await peer.shakeHands(infoHash, id), true);
      assert(node.connections.count <= CONNECTIONS.dialling + id, `${node.connections.count} connections`);
      honest.push(peer);
    }
    await until(() => node.swarm.connectionCount === honest.length, "all are in");
    for (const { stream } of honest) stream.close();
  },
);

needs("linux")(
  "peer reaches an honest seeder that is named after many endpoints that accept and say nothing",
  async () => {
    await using tarpits = new Tarpits(4 * CONNECTIONS.dialling);
    await using seeder = new LoopbackNode(metainfo, data, { id: 50 });
    await using node = new LoopbackNode(metainfo, null, { id: 51 });
    using _time = ticking(node, seeder);
    node.swarm.addPeers(tarpits.endpoints, "tracker");
    node.dialer.dialAll([node.swarm]);
    node.swarm.addPeers([seeder.endpoint], "pex");
    await until(() => node.swarm.seeding, "complete", 4 * CONNECTIONS.dialPatienceMs + 10_000);
  },
);
