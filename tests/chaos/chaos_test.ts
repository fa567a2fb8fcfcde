import assert from "node:assert/strict";
import { Program } from "../harness/processes/program.ts";
import { runChaos } from "./run_chaos.ts";
import { needs } from "../harness/processes/require_tool.ts";

needs("signals to processes")(
  "chaos: a download that is killed three times goes on where it was, and is right",
  async () => {
    const results = await runChaos({
      rounds: 3,
      size: 32 * 1024 * 1024,
      seed: 1,
      kinds: ["download"],
      program: new Program(),
      downloadSeconds: 3,
      say() {},
    });
    const { kills, failures } = results.get("download")!;
    assert.deepEqual(failures, []);
    assert.equal(kills.length, 3);
  },
);
