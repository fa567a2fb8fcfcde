import assert from "node:assert/strict";
import { subnetOf } from "../../../lib/swarm/download/subnets.ts";

Deno.test("subnetOf: the first three bytes of IPv4, the first half of IPv6", () => {
  assert.equal(subnetOf("10.0.7.9"), "10.0.7");
  assert.equal(subnetOf("fd99:0:0:1::3"), "fd99:0:0:1");
  assert.equal(subnetOf("fd99::1:0:0:3"), "fd99:0:0:0");
  assert.equal(subnetOf("fd99::3"), subnetOf("fd99::4"));
  assert.equal(subnetOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2");
  assert.equal(subnetOf("::1"), subnetOf("::2"));
});
