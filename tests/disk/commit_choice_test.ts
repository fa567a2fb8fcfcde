import assert from "node:assert/strict";
import { CommitChoice } from "../../lib/disk/commit_choice.ts";

const MIB = 1024 * 1024;

/** A choice whose process uses as many cores as it is told. */
function choiceWithLoad() {
  let time = { passed: 1_000, computed: 500 };
  const choice = new CommitChoice({ passed: () => time.passed, computed: () => time.computed });
  return {
    choice,
    /** Lets `ms` pass with so many cores in use. */
    run(ms: number, cores: number): void {
      time = { passed: time.passed + ms, computed: time.computed + ms * cores };
    },
    /** The answer after so long with so many cores in use. */
    after(ms: number, cores: number): boolean {
      this.run(ms, cores);
      return choice.isForMainThread(MIB);
    },
    quick(commits: number): void {
      for (let i = 0; i < commits; i++) choice.took(2);
    },
  };
}

Deno.test("CommitChoice leaves pieces to the worker until the disk has been quick for a while", () => {
  const { choice, quick } = choiceWithLoad();
  assert.equal(choice.isForMainThread(MIB), false);
  quick(15);
  assert.equal(choice.isForMainThread(MIB), false);
  quick(1);
  assert.equal(choice.isForMainThread(MIB), true);
});

Deno.test("CommitChoice: after a commit that the disk held up, the main thread waits for no disk for a while", () => {
  const { choice, quick, run } = choiceWithLoad();
  quick(100);
  assert.equal(choice.isForMainThread(MIB), true);
  choice.took(200);
  quick(100);
  run(29_000, 0.1);
  assert.equal(choice.isForMainThread(MIB), false);
  run(1_000, 0.1);
  assert.equal(choice.isForMainThread(MIB), true);
  choice.took(51);
  run(30_000, 0.1);
  quick(15);
  assert.equal(choice.isForMainThread(MIB), false);
  quick(1);
  assert.equal(choice.isForMainThread(MIB), true);
});

Deno.test("CommitChoice uses a second thread while the process needs more than one core", () => {
  const load = choiceWithLoad();
  load.quick(16);
  const answers = [0.5, 1, 1.4, 0.6].map((cores) => load.after(200, cores));
  assert.deepEqual(answers, [true, false, false, true]);
});

Deno.test("CommitChoice looks at the processor's use over a time, not at a moment of it", () => {
  const load = choiceWithLoad();
  load.quick(16);
  const answers = [load.after(200, 0.5), load.after(100, 2), load.after(100, 1)];
  assert.deepEqual(answers, [true, true, false]);
});

Deno.test("CommitChoice leaves large pieces to the worker", () => {
  const { choice, quick } = choiceWithLoad();
  quick(16);
  assert.equal(choice.isForMainThread(4 * MIB), true);
  assert.equal(choice.isForMainThread(4 * MIB + 1), false);
});
