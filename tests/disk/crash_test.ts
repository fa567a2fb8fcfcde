/** Runs that end between any two steps, and what the next run makes of what they left. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { join } from "node:path";
import type { ResumeStore } from "../../lib/disk/state/resume_store.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { STORAGE } from "../../lib/settings.ts";
import { allPieces, assertServes, type OpenStore, PIECE, TestHome, TestTorrent } from "./test_home.ts";

const torrent = new TestTorrent([
  ["album/one.bin", PIECE + 10],
  ["album/deep/two.bin", 6 * PIECE],
  ["album/empty", 0],
  ["album/three.bin", 700],
], 2 * BLOCK_LENGTH);

/** Lets so many steps that change something on disk happen, and none after them. */
class Fault {
  #stepsLeft = Infinity;
  readonly #replaced = new Map<string, unknown>();

  constructor() {
    for (
      const name of ["renameSync", "unlinkSync", "rmSync", "mkdirSync", "ftruncateSync", "writeSync"] as const
    ) {
      const real = fs[name] as (...args: unknown[]) => unknown;
      this.#replaced.set(name, real);
      Object.assign(fs, { [name]: (...args: unknown[]) => (this.#step(), real(...args)) });
    }
  }

  /** Whether the end was reached. */
  get isReached(): boolean {
    return this.#stepsLeft < 0;
  }

  endAfter(steps: number): void {
    this.#stepsLeft = steps;
  }

  #step(): void {
    if (--this.#stepsLeft < 0) throw new Error("the process has ended");
  }

  /** A resume store whose changes are steps too. */
  readonly wrap = (resume: ResumeStore): ResumeStore =>
    new Proxy(resume, {
      get: (target, name) => {
        const member = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return async (...args: unknown[]) => {
          if (/^(save|mark)/.test(String(name))) this.#step();
          return await member.apply(target, args);
        };
      },
    });

  [Symbol.dispose](): void {
    Object.assign(fs, Object.fromEntries(this.#replaced));
  }
}

/** Does `work` again and again, ended one step later each time, until it is not ended any more. */
async function endedAfterEachStep(
  work: (home: TestHome, fault: Fault, ended: number) => Promise<OpenStore>,
  look: (home: TestHome) => Promise<void>,
): Promise<number> {
  for (let steps = 0;; steps++) {
    assert.ok(steps < 100, "the work does not end");
    using home = new TestHome();
    let isReached: boolean;
    {
      using fault = new Fault();
      const open = await work(home, fault, steps);
      ({ isReached } = fault);
      await open.crash();
    }
    await look(home);
    if (!isReached) return steps;
  }
}

Deno.test("PieceStore completes a finish that ended between any two steps", async () => {
  const steps = await endedAfterEachStep(async (home, fault, steps) => {
    const open = await home.open(torrent, { resume: fault.wrap });
    await open.commit(torrent, ...allPieces(torrent));
    await open.store.flush(0);
    fault.endAfter(steps);
    open.store.finish();
    await open.store.flushNow().catch(() => {});
    return open;
  }, async (home) => {
    const open = await home.open(torrent);
    assert.ok(open.recovered.finished);
    assertServes(torrent, open, allPieces(torrent));
    home.assertFinished(torrent);
    await open.stop();
  });
  assert.ok(steps >= 10, `${steps}`);
});

Deno.test("PieceStore completes a finish over a damaged copy that ended between any two steps", async () => {
  await endedAfterEachStep(async (home, fault, steps) => {
    home.share(torrent, (path, content) => path.endsWith("two.bin") ? content.slice(0, -1) : content);
    const open = await home.open(torrent, { resume: fault.wrap });
    await open.commit(torrent, ...allPieces(torrent).filter((index) => !open.recovered.have.has(index)));
    fault.endAfter(steps);
    open.store.finish();
    await open.store.flushNow().catch(() => {});
    return open;
  }, async (home) => {
    const open = await home.open(torrent);
    await open.commit(torrent, ...allPieces(torrent).filter((index) => !open.recovered.have.has(index)));
    if (!open.recovered.finished) open.store.finish();
    await open.store.flushNow();
    assert.equal(open.failures.length, 0, open.failures[0]?.message);
    home.assertFinished(torrent);
    await open.stop();
  });
});

Deno.test("PieceStore claims no piece it has not, when a flush ended between any two steps", async () => {
  await endedAfterEachStep(async (home, fault, steps) => {
    const open = await home.open(torrent, { resume: fault.wrap });
    fault.endAfter(steps);
    await open.commit(torrent, 0);
    await open.store.flush(0);
    await open.commit(torrent, 1);
    await open.store.flush(1_000);
    await open.store.flush(STORAGE.syncMs);
    const buffer = open.store.takeBuffer();
    buffer.set(torrent.piece(2));
    const blocks = new Bitfield(torrent.metainfo.layout.blocksIn(2));
    blocks.add(0);
    try {
      open.store.saveUnfinished(2, buffer, blocks);
      await open.store.flushNow();
      await open.resume.markClean();
    } catch {
      // The process has ended.
    }
    return open;
  }, async (home) => {
    const open = await home.open(torrent);
    assertServes(torrent, open, open.recovered.have);
    assert.ok(!open.recovered.have.has(2));
    for (const { buffer, blocks } of open.recovered.unfinished.values()) {
      assert.deepEqual([...blocks], [0]);
      assert.deepEqual(buffer.slice(0, BLOCK_LENGTH), torrent.piece(2).slice(0, BLOCK_LENGTH));
      open.store.giveBuffer(buffer);
    }
    await open.stop();
  });
});

Deno.test("PieceStore claims no piece it has not, when its first look ended between any two steps", async () => {
  for (const claimed of ["active", "moving", "complete"] as const) {
    await endedAfterEachStep(async (home, fault, steps) => {
      const before = await home.open(torrent);
      await before.commit(torrent, ...allPieces(torrent));
      await before.store.flushNow();
      await before.resume.savePhase(torrent.metainfo.infoHash, claimed);
      await before.crash();
      fs.rmSync(home.tmp(torrent, "album/deep/two.bin"));
      fault.endAfter(steps);
      return await home.open(torrent, { resume: fault.wrap }).catch(() =>
        ({ crash: async () => {} }) as OpenStore
      );
    }, async (home) => {
      const open = await home.open(torrent);
      assert.ok(!open.recovered.finished);
      assert.ok(!open.recovered.have.isFull);
      assertServes(torrent, open, open.recovered.have);
      await open.stop();
    });
  }
});

const ONE = { only: ["album/one.bin"] };

Deno.test("PieceStore completes a finish of some files that ended between any two steps", async () => {
  const steps = await endedAfterEachStep(async (home, fault, steps) => {
    const open = await home.open(torrent, { ...ONE, resume: fault.wrap });
    await open.commit(torrent, 0);
    await open.store.flush(0);
    fault.endAfter(steps);
    open.store.finish();
    await open.store.flushNow().catch(() => {});
    return open;
  }, async (home) => {
    const open = await home.open(torrent, ONE);
    assert.ok(open.recovered.finished);
    assertServes(torrent, open, [0]);
    assert.deepEqual(fs.readdirSync(home.shared("album")), ["one.bin"]);
    await open.stop();
  });
  assert.ok(steps >= 5, `${steps}`);
});

Deno.test("PieceStore claims no piece it has not, when a change of the selection ended between any two steps", async () => {
  const steps = await endedAfterEachStep(async (home, fault, steps) => {
    const before = await home.open(torrent, ONE);
    await before.commit(torrent, 0);
    before.store.finish();
    await before.stop();
    fault.endAfter(steps);
    return await home.open(torrent, { resume: fault.wrap }).catch(() =>
      ({ crash: async () => {} }) as OpenStore
    );
  }, async (home) => {
    for (const only of [ONE.only, undefined]) {
      const open = await home.open(torrent, { only });
      assert.deepEqual([...open.recovered.have], [0]);
      assertServes(torrent, open, [0]);
      await open.crash();
    }
    const open = await home.open(torrent);
    await open.commit(torrent, ...allPieces(torrent).slice(1));
    open.store.finish();
    await open.stop();
    home.assertFinished(torrent);
  });
  assert.ok(steps >= 4, `${steps}`);
});

Deno.test("PieceStore loses nothing it noted when the process is killed", async () => {
  using home = new TestHome();
  const script = `
    import { TestHome, TestTorrent } from ${JSON.stringify(new URL("test_home.ts", import.meta.url).href)};
    const torrent = new TestTorrent([["big.bin", 400 * ${PIECE}]]);
    const open = await new TestHome(${JSON.stringify(home.path)}).open(torrent);
    for (let index = 0; ; index += 4) {
      await open.commit(torrent, index, index + 1, index + 2, index + 3);
      await open.store.flush(index * 250);
      console.log(index);
    }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--unstable-kv", "--no-check", script],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let lines = "";
  let isKilled = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    lines += text;
    if (isKilled || lines.split("\n").length <= 20) continue;
    child.kill("SIGKILL");
    isKilled = true;
  }
  await child.status;
  const big = new TestTorrent([["big.bin", 400 * PIECE]]);
  const open = await home.open(big);
  const lastNoted = Number(lines.trimEnd().split("\n").at(-1));
  assert.ok(lastNoted >= 60);
  for (let index = 0; index < lastNoted; index++) assert.ok(open.recovered.have.has(index), `piece ${index}`);
  assertServes(big, open, open.recovered.have);
  await open.stop();
  assert.ok(fs.existsSync(join(home.path, "state", "peer.kv")));
});
