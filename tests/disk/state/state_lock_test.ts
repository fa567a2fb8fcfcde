import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StateLock } from "../../../lib/disk/state/state_lock.ts";
import { TestHome } from "../test_home.ts";
import { needs } from "../../harness/processes/require_tool.ts";

Deno.test("StateLock is held by one at a time and says by whom", async () => {
  using home = new TestHome();
  fs.rmdirSync(join(home.path, "state"));
  const lock = await StateLock.take(home.path);
  await assert.rejects(StateLock.take(home.path), {
    name: "HomeInUseError",
    message: `state/ is in use by process ${Deno.pid}`,
  });
  lock.release();
  (await StateLock.take(home.path)).release();
});

Deno.test("StateLock is taken although another process looks at it for a moment", async () => {
  using home = new TestHome();
  const looking = await Deno.open(join(home.path, "state", "lock"), { write: true, create: true });
  assert.ok(await looking.tryLock(true));
  const taking = StateLock.take(home.path);
  await delay(30);
  // Wine refuses to end a lock alone; elsewhere a process that is being started may have the file open, too.
  if (Deno.build.os !== "windows") await looking.unlock();
  looking.close();
  (await taking).release();
});

Deno.test("StateLock of a killed process is free", async () => {
  using home = new TestHome();
  const lockUrl = JSON.stringify(new URL("../../../lib/disk/state/state_lock.ts", import.meta.url).href);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-check",
      `import { StateLock } from ${lockUrl};
       await StateLock.take(${JSON.stringify(home.path)});
       console.log("taken");
       setTimeout(() => {}, 60_000);`,
    ],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  assert.ok(!(await reader.read()).done);
  await assert.rejects(StateLock.take(home.path), { message: `state/ is in use by process ${child.pid}` });
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  (await StateLock.take(home.path)).release();
});

needs("symbolic links")("StateLock does not write through a symbolic link", async () => {
  using home = new TestHome();
  const outside = join(home.path, "outside");
  fs.writeFileSync(outside, "untouched");
  fs.symlinkSync(outside, join(home.path, "state", "lock"));
  await assert.rejects(StateLock.take(home.path), /Expected no symbolic link, got one at state\/lock/);
  assert.equal(fs.readFileSync(outside, "utf8"), "untouched");
});
