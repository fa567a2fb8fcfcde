import assert from "node:assert/strict";
import { inSlices } from "../../lib/disk/time_slices.ts";

Deno.test("inSlices lets sockets have a turn after each slice", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const server = await listener.accept();
  const wanted = 20;
  let trips = 0;
  const talk = async () => {
    const byte = new Uint8Array(1);
    for (; trips < wanted; trips++) {
      await client.write(byte);
      await server.read(byte);
      await server.write(byte);
      await client.read(byte);
    }
  };
  const mostSlices = 4 * wanted;
  let slices = 0;
  function* work() {
    for (let last = performance.now(); trips < wanted && slices < mostSlices;) {
      yield;
      // Time passes within a slice in steps of much less.
      if (performance.now() - last > 5) slices++, last = performance.now();
    }
  }
  await Promise.all([
    talk(),
    inSlices(work()).then(() => assert.ok(trips >= wanted, `${trips} round trips`)),
  ]);
  for (const each of [client, server, listener]) each.close();
});
