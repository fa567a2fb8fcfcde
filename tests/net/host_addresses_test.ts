import assert from "node:assert/strict";
import { addressesOf, mayRedirect } from "../../lib/net/host_addresses.ts";

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

Deno.test("mayRedirect never lets a remote lead us nearer than it is", () => {
  const nearToFar = ["127.0.0.1", "169.254.169.254", "10.0.0.5", "8.8.8.8"];
  for (const [fromAt, from] of nearToFar.entries()) {
    for (const [toAt, to] of nearToFar.entries()) {
      assert.equal(mayRedirect(from, to), toAt >= fromAt, `${from} ${to}`);
    }
  }
  assert(!mayRedirect("8.8.8.8", "fd00::1"));
  assert(!mayRedirect("8.8.8.8", "::1"));
  assert(!mayRedirect("8.8.8.8", "0.0.0.0"));
});
