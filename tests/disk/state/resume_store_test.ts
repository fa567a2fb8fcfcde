import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ResumeStore } from "../../../lib/disk/state/resume_store.ts";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { TestHome } from "../test_home.ts";
import { needs } from "../../harness/processes/require_tool.ts";

const infoHash = parseInfoHash("0123456789abcdef0123456789abcdef01234567")!;
const kvPath = (home: TestHome) => join(home.path, "state", "peer.kv");

const CHOICE = {
  only: ["*.pdf"],
  skip: ["draft*"],
  positions: [{ first: 0, last: 3 }],
  first: ["a.pdf"],
  firstPositions: [{ first: 2, last: 2 }],
  isSequential: true,
};

function noWarning(warning: string): never {
  throw new Error(`Unexpected warning: ${warning}`);
}

Deno.test("ResumeStore remembers everything from run to run", async () => {
  using home = new TestHome();
  const stamps = [{ size: 5, mtimeMs: 1.5, inode: 7 }, undefined, { size: 0, mtimeMs: 0, inode: 0 }];
  const bits = new Bitfield(77);
  bits.add(3);
  bits.add(76);
  const first = await ResumeStore.open(home.path, noWarning);
  assert.equal(first.wasClean, false);
  assert.equal(first.ports, undefined);
  assert.equal(await first.phase(infoHash), undefined);
  await first.savePorts({ peer: 6881, tracker: null });
  await first.savePhase(infoHash, "active");
  await first.saveBits("stored", infoHash, bits);
  await first.saveStamps(infoHash, stamps);
  await first.saveTotals(infoHash, { uploaded: 2 ** 40, downloaded: 5 });
  await first.saveChoice(infoHash, CHOICE);
  await first.savePeers(infoHash, ["10.0.0.1:6881", "[fe80::1]:6881"]);
  await first.saveUnfinished(infoHash, new Map([[9, bits]]));
  await first.markClean();
  first.close();

  const again = await ResumeStore.open(home.path, noWarning);
  assert.equal(again.wasClean, true);
  assert.deepEqual(again.ports, { peer: 6881, tracker: null });
  assert.equal(await again.phase(infoHash), "active");
  assert.deepEqual([...await again.bits("stored", infoHash, 77)], [3, 76]);
  assert.equal((await again.bits("written", infoHash, 77)).count, 0);
  assert.deepEqual(await again.stamps(infoHash, 3), stamps);
  assert.deepEqual(await again.totals(infoHash), { uploaded: 2 ** 40, downloaded: 5 });
  assert.deepEqual(await again.choice(infoHash), CHOICE);
  assert.deepEqual(await again.peers(infoHash), ["10.0.0.1:6881", "[fe80::1]:6881"]);
  assert.deepEqual(await again.takeUnfinished(infoHash), new Map([[9, bits.toBytes()]]));
  assert.equal((await again.takeUnfinished(infoHash)).size, 0);
  again.close();

  const third = await ResumeStore.open(home.path, noWarning);
  assert.equal(third.wasClean, false, "the clean mark is used once");
  third.close();
});

Deno.test("ResumeStore holds the largest torrents within the limits of KV", async () => {
  using home = new TestHome();
  const store = await ResumeStore.open(home.path, noWarning);
  const full = Bitfield.full(2_097_152);
  await store.saveBits("written", infoHash, full);
  assert.ok((await store.bits("written", infoHash, full.length)).isFull);
  const stamps = new Array(200_000).fill({ size: 1, mtimeMs: 2, inode: 3 });
  await store.saveStamps(infoHash, stamps);
  assert.deepEqual((await store.stamps(infoHash, 200_000)).at(-1), stamps[0]);
  const blocks = Bitfield.full(8_192);
  await store.saveUnfinished(infoHash, new Map(new Array(100).keys().map((piece) => [piece, blocks])));
  store.close();
});

Deno.test("ResumeStore puts a broken or newer store aside and begins a new one", async () => {
  const garbage = crypto.getRandomValues(new Uint8Array(9_000));
  const breakages: Record<string, (path: string) => Promise<void> | void> = {
    garbage: (path) => fs.writeFileSync(path, garbage),
    "a wrong header": (path) => fs.writeFileSync(path, "SQLite format 3\0 and then nothing of the kind"),
    "a cut file": async (path) => {
      const kv = await Deno.openKv(path);
      for (let i = 0; i < 200; i++) await kv.set([i], new Uint8Array(10_000));
      kv.close();
      fs.truncateSync(path, 20_000);
    },
    "garbage in the middle": async (path) => {
      const kv = await Deno.openKv(path);
      for (let i = 0; i < 50; i++) await kv.set([i], new Uint8Array(10_000));
      kv.close();
      const fd = fs.openSync(path, "r+");
      for (let position = 8_192; position < 200_000; position += 9_000) {
        fs.writeSync(fd, garbage, 0, 9_000, position);
      }
      fs.closeSync(fd);
    },
    "a newer version": async (path) => {
      const kv = await Deno.openKv(path);
      await kv.set(["session"], { version: 2, clean: true });
      kv.close();
    },
  };
  for (const [what, breakIt] of Object.entries(breakages)) {
    using home = new TestHome();
    await breakIt(kvPath(home));
    const broken = fs.readFileSync(kvPath(home));
    const warnings: string[] = [];
    const store = await ResumeStore.open(home.path, (warning) => warnings.push(warning));
    assert.equal(warnings.length, 1, what);
    assert.match(
      warnings[0],
      /^The resume state could not be read \(.+\); it was kept as state\/peer.kv.broken-1/,
    );
    assert.equal(await store.phase(infoHash), undefined);
    await store.savePhase(infoHash, "complete");
    store.close();
    if (what !== "a newer version") {
      assert.deepEqual(fs.readFileSync(`${kvPath(home)}.broken-1`), broken, what);
    }
    (await ResumeStore.open(home.path, noWarning)).close();

    fs.writeFileSync(kvPath(home), garbage);
    (await ResumeStore.open(home.path, () => {})).close();
    assert.ok(fs.existsSync(`${kvPath(home)}.broken-2`), "an older broken store is kept too");
  }
});

