/** Hundreds of hostile connections to a real process, beside an honest download. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { encode } from "../../lib/protocol/bencode.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { OUR_EXTENSIONS } from "../../lib/protocol/extension_messages.ts";
import { encodeMetadataRequest } from "../../lib/protocol/metadata_messages.ts";
import {
  encodeAboutBlock,
  encodeExtended,
  encodePlain,
  MessageId,
} from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { TRANSFER } from "../../lib/settings.ts";
import { until } from "../harness/sessions/loopback_node.ts";
import { PeerProcess } from "../harness/processes/peer_process.ts";
import { statusBytes } from "../harness/processes/process_status.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { Attacker } from "./attacker.ts";

const MIB = 1_024 * 1_024;
const CROWD = 500;
const MEMORY_LIMIT = 512 * MIB;
/** So fast does the seeder give; far below what the machine can do, so that a usual speed exists. */
const MAX_UPLOAD = "8M";
/** The download that is measured, and others that only give attackers more places to sit in. */
const NAMES = ["download.bin", "b.bin", "c.bin", "d.bin", "e.bin"];
const SIZES = [24 * MIB, MIB, MIB, MIB, MIB];

/** What one of a crowd does once it has shaken hands. */
type Mischief = (attacker: Attacker, number: number) => void;

const isSilent: Mischief = () => {};

const REQUESTS = concatBytes(
  ...Array.from({ length: 1_000 }, (_, i) => encodeAboutBlock(MessageId.request, i % 16, 0, BLOCK_LENGTH)),
);
const METADATA_REQUESTS = concatBytes(
  encodeExtended(0, encode({ m: { ut_metadata: 1 } })),
  ...new Array<Uint8Array>(500).fill(encodeExtended(OUR_EXTENSIONS.ut_metadata, encodeMetadataRequest(0))),
);
const LONG = TRANSFER.maxMessageBytes;
const UNFINISHED = concatBytes(
  Uint8Array.of(LONG >>> 24, LONG >>> 16 & 255, LONG >>> 8 & 255, LONG & 255, 99),
  new Uint8Array(LONG - 2),
);
const PLAIN_SEED = concatBytes(encodePlain(MessageId.haveAll), encodePlain(MessageId.unchoke));

/** Each does what costs us most while it stays within what is allowed, and none reads. */
const fillsMemory: Mischief = (attacker, number) => {
  switch (number % 4) {
    case 0:
      return void attacker.send(UNFINISHED);
    case 1:
      return void attacker.send(encodePlain(MessageId.interested), REQUESTS);
    case 2:
      return void attacker.send(METADATA_REQUESTS);
    case 3:
      return void attacker.send(PLAIN_SEED);
  }
};

const DATA = SIZES.map((size, i) => randomBytes(size, i + 1));
const TORRENTS = DATA.map((data, i) => ({ data, metainfo: metainfoOf(data, 256 * 1_024, NAMES[i]) }));

/** A crowd of attackers, spread over the torrents and over ten addresses. */
async function gather(port: number, mischief: Mischief): Promise<Attacker[]> {
  const crowd: Attacker[] = [];
  for (let number = 0; number < CROWD; number++) {
    const { infoHash } = TORRENTS[number % TORRENTS.length].metainfo;
    const peerId = randomBytes(20, 1_000 + number);
    const how = { from: `127.0.1.${1 + Math.floor(number / 50)}`, peerId, isEncrypted: number % 10 === 9 };
    const attacker = await Attacker.connect(port, infoHash, how);
    mischief(attacker, number);
    crowd.push(attacker);
  }
  return crowd;
}

/** Downloads while a crowd bothers one side; returns seconds, the victim's peak memory, and who of the crowd is left. */
async function downloadBeside(
  mischief: Mischief | undefined,
  side: "seeder" | "download",
): Promise<{ seconds: number; peakBytes: number; open: number }> {
  await using seeder = new PeerProcess(TORRENTS, ["--max-upload", MAX_UPLOAD]);
  await until(() => seeder.joined === TORRENTS.length, "the seeder", 60_000);
  const wanted = TORRENTS.slice(0, side === "download" ? undefined : 1).map(({ metainfo }) => ({ metainfo }));
  const crowdFirst = side === "seeder" && mischief !== undefined ? await gather(seeder.port, mischief) : [];
  const startedAt = performance.now();
  await using leecher = new PeerProcess(wanted, ["--peer", `127.0.0.1:${seeder.port}`]);
  await until(() => leecher.joined === wanted.length, "the download", 60_000);
  const crowdLater = side === "download" && mischief !== undefined
    ? await gather(leecher.port, mischief)
    : [];
  const crowd = [...crowdFirst, ...crowdLater];
  const path = join(leecher.home, "shareable", NAMES[0]);
  await until(
    () => leecher.run.lines.some((line) => line.includes('"complete"') && line.includes(NAMES[0])),
    "complete",
    120_000,
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  assert.deepEqual(Deno.readFileSync(path), DATA[0]);
  const victim = side === "seeder" ? seeder : leecher;
  const open = crowd.filter(({ isDropped }) => !isDropped).length;
  // The most it ever had resident.
  const peakBytes = statusBytes(victim.pid, "VmHWM")!;
  for (const attacker of crowd) attacker[Symbol.dispose]();
  console.log(
    `${side}: ${seconds.toFixed(1)} s, ${
      (peakBytes / MIB).toFixed(0)
    } MiB at most, ${open} attackers connected`,
  );
  return { seconds, peakBytes, open };
}

needs("linux")(
  "peer downloads at more than half its usual speed while 500 have shaken hands and say nothing",
  async () => {
    const usual = await downloadBeside(undefined, "seeder");
    const crowded = await downloadBeside(isSilent, "seeder");
    assert.equal(crowded.open, CROWD);
    assert(crowded.seconds < 2 * usual.seconds, `${crowded.seconds} s instead of ${usual.seconds} s`);
    assert(crowded.peakBytes < MEMORY_LIMIT, `${crowded.peakBytes} bytes`);
  },
);

for (const side of ["seeder", "download"] as const) {
  needs("linux")(
    `peer (${side}) stays below 512 MiB while 500 fill what they can fill, and the download is right`,
    async () => {
      const { peakBytes, open } = await downloadBeside(fillsMemory, side);
      assert(peakBytes < MEMORY_LIMIT, `${peakBytes} bytes`);
      assert(open > CROWD / 2, `${open} left`);
    },
  );
}
