/**
 * The interoperability matrix: `deno task interop [--markdown] [NAME ...]`.
 *
 * Tries everything with every client and tracker, or with those named, and prints a table of each; reasons follow.
 * Outcomes are told on standard error as they come. Exits 1 when a cell failed.
 */
import { clientColumns, type Column, inabilityOf, type Outcome, trackerColumns } from "./cells.ts";
import { clients } from "./clients/all.ts";
import type { Availability, InteropClient } from "./clients/client.ts";
import { cellOf, Matrix } from "./matrix.ts";
import { type InteropTracker, trackers } from "./trackers.ts";

/** One client or tracker with all that was tried. */
interface Row {
  readonly name: string;
  /** What is to be known of cells that passed. */
  readonly remark: string | undefined;
  readonly cells: readonly { readonly column: Column<never>; readonly outcome: Outcome }[];
}

const matrix = new Matrix();

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith("--")).map((name) => name.toLowerCase());
  const isWanted = ({ name }: { name: string }) => names.length === 0 || names.includes(name.toLowerCase());
  const layOut = args.includes("--markdown") ? markdownOf : plainOf;
  const tables = await Promise.all([
    fillRows(clients.filter(isWanted), clientColumns),
    fillRows(trackers.filter(isWanted), trackerColumns),
  ]);
  for (const rows of tables.filter(({ length }) => length > 0)) console.log(layOut(rows) + "\n");
  const outcomes = tables.flat().flatMap(({ cells }) => cells);
  Deno.exitCode = outcomes.some(({ outcome }) => outcome.is === "fail") ? 1 : 0;
}

/** Tries every column with every subject. */
function fillRows<Subject extends InteropClient | InteropTracker>(
  subjects: readonly Subject[],
  columns: readonly Column<Subject>[],
): Promise<Row[]> {
  return Promise.all(subjects.map(async (subject) => {
    const found = await subject.find();
    const version = "version" in found ? found.version : "";
    const cells = await Promise.all(columns.map(async (column) => {
      const outcome = await outcomeOf(column, subject, found);
      console.error(`${subject.name}, ${column.name}: ${plainText(outcome)}`);
      return { column, outcome };
    }));
    const remark = "omitsEmptyFiles" in subject ? subject.omitsEmptyFiles : undefined;
    return { name: `${subject.name} ${version}`.trim(), remark, cells };
  }));
}

async function outcomeOf<Subject extends InteropClient | InteropTracker>(
  column: Column<Subject>,
  subject: Subject,
  found: Availability,
): Promise<Outcome> {
  if ("missing" in found) return { is: "missing", reason: found.missing };
  const inability = inabilityOf(column, subject);
  if (inability !== undefined) return { is: "cannot", reason: inability };
  return await matrix.fill(cellOf(column, subject));
}

/** Why cells of a row did not pass, each reason once with the columns concerned, and the row's remark. */
function reasonsOf({ remark, cells }: Row): Map<string, string[]> {
  const columnsByReason = new Map<string, string[]>(remark === undefined ? [] : [[remark, []]]);
  for (const { column, outcome } of cells) {
    if (outcome.is === "pass") continue;
    columnsByReason.set(outcome.reason, [...columnsByReason.get(outcome.reason) ?? [], column.name]);
  }
  return columnsByReason;
}

function plainText(outcome: Outcome): string {
  return outcome.is === "pass" ? `pass ${outcome.seconds.toFixed(1)} s` : outcome.is;
}

/** A line for each column, a column for each row: there are more things to try than there are clients. */
function transposed(
  rows: readonly Row[],
  head: (column: Column<never>) => string,
  text: (outcome: Outcome) => string,
) {
  const [{ cells }] = rows;
  return [
    ["what it does", ...rows.map(({ name }) => name)],
    ...cells.map(({ column }, line) => [head(column), ...rows.map((row) => text(row.cells[line].outcome))]),
  ];
}

/** For a terminal: with durations, and reasons below. */
function plainOf(rows: readonly Row[]): string {
  const table = transposed(rows, ({ name }) => name, plainText);
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  const lines = table.map((line) =>
    line.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd()
  );
  const reasons = rows.flatMap((row) =>
    [...reasonsOf(row)].map(([reason, columns]) => `\n${[row.name, ...columns].join(", ")}: ${reason}`)
  );
  return [...lines, ...reasons].join("\n");
}

/** For a document, which shall not change with every run: without durations. */
function markdownOf(rows: readonly Row[]): string {
  const [head, ...body] = transposed(rows, ({ about }) => about, ({ is }) => is);
  const table = [head, head.map(() => "---"), ...body].map((line) => `| ${line.join(" | ")} |`);
  const reasons = rows.flatMap((row) =>
    [...reasonsOf(row).keys()].map((reason) => `- ${row.name}: ${reason}`)
  );
  return [...table, ...(reasons.length === 0 ? [] : ["", ...reasons])].join("\n");
}

if (import.meta.main) await main(Deno.args);
