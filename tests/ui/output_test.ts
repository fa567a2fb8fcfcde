import assert from "node:assert/strict";
import { lineWriter } from "../../lib/ui/output.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { Program } from "../harness/processes/program.ts";
import { needs } from "../harness/processes/require_tool.ts";

Deno.test("lineWriter never fails, tells once, and begins anew behind a torn line", () => {
  const lines: string[] = [];
  const told: string[] = [];
  let isFull = false;
  const write = lineWriter((line) => {
    if (isFull) throw new Error("No space left on device");
    lines.push(line);
  }, (reason) => told.push(reason));
  write("a");
  isFull = true;
  write("b");
  write("c");
  isFull = false;
  write("d");
  write("e");
  isFull = true;
  write("f");
  assert.deepEqual(lines, ["a", "\nd", "e"]);
  assert.deepEqual(told, ["No space left on device", "No space left on device"]);
});

/** Runs our program with all it prints going to a full disk. */
async function runOnFullDisk(...args: string[]): Promise<{ code: number; err: string }> {
  const [command, ...all] = new Program().commandLine(args);
  const line = [command, ...all].map((word) => `'${word}'`).join(" ");
  const child = new Deno.Command("sh", {
    args: ["-c", `exec ${line} >/dev/full`],
    stdout: "null",
    stderr: "piped",
  });
  const { code, stderr } = await child.output();
  return { code, err: new TextDecoder().decode(stderr) };
}

const onLinux = needs("linux");

onLinux(
  "A full disk under standard output stops no transfer, and fails a command that only prints",
  async () => {
    const home = await Deno.makeTempDir();
    const data = `${home}/shareable/data.bin`;
    await Deno.mkdir(`${home}/shareable`);
    await Deno.writeFile(data, new Uint8Array(100_000));
    await runCommand("create", data, "--announce", "127.0.0.1:1", "--home", home);
    const listening = [
      "--host",
      "127.0.0.1",
      "--port",
      "0",
      "--no-tracker",
      "--exit-when-complete",
      "--log-level",
    ];
    for (const progress of ["json", "plain"]) {
      const args = ["start", "--home", home, ...listening, "error", "--progress", progress];
      const { code, err } = await runOnFullDisk(...args);
      assert.equal(code, 0, err);
      assert.match(err, /^peer: standard output: Cannot write it: No space left.*; the transfer goes on\n$/);
    }
    const { code, err } = await runOnFullDisk("info", "data.bin.torrent", "--home", home);
    assert.equal(code, 1);
    assert.match(err, /^peer: standard output: Cannot write it: No space left[^\n]*\n$/);
    await Deno.remove(home, { recursive: true });
  },
);
