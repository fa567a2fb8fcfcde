import assert from "node:assert/strict";
import { addressesOf } from "../../../lib/net/addresses/host_addresses.ts";

Deno.test("addressesOf takes addresses as they are, in canonical spelling", async () => {
  const { signal } = new AbortController();
  assert.deepEqual(await addressesOf("10.0.0.5", signal), ["10.0.0.5"]);
  assert.deepEqual(await addressesOf("[FD00:0::5]", signal), ["fd00::5"]);
  assert.deepEqual(await addressesOf("[::ffff:10.0.0.5]", signal), ["10.0.0.5"]);
});

Deno.test("addressesOf asks the system for names", async () => {
  const addresses = await addressesOf("localhost", new AbortController().signal);
  assert(addresses.length > 0);
  for (const address of addresses) assert(["127.0.0.1", "::1"].includes(address));
});
