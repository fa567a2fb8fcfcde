/**
 * Every cell of the matrix is a test. All of them begin with the first, side by side, because clients wait more than
 * they work; each test then waits for its own.
 */
import { isThere, needs } from "../helpers/require_tool.ts";
import { clientColumns, type Column, inabilityOf, type Outcome, trackerColumns } from "./cells.ts";
import { clients } from "./clients/all.ts";
import type { InteropClient } from "./clients/client.ts";
import { Matrix } from "./matrix.ts";
import { type InteropTracker, trackers } from "./trackers.ts";

const LAN_TOOLS = ["linux", "root", "ip"];
// What a test waits for began before it, and what runs beside it ends after it.
const SHARED = { sanitizeOps: false, sanitizeResources: false };

const matrix = new Matrix();
const cells: (() => Promise<Outcome>)[] = [];
let begun: readonly Promise<Outcome>[] = [];

for (const client of clients) defineTests(client, clientColumns);
for (const tracker of trackers) defineTests(tracker, trackerColumns);

// With a filter, cells have begun for which no test waits.
Deno.test.afterAll(() => matrix.drain());

function defineTests<Subject extends InteropClient | InteropTracker>(
  subject: Subject,
  columns: readonly Column<Subject>[],
): void {
  for (const column of columns) {
    if (inabilityOf(column, subject) !== undefined) continue;
    const tools = [subject.needs, ...(column.hosts === undefined ? [] : LAN_TOOLS)];
    const cell = cells.length;
    if (tools.every(isThere)) cells.push(() => matrix.fill(column, subject));
    needs(...tools)(`peer and ${subject.name}: ${column.name}`, async () => {
      if (begun.length === 0) begun = cells.map((begin) => begin());
      const outcome = await begun[cell];
      if (outcome.is !== "pass") throw new Error(outcome.reason);
    }, SHARED);
  }
}
