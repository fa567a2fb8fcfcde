/**
 * `deno task chaos`: kills a downloading process at random moments, again and again, and checks that it goes on where
 * it was, that no wrong byte leaves it, and that all data is right in the end.
 */
import { parseArgs } from "node:util";
import { parseWhole } from "../../lib/ui/option_values.ts";
import { formatBytes } from "../../lib/ui/number_format.ts";
import { messageOf } from "../../lib/errors.ts";
import { Program } from "../harness/processes/program.ts";
import type { CampaignResult } from "./campaign.ts";
import { runChaos } from "./run_chaos.ts";
import { AIMS, type Kind, KINDS } from "./workloads.ts";

const MIB = 1024 * 1024;

function readOptions() {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "200" },
      size: { type: "string", default: "256" },
      seed: { type: "string", default: "1" },
      kind: { type: "string", default: "all" },
      command: { type: "string" },
    },
  });
  const kinds = KINDS.filter((kind) => values.kind === "all" || values.kind === kind);
  if (kinds.length === 0) {
    throw new RangeError(`Expected one of ${KINDS.join(", ")} or all, got ${values.kind}`);
  }
  return {
    rounds: parseWhole(values.rounds, 1, 1_000_000),
    size: parseWhole(values.size, 1, 100_000) * MIB,
    seed: parseWhole(values.seed, 0, 2 ** 32 - 1),
    kinds,
    program: new Program(values.command),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function summary(results: ReadonlyMap<Kind, CampaignResult>): string {
  const heads = [
    "kind",
    "downloads",
    "kills",
    ...AIMS,
    "verified",
    "again, max",
    "again, median",
    "failures",
  ];
  const rows = [...results].map(([kind, { downloads, kills, verified, failures }]) => {
    const again = kills.map(({ fetchedAgain }) => fetchedAgain);
    return [
      kind,
      downloads,
      kills.length,
      ...AIMS.map((aim) => kills.filter(({ hit }) => hit === aim).length),
      verified,
      formatBytes(Math.max(0, ...again)),
      formatBytes(median(again)),
      failures.length,
    ];
  });
  const table = [heads, ...rows].map((row) => row.map(String));
  const widths = heads.map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  ")).join("\n");
}

try {
  const results = await runChaos({ ...readOptions(), say: (text) => console.error(text) });
  console.log(summary(results));
  const failures = [...results.values()].flatMap((result) => result.failures);
  for (const failure of failures) console.error(failure);
  Deno.exitCode = failures.length > 0 ? 1 : 0;
} catch (error) {
  console.error(messageOf(error));
  Deno.exitCode = 2;
}
