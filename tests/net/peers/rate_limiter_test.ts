import assert from "node:assert/strict";
import { RateLimiter, sleep } from "../../../lib/net/peers/rate_limiter.ts";

const now = () => performance.now();

Deno.test("RateLimiter lets bytes pass at its rate, whoever shares it", async () => {
  const limiter = new RateLimiter(10_000, now);
  const { signal } = new AbortController();
  const startedAt = now();
  const spender = async () => {
    for (let i = 0; i < 5; i++) await limiter.spend(200, signal);
  };
  await Promise.all([spender(), spender()]);
  const elapsed = now() - startedAt;
  assert(elapsed > 190 && elapsed < 1_000, `2,000 bytes at 10,000 a second took ${elapsed} ms`);
});

Deno.test("RateLimiter saves no credit while nothing is moved", async () => {
  let time = 0;
  const limiter = new RateLimiter(1_000, () => time);
  time = 60_000;
  const stopping = new AbortController();
  const spending = limiter.spend(1_000_000, stopping.signal);
  stopping.abort(new Error("stopped"));
  await assert.rejects(spending, /stopped/);
});

Deno.test("RateLimiter does not wait for what is paid for already", async () => {
  const limiter = new RateLimiter(1e9, () => 0);
  await limiter.spend(1_000, AbortSignal.abort());
});

Deno.test("RateLimiter moves a quarter of a second at once, and at least a byte", () => {
  assert.equal(new RateLimiter(1_000_000, now).portion, 250_000);
  assert.equal(new RateLimiter(1, now).portion, 1);
});

Deno.test("sleep rejects at once when its signal is aborted, before or meanwhile, and leaves no timer", async () => {
  await assert.rejects(sleep(60_000, AbortSignal.abort(new Error("before"))), /before/);
  const stopping = new AbortController();
  const sleeping = sleep(60_000, stopping.signal);
  stopping.abort(new Error("meanwhile"));
  await assert.rejects(sleeping, /meanwhile/);
  await sleep(1, stopping.signal).catch(() => {});
});

Deno.test("RateLimiter holds to a new rate at once, also for those that wait, and to none", async () => {
  const limiter = new RateLimiter(1, now);
  const { signal } = new AbortController();
  const startedAt = now();
  const spending = Promise.all([limiter.spend(1_000, signal), limiter.spend(1_000, signal)]);
  limiter.rate = 10_000;
  await spending;
  const elapsed = now() - startedAt;
  assert(elapsed > 190 && elapsed < 1_000, `2,000 bytes at 10,000 a second took ${elapsed} ms`);
  limiter.rate = 1;
  const last = limiter.spend(1e9, signal);
  limiter.rate = Infinity;
  await last;
  await limiter.spend(1e9, signal);
  assert.equal(limiter.portion, Infinity);
  limiter.rate = 1e6;
  const again = now();
  await limiter.spend(1e5, signal);
  assert(now() - again > 90, "what was moved without a limit is not owed, and saves nothing");
});

Deno.test("RateLimiter within another one holds to both", async () => {
  const outer = new RateLimiter(Infinity, now);
  const inner = new RateLimiter(Infinity, now, outer);
  const { signal } = new AbortController();
  for (const limiter of [outer, inner]) {
    limiter.rate = 10_000;
    assert.equal(inner.portion, 2_500);
    const startedAt = now();
    await inner.spend(1_000, signal);
    assert(now() - startedAt > 90);
    limiter.rate = Infinity;
  }
});
