import assert from "node:assert/strict";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { encodeHandshake } from "../../lib/protocol/handshake.ts";
import { encodeKeepAlive } from "../../lib/protocol/peer_messages.ts";
import { CONNECTIONS } from "../../lib/settings.ts";
import { LoopbackNode, until } from "../harness/sessions/loopback_node.ts";
import { randomBytes } from "../harness/data/random.ts";
import { peerIdOf } from "../harness/sessions/remote_peers.ts";
import { METAINFO } from "./arena.ts";
import { Attacker, BoundStream } from "./attacker.ts";
import { needs } from "../harness/processes/require_tool.ts";

const MINUTE = 60_000;

const OPENINGS: [how: string, bytes: Uint8Array][] = [
  ["a handshake", encodeHandshake(METAINFO.infoHash, peerIdOf(66))],
  ["an encrypted handshake", randomBytes(600, 1)],
];

for (const [how, bytes] of OPENINGS) {
  needs("addresses to attack from")(
    `peer gives up somebody who sends ${how} byte by byte, however long that would go on`,
    async () => {
      await using node = new LoopbackNode(METAINFO, null, { handshakeTimeoutMs: 400 });
      const stream = await BoundStream.connect(node.listener.port);
      let sent = 0;
      while (!stream.isClosed && sent < bytes.length) {
        await stream.write(bytes.subarray(sent, ++sent)).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert(sent < bytes.length / 2, `${sent} bytes were taken`);
      await until(() => node.connections.count === 0, "forgotten");
      stream.close();
    },
  );
}

/** Lets minutes pass, in each of which `each` is sent; returns how many passed before the connection was closed. */
async function minutesOf(each: () => Uint8Array, isEncrypted: boolean, limit: number): Promise<number> {
  await using node = new LoopbackNode(METAINFO, null);
  using attacker = await Attacker.connect(node.listener.port, METAINFO.infoHash, { isEncrypted });
  await until(() => node.swarm.connectionCount === 1, "connected");
  for (let minute = 1; minute <= limit; minute++) {
    await attacker.send(each());
    // What was sent must have been read before time goes on, and the end be noticed before the next minute.
    await new Promise((resolve) => setTimeout(resolve, 50));
    node.clockOffset += MINUTE;
    node.connections.tick(node.now);
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (node.reasons.length === 0) continue;
    assert.deepEqual(node.reasons, ["it was silent for too long"]);
    return minute;
  }
  return Infinity;
}

for (const isEncrypted of [false, true]) {
  const how = isEncrypted ? "encrypted" : "plain";
  needs("addresses to attack from")(
    `peer (${how}) takes a message that comes byte by byte in minutes for silence`,
    async () => {
      const message = concatBytes(Uint8Array.of(0, 0, 1, 0, 99), new Uint8Array(255));
      let sent = 0;
      const minutes = await minutesOf(() => message.subarray(sent, ++sent), isEncrypted, 10);
      assert.equal(minutes, Math.ceil(CONNECTIONS.silenceTimeoutMs / MINUTE));
    },
  );
}

needs("addresses to attack from")(
  "peer keeps somebody who has nothing to say but that it is there",
  async () => {
    assert.equal(await minutesOf(encodeKeepAlive, false, 10), Infinity);
  },
);
