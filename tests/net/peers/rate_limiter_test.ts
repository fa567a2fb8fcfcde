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
