/**
 * The interoperability matrix: `deno task interop [--markdown] [NAME ...]`.
 *
 * Tries everything with every client and tracker, or with those named, and prints a table of each; reasons follow.
 * Exits 1 when a cell failed.
 */
import { clientColumns, type Column, type Outcome, trackerColumns, tryCell } from "./cells.ts";
import { clients } from "./clients/all.ts";
import type { InteropClient } from "./clients/client.ts";
import { type InteropTracker, trackers } from "./trackers.ts";

/** One client or tracker: a row of a matrix. */
interface Row {
  readonly name: string;
  readonly cells: readonly { readonly column: string; readonly outcome: Outcome }[];
}

async function main(args: readonly string[]): Promise<void> {
  const names = args.filter((arg) => !arg.startsWith("--")).map((name) => name.toLowerCase());
  const isWanted = ({ name }: { name: string }) => names.length === 0 || names.includes(name.toLowerCase());
  const layOut = args.includes("--markdown") ? markdownOf : plainOf;
  const matrices = [
    await fill("client", clients.filter(isWanted), clientColumns),
    await fill("tracker", trackers.filter(isWanted), trackerColumns),
  ].filter(({ rows }) => rows.length > 0);
  for (const { head, rows } of matrices) {
    console.log(layOut([head, ...rows.map(({ name, cells }) => [name, ...cells.map(cellText)])]) + "\n");
    for (const reason of rows.flatMap(reasonsOf)) console.log(reason + "\n");
  }
  const outcomes = matrices.flatMap(({ rows }) => rows).flatMap(({ cells }) => cells);
  Deno.exitCode = outcomes.some(({ outcome }) => outcome.is === "fail") ? 1 : 0;
}

/** Tries every column with every subject, telling each outcome at once on standard error. */
async function fill<Subject extends InteropClient | InteropTracker>(
  kind: string,
  subjects: readonly Subject[],
  columns: readonly Column<Subject>[],
): Promise<{ head: string[]; rows: Row[] }> {
  const rows: Row[] = [];
  for (const subject of subjects) {
    const found = await subject.find();
    const cells = [];
    for (const column of columns) {
      const cell = { column: column.name, outcome: await tryCell(column, subject, found) };
      console.error(`${subject.name}, ${column.name}: ${cellText(cell)}`);
      cells.push(cell);
    }
    const version = "version" in found ? found.version : "";
    rows.push({ name: `${subject.name} ${version}`.trim(), cells });
  }
  return { head: [kind, ...columns.map(({ name }) => name)], rows };
}

function cellText({ outcome }: { readonly outcome: Outcome }): string {
  return outcome.is === "pass" ? `pass ${outcome.seconds.toFixed(1)} s` : outcome.is;
}

/** Why cells of a row did not pass, each reason once. */
function reasonsOf({ name, cells }: Row): string[] {
  const columnsByReason = new Map<string, string[]>();
  for (const { column, outcome } of cells) {
    if (outcome.is === "pass") continue;
    columnsByReason.set(outcome.reason, [...columnsByReason.get(outcome.reason) ?? [], column]);
  }
  return [...columnsByReason].map(([reason, columns]) => `${name}, ${columns.join(", ")}: ${reason}`);
}

function plainOf(table: readonly string[][]): string {
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const lines = table.map((row) => row.map((text, column) => text.padEnd(widths[column])).join("  "));
  return lines.map((line) => line.trimEnd()).join("\n");
}

function markdownOf([head, ...body]: readonly string[][]): string {
  const lines = [head, head.map(() => "---"), ...body];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

if (import.meta.main) await main(Deno.args);
