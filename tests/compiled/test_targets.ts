/**
 * `deno task test:compiled [TARGET...]`: makes an executable for each target, this system by default, shows its size
 * and SHA-256, checks that it is of the right kind, and tests it where it can be run: here, or under qemu or Wine.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Executable, NATIVE_TARGET } from "../harness/processes/executable.ts";
import { executableKind } from "../harness/processes/executable_kind.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
/** Room for all headers of an executable. */
const HEAD_BYTES = 4096;
const MIB = 1024 * 1024;

/** Starts Deno in the project, shows what it says, and resolves with whether it succeeded. */
async function deno(args: string[], env: Record<string, string> = {}): Promise<boolean> {
  const command = new Deno.Command(Deno.execPath(), { args, env, cwd: PROJECT, stdin: "null" });
  return (await command.spawn().status).success;
}

async function testTarget(target: string): Promise<boolean> {
  if (!await deno(["task", "--quiet", "compile:target"], { TARGET: target })) return false;
  const name = `peer-${target}${target.includes("windows") ? ".exe" : ""}`;
  const path = join(PROJECT, "dist", name);
  const bytes = await Deno.readFile(path);
  const hash = createHash("sha256").update(bytes).digest("hex");
  console.log(`${name}: ${(bytes.length / MIB).toFixed(1)} MiB, SHA-256 ${hash}`);

  const kind = executableKind(bytes.subarray(0, HEAD_BYTES));
  const [cpu, , system] = target.split("-");
  if (kind !== `${system} ${cpu}`) {
    console.error(`Expected an executable for ${system} ${cpu}, got one for ${kind}`);
    return false;
  }
  if (!Executable.canRun(target)) {
    console.log(`${name} is of the right kind (${kind}); it cannot be run here`);
    return true;
  }
  const env = { PEER_BINARY: path, PEER_TARGET: target };
  return await deno(["test", "--allow-all", "--quiet", "tests/compiled_test.ts"], env);
}

let isGood = true;
for (const target of Deno.args.length > 0 ? Deno.args : [NATIVE_TARGET]) {
  isGood = await testTarget(target) && isGood;
}
Deno.exit(isGood ? 0 : 1);
