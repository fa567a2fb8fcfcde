import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import { lookOf, watchFolder } from "../../lib/disk/folder_watch.ts";
import { TestHome } from "./test_home.ts";

/** Hears of what comes only. */
function listening(came: (path: string) => void) {
  return { came, left: () => {} };
}

Deno.test("watchFolder tells of each new torrent once it is stable, and stops", async () => {
  using home = new TestHome();
  const folder = join(home.path, "torrents");
  const path = (name: string) => join(folder, name);
  fs.writeFileSync(path("old.torrent"), "known");
  fs.writeFileSync(path("notes.txt"), "no torrent");
  fs.symlinkSync("loop.torrent", path("loop.torrent"));
  const abort = new AbortController();
  const heard: string[] = [];
  let growth = 0;
  const grow = setInterval(() => {
    if (growth++ < 5) fs.appendFileSync(path("new.torrent"), "part");
  }, 5);
  await new Promise<void>((resolve) => {
    watchFolder(
      folder,
      new Map([[path("old.torrent"), lookOf(path("old.torrent"))]]),
      listening((found) => {
        heard.push(found);
        if (heard.length === 1) {
          assert.ok(growth > 5, "still being written");
          fs.rmSync(path("new.torrent"));
          setTimeout(() => fs.writeFileSync(path("new.torrent"), "again"), 100);
        } else {
          abort.abort();
        }
      }),
      abort.signal,
      20,
    ).then(resolve);
  });
  clearInterval(grow);
  assert.deepEqual(heard, [path("new.torrent"), path("new.torrent")]);
});

Deno.test("watchFolder waits for a folder that is not there", async () => {
  using home = new TestHome();
  const folder = join(home.path, "later");
  const abort = new AbortController();
  setTimeout(() => {
    fs.mkdirSync(folder);
    fs.writeFileSync(join(folder, "a.torrent"), "x");
  }, 30);
  let heard = "";
  await watchFolder(
    folder,
    new Map(),
    listening((found) => {
      heard = found;
      abort.abort();
    }),
    abort.signal,
    10,
  );
  assert.equal(heard, join(folder, "a.torrent"));
});

Deno.test("watchFolder tells again of a torrent that was changed, renamed over, or replaced in the same instant", async () => {
  using home = new TestHome();
  const folder = join(home.path, "torrents");
  const [path, other] = [join(folder, "a.torrent"), join(folder, "part")];
  const written = new Date(1_000_000);
  const put = (file: string, text: string) => {
    fs.writeFileSync(file, text);
    fs.utimesSync(file, written, written);
  };
  put(path, "");
  const known = new Map([[path, lookOf(path)]]);
  const changes = [
    () => put(path, "placeholder"),
    () => (put(other, "PLACEHOLDER"), fs.renameSync(other, path)),
  ];
  const abort = new AbortController();
  let heard = 0;
  setTimeout(() => changes[0](), 30);
  const onFile = () => {
    heard++;
    if (heard < changes.length) changes[heard]();
    else abort.abort();
  };
  await watchFolder(
    folder,
    known,
    listening(onFile),
    AbortSignal.any([abort.signal, AbortSignal.timeout(5_000)]),
    10,
  );
  assert.equal(heard, changes.length);
});

Deno.test("watchFolder tells of a torrent that is taken out, once, and only then", async () => {
  using home = new TestHome();
  const folder = join(home.path, "torrents");
  const paths = ["stays", "goes"].map((name) => join(folder, `${name}.torrent`));
  for (const path of paths) fs.writeFileSync(path, "known");
  const known = new Map(paths.map((path) => [path, lookOf(path)]));
  const heard: string[] = [];
  setTimeout(() => fs.rmSync(paths[1]), 30);
  const listener = { came: (path: string) => heard.push(path), left: (path: string) => heard.push(path) };
  await watchFolder(folder, known, listener, AbortSignal.timeout(500), 10);
  assert.deepEqual(heard, [paths[1]]);
});
