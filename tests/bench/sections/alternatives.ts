import { pipe } from "../clients/limit.ts";
import { OUR_SIZES, OUR_WAY, type PipeWay } from "../limit_pipe.ts";
import { attempt, type BenchOptions, say } from "../options.ts";
import { figure, median, spread, table } from "../report.ts";
import { GIB, KIB, MIB, TestFile, warmMemory } from "../test_file.ts";
import { measureTransfer, type Transfer } from "../transfer.ts";
import { Workshop } from "../workshop.ts";

/** Ways to move, hash and write the same bytes; the first one is our program's, each other differs in one thing. */
const WAYS: Readonly<Record<string, Partial<PipeWay>>> = {
  [`as our program: ${OUR_SIZES}, file read synchronously, one worker`]: {},
  "64 KiB for each write and read of a socket": { writeBytes: 64 * KIB, readBytes: 64 * KIB },
  "128 KiB": { writeBytes: 128 * KIB, readBytes: 128 * KIB },
  "256 KiB": { writeBytes: 256 * KIB, readBytes: 256 * KIB },
  "512 KiB": { writeBytes: 512 * KIB, readBytes: 512 * KIB },
  "1 MiB": { writeBytes: MIB, readBytes: MIB },
  "file read asynchronously": { readsAsync: true },
  "two workers": { sink: "two workers" },
  "hashed and written on the main thread": { sink: "main thread" },
  "subtle.digest, written on the main thread": { sink: "subtle.digest, write on the main thread" },
  "subtle.digest, written asynchronously": { sink: "subtle.digest, asynchronous write" },
};

const HOW = `One bare Deno process sends a file to another, which hashes and writes it, without BitTorrent
(\`limit_pipe.ts\`): what each choice costs by itself. Measured as \`pair\`; medians (lowest–highest).`;

/** What the choices behind the hot path are worth: speed and CPU time of a bare pipe in several ways. */
export async function benchAlternatives(options: BenchOptions): Promise<string> {
  const length = options.isTiny ? 8 * MIB : 2 * GIB;
  await using workshop = new Workshop(options.parent);
  warmMemory(workshop.folder, 2 * length);
  const file = new TestFile(workshop.folder, length);
  const pipes = Object.entries(WAYS).map(([name, way]) => ({
    name,
    contender: pipe(name, { ...OUR_WAY, ...way }),
    transfers: [] as Transfer[],
  }));
  for (let run = 1; run <= options.runs; run++) {
    for (const { name, contender, transfers } of pipes) {
      const plan = {
        seeder: contender,
        leecher: contender,
        leechers: 1,
        file,
        pieceLength: MIB,
        parent: options.parent,
      };
      const transfer = await attempt(name, () => measureTransfer(plan));
      if (transfer === undefined) continue;
      transfers.push(transfer);
      say(`alternatives, run ${run}: ${name}: ${figure(transfer.mibPerSecond)} MiB/s`);
    }
  }
  const perGib = (values: readonly number[]) => figure(median(values) * GIB / length);
  const rows = pipes.map(({ name, transfers }) => [
    name,
    spread(transfers.map(({ mibPerSecond }) => mibPerSecond)),
    perGib(transfers.map(({ seeder }) => seeder.cpuSeconds)),
    perGib(transfers.map(({ leechers }) => leechers[0].cpuSeconds)),
  ]);
  return `${HOW}\n\n${table(["", "MiB/s", "sender CPU s/GiB", "receiver CPU s/GiB"], rows)}`;
}
