import { fileURLToPath } from "node:url";
import { type BenchOptions, say } from "../options.ts";
import { figure, table } from "../report.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FOLDER = "tests/bench/micro";
const FILES = `${FOLDER}/*_bench.ts`;

/** What `deno bench --json` tells, as far as it is used; times in ns. */
interface BenchOutput {
  readonly benches: readonly {
    readonly name: string;
    readonly results: readonly {
      readonly ok?: { avg: number; min: number; p99: number };
      readonly failed?: unknown;
    }[];
  }[];
}

/** Times of single operations in the hot files, by `deno bench`; tiny only loads the files. */
export async function benchMicro(options: BenchOptions): Promise<string> {
  const files = [...Deno.readDirSync(`${ROOT}${FOLDER}`)].map(({ name }) => `${FOLDER}/${name}`);
  const args = ["bench", "--quiet", "--allow-all", options.isTiny ? "--no-run" : "--json", ...files];
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).output();
  if (!success) throw new Error(`deno bench failed: ${new TextDecoder().decode(stderr)}`);
  if (options.isTiny) return `Loaded ${FILES}.`;
  const output: BenchOutput = JSON.parse(new TextDecoder().decode(stdout));
  const rows = output.benches.map(({ name, results }) => {
    const times = results[0].ok;
    if (times === undefined) throw new Error(`Expected "${name}" to run, got ${JSON.stringify(results)}`);
    say(`micro: ${name}: ${figure(times.avg / 1000)} µs`);
    return [name, figure(times.avg / 1000), figure(times.min / 1000), figure(times.p99 / 1000)];
  });
  return [`One \`deno bench\` of ${FILES}; µs.`, table(["", "mean", "least", "p99"], rows)].join("\n\n");
}
