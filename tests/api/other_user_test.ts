/** Another user of the same machine, who can reach our ports and see our folders, neither steers nor finds a secret. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openControlDoor } from "../../lib/api/access/control_door.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { sharedData } from "../harness/sessions/test_session.ts";
import { ApiHome } from "./api_home.ts";

/** What a command of the user `nobody` prints; undefined where it fails. */
async function asNobody(command: string): Promise<string | undefined> {
  const args = ["-s", "/bin/sh", "nobody", "-c", command];
  const { success, stdout } = await new Deno.Command("su", { args, stderr: "null" }).output();
  return success ? new TextDecoder().decode(stdout) : undefined;
}

needs("linux", "root", "su", "curl")("another user cannot steer, nor read a token or password", async () => {
  await using home = await ApiHome.start();
  const folder = home.test.home;
  const shared = sharedData(50_000);
  await home.test.seed(shared);
  await Deno.chmod(folder, 0o755);
  const state = join(folder, "state");
  assert.match(await asNobody(`ls ${state}`) ?? "", /control\.sock/);

  const pause = `/api/v1/torrents/all/pause`;
  const bySocket = `curl -s --unix-socket ${join(state, "control.sock")} -X POST http://localhost${pause}`;
  assert.equal(await asNobody(bySocket), undefined);
  assert.equal(await asNobody(`cat ${join(state, "web-password")}`), undefined);

  const statusOf = (path: string, how = "") =>
    asNobody(`curl -s -o /dev/null -w '%{http_code}' ${how} ${home.url}${path}`);
  assert.equal(await statusOf("/healthz"), "200");
  assert.equal(await statusOf(pause, "-X POST"), "401");
  assert.equal(await statusOf("/api/v1/state"), "401");
  assert.equal(await statusOf("/metrics"), "401");
  assert.equal(await statusOf("/transmission/rpc", `-d '{"method":"torrent-stop"}'`), "401");
  const page = await asNobody(`curl -s ${home.url}/ ${home.url}/page.js`);
  assert.ok(page !== undefined && page.length > 1_000 && !page.includes(home.token));
  assert.equal(home.test.session.snapshot()[0].state, "seeding");
});

needs("linux", "root", "su")(
  "where a port stands for the socket, another user cannot read its token",
  async () => {
    const parent = await Deno.makeTempDir();
    await Deno.chmod(parent, 0o755);
    const deep = join(parent, "d".repeat(100));
    await Deno.mkdir(join(deep, "state"), { recursive: true });
    const door = await openControlDoor(deep, "secret");
    try {
      assert.match(door.path, /control\.json$/);
      assert.equal(door.token, "secret");
      assert.match(await Deno.readTextFile(door.path), /"secret"/);
      assert.equal(await asNobody(`cat ${door.path}`), undefined);
    } finally {
      for (const listening of door.listening) listening.close();
      await Deno.remove(parent, { recursive: true });
    }
  },
);
