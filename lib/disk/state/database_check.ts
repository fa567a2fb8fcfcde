import { DatabaseSync } from "node:sqlite";

/**
 * The tables that Deno KV relies on, with their columns and the type of each value. Where one is missing or has another
 * type, Deno KV ends the whole process.
 */
const KV_TABLES: Readonly<Record<string, Readonly<Record<string, "blob" | "integer" | "text">>>> = {
  migration_state: { k: "integer", version: "integer" },
  data_version: { k: "integer", version: "integer", seq: "integer" },
  kv: {
    k: "blob",
    v: "blob",
    v_encoding: "integer",
    version: "integer",
    seq: "integer",
    expiration_ms: "integer",
  },
  queue: {},
  queue_running: {},
};

/** Asks SQLite itself before Deno KV opens a store. Errors: `Error` for a store that is damaged or that Deno KV has not made. */
export function checkDatabase(path: string): void {
  const database = new DatabaseSync(path);
  try {
    const found = database.prepare("PRAGMA integrity_check(1)").get();
    if (found?.integrity_check !== "ok") throw new Error("the database is damaged");
    checkTables(database);
  } finally {
    database.close();
  }
}

function checkTables(database: DatabaseSync): void {
  const objects = database.prepare("SELECT type, name FROM sqlite_master").all();
  // Deno KV makes its tables in an empty database.
  if (objects.length === 0) return;
  const fails = (what: string) => new Error(`the database is another one: ${what}`);
  const odd = objects.find(({ type }) => type === "view" || type === "trigger");
  if (odd !== undefined) throw fails(`it has a ${odd.type}`);
  for (const [table, columns] of Object.entries(KV_TABLES)) {
    if (!objects.some(({ type, name }) => type === "table" && name === table)) {
      throw fails(`no table ${table}`);
    }
    const isWrong = Object.entries(columns).map(([column, type]) => `typeof("${column}") <> '${type}'`);
    if (isWrong.length === 0) continue;
    const row = database.prepare(`SELECT 1 FROM "${table}" WHERE ${isWrong.join(" OR ")} LIMIT 1`).get();
    if (row !== undefined) throw fails(`values of the wrong type in ${table}`);
  }
  // A number as Deno KV keeps it (encoding 2) has eight bytes. We use no queue, and nobody else has this store.
  const badNumber = "SELECT 1 FROM kv WHERE v_encoding = 2 AND length(v) <> 8 LIMIT 1";
  if (database.prepare(badNumber).get() !== undefined) throw fails("a number of the wrong length");
  for (const table of ["queue", "queue_running"]) {
    if (database.prepare(`SELECT 1 FROM ${table} LIMIT 1`).get() !== undefined) {
      throw fails(`it has a ${table}`);
    }
  }
}
