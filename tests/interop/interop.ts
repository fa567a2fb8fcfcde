/**
 * The interoperability matrix: `deno task interop [--markdown] [CLIENT ...]`.
 *
 * Tries every column with every client, or with those named, and prints a table; reasons follow below it.
 * Exits 1 when a cell failed.
 */
import { type Column, columns, type Outcome, tryCell } from "./cells.ts";
import { clients } from "./clients/all.ts";

/** A client's row of the matrix. */
interface Row {
  readonly client: string;
  readonly outcomes: readonly { readonly column: Column; readonly outcome: Outcome }[];
}

async function main(args: readonly string[]): Promise<void> {
  const wanted = args.filter((arg) => !arg.startsWith("--")).map((name) => name.toLowerCase());
  const rows: Row[] = [];
  for (const client of clients) {
    if (wanted.length > 0 && !wanted.includes(client.name.toLowerCase())) continue;
    const found = await client.find();
    const outcomes = [];
    for (const column of columns) {
      const outcome = await tryCell(column, client, found);
      console.error(`${client.name}, ${column.name}: ${cellText(outcome)}`);
      outcomes.push({ column, outcome });
    }
    rows.push({ client: "version" in found ? `${client.name} ${found.version}` : client.name, outcomes });
  }
  const table = [["client", ...columns.map(({ name }) => name)], ...rows.map(cellTexts)];
  console.log((args.includes("--markdown") ? markdownOf : plainOf)(table));
  for (const line of reasonsOf(rows)) console.log(`\n${line}`);
  const hasFailed = rows.some(({ outcomes }) => outcomes.some(({ outcome }) => outcome.is === "fail"));
  Deno.exitCode = hasFailed ? 1 : 0;
}

function cellText(outcome: Outcome): string {
  return outcome.is === "pass" ? `pass ${outcome.seconds.toFixed(1)} s` : outcome.is;
}

function cellTexts({ client, outcomes }: Row): string[] {
  return [client, ...outcomes.map(({ outcome }) => cellText(outcome))];
}

/** Why cells did not pass, each reason once a row. */
function reasonsOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ client, outcomes }) => {
    const columnsByReason = new Map<string, string[]>();
    for (const { column, outcome } of outcomes) {
      if (outcome.is === "pass") continue;
      const names = columnsByReason.get(outcome.reason) ?? [];
      columnsByReason.set(outcome.reason, [...names, column.name]);
    }
    return [...columnsByReason].map(([reason, names]) => `${client}, ${names.join(", ")}: ${reason}`);
  });
}

function plainOf(table: readonly string[][]): string {
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return table.map((row) => row.map((text, column) => text.padEnd(widths[column])).join("  ")).join("\n");
}

function markdownOf([head, ...body]: readonly string[][]): string {
  const lines = [head, head.map(() => "---"), ...body];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

if (import.meta.main) await main(Deno.args);
