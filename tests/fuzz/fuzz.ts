/** The long form of the fuzz tests: `deno task fuzz [--inputs N] [--only NAME] [--seed N]`. */
import { parseArgs } from "node:util";
import { messageOf } from "../../lib/errors.ts";
import { fuzz } from "./fuzzing.ts";
import { TARGETS } from "./targets.ts";

const { values: options } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
  },
});

const COLUMNS = [24, 10, 10, 15, 16, 18];
const row = (cells: readonly (string | number)[]) =>
  cells.map((cell, at) => at === 0 ? String(cell).padEnd(COLUMNS[at]) : String(cell).padStart(COLUMNS[at]))
    .join("");

const targets = TARGETS.filter(({ name }) => name.includes(options.only));
if (targets.length === 0) {
  console.error(`Expected a part of ${TARGETS.map(({ name }) => name).join(", ")}, got ${options.only}`);
  Deno.exit(2);
}
console.log(row(["decoder", "inputs", "values", "defined errors", "slowest, ms", "heap growth, MiB"]));
for (const target of targets) {
  try {
    const { inputs, values, errors, slowestMs, growthMib } = fuzz(
      target,
      Number(options.inputs),
      Number(options.seed),
    );
    console.log(row([target.name, inputs, values, errors, slowestMs.toFixed(1), growthMib.toFixed(1)]));
  } catch (error) {
    console.log(row([target.name, "FAILED"]));
    console.error(messageOf(error));
    Deno.exitCode = 1;
  }
}
