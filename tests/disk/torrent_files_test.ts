import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { FileRow } from "../../lib/disk/file_row.ts";
import { OpenFiles } from "../../lib/disk/open_files.ts";
import { TorrentFiles } from "../../lib/disk/torrent_files.ts";
import { allPieces, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const torrent = new TestTorrent([["album/one", PIECE + 1], ["album/two", 3 * PIECE], ["album/empty", 0]]);

async function withFiles(work: (files: TorrentFiles, home: TestHome) => Promise<void>): Promise<void> {
  using home = new TestHome();
  const files = new TorrentFiles(torrent.metainfo, home.path, undefined, new OpenFiles(8));
  await files.tmp.create();
  files.tmp.write(0, torrent.content);
  try {
    await work(files, home);
  } finally {
    files.close();
  }
}

/** Makes renames between folders fail as they do between file systems, until disposed. */
function separateFileSystems(): Disposable {
  const { renameSync } = fs;
  fs.renameSync = (from, to) => {
    if (!String(from).includes("shareable")) {
      throw Object.assign(new Error("cross-device link"), { code: "EXDEV" });
    }
    renameSync(from, to);
  };
  return { [Symbol.dispose]: () => fs.renameSync = renameSync };
}

/** Mounts a small file system in memory; undefined where we may not. */
async function mountTmpfs(folder: string, size: string): Promise<AsyncDisposable | undefined> {
  const run = async (command: string, ...args: string[]) => {
    const { success } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return success;
  };
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return undefined;
  if (!await run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder)) return undefined;
  return { [Symbol.asyncDispose]: async () => assert.ok(await run("umount", folder)) };
}

const probe = Deno.makeTempDirSync();
const canMount = await mountTmpfs(probe, "64k").then(async (mount) => {
  await mount?.[Symbol.asyncDispose]();
  return mount !== undefined;
});
Deno.removeSync(probe);

/** Calls `look` after each rename and removal, and at each of the next turns of the queue of microtasks; until disposed. */
function lookingAfterEachStep(look: () => void): { looked: number } & Disposable {
  const { renameSync, unlinkSync } = fs;
  const looking = {
    looked: 0,
    [Symbol.dispose]: () => void Object.assign(fs, { renameSync, unlinkSync }),
  };
  const begin = async () => {
    for (let turn = 0; turn < 20; turn++) {
      await undefined;
      look();
      looking.looked++;
    }
  };
  fs.renameSync = (...paths) => {
    renameSync(...paths);
    void begin();
  };
  fs.unlinkSync = (path) => {
    unlinkSync(path);
    void begin();
  };
  return looking;
}

for (const way of ["by renaming", "across file systems", "where copies are there already"]) {
  Deno.test(`TorrentFiles serves every byte at each turn of a move ${way}`, async () => {
    await withFiles(async (files, home) => {
      using _ = way === "by renaming" ? undefined : separateFileSystems();
      if (way === "where copies are there already") {
        const copies = new FileRow({ ...files.tmp.description, base: ["shareable"] }, new OpenFiles(8));
        await copies.create();
        copies.write(0, torrent.content);
        copies.close();
      }
      const target = new Uint8Array(torrent.content.length);
      const failures: unknown[] = [];
      using looking = lookingAfterEachStep(() => {
        try {
          files.read(0, target.fill(0));
          assert.deepEqual(target, torrent.content);
        } catch (error) {
          failures.push(error);
        }
      });
      await files.moveToShareable([]);
      assert.deepEqual(failures, []);
      assert.ok(looking.looked > 20);
      files.removeTmp();
      home.assertFinished(torrent);
    });
  });
}

Deno.test("TorrentFiles serves every byte before, while and after files move", async () => {
  await withFiles(async (files, home) => {
    const read = () => {
      const target = new Uint8Array(torrent.content.length);
      files.read(0, target);
      assert.deepEqual(target, torrent.content);
    };
    read();
    using _ = separateFileSystems();
    const moved = files.moveToShareable([]);
    read();
    await moved;
    read();
    files.removeTmp();
    home.assertFinished(torrent);
  });
});

Deno.test("TorrentFiles copies across file systems and leaves nothing beside", async () => {
  await withFiles(async (files, home) => {
    using _ = separateFileSystems();
    fs.mkdirSync(home.shared("album"));
    fs.writeFileSync(home.shared(`album/.peer-${torrent.metainfo.infoHash}-0.part`), "cut off before");
    await files.moveToShareable([]);
    assert.deepEqual(fs.readdirSync(home.shared("album")).sort(), ["empty", "one", "two"]);
    files.removeTmp();
    home.assertFinished(torrent);
  });
});

