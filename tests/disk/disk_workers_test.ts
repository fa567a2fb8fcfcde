import assert from "node:assert/strict";
import fs from "node:fs";
import { CommitChoice } from "../../lib/disk/commit_choice.ts";
import { DiskWorkers } from "../../lib/disk/disk_workers.ts";
import { checkTorrent } from "../../lib/disk/piece_checker.ts";
import { TorrentFiles } from "../../lib/disk/torrent_files.ts";
import { StorageError } from "../../lib/errors.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { STORAGE } from "../../lib/settings.ts";
import { pieceHash } from "../../lib/protocol/metainfo.ts";
import { allPieces, PIECE, TestHome, TestTorrent } from "./test_home.ts";
import { needs } from "../harness/processes/require_tool.ts";

const torrent = new TestTorrent([["album/one", 3 * PIECE + 9], ["album/two", 5 * PIECE]]);

async function withWorkers(
  work: (workers: DiskWorkers, files: TorrentFiles, home: TestHome) => Promise<void>,
  choice?: CommitChoice,
): Promise<void> {
  using home = new TestHome();
  const workers = new DiskWorkers(choice);
  try {
    await work(workers, new TorrentFiles(torrent.metainfo, home.path), home);
  } finally {
    workers.close();
  }
}

Deno.test("DiskWorkers sees a file anew after its release", async () => {
  await withWorkers(async (workers, files, home) => {
    const commit = (index: number) =>
      workers.commit(files.tmp, index, torrent.piece(index), pieceHash(torrent.metainfo, index));
    await files.tmp.create();
    assert.equal((await commit(0)).outcome, "stored");
    await workers.release(files.tmp.description);
    fs.renameSync(home.tmp(torrent, "album"), home.tmp(torrent, "away"));
    const { outcome } = await commit(1);
    assert.ok(outcome instanceof StorageError);
    assert.match(outcome.message, /^Expected a file at state\/tmp\/.*\/album\/one, got nothing$/);
    await files.tmp.create();
    assert.equal((await commit(2)).outcome, "stored");
    assert.deepEqual(
      new Uint8Array(fs.readFileSync(home.tmp(torrent, "album/one"))).slice(2 * PIECE, 3 * PIECE),
      torrent.piece(2),
    );
  });
});

/** Always the same thread, and what it was told about commits. */
class FixedChoice extends CommitChoice {
  commits = 0;
  readonly #isMainThread: boolean;

  constructor(isMainThread: boolean) {
    super();
    this.#isMainThread = isMainThread;
  }

  override isForMainThread(): boolean {
    return this.#isMainThread;
  }

  override took(milliseconds: number): void {
    assert.ok(milliseconds > 0);
    this.commits++;
  }
}

for (const [thread, isMainThread] of [["a worker", false], ["the main thread", true]] as const) {
  Deno.test(`DiskWorkers commits in ${thread} what is right, and returns its memory in any case`, async () => {
    const choice = new FixedChoice(isMainThread);
    await withWorkers(async (workers, files, home) => {
      await files.tmp.create();
      const commit = (index: number, piece: Uint8Array<ArrayBuffer>) => {
        const { buffer } = piece;
        const result = workers.commit(files.tmp, index, piece, pieceHash(torrent.metainfo, index));
        assert.equal(buffer.detached, !isMainThread);
        return result;
      };
      const last = torrent.metainfo.layout.pieceCount - 1;
      for (const index of [1, last]) {
        const buffer = new Uint8Array(PIECE);
        buffer.set(torrent.piece(index));
        const contents = buffer.slice();
        assert.deepEqual(await commit(index, buffer), { outcome: "stored", buffer: contents });
      }
      const wrong = torrent.piece(2).slice().fill(7, 3, 5);
      const contents = wrong.slice();
      assert.deepEqual(await commit(2, wrong), { outcome: "corrupt", buffer: contents });
      const written = new Uint8Array(fs.readFileSync(home.tmp(torrent, "album/one")));
      assert.deepEqual(written.subarray(PIECE, 2 * PIECE), torrent.piece(1));
      assert.deepEqual(written.subarray(2 * PIECE, 3 * PIECE), new Uint8Array(PIECE));

      files.tmp.close();
      await workers.release(files.tmp.description);
      fs.rmSync(home.tmp(torrent, "album/one"));
      const refused = await commit(0, torrent.piece(0).slice());
      assert.ok(refused.outcome instanceof StorageError);
      assert.deepEqual(refused.buffer, torrent.piece(0));
      assert.equal(choice.commits, 4);
    }, choice);
  });
}

Deno.test("DiskWorkers fails what was under way when it is closed, and all later work", async () => {
  await withWorkers(async (workers, files) => {
    await files.tmp.create();
    const commit = () => workers.commit(files.tmp, 0, torrent.piece(0), pieceHash(torrent.metainfo, 0));
    const underWay = commit();
    workers.close();
    for (const { outcome, buffer } of [await underWay, await commit()]) {
      assert.ok(outcome instanceof StorageError);
      assert.equal(buffer.length, PIECE);
    }
    await assert.rejects(
      workers.hashPieces(files.tmp.description, files.tmp.layout, [0], () => {}),
      StorageError,
    );
  });
});

