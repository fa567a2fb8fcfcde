/** Starting where something is in the way: ports, locks, full and read-only disks, garbage in state/. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ResumeStore } from "../../lib/disk/state/resume_store.ts";
import { StateLock } from "../../lib/disk/state/state_lock.ts";
import { runCommand } from "../harness/processes/cli_run.ts";
import { listFolder } from "../harness/data/folder_listing.ts";
import { mountMemory, needsSmallDisk, SmallDisk } from "../harness/virtual/memory_disk.ts";
import { type PeerEvent, PeerRun } from "../harness/processes/peer_run.ts";
import { Program } from "../harness/processes/program.ts";
import { isThere, needs } from "../harness/processes/require_tool.ts";

const MIB = 1024 * 1024;
/** Trackers that are not there are told of as warnings in the log. */
const START = "start --host 127.0.0.1 --port 0 --progress json --exit-when-complete --log-level error".split(
  " ",
);

/** A folder that is removed in the end. */
async function makeFolder() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** Shares `length` random bytes as `data.bin` from this home; no tracker is there. */
async function makeShared(home: string, length: number, announce = "127.0.0.1:1"): Promise<void> {
  await Deno.mkdir(join(home, "shareable"), { recursive: true });
  const data = join(home, "shareable/data.bin");
  await Deno.writeFile(data, randomBytes(length));
  const args = ["--announce", announce, "--private", "--piece-length", "64KiB", "--home", home];
  assert.equal((await runCommand("create", data, ...args)).exitCode, 0);
}

/** Starts, lets it end by itself, and reads what it told. */
async function started(home: string, ...args: string[]) {
  const { exitCode, out, err } = await runCommand(...START, "--no-tracker", "--home", home, ...args);
  return { exitCode, err, events: out.map((line) => JSON.parse(line) as PeerEvent) };
}

function named(events: readonly PeerEvent[], name: string): PeerEvent[] {
  return events.filter(({ event }) => event === name);
}

/** What is in a home, without the resume state, which every start opens, and the times of folders. */
async function listWithoutState(home: string): Promise<Record<string, string>> {
  const listing = Object.entries(await listFolder(home));
  const without = listing.filter(([path]) => !path.startsWith("state"));
  return Object.fromEntries(without.map(([path, text]) => [path, text.replace(/^folder.*/, "folder")]));
}

Deno.test("start goes on with other torrents when a folder is in the way of one, and says so", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await makeShared(home, 100_000);
  const other = join(home, "shareable/other.bin");
  await Deno.writeFile(other, randomBytes(20_000));
  assert.equal((await runCommand("create", other, "--announce", "127.0.0.1:1", "--home", home)).exitCode, 0);
  await Deno.remove(other);
  await Deno.mkdir(other);
  for (const torrents of [[], ["other.bin.torrent", "data.bin.torrent"]]) {
    const { exitCode, err, events } = await started(home, ...torrents);
    assert.equal(exitCode, 1);
    assert.match(err.join("\n"), /Expected a file at shareable\/other.bin, got something else/);
    assert.deepEqual(named(events, "torrent").map(({ name, have }) => [name, have]), [["data.bin", 2]]);
  }
});

Deno.test("start fails for a port or address it cannot have, and leaves a clean stop as it was", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await makeShared(home, 100_000);
  assert.equal((await started(home)).exitCode, 0);
  const before = await listWithoutState(home);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const cases: [RegExp, string[]][] = [
    [new RegExp(`^peer: start: .*${port}`), ["--port", `${port}`, "--no-tracker"]],
    [new RegExp(`^peer: start: .*${port}`), ["--tracker-port", `${port}`]],
    [
      /^peer: --host: Expected an address of this machine, got 203\.0\.113\.1; this machine has .*127\.0\.0\.1/,
      ["--host", "203.0.113.1"],
    ],
  ];
  for (const [why, args] of cases) {
    const { exitCode, out, err } = await runCommand(...START, "--home", home, ...args);
    assert.deepEqual([exitCode, out, err.length], [1, [], 1], err.join("\n"));
    assert.match(err[0], why);
    assert.deepEqual(await listWithoutState(home), before);
  }
  const resume = await ResumeStore.open(home, assert.fail);
  assert.ok(resume.wasClean);
  resume.close();
});

Deno.test("start fails where another process holds state/, names it, and changes nothing", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await makeShared(home, 100_000);
  assert.equal((await started(home)).exitCode, 0);
  const lock = await StateLock.take(home);
  const before = await listFolder(home);
  const { exitCode, err, events } = await started(home);
  assert.deepEqual([exitCode, events], [1, []]);
  assert.deepEqual(err, [`peer: start: state/ is in use by process ${Deno.pid}`]);
  assert.deepEqual(await listFolder(home), before);
  lock.release();
});

