/** Thousands of peers come, are served and go: nothing of them may stay behind. */
import assert from "node:assert/strict";
import { encodeAboutBlock, encodePlain, MessageId } from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { PeerProcess } from "../harness/processes/peer_process.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker } from "../hostile/attacker.ts";
import { sampleOf } from "./memory.ts";

const MIB = 1024 * 1024;
/** Peers of one round; after two of them caches and heaps are full. */
const ROUND = 1_500;
const MAX_ROUNDS = 10;
const AT_ONCE = 4;
const BLOCKS = 4;
/** Each of them may leave less than this behind: 1,500 peers at 2 KiB each are 3 MiB. */
const BYTES_PER_PEER = 2 * 1024;

const data = randomBytes(BLOCKS * BLOCK_LENGTH, 5);
const metainfo = metainfoOf(data, BLOCK_LENGTH);

/** Comes under a name of its own, takes all there is and goes. Errors: `AssertionError` when it was not served. */
async function visit(port: number, number: number): Promise<void> {
  const peerId = new TextEncoder().encode(`-XX0001-${String(number).padStart(12, "0")}`);
  using visitor = await Attacker.connect(port, metainfo.infoHash, { peerId });
  await visitor.send(encodePlain(MessageId.haveNone), encodePlain(MessageId.interested));
  let received = 0;
  await visitor.listen(async ({ id }) => {
    if (id === MessageId.unchoke) {
      const requests = Array.from(
        { length: BLOCKS },
        (_, index) => encodeAboutBlock(MessageId.request, index, 0, BLOCK_LENGTH),
      );
      await visitor.send(...requests);
    }
    if (id === MessageId.piece && ++received === BLOCKS) visitor[Symbol.dispose]();
  });
  assert.equal(received, BLOCKS, `visitor ${number} was not served`);
}

needs("linux")("soak: of thousands of peers that come, are served and go, nothing stays behind", async () => {
  await using seeder = new PeerProcess([{ metainfo, data }]);
  const { run, pid } = seeder;
  await Promise.race([run.joined, run.ended]);
  let visitors = 0;
  const round = async (): Promise<number> => {
    const end = visitors + ROUND;
    const come = async () => {
      while (visitors < end) await visit(seeder.port, visitors++);
    };
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, come)), run.ended]);
    return sampleOf(pid, 0).anonymousBytes;
  };
  const held = [await round(), await round()];
  const full = Math.max(...held);
  // The collector of garbage may come late; what really stays behind grows from round to round all the same.
  const mayHold = () => full + (held.length - 2) * ROUND * BYTES_PER_PEER;
  do held.push(await round()); while (held.at(-1)! >= mayHold() && held.length < MAX_ROUNDS);
  assert.ok(held.at(-1)! < mayHold(), `it holds ${held.map((bytes) => bytes / MIB)} MiB`);
  assert.ok(await run.stop());
});
