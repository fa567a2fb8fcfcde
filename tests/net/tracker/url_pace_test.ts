import assert from "node:assert/strict";
import { UrlPace } from "../../../lib/net/tracker/url_pace.ts";
import { ANNOUNCING } from "../../../lib/settings.ts";

const url = (number: number, host = "10.0.0.9") =>
  `http://${host}:${1_000 + number}/announce?torrent=${number}`;

/** How many of these URLs are admitted at once at `now`. */
async function admittedAtOnce(pace: UrlPace, urls: readonly string[]): Promise<number> {
  const ending = new AbortController();
  let admitted = 0;
  const all = urls.map((url) => pace.admit(url, ending.signal).then(() => admitted++, () => {}));
  await new Promise((resolve) => setTimeout(resolve));
  ending.abort();
  await Promise.all(all);
  return admitted;
}

Deno.test("UrlPace lets thousands of torrents ask one tracker at once", async () => {
  const pace = new UrlPace(() => 0);
  assert.equal(await admittedAtOnce(pace, Array(5_000).fill(url(1))), 5_000);
  const hosts = Array.from({ length: 500 }, (_, i) => url(1, `10.0.1.${i % 250}`));
  assert.equal(await admittedAtOnce(pace, hosts), 500, "hosts do not wait for one another");
});

Deno.test("UrlPace admits new URLs of one host about once a second, whatever their paths and ports", async () => {
  let now = 0, next = 0;
  const pace = new UrlPace(() => now);
  const urls = (count: number) => Array.from({ length: count }, () => url(next++));
  assert.equal(await admittedAtOnce(pace, urls(ANNOUNCING.newUrlBurst)), ANNOUNCING.newUrlBurst);
  assert.equal(await admittedAtOnce(pace, urls(1)), 0);
  now += 2 * ANNOUNCING.newUrlPauseMs;
  assert.equal(await admittedAtOnce(pace, urls(50)), 1);
  assert.equal(
    await admittedAtOnce(pace, [url(next - 1)]),
    0,
    "those that ask for the same URL wait together",
  );
});

Deno.test("UrlPace rejects when its caller stops", async () => {
  const pace = new UrlPace(() => 0);
  const ending = new AbortController();
  for (let number = 0; number < ANNOUNCING.newUrlBurst; number++) {
    await pace.admit(url(number), ending.signal);
  }
  const waiting = pace.admit(url(99), ending.signal);
  ending.abort(new Error("stopped"));
  await assert.rejects(waiting, /stopped/);
});
