/** What came of runs, as a table and as it is kept. */
import type { Outcome } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Reads kept outcomes. */
export function readOutcomes(text: string): Outcome[] {
  return JSON.parse(text);
}

const keyOf = ({ scenario, hosts, pieces, seed }: Outcome) => `${scenario} ${hosts} ${pieces} ${seed}`;

/** All outcomes by scenario, pieces and hosts; a later one takes the place of an earlier one with the same options. */
export function merge(kept: readonly Outcome[], outcomes: readonly Outcome[]): Outcome[] {
  const byKey = new Map([...kept, ...outcomes].map((outcome) => [keyOf(outcome), outcome]));
  const names = [...SCENARIOS.keys()];
  return [...byKey.values()].sort((a, b) =>
    names.indexOf(a.scenario) - names.indexOf(b.scenario) || a.pieces - b.pieces || a.hosts - b.hosts ||
    a.seed - b.seed
  );
}

const COLUMNS: readonly (readonly [head: string, cell: (outcome: Outcome) => string])[] = [
  ["hosts", ({ hosts }) => String(hosts)],
  ["pieces", ({ pieces }) => String(pieces)],
  ["bound", ({ bound }) => bound.toFixed(3)],
  ["median", ({ median }) => median.toFixed(2)],
  ["p99", ({ p99 }) => p99.toFixed(2)],
  ["last", ({ last, unfinished }) => unfinished > 0 ? `${unfinished} never` : last.toFixed(2)],
  ["last : bound", ({ last, bound }) => (last / bound).toFixed(2)],
  ["seeder's copies", ({ seederCopies }) => seederCopies.toFixed(2)],
  ["announces/s", ({ announcesPerSecond }) => String(announcesPerSecond)],
  ["messages/host", ({ messagesPerHost }) => messagesPerHost.toFixed(0)],
  ["took", ({ seconds }) => `${seconds.toFixed(0)} s`],
  ["MiB", ({ memory }) => memory.toFixed(0)],
];

/** A heading and a Markdown table for each scenario. */
export function asTable(outcomes: readonly Outcome[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const tables = [...Map.groupBy(outcomes, ({ scenario }) => scenario)].map(([name, rows]) =>
    [
      `**${name}**: ${SCENARIOS.get(name)!.about}.`,
      "",
      row(COLUMNS.map(([head]) => head)),
      row(COLUMNS.map(() => "--:")),
      ...rows.map((outcome) => row(COLUMNS.map(([, cell]) => cell(outcome)))),
      "",
    ].join("\n")
  );
  return tables.join("\n");
}
