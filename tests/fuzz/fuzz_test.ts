import assert from "node:assert/strict";
import { fuzz } from "./fuzzing.ts";
import { TARGETS } from "./targets.ts";

/** A few seconds for all targets together; `deno task fuzz` runs the long form. */
const INPUTS = 3_000;

for (const target of TARGETS) {
  Deno.test(`fuzz: ${target.name} gives a value or its defined error, and soon`, () => {
    const inputs = Math.ceil(INPUTS * (target.share ?? 1));
    const { values, errors } = fuzz(target, inputs, 1);
    assert.equal(values + errors, inputs);
    assert.ok(values > 0, "some input is accepted, or nothing but the first check is tested");
  });
}
