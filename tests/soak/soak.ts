/**
 * `deno task soak [--minutes N] [--rate RATE] [--visitors N] [--command PATH] [--seed N]`: a seeder and a peer that
 * downloads all the time, while others come and go, and what the two hold of memory and descriptors. Linux only.
 */
import { parseArgs } from "node:util";
import { messageOf } from "../../lib/errors.ts";
import { parseRate, parseWhole } from "../../lib/ui/option_values.ts";
import { formatBytes } from "../../lib/ui/number_format.ts";
import { Program } from "../harness/processes/program.ts";
import { growthPerHour, type Sample } from "./memory.ts";
import { runSoak } from "./run_soak.ts";

const MIB = 1024 * 1024;

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "30" },
      rate: { type: "string", default: "24MiB" },
      visitors: { type: "string", default: "6" },
      seed: { type: "string", default: "1" },
      command: { type: "string" },
    },
  });
  return {
    minutes: parseWhole(values.minutes, 1, 100_000),
    rate: parseRate(values.rate),
    visitors: parseWhole(values.visitors, 0, 100),
    seed: parseWhole(values.seed, 0, 2 ** 32 - 1),
    program: new Program(values.command),
  };
}

/** One line of the report: a value at half time, at the end and at most, and how it grew in between. */
function line(
  name: string,
  samples: readonly Sample[],
  unit: number,
  valueOf: (sample: Sample) => number,
): string {
  const figure = (value: number) => (value / unit).toFixed(1).padStart(8);
  const values = samples.map(valueOf);
  const figures = [values[values.length >> 1], values.at(-1)!, Math.max(...values)].map(figure).join("  ");
  return `${name.padEnd(30)}${figures}  ${figure(growthPerHour(samples, valueOf))}`;
}

try {
  const { samples, rate, visitors, failures } = await runSoak({
    ...readOptions(),
    say: (text) => console.error(text),
  });
  const { came, killed, unclean, pieces } = visitors;
  console.log(`${formatBytes(rate)} a second from the seeder, over all`);
  console.log(
    `${came} visitors, ${killed} of them killed, ${unclean} not stopped cleanly; they got ${pieces} MiB`,
  );
  console.log(`${"".padEnd(30)}halfway      end     most  an hour`);
  for (const [name, each] of samples) {
    console.log(line(`${name}, memory, MiB`, each, MIB, ({ residentBytes }) => residentBytes));
    console.log(line(`${name}, its own, MiB`, each, MIB, ({ anonymousBytes }) => anonymousBytes));
    console.log(line(`${name}, descriptors`, each, 1, ({ descriptors }) => descriptors));
  }
  for (const failure of failures) console.error(failure);
  Deno.exitCode = failures.length + unclean > 0 ? 1 : 0;
} catch (error) {
  console.error(messageOf(error));
  Deno.exitCode = 2;
}
