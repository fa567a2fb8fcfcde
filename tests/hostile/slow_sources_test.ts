/** A download on real sockets beside sources that give right blocks, but hardly any, and that were there first. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { RateLimiter } from "../../lib/net/peers/rate_limiter.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { encodePlain, MessageId } from "../../lib/protocol/peer_messages.ts";
import { LoopbackNode, ticking, until } from "../harness/sessions/loopback_node.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { peerIdOf } from "../harness/sessions/remote_peers.ts";
import { Attacker } from "./attacker.ts";

const PIECE_LENGTH = 64 * 1_024;
/** At the seeder's rate a download takes 3 s. */
const DATA = randomBytes(3 * 1_024 * 1_024, 12);
const BYTES_PER_SECOND = 1_024 * 1_024;
const METAINFO = metainfoOf(DATA, PIECE_LENGTH);
const SLOW_SOURCES = 12;
const SLOW_BLOCK_MS = 2_500;

function blockMessage(index: number, begin: number, block: Uint8Array): Uint8Array {
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, 9 + block.length);
  head.setUint8(4, MessageId.piece);
  head.setUint32(5, index);
  head.setUint32(9, begin);
  return concatBytes(new Uint8Array(head.buffer), block);
}

/** Has everything, and answers one request each `SLOW_BLOCK_MS`. */
async function giveSlowly(source: Attacker): Promise<void> {
  const asked: { index: number; begin: number; length: number }[] = [];
  await source.send(encodePlain(MessageId.haveAll), encodePlain(MessageId.unchoke));
  void source.listen(({ id, index, begin, length }) => {
    if (id === MessageId.request) asked.push({ index, begin, length });
  });
  while (!source.isDropped) {
    await delay(SLOW_BLOCK_MS, undefined, { ref: false });
    const block = asked.shift();
    if (block === undefined) continue;
    const { index, begin, length } = block;
    const start = index * PIECE_LENGTH + begin;
    await source.send(blockMessage(index, begin, DATA.subarray(start, start + length)));
  }
}

/** Downloads from an honest seeder, beside so many slow sources; returns the time it took in ms. */
async function timeBeside(slowSources: number): Promise<number> {
  const uploadLimit = new RateLimiter(BYTES_PER_SECOND, () => performance.now());
  await using seeder = new LoopbackNode(METAINFO, DATA, { id: 50, uploadLimit });
  await using leecher = new LoopbackNode(METAINFO, null, { id: 51 });
  using _time = ticking(seeder, leecher);
  const slow: Attacker[] = [];
  try {
    for (let i = 0; i < slowSources; i++) {
      const how = { from: `127.0.2.${i + 1}`, peerId: peerIdOf(100 + i), reserved: 0xff };
      const source = await Attacker.connect(leecher.listener.port, METAINFO.infoHash, how);
      slow.push(source);
      void giveSlowly(source);
    }
    await until(() => leecher.swarm.connectionCount === slowSources, "the slow ones are there");
    if (slowSources > 0) await delay(500);
    const begin = performance.now();
    leecher.dial(seeder.listener.port);
    await until(() => leecher.swarm.isFinished, "complete", 12_000);
    return performance.now() - begin;
  } finally {
    for (const source of slow) source[Symbol.dispose]();
  }
}

needs("linux")("peer downloads nearly as fast beside twelve slow sources that were there first", async () => {
  const undisturbed = await timeBeside(0);
  const disturbed = await timeBeside(SLOW_SOURCES);
  assert.ok(disturbed < 1.5 * undisturbed, `${disturbed} ms, undisturbed ${undisturbed} ms`);
});
