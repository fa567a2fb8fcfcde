/**
 * Two bridges with a router of 20 Mbit/s between them: what crosses it. With `PEER_BINARY` the hosts run that program, and
 * otherwise this checkout.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createTorrent } from "../../lib/session/torrent_tools.ts";
import { randomBytes } from "../harness/data/random.ts";
import { PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { Lan } from "./namespaces.ts";

const HOSTS = 8;
const ROUTER_MBIT = 20;
const data = randomBytes(16 * 1024 * 1024, 41);

needs("linux", "root", "ip", "tc")(
  "Between two subnets a file crosses the router little more than once",
  async () => {
    await using lan = await Lan.create(HOSTS, 100, { count: 2, rateMbit: ROUTER_MBIT });
    const folder = await Deno.makeTempDir({ prefix: "peer-subnets-" });
    const home = (host: number) => join(folder, String(host));
    try {
      await Deno.mkdir(join(home(0), "shareable"), { recursive: true });
      await Deno.writeFile(join(home(0), "shareable", "random.bin"), data);
      const { path } = await createTorrent({
        path: join(home(0), "shareable", "random.bin"),
        home: home(0),
        announceTiers: [[`http://${lan.address(0)}:6969/announce`]],
        isPrivate: false,
      }, () => {});
      const start = (host: number) => {
        const [command, ...args] = new Program(Deno.env.get("PEER_BINARY")).commandLine(
          ["start", path, "--home", home(host), "--progress", "json", "--no-web"],
        );
        const child = lan.spawn(host, command, args, { stdin: "null", stdout: "piped", stderr: "piped" });
        return new PeerRun(lan.address(host), child);
      };
      const announcer = start(0);
      await announcer.joined;
      const others = Array.from({ length: HOSTS - 1 }, (_, i) => start(i + 1));
      await Promise.all(others.map((run) => Promise.race([run.completed, run.ended])));
      for (let host = 1; host < HOSTS; host++) {
        assert.deepEqual(
          await Deno.readFile(join(home(host), "shareable", "random.bin")),
          Uint8Array.from(data),
        );
      }
      const copies = await lan.bytesInto(1) / data.length;
      const seconds = Math.max(...others.map(({ seconds }) => seconds!));
      const bound = data.length * 8 / (ROUTER_MBIT * 1e6);
      console.log(
        `${copies.toFixed(2)} copies crossed the router; last host after ${seconds.toFixed(1)} s, ` +
          `where one copy takes ${bound.toFixed(1)} s`,
      );
      assert.ok(copies <= 2, `${copies} copies`);
      for (const run of [...others, announcer]) assert.ok(await run.stop());
    } finally {
      await lan.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
);
