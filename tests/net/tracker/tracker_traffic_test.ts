import assert from "node:assert/strict";
import { TrackerError } from "../../../lib/errors.ts";
import { TrackerTraffic } from "../../../lib/net/tracker/tracker_traffic.ts";
import { ANNOUNCING } from "../../../lib/settings.ts";

const URL_A = "http://10.0.0.1:6969/announce";
const { signal } = new AbortController();

/** Announces to A that end when told, and how many are under way. */
class Slow {
  underWay = 0;
  readonly ends: (() => void)[] = [];

  announce(): Promise<void> {
    this.underWay++;
    return new Promise<void>((resolve) => this.ends.push(resolve)).finally(() => this.underWay--);
  }
}

Deno.test("TrackerTraffic makes few announces to a tracker at once, in order, and all in the end", async () => {
  const traffic = new TrackerTraffic(() => 0, 1);
  const slow = new Slow();
  const done: number[] = [];
  const all = Array.from(
    { length: ANNOUNCING.perTracker + 5 },
    (_, i) => traffic.run(URL_A, () => slow.announce(), signal).then(() => done.push(i)),
  );
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(slow.underWay, ANNOUNCING.perTracker);
  assert.equal(
    await traffic.run("http://10.0.0.1:7000/announce", () => Promise.resolve("other port"), signal),
    "other port",
  );
  while (done.length < all.length) {
    slow.ends.shift()!();
    await new Promise((resolve) => setTimeout(resolve));
    assert(slow.underWay <= ANNOUNCING.perTracker);
  }
  await Promise.all(all);
  assert.deepEqual(done, all.map((_, i) => i));
});

Deno.test("TrackerTraffic lets nobody try a tracker again for a moment after it was out of reach", async () => {
  for (const url of [URL_A, "udp://10.0.0.1:6969/announce"]) {
    let now = 1_000, tries = 0;
    const traffic = new TrackerTraffic(() => now, 1);
    const fail = () => {
      tries++;
      return Promise.reject(new TrackerError("Connection refused", { isOutage: true }));
    };
    await assert.rejects(traffic.run(url, fail, signal), /refused/);
    await assert.rejects(traffic.run(url, fail, signal), /refused/);
    now += ANNOUNCING.outageMs - 1;
    await assert.rejects(traffic.run(url, fail, signal), /refused/);
    assert.equal(tries, 1, "the moment is not made longer by those who ask in it");
    now++;
    await assert.rejects(traffic.run(url, fail, signal), /refused/);
    assert.equal(tries, 2);
    now += ANNOUNCING.outageMs;
    assert.equal(await traffic.run(url, () => Promise.resolve(5), signal), 5);
    assert.equal(await traffic.run(url, () => Promise.resolve(6), signal), 6);
  }
});

Deno.test("TrackerTraffic takes a refusal for one torrent's own", async () => {
  const traffic = new TrackerTraffic(() => 0, 1);
  await assert.rejects(traffic.run(URL_A, () => Promise.reject(new TrackerError("Unregistered")), signal));
  assert.equal(await traffic.run(URL_A, () => Promise.resolve(1), signal), 1);
});

Deno.test("TrackerTraffic lets those who wait fail with the one they wait for, and those who stop go at once", async () => {
  const traffic = new TrackerTraffic(() => 0, 1);
  const breaks: (() => void)[] = [];
  const failing = () =>
    new Promise<void>((_, reject) =>
      breaks.push(() => reject(new TrackerError("No answer", { isOutage: true })))
    );
  const running = Array.from({ length: ANNOUNCING.perTracker }, () => traffic.run(URL_A, failing, signal));
  const stopping = new AbortController();
  const waiting = traffic.run(URL_A, failing, signal);
  const leaving = traffic.run(URL_A, failing, stopping.signal);
  stopping.abort(new Error("stopped"));
  await assert.rejects(leaving, /stopped/);
  const outcomes = Promise.allSettled([...running, waiting]);
  for (const breakOne of breaks) breakOne();
  assert((await outcomes).every(({ status }) => status === "rejected"));
  assert.equal(breaks.length, ANNOUNCING.perTracker, "who waited did not try");
  assert.equal(await new TrackerTraffic(() => 0, 1).run(URL_A, () => Promise.resolve(1), signal), 1);
});
