import { killInOrders } from "./kept_orders.ts";

/** Each takes a new process, of which Wine makes one in seconds. */
const ROUNDS = Deno.build.os === "windows" ? 3 : 10;
/** Each of these sessions, which are killed side by side, begins with a seed of its own. */
const SEEDS = [16, 17, 18];

Deno.test("Session loses no order that was acknowledged, when it is killed in the middle of others", async () => {
  await Promise.all(SEEDS.map((seed) => killInOrders(ROUNDS, seed)));
});
