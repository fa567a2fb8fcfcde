/** Files that another program holds for a while, as virus scanners and indexers do on Windows. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { BusyStorageError } from "../../lib/errors.ts";
import { isBusy, storageFailure, tryAgain } from "../../lib/disk/storage_failure.ts";
import { renameOver } from "../../lib/disk/replace_file.ts";
import { needs } from "../harness/processes/require_tool.ts";
import { allPieces, assertServes, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const torrent = new TestTorrent([["album/one.bin", PIECE + 10], ["album/two.bin", 2 * PIECE]]);

/** Makes functions of `node:fs` fail so many times for paths with this end; disposal gives the real ones back. */
function busy(names: readonly ("openSync" | "renameSync")[], ending: string, times: number): Disposable {
  const real = Object.fromEntries(names.map((name) => [name, fs[name]]));
  const left = Object.fromEntries(names.map((name) => [name, times]));
  for (const name of names) {
    const call = fs[name] as (...args: unknown[]) => unknown;
    Object.assign(fs, {
      [name]: (...args: unknown[]) => {
        const isMeant = String(args[0]).endsWith(ending) && left[name]-- > 0;
        if (isMeant) throw Object.assign(new Error("held"), { code: "EBUSY" });
        return call(...args);
      },
    });
  }
  return { [Symbol.dispose]: () => void Object.assign(fs, real) };
}

Deno.test("PieceStore tries again where another program holds a file", async () => {
  using home = new TestHome();
  using _busy = busy(["openSync", "renameSync"], "one.bin", 2);
  const open = await home.open(torrent);
  await open.commit(torrent, ...allPieces(torrent));
  open.store.finish();
  await open.stop();
  assert.deepEqual(open.failures, []);
  home.assertFinished(torrent);
});

Deno.test("PieceStore lets an upload wait, and claims no damage, while another program holds a file", async () => {
  using home = new TestHome();
  home.share(torrent);
  const open = await home.open(torrent);
  {
    using _busy = busy(["openSync"], "one.bin", 1);
    assert.throws(() => open.store.readInto(0, 0, new Uint8Array(PIECE)), BusyStorageError);
  }
  assertServes(torrent, open, allPieces(torrent));
  assert.deepEqual(open.failures, []);
  await open.stop();
});

Deno.test("tryAgain gives up at once on what will not pass", async () => {
  let tries = 0;
  const fail = () => {
    tries++;
    throw Object.assign(new Error("no"), { code: "ENOSPC" });
  };
  await assert.rejects(tryAgain(fail), /no/);
  assert.equal(tries, 1);
});

Deno.test("storageFailure says that another program uses a file", () => {
  const failure = storageFailure("open a", Object.assign(new Error("x"), { code: "EBUSY" }));
  assert.equal(failure.message, "Cannot open a: another program is using it");
  assert.ok(failure instanceof BusyStorageError && isBusy(failure));
});

Deno.test("renameOver replaces a file that is marked as read-only", async () => {
  using home = new TestHome();
  fs.writeFileSync(home.shared("old"), "old");
  fs.writeFileSync(home.shared("new"), "new");
  fs.chmodSync(home.shared("old"), 0o444);
  await renameOver(home.shared("new"), home.shared("old"));
  assert.equal(fs.readFileSync(home.shared("old"), "utf8"), "new");
});

/** Opens a file as a program does that lets nobody else use it; returns what closes it. Windows only. */
function holdAlone(path: string): () => void {
  const kernel = Deno.dlopen("kernel32.dll", {
    CreateFileW: {
      parameters: ["buffer", "u32", "u32", "pointer", "u32", "u32", "pointer"],
      result: "isize",
    },
    CloseHandle: { parameters: ["isize"], result: "i32" },
  });
  const name = Uint16Array.from(`${path}\0`, (character) => character.charCodeAt(0));
  const [GENERIC_READ, SHARE_NOTHING, OPEN_EXISTING] = [0x80000000, 0, 3];
  const handle = kernel.symbols.CreateFileW(name, GENERIC_READ, SHARE_NOTHING, null, OPEN_EXISTING, 0, null);
  assert.notEqual(handle, -1n);
  return () => {
    kernel.symbols.CloseHandle(handle);
    kernel.close();
  };
}

needs("windows")("PieceStore waits for a program that holds its files without sharing them", async () => {
  using home = new TestHome();
  home.share(torrent, (path, content) => path.endsWith("two.bin") ? content.slice(0, PIECE) : content);
  const letGo = holdAlone(home.shared("album/one.bin"));
  setTimeout(letGo, 300);
  const open = await home.open(torrent);
  assert.deepEqual([...open.recovered.have], [0, 1]);
  await open.commit(torrent, 2, 3);
  const letGoOfOld = holdAlone(home.shared("album/two.bin"));
  setTimeout(letGoOfOld, 300);
  open.store.finish();
  await open.stop();
  assert.deepEqual(open.failures, []);
  home.assertFinished(torrent);
});
