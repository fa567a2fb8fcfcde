import assert from "node:assert/strict";
import { TrackerError } from "../../../lib/errors.ts";
import { firstOf, inTurn } from "../../../lib/net/tracker/attempts.ts";

const { signal } = new AbortController();
const outage = new TrackerError("refused", { isOutage: true });
const nonsense = new TrackerError("nonsense");

Deno.test("inTurn tries one target after another, each once, and no more after an answer", async () => {
  const asked: number[] = [];
  const attempt = (target: number) => {
    asked.push(target);
    return target === 3 ? Promise.resolve("answer") : Promise.reject(outage);
  };
  assert.equal(await inTurn([1, 2, 3, 4], attempt, signal, 60_000), "answer");
  assert.deepEqual(asked, [1, 2, 3]);
  await assert.rejects(inTurn([1, 2], attempt, signal, 60_000), outage);
});

Deno.test("inTurn goes on beside a target that does not answer, and ends it then", async () => {
  const ended: number[] = [];
  const attempt = (target: number, signal: AbortSignal) =>
    target === 2
      ? Promise.resolve("answer")
      : new Promise<string>((_, reject) =>
        signal.addEventListener("abort", () => {
          ended.push(target);
          reject(signal.reason);
        })
      );
  assert.equal(await inTurn([1, 2], attempt, signal, 10), "answer");
  assert.deepEqual(ended, [1]);
});

Deno.test("inTurn takes a late answer of an earlier target", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const attempt = (target: number, signal: AbortSignal) => {
    if (target === 1) return promise;
    resolve("late");
    return new Promise<string>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  assert.equal(await inTurn([1, 2, 3], attempt, signal, 10), "late");
});

Deno.test("inTurn ends when its caller does", async () => {
  const ending = new AbortController();
  const attempt = (_: number, signal: AbortSignal) =>
    new Promise<string>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  const result = inTurn([1, 2, 3], attempt, ending.signal, 60_000);
  ending.abort(new Error("enough"));
  await assert.rejects(result, /enough/);
});

Deno.test("firstOf says of several failures the one that found a tracker", async () => {
  await assert.rejects(firstOf([Promise.reject(outage), Promise.reject(nonsense)]), nonsense);
  await assert.rejects(firstOf([Promise.reject(outage), Promise.reject(new Error("other"))]), outage);
});
