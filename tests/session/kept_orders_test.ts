import { killInOrders } from "./kept_orders.ts";

Deno.test("Session loses no order that was acknowledged, when it is killed in the middle of others", async () => {
  await killInOrders(30, 16);
});
