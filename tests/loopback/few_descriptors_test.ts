/** Processes that may open only a few files and sockets, as an attack or a poor system leaves them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Machine } from "../harness/sessions/machine.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { randomBytes } from "../harness/data/random.ts";
import { needs } from "../harness/processes/require_tool.ts";

const KIB = 1024;
/** The runtime itself takes about 35. */
const DESCRIPTORS = 64;
const FILES = 60;
const COURSE = new Map(
  Array.from({ length: FILES }, (_, i) => [`course/${i}.bin`, randomBytes(50 * KIB + i, i)] as const),
);

/** Starts a process that may have so few descriptors, and waits until it has joined. */
async function startPoor(home: string, torrent: string, ...args: string[]) {
  const command = [
    "start",
    "--home",
    home,
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--no-lsd",
    "--progress",
    "json",
  ];
  const line = new Program().commandLine([...command, "--log-level", "error", ...args, torrent]);
  const child = new Deno.Command("sh", {
    args: ["-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "sh", ...line],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let port = 0;
  const failures: PeerEvent[] = [];
  const run = new PeerRun("poor", child, (event) => {
    if (event.event === "ready") port = Number(event.port);
    if (event.event === "error") failures.push(event);
  });
  await Promise.race([run.joined, run.ended]);
  return { run, port, failures };
}

/** Opens connections until there are so many, or no more are taken. */
async function crowd(port: number, count: number): Promise<Deno.Conn[]> {
  const open: Deno.Conn[] = [];
  for (let i = 0; i < count; i++) {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined);
    if (connection !== undefined) open.push(connection);
  }
  return open;
}

needs("linux", "sh")("peer that runs out of descriptors seeds on when there are some again", async () => {
  await using home = await Machine.start();
  const torrent = await home.publish(COURSE, []);
  await home.stop();
  const { run, port, failures } = await startPoor(home.home, torrent, "--tracker-port", "0");
  try {
    const crowded = await crowd(port, 150);
    await using leecher = await Machine.start();
    const infoHash = await leecher.session.add(torrent, [`127.0.0.1:${port}`]);
    await pause(3_000);
    for (const connection of crowded) connection.close();
    await Promise.race([leecher.completes(infoHash), run.ended]);
    await leecher.assertHas(COURSE);
    assert.deepEqual(failures, []);
  } finally {
    assert.ok(await run.stop(), "it stops cleanly");
  }
});

needs("linux", "sh")(
  "peer with few descriptors downloads more files than it may have open, in a crowd",
  async () => {
    await using seeder = await Machine.start({ choices: { maxUpload: 700 * KIB } });
    const torrent = await seeder.publish(COURSE, []);
    await seeder.session.add(torrent, []);
    const home = await Deno.makeTempDir();
    const { run, port, failures } = await startPoor(home, torrent, "--no-tracker", "--peer", seeder.address);
    let crowded: Deno.Conn[] = [];
    try {
      crowded = await crowd(port, 100);
      await pause(3_000);
      for (const connection of crowded.splice(0)) connection.close();
      await Promise.race([run.completed, run.ended]);
      assert.deepEqual(failures, []);
      for (const [path, content] of COURSE) {
        assert.deepEqual(await Deno.readFile(join(home, "shareable", path)), content);
      }
    } finally {
      for (const connection of crowded) connection.close();
      assert.ok(await run.stop(), "it stops cleanly");
      await Deno.remove(home, { recursive: true });
    }
  },
);
