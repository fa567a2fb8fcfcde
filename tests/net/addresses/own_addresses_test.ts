import assert from "node:assert/strict";
import { isNear, isOwnHost, ownAddresses, ownAddressFor } from "../../../lib/net/addresses/own_addresses.ts";
import { canonicalAddress, familyOf, scopeOf } from "../../../lib/protocol/endpoint.ts";

const { signal } = new AbortController();

Deno.test("ownAddresses are those of this machine's interfaces, canonical", () => {
  const addresses = ownAddresses();
  assert(addresses.includes("127.0.0.1"));
  for (const address of addresses) assert.equal(canonicalAddress(address), address);
});

Deno.test("isOwnHost knows this machine by its addresses, by loopback and by its name", async () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", Deno.hostname(), ...ownAddresses()]) {
    assert.equal(await isOwnHost(host, signal), true, host);
  }
});

Deno.test("isOwnHost takes other addresses, and names that are not resolved in time, for somebody else", async () => {
  assert.equal(await isOwnHost("192.0.2.77", signal), false);
  assert.equal(await isOwnHost("2001:db8::77", signal), false);
  assert.equal(await isOwnHost("name.invalid", AbortSignal.abort()), false);
});

Deno.test("ownAddressFor names loopback to loopback, and to others never", () => {
  assert.equal(ownAddressFor("127.0.0.5"), "127.0.0.1");
  assert.equal(ownAddressFor("::1"), "::1");
  for (const remote of ["192.0.2.77", "10.1.2.3", "2001:db8::77"]) {
    const address = ownAddressFor(remote);
    if (address === undefined) continue;
    assert.equal(familyOf(address), familyOf(remote));
    assert.notEqual(scopeOf(address), "loopback");
  }
});

Deno.test("ownAddressFor names the address on the remote's own network", () => {
  const lan = Deno.networkInterfaces().filter(({ family, address }) =>
    family === "IPv4" && scopeOf(address) !== "loopback"
  );
  for (const { address } of lan) assert.equal(ownAddressFor(address), address);
});

Deno.test("isNear tells hosts of private networks and of our own from those of the internet", () => {
  for (const near of ["127.0.0.1", "10.9.8.7", "192.168.3.4", "fd00::9", "fe80::1%eth9", ...ownAddresses()]) {
    assert.equal(isNear(near), true, near);
  }
  for (const far of ["8.8.8.8", "2001:4860:4860::8888"]) assert.equal(isNear(far), false, far);
});
