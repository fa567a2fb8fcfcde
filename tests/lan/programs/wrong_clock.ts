/** Our program on a machine whose clock is an hour ahead: `deno run … wrong_clock.ts ARGS`. */
const now = Date.now;
Object.assign(Date, { now: () => now() + 3_600_000 });
await import("../../../main.ts");