Deno.test("start tells of a bad torrent in torrents/ and shares the others", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await makeShared(home, 100_000);
  await Deno.writeTextFile(join(home, "torrents/bad.torrent"), "d4:spam4:eggse");
  await Deno.mkdir(join(home, "torrents/folder.torrent"));
  const { exitCode, err, events } = await started(home);
  assert.deepEqual([exitCode, err], [0, []]);
  const [warning, ...others] = named(events, "warning");
  assert.match(String(warning.message), /bad\.torrent: Expected an info dictionary, got none$/);
  assert.deepEqual([warning.code, others], ["torrent", []]);
  assert.equal(named(events, "torrent")[0].seeding, true);
});

Deno.test("start with nothing to complete is no success, also where nothing is shown", async () => {
  for (const progress of ["none", "json"]) {
    await using folder = await makeFolder();
    const home = folder.path;
    const run = (...args: string[]) =>
      runCommand(...START, "--no-tracker", "--home", home, "--progress", progress, ...args);
    const empty = await run();
    assert.equal(empty.exitCode, 3);
    assert.deepEqual(empty.err, [
      `peer: ${join(home, "torrents")}: Expected a torrent to complete, got none`,
    ]);
    await Deno.writeTextFile(join(home, "torrents/bad.torrent"), "d4:spam4:eggse");
    const junk = await run();
    assert.equal(junk.exitCode, 3);
    assert.match(
      junk.err.join("\n"),
      /^peer: .*torrents: Expected a torrent .*, got 1 that cannot be used \(.+\)$/,
    );
  }
});

Deno.test("start warns of limits that lack a unit, and takes them", async () => {
  await using folder = await makeFolder();
  await makeShared(folder.path, 1_000);
  const { exitCode, events } = await started(folder.path, "--max-upload", "10", "--max-download", "1K");
  assert.equal(exitCode, 0);
  const warnings = named(events, "warning");
  assert.deepEqual(warnings.map(({ code }) => code), ["rate"]);
  assert.match(String(warnings[0].message), /^--max-upload 10 is 10 bytes per second; .*10K.*10M$/);
});

Deno.test("start without progress logs what went wrong", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await makeShared(home, 1_000);
  await Deno.writeTextFile(join(home, "torrents/bad.torrent"), "d4:spam4:eggse");
  const args = ["--home", home, "--no-tracker", "--progress", "none", "--log-level", "warn"];
  const { exitCode, out, err } = await runCommand(...START, ...args);
  assert.deepEqual([exitCode, out], [0, []]);
  assert.equal(err.filter((line) => /warn .*bad\.torrent: Expected an info dictionary/.test(line)).length, 1);
});

Deno.test("start reads torrents whatever the case of their extension", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await makeShared(home, 1_000);
  await Deno.rename(join(home, "torrents/data.bin.torrent"), join(home, "torrents/DATA.TORRENT"));
  const { exitCode, events } = await started(home);
  assert.equal(exitCode, 0);
  assert.deepEqual(named(events, "torrent").map(({ name }) => name), ["data.bin"]);
});

Deno.test("start fails in one line where torrents/ cannot be read", async () => {
  await using folder = await makeFolder();
  const home = folder.path;
  await Deno.mkdir(join(home, "torrents"));
  const read = Deno.readDir;
  Deno.readDir = () => {
    throw Object.assign(new Deno.errors.PermissionDenied("no"), { code: "EACCES" });
  };
  try {
    const { exitCode, err } = await started(home);
    assert.equal(exitCode, 1);
    const why = `Cannot read the folder ${join(home, "torrents")}: permission denied`;
    assert.deepEqual(err, [`peer: start: ${why}`]);
  } finally {
    Deno.readDir = read;
  }
});

/** Ways to spoil the bytes of a resume state. */
const SPOILS: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>>> = {
  "garbage instead": () => new Uint8Array(randomBytes(10_000)),
  "a text instead": () => new TextEncoder().encode("hello"),
  "cut in half": (bytes) => bytes.slice(0, bytes.length / 2),
  "garbage behind the header": (bytes) => bytes.fill(0xa5, 100),
};

Deno.test("start keeps a spoilt resume state aside, says so, and finds the data again", async () => {
  for (const [what, spoil] of Object.entries(SPOILS)) {
    await using folder = await makeFolder();
    const home = folder.path;
    await makeShared(home, 100_000);
    assert.equal((await started(home)).exitCode, 0);
    const before = await listWithoutState(home);
    const store = join(home, "state/peer.kv");
    const spoilt = spoil(await Deno.readFile(store));
    await Deno.writeFile(store, spoilt);
    const { exitCode, err, events } = await started(home);
    assert.deepEqual([exitCode, err], [0, []], what);
    assert.deepEqual(named(events, "warning").map(({ code }) => code), ["state"], what);
    const [{ have, pieces, seeding }] = named(events, "torrent");
    assert.deepEqual([have, seeding], [pieces, true], what);
    assert.deepEqual(await Deno.readFile(join(home, "state/peer.kv.broken-1")), spoilt, what);
    assert.deepEqual(await listWithoutState(home), before, what);
  }
});

