import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { encodeMetainfo } from "../../../lib/protocol/metainfo.ts";
import { TestHome } from "../../disk/test_home.ts";
import { runCommand } from "../../harness/processes/cli_run.ts";
import { linesOf } from "../../harness/processes/lines.ts";
import { PeerProcess } from "../../harness/processes/peer_process.ts";
import { Program } from "../../harness/processes/program.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { sharedData, TestSession } from "../../harness/sessions/test_session.ts";

/** How often two processes begin at once. */
const ROUNDS = 3;

/** Starts `peer` as a person does in a second terminal, and hears its lines. */
function start(args: readonly string[], heard: (line: string) => void) {
  const child = new Program().with(args, { stdout: "piped", stderr: "null" }).spawn();
  const reading = (async () => {
    for await (const line of linesOf(child.stdout)) heard(line);
  })();
  return { child, ended: Promise.all([child.status, reading]).then(([{ code }]) => code) };
}

needs("signals to processes")(
  "peer X.torrent hands X over to the peer that runs, follows it, and leaves it running at Ctrl-C",
  async () => {
    const shared = sharedData(400_000);
    const { name, infoHash, rawInfo } = shared.metainfo;
    await using seeder = await TestSession.start({ choices: { maxUpload: 100_000 } });
    await seeder.seed(shared);
    await using peer = new PeerProcess([]);
    while (peer.port === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const path = join(peer.home, "given.torrent");
    await Deno.writeFile(path, encodeMetainfo(rawInfo, { announceTiers: [] }));
    const common = [path, "--home", peer.home, "--peer", `127.0.0.1:${seeder.session.port}`];

    const lines: string[] = [];
    const second = start([...common, "--progress", "plain", "--port", "7"], (line) => {
      lines.push(line);
      if (line.includes("handed over")) second.child.kill("SIGINT");
    });
    assert.equal(await second.ended, 0);
    assert.match(lines[0], /^warning: --port: ignored, as process \d+ runs in /);
    assert.ok(lines.includes(
      `${name}: handed over to the peer that runs in ${peer.home} (process ${peer.pid}); Ctrl-C leaves it running`,
    ));
    assert.ok(lines.at(-1)!.startsWith(`${name}: goes on in process ${peer.pid}`), lines.join("\n"));

    const events: Record<string, unknown>[] = [];
    const third = start(
      [...common, "--progress", "json", "--exit-when-complete"],
      (line) => events.push(JSON.parse(line)),
    );
    await seeder.session.choose({ maxUpload: undefined });
    assert.equal(await third.ended, 0);
    const handed = events.find(({ event }) => event === "handed-over");
    assert.deepEqual([handed?.infoHash, handed?.isNew, handed?.pid], [infoHash, false, peer.pid]);
    assert.equal(
      events.findLast(({ event }) => event === "progress")?.have,
      shared.metainfo.layout.pieceCount,
    );

    assert.deepEqual(await runCommand("stop", "--home", peer.home), {
      exitCode: 0,
      out: [`the peer in ${peer.home} has stopped`],
      err: [],
    });
  },
);

needs("signals to processes")(
  "of two that begin with X.torrent in one home at the same moment, one runs and the other hands over",
  async () => {
    for (let round = 0; round < ROUNDS; round++) {
      using home = new TestHome();
      const path = join(home.path, "given.torrent");
      await Deno.writeFile(path, encodeMetainfo(sharedData(100_000).metainfo.rawInfo, { announceTiers: [] }));
      const args = [path, "--home", home.path, "--progress", "json", "--port", "0", "--no-web"];
      const heard = [new Set<string>(), new Set<string>()];
      const both = heard.map((events) => start(args, (line) => events.add(JSON.parse(line).event)));
      const settled = () => heard.every((events) => events.has("handed-over") || events.has("torrent"));
      const failed = Promise.race(both.map(({ ended }) => ended));
      while (!settled()) {
        const first = await Promise.race([failed, delay(20)]);
        assert.equal(first, undefined, `ended with ${first}`);
      }
      assert.deepEqual(heard.map((events) => events.has("handed-over")).sort(), [false, true]);
      const follower = heard[0].has("handed-over") ? 0 : 1;
      for (const { child, ended } of [both[follower], both[1 - follower]]) {
        child.kill("SIGINT");
        assert.equal(await ended, 0);
      }
    }
  },
);
