/** Peers that only want our uplink, on real sockets, beside an honest download. */
import assert from "node:assert/strict";
import { RateLimiter } from "../../lib/net/peers/rate_limiter.ts";
import { encodeAboutBlock, encodePlain, MessageId } from "../../lib/protocol/peer_messages.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { LoopbackNode, ticking, until } from "../harness/sessions/loopback_node.ts";
import { randomBytes, seededRandom } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker } from "./attacker.ts";

const PIECE_LENGTH = 64 * 1_024;
const DATA = randomBytes(4 * 1_024 * 1_024, 7);
const METAINFO = metainfoOf(DATA, PIECE_LENGTH);
const BYTES_PER_SECOND = 2 * 1_024 * 1_024;
/** Blocks that a greedy peer keeps asked for. */
const WINDOW = 64;

/** Asks for blocks by chance for ever, and tells of none. */
function devour(attacker: Attacker, seed: number): void {
  const random = seededRandom(seed);
  const requests = (count: number) =>
    concatBytes(...Array.from({ length: count }, () => {
      const block = Math.floor(random() * DATA.length / BLOCK_LENGTH);
      const perPiece = PIECE_LENGTH / BLOCK_LENGTH;
      const begin = (block % perPiece) * BLOCK_LENGTH;
      return encodeAboutBlock(MessageId.request, Math.floor(block / perPiece), begin, BLOCK_LENGTH);
    }));
  void attacker.listen(({ id }) => {
    if (id === MessageId.unchoke) void attacker.send(requests(WINDOW));
    if (id === MessageId.piece) void attacker.send(requests(1));
  });
  void attacker.send(encodePlain(MessageId.interested));
}

for (
  const [count, addressOf, where] of [
    [4, () => "127.0.0.66", "of one address"],
    [50, () => "127.0.0.66", "of one address"],
    [50, (i: number) => `127.0.2.${i + 1}`, "of as many addresses"],
  ] as const
) {
  needs("linux")(
    `peer gives an honest one a quarter of its uplink beside ${count} greedy ones ${where}`,
    async () => {
      const uploadLimit = new RateLimiter(BYTES_PER_SECOND, () => performance.now());
      await using seeder = new LoopbackNode(METAINFO, DATA, { id: 50, uploadLimit });
      await using leecher = new LoopbackNode(METAINFO, null, { id: 51 });
      using _time = ticking(seeder, leecher);
      const greedy: Attacker[] = [];
      try {
        for (let i = 0; i < count; i++) {
          const how = { from: addressOf(i), peerId: randomBytes(20, i) };
          greedy.push(await Attacker.connect(seeder.listener.port, METAINFO.infoHash, how));
          devour(greedy[i], i);
        }
        await until(() => seeder.swarm.upload.slotCount === 4, "slots taken");
        const start = performance.now();
        leecher.dial(seeder.listener.port);
        await until(() => leecher.swarm.seeding, "the honest download", 60_000);
        const seconds = (performance.now() - start) / 1_000;
        const fair = DATA.length / BYTES_PER_SECOND;
        assert(seconds < 4 * fair, `${seconds} s, alone ${fair} s`);
      } finally {
        for (const attacker of greedy) attacker[Symbol.dispose]();
      }
    },
  );
}
