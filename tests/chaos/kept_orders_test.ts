import { killInOrders } from "../session/kept_orders.ts";

Deno.test("Session loses no order that was acknowledged in 200 kills", async () => {
  await killInOrders(200, 1);
});
