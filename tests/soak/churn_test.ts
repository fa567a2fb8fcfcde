/** Thousands of peers come, are served and go: nothing of them may stay behind. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { encodeAboutBlock, encodePlain, MessageId } from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { PeerProcess } from "../harness/processes/peer_process.ts";
import { Program } from "../harness/processes/program.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker } from "../hostile/attacker.ts";
import { sampleOf } from "./memory.ts";

const WATCHED = fileURLToPath(new URL("watched_main.ts", import.meta.url));
/** Peers of one round; after two of them caches are full. */
const ROUND = 1_500;
const ROUNDS = 3;
const AT_ONCE = 4;
const BLOCKS = 4;
/** Each of them may leave less than this behind: 4,500 peers at 512 bytes each are 2.2 MiB. */
const BYTES_PER_PEER = 512;

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
  await using seeder = new PeerProcess([{ metainfo, data }], [], new Program(undefined, WATCHED));
  const { run, pid } = seeder;
  await Promise.race([run.joined, run.ended]);
  let visitors = 0;
  const held = async () => {
    const told = seeder.next("heap");
    Deno.kill(pid, "SIGUSR2");
    const { bytes } = await Promise.race([told, run.ended]);
    return { bytes: bytes as number, descriptors: sampleOf(pid, 0).descriptors };
  };
  const rounds = async (count: number) => {
    const end = visitors + count * ROUND;
    const come = async () => {
      while (visitors < end) await visit(seeder.port, visitors++);
    };
    await Promise.race([Promise.all(Array.from({ length: AT_ONCE }, come)), run.ended]);
    return held();
  };
  const before = await rounds(2);
  const after = await rounds(ROUNDS);
  const perPeer = (after.bytes - before.bytes) / (ROUNDS * ROUND);
  assert.ok(perPeer < BYTES_PER_PEER, `${perPeer} bytes stay behind of each peer`);
  assert.ok(after.descriptors <= before.descriptors + AT_ONCE, `${after.descriptors} open files and sockets`);
  assert.ok(await run.stop());
});
