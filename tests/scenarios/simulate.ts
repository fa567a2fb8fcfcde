/**
 * `deno task simulate [--hosts N,…] [--pieces K] [--scenario NAME,…] [--seed S] [--keep]`: the real swarm code among very
 * many hosts in virtual time. With `--keep`, what came out goes into `results.json`, and `RESULTS.md` and its plots are
 * made anew.
 */
import { parseArgs } from "node:util";
import { messageOf } from "../../lib/errors.ts";
import { parseWhole } from "../../lib/ui/option_values.ts";
import { plot } from "./simulation/plot.ts";
import { asTable, merge, readOutcomes } from "./simulation/results.ts";
import { type Outcome, simulate } from "./simulation/run.ts";
import { SCENARIOS } from "./simulation/scenarios.ts";

const USAGE = `deno task simulate [--hosts N,…] [--pieces K] [--scenario NAME,…] [--seed S] [--keep]

  --hosts     how many hosts want the data (default 10,30,100)
  --pieces    pieces of the data (default 64)
  --scenario  ${[...SCENARIOS].map(([name, { about }]) => `${name}: ${about}`).join("\n              ")}
  --seed      another seed gives another run (default 1)
  --keep      adds what came out to results.json, and makes the tables of RESULTS.md and its plot anew`;
const MAX_HOSTS = 20_000;

function readOptions() {
  const { values } = parseArgs({
    options: {
      hosts: { type: "string", default: "10,30,100" },
      pieces: { type: "string", default: "64" },
      scenario: { type: "string", default: [...SCENARIOS.keys()].join(",") },
      seed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  return {
    hosts: values.hosts.split(",").map((text) => parseWhole(text, 4, MAX_HOSTS)),
    pieces: parseWhole(values.pieces, 4, 100_000),
    scenarios: values.scenario.split(","),
    seed: parseWhole(values.seed, 0, 2 ** 32 - 1),
    keep: values.keep,
    help: values.help,
  };
}

/** Adds an outcome to those that are kept, and makes the page of results and its plots anew. */
async function keep(outcome: Outcome): Promise<void> {
  const here = (name: string) => new URL(name, import.meta.url);
  const all = merge(readOutcomes(await Deno.readTextFile(here("results.json"))), [outcome]);
  await Deno.writeTextFile(
    here("results.json"),
    `[\n${all.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`,
  );
  const page = await Deno.readTextFile(here("RESULTS.md"));
  const marks = /(<!-- tables -->\n)[^]*(<!-- end of tables -->)/;
  await Deno.writeTextFile(here("RESULTS.md"), page.replace(marks, `$1\n${asTable(all)}\n$2`));
  await Deno.writeTextFile(here("last.svg"), plot(all));
}

/** Runs what the options ask for, and tells what came of each run. */
async function run(): Promise<void> {
  const { hosts, pieces, scenarios, seed, keep: isKept, help } = readOptions();
  if (help) return console.log(USAGE);
  for (const count of hosts) {
    for (const scenario of scenarios) {
      const outcome = simulate({ scenario, hosts: count, pieces, seed });
      console.log(asTable([outcome]));
      if (isKept) await keep(outcome);
    }
  }
}

try {
  await run();
} catch (error) {
  if (!(error instanceof RangeError)) throw error;
  console.error(messageOf(error));
  Deno.exitCode = 2;
}
