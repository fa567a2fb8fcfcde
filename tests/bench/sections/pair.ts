import { CLIENTS_AND_LIMIT } from "../clients/all.ts";
import type { Contender } from "../clients/contender.ts";
import { libtorrentTuned } from "../clients/libtorrent.ts";
import { OUR_SIZES } from "../limit_pipe.ts";
import { peer } from "../clients/peer.ts";
import { attempt, type BenchOptions, findContenders, say } from "../options.ts";
import { figure, median, spread, table } from "../report.ts";
import { GIB, KIB, MIB, TestFile, warmMemory } from "../test_file.ts";
import { measureTransfer, type Transfer, TRANSFER_METHOD, wasSlow } from "../transfer.ts";
import { Workshop } from "../workshop.ts";

/** Who sends to whom, and what came of it. */
interface Pair {
  readonly name: string;
  readonly seeder: Contender;
  readonly leecher: Contender;
  readonly transfers: Transfer[];
}

const HOW = `One seeder and one leecher, separate processes, loopback TCP, one file. ${TRANSFER_METHOD}
The limit is two Deno processes without BitTorrent: ${OUR_SIZES}, SHA-1 and positioned write in a
worker. Every row was measured in turn in each run; figures are medians (lowest–highest).`;

/** One seeder to one leecher: speed, CPU time and memory of both sides, for each piece length. */
export async function benchPair(options: BenchOptions): Promise<string> {
  const length = options.isTiny ? 8 * MIB : 2 * GIB;
  const pieceLengths = options.isTiny ? [256 * KIB] : [256 * KIB, 1 * MIB, 4 * MIB];
  const { present, versions } = await findContenders(options, CLIENTS_AND_LIMIT);
  await using workshop = new Workshop(options.parent);
  warmMemory(workshop.folder, 2 * length);
  const file = new TestFile(workshop.folder, length);

  const sections: string[] = [];
  for (const pieceLength of pieceLengths) {
    const pairs = pairsOf(present);
    for (let run = 1; run <= options.runs; run++) {
      for (const { name, seeder, leecher, transfers } of pairs) {
        if (transfers.some(wasSlow)) continue;
        const plan = { seeder, leecher, leechers: 1, file, pieceLength, parent: options.parent };
        const transfer = await attempt(name, () => measureTransfer(plan));
        if (transfer === undefined) continue;
        transfers.push(transfer);
        say(
          `pair, pieces of ${pieceLength / KIB} KiB, run ${run}: ${name}: ${
            figure(transfer.mibPerSecond)
          } MiB/s`,
        );
      }
    }
    sections.push(`### Pieces of ${pieceLength / KIB} KiB\n\n${pairTable(pairs, length)}`);
  }
  const place = options.parent === undefined ? "in memory (tmpfs)" : "on a disk";
  return [`${length / MIB} MiB ${place}. ${versions}.`, HOW, ...sections].join("\n\n");
}

/** Everybody with themselves, and our program with libtorrent in both directions. */
function pairsOf(present: readonly Contender[]): Pair[] {
  const pairs = present.map((contender) => ({ name: contender.name, seeder: contender, leecher: contender }));
  if (present.includes(peer) && present.includes(libtorrentTuned)) {
    pairs.push({ name: "libtorrent, tuned → peer", seeder: libtorrentTuned, leecher: peer });
    pairs.push({ name: "peer → libtorrent, tuned", seeder: peer, leecher: libtorrentTuned });
  }
  return pairs.map((pair) => ({ ...pair, transfers: [] }));
}

function pairTable(pairs: readonly Pair[], length: number): string {
  const speeds = (pair: Pair) => pair.transfers.map(({ mibPerSecond }) => mibPerSecond);
  const ours = pairs.find(({ name }) => name === peer.name);
  const header = [
    "",
    "MiB/s",
    "peer is faster by ×",
    "complete s after",
    "seeder CPU s/GiB",
    "leecher CPU s/GiB",
    "seeder MiB",
    "leecher MiB",
  ];
  const rows = pairs.map((pair) => {
    const perGib = (use: (transfer: Transfer) => number) =>
      figure(median(pair.transfers.map(use)) / (length / GIB));
    const mebibytes = (use: (transfer: Transfer) => number) => figure(median(pair.transfers.map(use)) / MIB);
    return [
      pair.name,
      spread(speeds(pair)),
      ours === undefined ? "–" : figure(median(speeds(ours)) / median(speeds(pair))),
      figure(median(pair.transfers.map(({ tailSeconds }) => tailSeconds))),
      perGib(({ seeder }) => seeder.cpuSeconds),
      perGib(({ leechers }) => leechers[0].cpuSeconds),
      mebibytes(({ seeder }) => seeder.peakAnonymousBytes),
      mebibytes(({ leechers }) => leechers[0].peakAnonymousBytes),
    ];
  });
  return table(header, rows);
}
