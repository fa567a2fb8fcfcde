import { CLIENTS } from "../clients/all.ts";
import { crowdedLimit } from "../clients/limit.ts";
import { peer } from "../clients/peer.ts";
import { attempt, type BenchOptions, findContenders, say } from "../options.ts";
import { figure, median, spread, table } from "../report.ts";
import { GIB, MIB, TestFile, warmMemory } from "../test_file.ts";
import { measureTransfer, type Transfer, TRANSFER_METHOD, wasSlow } from "../transfer.ts";
import { Workshop } from "../workshop.ts";

const LEECHERS = 4;
const PIECE_LENGTH = 1 * MIB;

/** One seeder to four leechers on one machine: what all of them receive together. */
export async function benchFanout(options: BenchOptions): Promise<string> {
  const length = options.isTiny ? 8 * MIB : 1 * GIB;
  const { present, versions } = await findContenders(options, [crowdedLimit, ...CLIENTS]);
  await using workshop = new Workshop(options.parent);
  warmMemory(workshop.folder, (1 + LEECHERS) * length);
  const file = new TestFile(workshop.folder, length);

  const transfers = new Map(present.map((contender): [string, Transfer[]] => [contender.name, []]));
  for (let run = 1; run <= options.runs; run++) {
    for (const contender of present) {
      if (transfers.get(contender.name)!.some(wasSlow)) continue;
      const transfer = await attempt(contender.name, () =>
        measureTransfer({
          seeder: contender,
          leecher: contender,
          leechers: LEECHERS,
          file,
          pieceLength: PIECE_LENGTH,
          parent: options.parent,
        }));
      if (transfer === undefined) continue;
      transfers.get(contender.name)!.push(transfer);
      say(`fanout, run ${run}: ${contender.name}: ${figure(transfer.mibPerSecond)} MiB/s`);
    }
  }

  const middle = (name: string, value: (transfer: Transfer) => number) =>
    median((transfers.get(name) ?? []).map(value));
  const speed = ({ mibPerSecond }: Transfer) => mibPerSecond;
  const rows = present.map(({ name }) => [
    name,
    spread(transfers.get(name)!.map(speed)),
    figure(middle(peer.name, speed) / middle(name, speed)),
    figure(middle(name, ({ tailSeconds }) => tailSeconds)),
    figure(middle(name, cpuOfAll) / (LEECHERS * length / GIB)),
  ]);
  const header = [
    "",
    "MiB/s together",
    "peer is faster by ×",
    "complete s after",
    "CPU s/GiB, all processes",
  ];
  const how =
    `One seeder and ${LEECHERS} leechers start together on one machine and know of each other, loopback TCP,
pieces of ${PIECE_LENGTH / MIB} MiB. ${TRANSFER_METHOD}
The limit is five Deno processes without BitTorrent: one sends to four, to each from another place of the file on, and
they hash and write on their main thread.`;
  return [`${length / MIB} MiB each. ${versions}.`, how, table(header, rows)].join("\n\n");
}

function cpuOfAll({ seeder, leechers }: Transfer): number {
  return leechers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, seeder.cpuSeconds);
}
