import assert from "node:assert/strict";
import { needs } from "../harness/processes/require_tool.ts";
import { fuzz } from "./fuzzing.ts";
import { TARGETS } from "./targets.ts";

/** A few seconds for all targets together; `deno task fuzz` runs the long form. */
const INPUTS = 1_500;
const COSTLY_INPUTS = 300;

for (const target of TARGETS) {
  needs("fast-check")(`fuzz: ${target.name} gives a value or its defined error, and soon`, () => {
    assert.ok(
      fuzz(target, target.isCostly ? COSTLY_INPUTS : INPUTS, 1).values > 0,
      "some input is accepted, or nothing but the first check is tested",
    );
  });
}
