/** Homes with unusual paths: all commands take them, and a download there is found again. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { randomBytes } from "../harness/data/random.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import type { PeerEvent } from "../harness/processes/peer_run.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { Machine } from "../harness/sessions/machine.ts";
import { SmallDisk } from "../harness/virtual/memory_disk.ts";

const LONG_NAME = "a-rather-long-name-".repeat(10);
/** The second path alone is longer than the 260 characters that Windows once took. */
const FILES = new Map([
  ["Große Dateien/erster Teil.bin", randomBytes(200_000, 1)],
  [`Große Dateien/${LONG_NAME}/${LONG_NAME}/zweiter Teil.bin`, randomBytes(30_000, 2)],
]);

/** Runs a command there, and returns what it printed. */
async function succeeds(...args: string[]): Promise<readonly string[]> {
  const { exitCode, out, err } = await runCommand(...args);
  assert.equal(exitCode, 0, err.join("\n"));
  return out;
}

/** Runs `start` until all is complete, and returns the events of this name. */
async function started(home: string, event: string, ...args: string[]): Promise<PeerEvent[]> {
  const common = ["--host", "127.0.0.1", "--port", "0", "--no-tracker", "--no-lsd", "--log-level", "error"];
  const ends = ["--exit-when-complete", "--progress", "json"];
  const out = await succeeds("start", "--home", home, ...common, ...ends, ...args);
  return out.map((line) => JSON.parse(line) as PeerEvent).filter((each) => each.event === event);
}

/** Downloads, checks, makes a torrent and starts again in this home, which exists. */
async function worksIn(home: string): Promise<void> {
  await using seeder = await Machine.start();
  const torrent = await seeder.publish(FILES, []);
  await seeder.session.add(torrent, []);
  await Deno.mkdir(join(home, "torrents"));
  await Deno.copyFile(torrent, join(home, "torrents/g.torrent"));
  const [complete] = await started(home, "complete", "--peer", seeder.address);
  const data = join(home, "shareable", "Große Dateien");
  assert.equal(complete.path, data);
  for (const [path, content] of FILES) {
    assert.deepEqual(await Deno.readFile(join(home, "shareable", path)), content);
  }
  const [again] = await started(home, "torrent", "g.torrent");
  assert.deepEqual([again.role, again.have], ["seeder", again.pieces]);
  await succeeds("check", "--home", home, "g.torrent");
  const made = JSON.parse((await succeeds("create", data, "--home", home, "--private", "--json")).join(""));
  assert.equal(dirname(made.path), join(home, "torrents"));
  await succeeds("info", "--home", home, made.path);
  const service = await succeeds("service", "install", "--dry-run", "--home", home);
  assert.ok(service.join("\n").includes(home));
}

/** Runs `worksIn` for a folder below one that is removed in the end. */
async function worksBelow(...names: string[]): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "peer-homes-" });
  try {
    const home = join(folder, ...names);
    await Deno.mkdir(home, { recursive: true });
    await worksIn(home);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("peer works in a home with blanks and umlauts", () =>
  worksBelow("Für Ünsere & Freunde's 100% (x)"));

needs("real paths of any length")(
  "peer works in a home whose path has more than 260 characters",
  () => worksBelow(LONG_NAME, LONG_NAME),
);

needs("windows")("peer works in a home that is named by a path of the system's own kind", async () => {
  const folder = await Deno.makeTempDir({ prefix: "peer-homes-" });
  try {
    await worksIn(`\\\\?\\${folder}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

needs("windows", "small drive")("peer works in a home that is the root of a drive", async () => {
  using disk = new SmallDisk();
  await worksIn(disk.path);
});
