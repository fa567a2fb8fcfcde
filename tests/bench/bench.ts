/**
 * Measures the program against others and against the machine's limits:
 *
 *     deno task bench [NAME ...] [--runs N] [--scale SHARE] [--tiny] [--dir FOLDER] [--only CLIENT,...]
 *
 * Results go to standard output and, unless tiny or only some clients, to `RESULTS.md`.
 */
import { parseArgs } from "node:util";
import { findNodePackage } from "../interop/node_packages.ts";
import { benchAlternatives } from "./sections/alternatives.ts";
import { benchBig } from "./sections/big.ts";
import { benchFanout } from "./sections/fanout.ts";
import { benchHash } from "./sections/hash.ts";
import { benchLan } from "./sections/lan.ts";
import { benchLatency } from "./sections/latency.ts";
import { benchMany } from "./sections/many.ts";
import { benchMicro } from "./sections/micro.ts";
import { type BenchOptions, say } from "./options.ts";
import { hasOwnNetwork, runInOwnNetwork } from "./own_network.ts";
import { benchPair } from "./sections/pair.ts";
import { circumstances, writeSection } from "./report.ts";
import { benchStart } from "./sections/start.ts";
import { benchTracker } from "./sections/tracker.ts";
import { Workshop } from "./workshop.ts";

/** The measurements by name; each returns its section of the report. */
export const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<string>>> = {
  pair: benchPair,
  fanout: benchFanout,
  lan: benchLan,
  latency: benchLatency,
  start: benchStart,
  hash: benchHash,
  many: benchMany,
  big: benchBig,
  tracker: benchTracker,
  alternatives: benchAlternatives,
  micro: benchMicro,
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "5" },
      scale: { type: "string", default: "1" },
      tiny: { type: "boolean", default: false },
      dir: { type: "string" },
      only: { type: "string" },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(BENCHES, name));
  if (unknown !== undefined) {
    say(`Expected one of ${Object.keys(BENCHES).join(", ")}, got ${unknown}`);
    Deno.exitCode = 2;
    return;
  }
  const runs = Number(values.runs);
  if (!(Number.isInteger(runs) && runs > 0)) {
    say(`Expected a number of runs, got ${values.runs}`);
    Deno.exitCode = 2;
    return;
  }
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) {
    say(`Expected a scale above 0 and at most 1, got ${values.scale}`);
    Deno.exitCode = 2;
    return;
  }
  const options: BenchOptions = {
    scale,
    runs: values.tiny ? 1 : runs,
    isTiny: values.tiny,
    parent: values.dir,
    only: values.only?.split(",") ?? [],
  };
  for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHES)) {
    const network = hasOwnNetwork()
      ? "a network namespace of its own"
      : "the machine's common loopback interface";
    const times = options.runs === 1 ? "one run" : `${options.runs} runs`;
    const body = `${await circumstances()}; ${network}; ${times}.\n\n${await BENCHES[name](options)}`;
    console.log(`\n## ${name}\n\n${body}`);
    const isComplete = !options.isTiny && options.only.length === 0;
    if (isComplete) await writeSection(options.parent === undefined ? name : `${name}, on a disk`, body);
  }
}

/** Leaves nothing behind when interrupted. */
function cleanUpOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => Workshop.closeAll().finally(() => Deno.exit(130)));
  }
}

/** What npm has to bring is installed before: from a network of one's own no registry can be reached. */
async function runIsolated(): Promise<number | undefined> {
  await findNodePackage("webtorrent");
  return await runInOwnNetwork(import.meta.url);
}

if (import.meta.main) {
  const exitCode = hasOwnNetwork() ? undefined : await runIsolated();
  if (exitCode === undefined) {
    cleanUpOnSignals();
    await main().finally(() => Workshop.closing);
  }
  // Signal listeners would keep the process alive.
  Deno.exit(exitCode ?? Deno.exitCode);
}