Deno.test("TorrentFiles completes a move across file systems that was cut off before the old file was gone", async () => {
  await withFiles(async (files, home) => {
    fs.mkdirSync(home.shared("album"));
    fs.copyFileSync(home.tmp(torrent, "album/two"), home.shared("album/two"));
    await files.moveToShareable([]);
    files.removeTmp();
    home.assertFinished(torrent);
  });
});

Deno.test({
  name: "TorrentFiles moves between two real file systems",
  ignore: !canMount,
  fn: () =>
    withFiles(async (files, home) => {
      await using _ = await mountTmpfs(join(home.path, "shareable"), "1m");
      await files.moveToShareable([]);
      files.removeTmp();
      home.assertFinished(torrent);
      files.close();
    }),
});

Deno.test({
  name: "TorrentFiles keeps everything when the file system of shareable is full",
  ignore: !canMount,
  fn: () =>
    withFiles(async (files, home) => {
      await using _ = await mountTmpfs(join(home.path, "shareable"), "32k");
      await assert.rejects(files.moveToShareable([]), {
        name: "StorageError",
        message: "Cannot move state/tmp/" + torrent.metainfo.infoHash +
          "/album/two to shareable/album/two: no space left on device",
      });
      const target = new Uint8Array(torrent.content.length);
      files.read(0, target);
      assert.deepEqual(target, torrent.content);
      files.close();
    }),
});

Deno.test({
  name: "PieceStore tells of a full disk in words and keeps what was written",
  ignore: !canMount,
  async fn() {
    using home = new TestHome();
    const big = new TestTorrent([["big.bin", 64 * PIECE]]);
    fs.mkdirSync(home.tmp(big), { recursive: true });
    {
      await using _ = await mountTmpfs(home.tmp(big), "256k");
      const open = await home.open(big);
      await open.commit(big, ...allPieces(big));
      assert.ok(open.failures.length > 0);
      assert.match(open.failures[0].message, /^Cannot write state\/tmp\/.*big.bin: no space left on device$/);
      assert.ok(open.stored.length >= 8);
      assert.equal(open.store.buffersTaken, 0);
      await open.stop();
      const again = await home.open(big);
      assert.deepEqual([...again.recovered.have], open.stored.toSorted((a, b) => a - b));
      await again.stop();
    }
  },
});

Deno.test("TorrentFiles moves nothing when one file is in the way", async () => {
  await withFiles(async (files, home) => {
    fs.mkdirSync(home.shared("album"));
    fs.writeFileSync(home.shared("album/two"), new Uint8Array(3 * PIECE));
    await assert.rejects(files.moveToShareable([]), /got another file; both are kept/);
    assert.deepEqual(fs.readdirSync(home.shared("album")), ["two"]);
  });
});

Deno.test("TorrentFiles refuses a folder or a pipe in a file's place", async () => {
  await withFiles(async (files, home) => {
    fs.mkdirSync(home.shared("album/one"), { recursive: true });
    await assert.rejects(files.moveToShareable([]), {
      name: "StorageError",
      message: "Expected a file at shareable/album/one, got something else",
    });
  });
});

Deno.test("OpenFiles keeps no more files open than allowed, over all torrents", () => {
  using home = new TestHome();
  const openFiles = new OpenFiles(3);
  const many = ["a", "b"].map((name) => {
    const torrent = new TestTorrent([[`${name}/1`, 5], [`${name}/2`, 5], [`${name}/3`, 5], [`${name}/4`, 5]]);
    home.share(torrent);
    const files = new TorrentFiles(torrent.metainfo, home.path, undefined, openFiles);
    files.setMoved();
    return { torrent, files };
  });
  for (let round = 0; round < 2; round++) {
    for (const { torrent, files } of many) {
      const target = new Uint8Array(20);
      files.read(0, target);
      assert.deepEqual(target, torrent.content);
      assert.ok(openFiles.count <= 3);
    }
  }
  for (const { files } of many) files.close();
  assert.equal(openFiles.count, 0);
});

Deno.test("OpenFiles closes a file that other threads read when they have done so", async () => {
  using home = new TestHome();
  const path = join(home.path, "data.bin");
  fs.writeFileSync(path, "some data");
  const { ino } = fs.statSync(path);
  const openFiles = new OpenFiles(1);
  const file = { fd: fs.openSync(path, "r"), forget: () => {}, readers: 0 };
  const isOpen = () => {
    try {
      return fs.fstatSync(file.fd).ino === ino;
    } catch {
      return false;
    }
  };
  openFiles.add(file);
  const target = new Uint8Array(4);
  const reading = openFiles.readLater(file, target, 5);
  openFiles.close(file);
  assert.equal(isOpen(), true);
  assert.equal(await reading, true);
  assert.equal(new TextDecoder().decode(target), "data");
  assert.equal(isOpen(), false);
  assert.equal(await openFiles.readLater(file, target, 5), false, "closed");
});