Deno.test("DiskWorkers ends a check that is under way when it is closed", async () => {
  for (const isWriting of [true, false]) {
    await withWorkers(async (workers, files, home) => {
      home.share(torrent);
      if (isWriting) workers.prepare();
      const { description, layout } = files.shareable;
      const check = workers.hashPieces(description, layout, allPieces(torrent), () => {});
      workers.close();
      await assert.rejects(check, StorageError);
    });
  }
});

Deno.test("DiskWorkers stops hashing when told to", async () => {
  await withWorkers(async (workers, files, home) => {
    home.share(torrent);
    const abort = new AbortController();
    abort.abort(new Error("enough"));
    const { shareable } = files;
    await assert.rejects(
      workers.hashPieces(shareable.description, shareable.layout, [0, 1], () => {}, abort.signal),
      { message: "enough" },
    );
  });
});

Deno.test("DiskWorkers starts no more threads for a check than it has batches", async () => {
  const { Worker } = globalThis;
  let started = 0;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started++;
    }
  };
  try {
    await withWorkers(async (workers, files, home) => {
      home.share(torrent);
      const hashed: number[] = [];
      const { description, layout } = files.shareable;
      const check = () =>
        workers.hashPieces(description, layout, allPieces(torrent), (index) => hashed.push(index));
      await check();
      assert.deepEqual([started, hashed.toSorted()], [1, allPieces(torrent)]);
      await Promise.all([check(), check()]);
      assert.equal(started, 1 + Math.min(2, navigator.hardwareConcurrency), "two checks run side by side");
      started = 0;
      workers.prepare();
      await check();
      assert.equal(started, 1, "the thread that writes has checked");
    });
  } finally {
    globalThis.Worker = Worker;
  }
});

Deno.test("DiskWorkers shares tiny files among its threads by their number, and hashes all of them", async () => {
  const count = 3 * STORAGE.checkBatch.files;
  const tiny = new TestTorrent(Array.from({ length: count }, (_, i) => [`tiny/${i}`, 64]), 4 * 1024);
  using home = new TestHome();
  home.share(tiny);
  const { Worker } = globalThis;
  let started = 0;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started++;
    }
  };
  const workers = new DiskWorkers();
  try {
    const { good } = await checkTorrent(tiny.metainfo, home.path, workers, () => {});
    assert.ok(good.isFull, `${good.count} of ${good.length} pieces`);
    assert.equal(started, Math.min(3, navigator.hardwareConcurrency));
  } finally {
    globalThis.Worker = Worker;
    workers.close();
  }
});

Deno.test("checkTorrent tells good, bad and missing pieces apart and changes nothing", async () => {
  await withWorkers(async (workers, files, home) => {
    const check = async () => {
      const { good, bad, missing } = await checkTorrent(torrent.metainfo, home.path, workers, () => {});
      return { good: [...good], bad, missing };
    };
    assert.deepEqual(await check(), { good: [], bad: [], missing: allPieces(torrent) });
    home.share(
      torrent,
      (path, content) => path === "album/one" ? content.with(PIECE, content[PIECE] ^ 1) : undefined,
    );
    assert.deepEqual(await check(), { good: [0, 2], bad: [1], missing: [3, 4, 5, 6, 7, 8] });
    await files.tmp.create();
    files.tmp.write(4 * PIECE, torrent.piece(4));
    files.tmp.write(PIECE, torrent.piece(1));
    files.tmp.write(6 * PIECE, new Uint8Array([1]));
    files.tmp.close();
    assert.deepEqual(await check(), { good: [0, 1, 2, 4], bad: [6], missing: [3, 5, 7, 8] });
    assert.ok(!fs.existsSync(`${home.path}/state/peer.kv`));
  });
});

Deno.test("checkTorrent sees files of another size, and empty ones that lack", async () => {
  await withWorkers(async (workers, _, home) => {
    const torrent = new TestTorrent([["box/a", PIECE], ["box/none", 0], ["box/empty", 0], ["box/z", 5]]);
    home.share(torrent, (path, content) => {
      if (path === "box/none") return undefined;
      return path === "box/a" ? content : concatBytes(content, new Uint8Array(1));
    });
    const { good, wrongSizes } = await checkTorrent(torrent.metainfo, home.path, workers, () => {});
    assert.ok(good.isFull);
    assert.deepEqual(wrongSizes, ["shareable/box/none", "shareable/box/empty", "shareable/box/z"]);
  });
});

needs("symbolic links")("checkTorrent never follows a symbolic link", async () => {
  await withWorkers(async (workers, _, home) => {
    using outside = new TestHome();
    outside.share(torrent);
    fs.symlinkSync(outside.shared("album"), home.shared("album"));
    await assert.rejects(
      checkTorrent(torrent.metainfo, home.path, workers, () => {}),
      /Expected no symbolic link/,
    );
  });
});
