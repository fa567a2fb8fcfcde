/**
 * Every cell of the matrix is a test. All of them begin with the first, side by side, because clients wait more than
 * they work; each test then waits for its own.
 */
import { isThere, needs } from "../harness/processes/require_tool.ts";
import { clientColumns, type Column, inabilityOf, type Outcome, trackerColumns } from "./cells.ts";
import { clients } from "./clients/all.ts";
import type { InteropClient } from "./clients/client.ts";
import { type Cell, cellOf, Matrix } from "./matrix.ts";
import { type InteropTracker, trackers } from "./trackers.ts";

const LAN_TOOLS = ["linux", "root", "ip"];
// What a test waits for began before it, and what runs beside it ends after it.
const SHARED = { sanitizeOps: false, sanitizeResources: false };

const matrix = new Matrix();
const cells: Cell[] = [];
let outcomes: ReadonlyMap<Cell, Promise<Outcome>> | undefined;

for (const client of clients) defineTests(client, clientColumns);
for (const tracker of trackers) defineTests(tracker, trackerColumns);

// With a filter, cells have begun for which no test waits.
Deno.test.afterAll(() => matrix.stop());

function defineTests<Subject extends InteropClient | InteropTracker>(
  subject: Subject,
  columns: readonly Column<Subject>[],
): void {
  for (const column of columns) {
    if (inabilityOf(column, subject) !== undefined) continue;
    const tools = [subject.needs, ...(column.hosts === undefined ? [] : LAN_TOOLS)];
    const cell = cellOf(column, subject);
    if (tools.every(isThere)) cells.push(cell);
    needs(...tools)(`peer and ${subject.name}: ${column.name}`, async () => {
      outcomes ??= new Map(cells.map((cell) => [cell, matrix.fill(cell)]));
      matrix.hurry(cell);
      const outcome = (await outcomes.get(cell))!;
      if (outcome.is !== "pass") throw new Error(outcome.reason);
    }, SHARED);
  }
}