Deno.test("start fails, and harms nothing, where state/ holds folders for files", async () => {
  for (const name of ["peer.kv", "lock"]) {
    await using folder = await makeFolder();
    const home = folder.path;
    await makeShared(home, 100_000);
    await Deno.mkdir(join(home, "state", name), { recursive: true });
    const before = await listWithoutState(home);
    const { exitCode, err, events } = await started(home);
    assert.deepEqual([exitCode, err.length, events], [1, 1, []], name);
    assert.match(err[0], /^peer: start: Cannot (open|lock) state\/.*: .+$/);
    assert.deepEqual(await listWithoutState(home), before);
  }
});

needs("linux", "root", "mount")(
  "commands fail on a read-only disk, and those that only read do not",
  async () => {
    await using folder = await makeFolder();
    const home = folder.path;
    using disk = mountMemory(home, "4m");
    await makeShared(home, 100_000);
    disk.remount("ro");
    const data = join(home, "shareable/data.bin");
    const readOnly = /^peer: .*: Cannot .*: read-only file system$/;
    for (
      const [why, ...args] of [
        [/^peer: start: Cannot .*: read-only file system$/, "start", "--port", "0"],
        [readOnly, "create", data, "--output", join(home, "other.torrent")],
        [readOnly, "edit", "data.bin.torrent", "--announce", "10.0.0.5"],
      ] as const
    ) {
      const { exitCode, out, err } = await runCommand(...args, "--home", home);
      assert.deepEqual([exitCode, out, err.length], [1, [], 1], err.join("\n"));
      assert.match(err[0], why);
    }
    for (const command of ["info", "check"]) {
      assert.equal((await runCommand(command, "data.bin.torrent", "--home", home)).exitCode, 0);
    }
  },
);

needsSmallDisk("commands fail on a full disk, and leave what was there", async () => {
  using disk = new SmallDisk();
  const home = disk.path;
  await makeShared(home, 100_000);
  disk.fill("filling");
  const before = await listWithoutState(home);
  for (
    const [why, ...args] of [
      [/^peer: start: Cannot .*(disk is full|no space left on device)$/, "start", "--port", "0"],
      [
        /: no space left on device$/,
        "create",
        join(home, "shareable/data.bin"),
        "--output",
        join(home, "o.torrent"),
      ],
      [/: no space left on device$/, "edit", "data.bin.torrent", "--announce", "10.0.0.5"],
    ] as const
  ) {
    const { exitCode, out, err } = await runCommand(...args, "--home", home);
    assert.deepEqual([exitCode, out, err.length], [1, [], 1], err.join("\n"));
    assert.match(err[0], why);
    assert.deepEqual(await listWithoutState(home), before);
  }
});

needsSmallDisk(
  "a download that fills the disk fails, and goes on where it was when there is room",
  async () => {
    await using folder = await makeFolder();
    const seederHome = folder.path;
    using disk = new SmallDisk();
    const home = disk.path;
    const port = freePort();
    await makeShared(seederHome, 16 * MIB, `127.0.0.1:${port}`);
    disk.fill("filling", 10 * MIB);
    await Deno.mkdir(join(home, "torrents"));
    await Deno.mkdir(join(home, "shareable"));
    await Deno.writeTextFile(join(home, "shareable/own.txt"), "own");
    await Deno.copyFile(
      join(seederHome, "torrents/data.bin.torrent"),
      join(home, "torrents/data.bin.torrent"),
    );
    const before = await listWithoutState(home);

    const args = ["start", "--home", seederHome, "--host", "127.0.0.1", "--port", "0", "--progress", "json"];
    const command = new Program().with([...args, "--tracker-port", `${port}`, "--max-upload", "4MiB"], {
      stdout: "piped",
      stderr: "piped",
    });
    const seeder = new PeerRun("seeder", command.spawn());
    await Promise.race([seeder.joined, seeder.ended]);
    try {
      const full = await started(home);
      assert.equal(full.exitCode, 1);
      assert.match(full.err.at(-1)!, /^peer: data\.bin: Cannot write .*: no space left on device$/);
      assert.deepEqual(named(full.events, "error").map(({ code }) => code), ["storage"]);
      assert.deepEqual(await listWithoutState(home), before);

      await Deno.remove(join(home, "filling"));
      const enough = await started(home);
      assert.deepEqual([enough.exitCode, enough.err], [0, []]);
      const [{ have }] = named(enough.events, "torrent");
      // What came in the last second before the end may not have been noted.
      assert.ok(Number(have) >= 2 * MIB / (64 * 1024), `${have} pieces`);
      const files = [home, seederHome].map((home) => join(home, "shareable/data.bin"));
      const [copy, original] = await Promise.all(files.map((path) => Deno.readFile(path)));
      assert.deepEqual(copy, original);
      assert.equal(await Deno.readTextFile(join(home, "shareable/own.txt")), "own");
    } finally {
      const isClean = await seeder.stop();
      assert.ok(isClean || !isThere("signals to processes"));
    }
  },
);

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
