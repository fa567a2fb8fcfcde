import assert from "node:assert/strict";
import { join } from "node:path";
import { Failure } from "../../lib/ui/failure.ts";
import { openLogFile } from "../../lib/ui/log_file.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
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

Deno.test("start with --log-file writes there what it would have logged, and what its view shows", async () => {
  const home = await Deno.makeTempDir();
  const data = join(home, "shareable", "data.bin");
  await Deno.mkdir(join(home, "shareable"));
  await Deno.writeFile(data, new Uint8Array(100_000));
  await runCommand("create", data, "--announce", "127.0.0.1:1", "--home", home);
  const path = join(home, "peer.log");
  const where = ["--home", home, "--host", "127.0.0.1", "--port", "0", "--no-tracker", "--no-web"];
  const how = ["--exit-when-complete", "--progress", "none", "--log-level", "info", "--log-file", path];
  const { exitCode, out, err } = await runCommand("start", ...where, ...how);
  assert.deepEqual([exitCode, out, err], [0, [], []]);
  const lines = (await Deno.readTextFile(path)).trimEnd().split("\n")
    .map((line) => line.slice(line.indexOf(" ") + 1));
  assert.match(lines[0], /^info peer .*: listening on port \d+, no tracker$/);
  assert(
    lines.some((line) => /^info data\.bin: seeder, .*, \d+ of \d+ pieces$/.test(line)),
    lines.join("\n"),
  );
  assert.equal(lines.at(-1), "info stopped");
  if (Deno.build.os !== "windows") await Deno.remove(home, { recursive: true });
});

needs("linux")("openLogFile tells once that the disk is full", () => {
  const told: string[] = [];
  const write = openLogFile("/dev/full", (line) => told.push(line));
  write("first");
  write("second");
  assert.equal(told.length, 1);
  assert.match(told[0], /^peer: \/dev\/full: Cannot write it: No space left.*; the transfer goes on$/);
});
