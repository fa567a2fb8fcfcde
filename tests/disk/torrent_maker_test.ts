import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { defaultPieceLength, makeTorrent, type TorrentPlan } from "../../lib/disk/torrent_maker.ts";
import { PIECE, TestHome, TestTorrent } from "./test_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

const KIB = 1024;
const GIB = 1024 ** 3;

async function make(
  path: string,
  plan: Partial<TorrentPlan> = {},
  onProgress = (_: number, __: number) => {},
) {
  const workers = new DiskWorkers();
  try {
    return await makeTorrent(
      { path, announceTiers: [["10.0.0.5"]], isPrivate: false, workers, ...plan },
      onProgress,
    );
  } finally {
    workers.close();
  }
}

Deno.test("makeTorrent makes a torrent of a file", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["data.bin", 40 * PIECE + 3]]);
  home.share(torrent);
  const heard: number[] = [];
  const { metainfo } = await make(home.shared("data.bin"), {
    isPrivate: true,
    comment: "for the class",
    webSeeds: ["http://10.0.0.5/data.bin"],
    creationDate: 1_700_000_000,
  }, (done, total) => heard.push(done, total));
  assert.deepEqual(metainfo.pieceHashes, torrent.metainfo.pieceHashes);
  assert.deepEqual(metainfo.files, torrent.metainfo.files);
  assert.deepEqual(metainfo.announceTiers, [["10.0.0.5"]]);
  assert.equal(metainfo.isPrivate, true);
  assert.equal(metainfo.comment, "for the class");
  assert.match(metainfo.createdBy, /^peer\/\d/);
  assert.equal(metainfo.creationDate, 1_700_000_000);
  assert.deepEqual(metainfo.webSeeds, ["http://10.0.0.5/data.bin"]);
  assert.deepEqual(heard.slice(-2), [41, 41]);
});

Deno.test("makeTorrent makes a torrent of a folder, sorted, without symbolic links", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([["album/a/2", 5], ["album/a/3", 0], ["album/a-b", 7], [
    "album/z",
    2 * PIECE,
  ]]);
  home.share(torrent);
  fs.symlinkSync("/etc/passwd", home.shared("album/link"));
  fs.symlinkSync("/etc", home.shared("album/linked"));
  const { metainfo, bytes } = await make(home.shared("album/"), { pieceLength: PIECE });
  assert.deepEqual(metainfo.files.map(({ path }) => path.join("/")), [
    "album/a/2",
    "album/a/3",
    "album/a-b",
    "album/z",
  ]);
  assert.equal(metainfo.infoHash, torrent.metainfo.infoHash);
  assert.deepEqual((await make(home.shared("album"), { pieceLength: PIECE })).bytes, bytes);
});

Deno.test("makeTorrent makes a torrent of an empty file", async () => {
  using home = new TestHome();
  fs.writeFileSync(home.shared("empty"), "");
  const { metainfo } = await make(home.shared("empty"));
  assert.equal(metainfo.layout.pieceCount, 0);
});

async function refused(path: string, message: RegExp): Promise<void> {
  await assert.rejects(make(path), { name: "StorageError", message });
}

Deno.test("makeTorrent refuses what is not there, and a folder without files", async () => {
  using home = new TestHome();
  await refused(home.shared("nothing"), /^Cannot read .*nothing: no such file or folder$/);
  fs.mkdirSync(home.shared("empty"));
  await refused(home.shared("empty"), /^Expected a file in .*, got none$/);
});

needs("symbolic links")("makeTorrent refuses a symbolic link", async () => {
  using home = new TestHome();
  fs.symlinkSync(home.path, home.shared("link"));
  await refused(home.shared("link"), /^Expected a file or folder at .*, got something else$/);
});

needs("any file names")("makeTorrent refuses names that not every system can take", async () => {
  using home = new TestHome();
  fs.mkdirSync(home.shared("awkward"));
  fs.writeFileSync(home.shared("awkward/a:b"), "x");
  await refused(
    home.shared("awkward"),
    /^Expected names that every system can take, got "awkward\/a:b"; rename it/,
  );
  fs.rmSync(home.shared("awkward/a:b"));
  fs.writeFileSync(home.shared("awkward/readme"), "x");
  fs.writeFileSync(home.shared("awkward/README"), "x");
  await refused(home.shared("awkward"), /rename it/);
});

Deno.test("makeTorrent refuses a file that changes while it is read", async () => {
  using home = new TestHome();
  const path = join(home.path, "growing");
  fs.writeFileSync(path, new Uint8Array(1024 * KIB));
  await assert.rejects(make(path, { pieceLength: PIECE }, () => fs.appendFileSync(path, "more")), {
    name: "StorageError",
    message: "Expected growing to stay as it is, but it changed while it was read",
  });
});

Deno.test("defaultPieceLength makes 1,000 to 2,000 pieces between 16 KiB and 16 MiB", () => {
  assert.equal(defaultPieceLength(0), 16 * KIB);
  assert.equal(defaultPieceLength(2_000 * 16 * KIB), 16 * KIB);
  assert.equal(defaultPieceLength(2_000 * 16 * KIB + 1), 32 * KIB);
  assert.equal(defaultPieceLength(1 * GIB), 1024 * KIB);
  assert.equal(defaultPieceLength(5 * GIB), 4096 * KIB);
  assert.equal(defaultPieceLength(5_000 * GIB), 16 * 1024 * KIB);
});
