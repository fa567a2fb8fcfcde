import assert from "node:assert/strict";
import fs from "node:fs";
import { spelledAsOnDisk } from "../../lib/disk/spelling.ts";
import { PIECE, TestHome, TestTorrent } from "./test_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

const NFC = "caf\u00e9";
const NFD = "cafe\u0301";

async function pathsIn(home: TestHome, torrent: TestTorrent) {
  const { metainfo, problems } = await spelledAsOnDisk(torrent.metainfo, home.path);
  return { paths: metainfo.files.map(({ path }) => path.join("/")), problems };
}

needs("names of all kinds")("spelledAsOnDisk finds data whose names are spelled in another way", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent([[`${NFC}/${NFC}.bin`, PIECE + 10], [`${NFC}/what?`, PIECE]]);
  home.share(torrent);
  fs.writeFileSync(home.shared(`${NFC}/a\\..\\b`), "no name of a torrent");
  fs.renameSync(home.shared(`${NFC}/${NFC}.bin`), home.shared(`${NFC}/${NFD}.bin`));
  fs.renameSync(home.shared(`${NFC}/what_`), home.shared(`${NFC}/what?`));
  fs.renameSync(home.shared(NFC), home.shared(NFD));
  assert.deepEqual(await pathsIn(home, torrent), {
    paths: [`${NFD}/${NFD}.bin`, `${NFD}/what?`],
    problems: [],
  });
  using empty = new TestHome();
  assert.deepEqual((await pathsIn(empty, torrent)).paths, [`${NFC}/${NFC}.bin`, `${NFC}/what_`]);
});

needs("names of all kinds")(
  "spelledAsOnDisk says what is different about a name that is nearly the right one",
  async () => {
    using home = new TestHome();
    const torrent = new TestTorrent([["Film.mp4", PIECE]]);
    fs.writeFileSync(home.shared("film.MP4"), "");
    const { paths, problems } = await pathsIn(home, torrent);
    assert.deepEqual(paths, ["Film.mp4"]);
    assert.match(problems.join(), /^film\.MP4 in shareable\/ has other capitals than Film\.mp4/);
  },
);

Deno.test("spelledAsOnDisk asks once for a folder that lacks, whatever the number of files in it", async () => {
  using home = new TestHome();
  const torrent = new TestTorrent(Array.from({ length: 300 }, (_, i) => [`none/d${i % 3}/${i}`, 1]));
  const { existsSync } = fs;
  let asked = 0;
  fs.existsSync = (path) => (asked++, existsSync(path));
  try {
    const { metainfo, problems } = await spelledAsOnDisk(torrent.metainfo, home.path);
    assert.deepEqual(metainfo.files, torrent.metainfo.files);
    assert.deepEqual(problems, []);
  } finally {
    fs.existsSync = existsSync;
  }
  assert.equal(asked, 1);
});

needs("symbolic links")("spelledAsOnDisk looks at nothing behind a link", async () => {
  using home = new TestHome();
  using outside = new TestHome();
  const torrent = new TestTorrent([["films/lacks.bin", PIECE], ["films/album/tracks/what_", PIECE]]);
  fs.mkdirSync(outside.shared("tracks"));
  fs.writeFileSync(outside.shared("tracks/what?"), "");
  fs.mkdirSync(home.shared("films"));
  fs.symlinkSync(outside.shared(""), home.shared("films/album"));
  assert.deepEqual(await pathsIn(home, torrent), {
    paths: ["films/lacks.bin", "films/album/tracks/what_"],
    problems: [],
  });
});

needs("names of all kinds")(
  "spelledAsOnDisk reads no folder for names that are there, as a folder may belong to a thousand torrents",
  async () => {
    using home = new TestHome();
    const torrent = new TestTorrent([["films/one.mp4", PIECE], ["films/two.mp4", PIECE]]);
    home.share(torrent);
    const { readdir } = fs.promises;
    let reads = 0;
    fs.promises.readdir = ((...args: Parameters<typeof readdir>) => {
      reads++;
      return readdir(...args);
    }) as typeof readdir;
    try {
      assert.deepEqual((await pathsIn(home, torrent)).paths, ["films/one.mp4", "films/two.mp4"]);
      assert.equal(reads, 0);
      fs.renameSync(home.shared("films/two.mp4"), home.shared("films/TWO.mp4"));
      assert.equal((await pathsIn(home, torrent)).problems.length, 1);
      assert.equal(reads, 1);
    } finally {
      fs.promises.readdir = readdir;
    }
  },
);