Deno.test("ResumeStore puts a database aside that Deno KV would end the process over", async () => {
  const breakages = [
    "DROP TABLE kv",
    "DROP TABLE queue",
    "DROP TABLE queue_running",
    "DROP TABLE data_version",
    "DROP TABLE migration_state",
    "ALTER TABLE kv RENAME TO other; CREATE VIEW kv AS SELECT * FROM other",
    "ALTER TABLE kv RENAME COLUMN v TO w",
    "CREATE TRIGGER t BEFORE INSERT ON kv BEGIN SELECT RAISE(ABORT, 'no'); END",
    "UPDATE kv SET expiration_ms = 'x'",
    "UPDATE kv SET v_encoding = 2, v = x'0102'",
    "INSERT INTO queue_running VALUES (1, 'a', x'ff', 'x', x'ff')",
  ];
  for (const breakage of breakages) {
    using home = new TestHome();
    (await ResumeStore.open(home.path, noWarning)).close();
    const database = new DatabaseSync(kvPath(home));
    database.exec(breakage);
    database.close();
    const warnings: string[] = [];
    const store = await ResumeStore.open(home.path, (warning) => warnings.push(warning));
    assert.match(warnings.join(), /kept as state\/peer.kv.broken-1/, breakage);
    store.close();
  }
});

Deno.test("ResumeStore lives in memory where SQLite cannot work in the folder", async () => {
  using home = new TestHome();
  for (const reason of ["locking protocol", "disk I/O error", "database is locked"]) {
    const warnings: string[] = [];
    const openKv = () => Promise.reject(new TypeError(reason));
    const store = await ResumeStore.open(home.path, (warning) => warnings.push(warning), openKv);
    assert.match(warnings.join(), /nothing is remembered from run to run/);
    await store.savePhase(infoHash, "active");
    assert.equal(await store.phase(infoHash), "active");
    await store.markClean();
    store.close();
    assert.deepEqual(fs.readdirSync(join(home.path, "state")), []);
  }
});

Deno.test("ResumeStore reads values of the wrong kind as nothing", async () => {
  using home = new TestHome();
  const kv = await Deno.openKv(kvPath(home));
  await kv.set(["session"], { version: 1, clean: "yes", ports: { peer: "x" } });
  await kv.set(["torrent", infoHash], { phase: "finished" });
  await kv.set(["stored", infoHash, 0], new Uint8Array(99));
  await kv.set(["stamps", infoHash, 0], "text");
  await kv.set(["blocks", infoHash, "x"], 5);
  await kv.set(["peers", infoHash], [1, "10.0.0.1:1", null]);
  await kv.set(["totals", infoHash], { uploaded: "many", downloaded: -5 });
  const positions = [{ first: 1 }, { first: 2, last: 3, more: 4 }, "5"];
  await kv.set(["choice", infoHash], { only: [7, "*.pdf", ""], skip: "all", positions, isSequential: 1 });
  kv.close();
  const store = await ResumeStore.open(home.path, noWarning);
  assert.equal(store.wasClean, false);
  assert.equal(store.ports, undefined);
  assert.equal(await store.phase(infoHash), undefined);
  assert.equal((await store.bits("stored", infoHash, 10)).count, 0);
  assert.deepEqual(await store.stamps(infoHash, 1), [undefined]);
  assert.equal((await store.takeUnfinished(infoHash)).size, 0);
  assert.deepEqual(await store.peers(infoHash), ["10.0.0.1:1"]);
  assert.deepEqual(await store.totals(infoHash), { uploaded: 0, downloaded: 0 });
  const choice = {
    only: ["*.pdf"],
    skip: [],
    positions: [{ first: 2, last: 3 }],
    first: [],
    firstPositions: [],
    isSequential: undefined,
  };
  assert.deepEqual(await store.choice(infoHash), choice);
  store.close();
});

needs("symbolic links")("ResumeStore refuses what is no file, and puts nothing aside for that", async () => {
  using home = new TestHome();
  fs.mkdirSync(kvPath(home));
  await assert.rejects(ResumeStore.open(home.path, noWarning), /^StorageError: Cannot open state\/peer.kv: /);
  fs.rmdirSync(kvPath(home));
  fs.symlinkSync("/nowhere", kvPath(home));
  await assert.rejects(ResumeStore.open(home.path, noWarning), /Expected no symbolic link/);
});
