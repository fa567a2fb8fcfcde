import assert from "node:assert/strict";
import { accepts, methodsFor, openingsFor } from "../../../lib/net/peers/encryption.ts";

const NEAR = ["127.0.0.1", "::1", "10.0.0.5", "192.168.1.9", "169.254.3.4", "fe80::5%eth0", "fd00::5"];
const port = 6881;
const FAR = ["8.8.8.8", "2001:4860::1"];

Deno.test("openingsFor begins plain near us, encrypted elsewhere or where that is preferred, and falls back once", () => {
  for (const address of NEAR) {
    assert.deepEqual(openingsFor("prefer", { address, port }), ["plain", "encrypted"]);
    const target = { address, port, prefersEncryption: true };
    assert.deepEqual(openingsFor("prefer", target), ["encrypted", "plain"]);
    assert.deepEqual(openingsFor("off", target), ["plain"]);
  }
  for (const address of FAR) {
    assert.deepEqual(openingsFor("prefer", { address, port }), ["encrypted", "plain"]);
  }
});

Deno.test("openingsFor has one way only where the user wants it", () => {
  for (const address of [...NEAR, ...FAR]) {
    assert.deepEqual(openingsFor("require", { address, port }), ["encrypted"]);
    assert.deepEqual(openingsFor("off", { address, port }), ["plain"]);
  }
});

Deno.test("accepts takes both ways unless the user wants one", () => {
  const taken = (["prefer", "require", "off"] as const).map((policy) =>
    (["plain", "encrypted"] as const).filter((opening) => accepts(policy, opening))
  );
  assert.deepEqual(taken, [["plain", "encrypted"], ["encrypted"], ["plain"]]);
});

Deno.test("methodsFor prefers plain payload near us and never has it where encryption is required", () => {
  assert.deepEqual(methodsFor("prefer", "10.0.0.5"), ["plaintext", "rc4"]);
  assert.deepEqual(methodsFor("prefer", "8.8.8.8"), ["rc4", "plaintext"]);
  assert.deepEqual(methodsFor("require", "10.0.0.5"), ["rc4"]);
});
