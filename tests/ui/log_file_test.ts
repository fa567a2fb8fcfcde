import assert from "node:assert/strict";
import { join } from "node:path";
import { Failure } from "../../lib/ui/failure.ts";
import { openLogFile } from "../../lib/ui/log_file.ts";
import { needs } from "../harness/processes/require_tool.ts";

Deno.test("openLogFile adds lines to the end of a file, and fails where there can be none", async () => {
  const folder = await Deno.makeTempDir();
  const path = join(folder, "peer.log");
  await Deno.writeTextFile(path, "before\n");
  const told: string[] = [];
  const tell = (line: string) => told.push(line);
  openLogFile(path, tell)("first");
  openLogFile(path, tell)("zweite: ö");
  assert.equal(await Deno.readTextFile(path), "before\nfirst\nzweite: ö\n");
  assert.throws(
    () => openLogFile(folder, tell),
    (error) =>
      error instanceof Failure && error.exitCode === 1 && /Cannot open the log file/.test(error.message),
  );
  assert.deepEqual(told, []);
  if (Deno.build.os !== "windows") await Deno.remove(folder, { recursive: true });
});

needs("linux")("openLogFile tells once that the disk is full", () => {
  const told: string[] = [];
  const write = openLogFile("/dev/full", (line) => told.push(line));
  write("first");
  write("second");
  assert.equal(told.length, 1);
  assert.match(told[0], /^peer: \/dev\/full: Cannot write it: No space left.*; the transfer goes on$/);
});
