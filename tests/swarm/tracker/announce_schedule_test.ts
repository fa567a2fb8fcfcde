import assert from "node:assert/strict";
import { ANNOUNCING } from "../../../lib/settings.ts";
import { AnnounceSchedule, type DueAnnounce } from "../../../lib/swarm/tracker/announce_schedule.ts";
import { seededRandom } from "../../harness/data/random.ts";

const OUTCOME = { intervalSeconds: 30 };
/** By this chance, a shuffle leaves everything in its place. */
const orderly = () => 0.999;
const told = (announces: readonly DueAnnounce[]) =>
  announces.map(({ url, event }) => `${url} ${event ?? "regular"}`);

Deno.test("AnnounceSchedule announces to every tier at once, one tracker each", () => {
  const schedule = new AnnounceSchedule([["a", "b"], [], ["c"]], orderly);
  assert.deepEqual(told(schedule.due(0)), ["a started", "c started"]);
  assert.deepEqual(schedule.due(1e9), []);
});

Deno.test("AnnounceSchedule has nothing to do without trackers, and counts a repeated one once", () => {
  assert.deepEqual(new AnnounceSchedule([], orderly).due(0), []);
  assert.deepEqual(told(new AnnounceSchedule([["a", "a"], ["a"]], orderly).due(0)), ["a started"]);
});

Deno.test("AnnounceSchedule shuffles within a tier", () => {
  const firsts = new Set<string>();
  for (let seed = 0; seed < 50; seed++) {
    firsts.add(new AnnounceSchedule([["a", "b", "c"]], seededRandom(seed)).due(0)[0].url);
  }
  assert.deepEqual([...firsts].sort(), ["a", "b", "c"]);
});

Deno.test("AnnounceSchedule waits for the interval, clamped", () => {
  const { minIntervalMs, maxIntervalMs } = ANNOUNCING;
  const cases: [number, number | undefined, number][] = [
    [30, undefined, 30_000],
    [30, 40, 40_000],
    [-5, -9, minIntervalMs],
    [0, undefined, minIntervalMs],
    [2 ** 50, undefined, maxIntervalMs],
  ];
  for (const [intervalSeconds, minIntervalSeconds, expectedMs] of cases) {
    const schedule = new AnnounceSchedule([["a"]], orderly);
    const [announce] = schedule.due(0);
    schedule.succeeded(
      announce,
      { intervalSeconds, ...(minIntervalSeconds === undefined ? {} : { minIntervalSeconds }) },
      1000,
    );
    assert.deepEqual(schedule.due(1000 + expectedMs - 1), []);
    assert.deepEqual(told(schedule.due(1000 + expectedMs)), ["a regular"]);
  }
});

Deno.test("AnnounceSchedule tries the tier's next tracker at once and keeps the one that answers in front", () => {
  const schedule = new AnnounceSchedule([["a", "b"]], orderly);
  schedule.failed(schedule.due(0)[0], 0);
  const [second] = schedule.due(0);
  assert.equal(second.url, "b");
  schedule.succeeded(second, OUTCOME, 0);
  assert.deepEqual(told(schedule.due(30_000)), ["b regular"]);
});

Deno.test("AnnounceSchedule backs off from a dead tracker without delaying other tiers", () => {
  const schedule = new AnnounceSchedule([["dead"], ["good"]], () => 0);
  let now = 0;
  const asked: Record<string, number[]> = { dead: [], good: [] };
  for (; now < 3_600_000; now += 1000) {
    for (const announce of schedule.due(now)) {
      asked[announce.url].push(now);
      if (announce.url === "dead") schedule.failed(announce, now);
      else schedule.succeeded(announce, OUTCOME, now);
    }
  }
  assert.equal(asked.good.length, 120);
  assert.deepEqual(asked.dead.slice(0, 5), [0, 3000, 9000, 21_000, 45_000]);
  const pauses = asked.dead.slice(1).map((at, index) => at - asked.dead[index]);
  assert.equal(Math.max(...pauses), ANNOUNCING.retryMaxMs);
});

Deno.test("AnnounceSchedule spreads retries by up to a quarter", () => {
  const schedule = new AnnounceSchedule([["a"]], () => 0.5);
  schedule.failed(schedule.due(0)[0], 0);
  assert.deepEqual(schedule.due(ANNOUNCING.retryMs * 1.125 - 1), []);
  assert.equal(schedule.due(ANNOUNCING.retryMs * 1.125).length, 1);
});

Deno.test("AnnounceSchedule stays away as long as the tracker asks (BEP 31)", () => {
  const schedule = new AnnounceSchedule([["later"], ["never"]], () => 0);
  const [later, never] = schedule.due(0);
  schedule.failed(later, 0, 120_000);
  schedule.failed(never, 0, Infinity);
  assert.deepEqual(schedule.due(119_999), []);
  assert.deepEqual(told(schedule.due(1e12)), ["later started"]);
});

Deno.test("AnnounceSchedule repeats started until it is heard", () => {
  const schedule = new AnnounceSchedule([["a"]], orderly);
  schedule.failed(schedule.due(0)[0], 0);
  const [again] = schedule.due(1e6);
  assert.equal(again.event, "started");
  schedule.succeeded(again, OUTCOME, 1e6);
  assert.equal(schedule.due(2e6)[0].event, undefined);
});

Deno.test("AnnounceSchedule tells completed once, at once, to trackers that know us as a leech", () => {
  const schedule = new AnnounceSchedule([["a"], ["dead"]], orderly);
  const [a, dead] = schedule.due(0);
  schedule.succeeded(a, OUTCOME, 0);
  schedule.failed(dead, 0);
  schedule.completed(1000);
  const [completed, ...others] = schedule.due(1000);
  assert.deepEqual(told([completed, ...others]), ["a completed"]);
  schedule.succeeded(completed, OUTCOME, 1000);
  const [late, regular] = schedule.due(1e6).reverse();
  assert.deepEqual(told([late, regular]), ["dead started", "a regular"]);
  schedule.succeeded(late, OUTCOME, 1e6);
  assert.deepEqual(schedule.due(1e6), []);
});

Deno.test("AnnounceSchedule tells completed after a started that was under way", () => {
  const schedule = new AnnounceSchedule([["a"]], orderly);
  const [started] = schedule.due(0);
  schedule.completed(10);
  schedule.succeeded(started, OUTCOME, 20);
  assert.deepEqual(told(schedule.due(20)), ["a completed"]);
});

Deno.test("AnnounceSchedule leaves completed out when the started under way was lost", () => {
  const schedule = new AnnounceSchedule([["a"]], orderly);
  const [started] = schedule.due(0);
  schedule.completed(10);
  schedule.failed(started, 20);
  const [again] = schedule.due(1e6);
  assert.equal(again.event, "started");
  schedule.succeeded(again, OUTCOME, 1e6);
  assert.deepEqual(schedule.due(1e6), []);
});

Deno.test("AnnounceSchedule repeats completed until it is heard", () => {
  const schedule = new AnnounceSchedule([["a"]], orderly);
  schedule.succeeded(schedule.due(0)[0], OUTCOME, 0);
  schedule.completed(1);
  schedule.failed(schedule.due(1)[0], 1);
  assert.deepEqual(told(schedule.due(1e6)), ["a completed"]);
});

Deno.test("AnnounceSchedule tells stopped to everybody who knows or may know us, then ends", () => {
  const schedule = new AnnounceSchedule([["a"], ["underway"], ["b", "c"], ["dead"]], orderly);
  const [a, underWay, b, dead] = schedule.due(0);
  schedule.succeeded(a, { ...OUTCOME, trackerId: Uint8Array.of(1) }, 0);
  schedule.succeeded(b, OUTCOME, 0);
  schedule.failed(dead, 0);
  const stopped = schedule.stop();
  assert.deepEqual(told(stopped), ["a stopped", "underway stopped", "b stopped"]);
  assert.deepEqual(stopped[0].trackerId, Uint8Array.of(1));
  assert.deepEqual(schedule.stop(), []);
  schedule.succeeded(underWay, OUTCOME, 0);
  schedule.failed(underWay, 0);
  assert.deepEqual(schedule.due(1e12), []);
});

Deno.test("AnnounceSchedule says a tracker id again", () => {
  const schedule = new AnnounceSchedule([["a"]], orderly);
  schedule.succeeded(schedule.due(0)[0], { ...OUTCOME, trackerId: Uint8Array.of(7) }, 0);
  const [second] = schedule.due(30_000);
  assert.deepEqual(second.trackerId, Uint8Array.of(7));
  schedule.succeeded(second, OUTCOME, 30_000);
  assert.deepEqual(schedule.due(60_000)[0].trackerId, Uint8Array.of(7));
});

Deno.test("AnnounceSchedule uses only so many tiers, and trackers of a tier, of a torrent that names thousands", () => {
  const tiers = Array.from(
    { length: 200_000 },
    (_, tier) =>
      tier < 100 ? Array.from({ length: 1_000 }, (_, i) => `http://t${tier}-${i}/`) : [`http://t${tier}/`],
  );
  const schedule = new AnnounceSchedule(tiers, () => 0);
  const asked = new Set<string>();
  for (let now = 0; now < ANNOUNCING.retryMs; now++) {
    const due = schedule.due(now);
    assert(due.length <= ANNOUNCING.maxTiers);
    for (const announce of due) {
      asked.add(announce.url);
      schedule.failed(announce, now);
    }
  }
  assert.equal(asked.size, ANNOUNCING.maxTiers * ANNOUNCING.maxTrackersPerTier);
});

Deno.test("AnnounceSchedule asks one host about once a second, at a few URLs, however many are named", () => {
  const spellings = (port: number) => [
    `http://10.0.0.9:${port}/announce`,
    `udp://10.0.0.9:${port}`,
    `http://10.0.0.9:${port}/admin?delete=${port}`,
    `http://[::ffff:10.0.0.9]:${port}/`,
    `http://167772169:${port}/`,
  ];
  const tiers = Array.from(
    { length: 50 },
    (_, tier) => Array.from({ length: 10 }, (_, i) => spellings(1 + 10 * tier + i)).flat(),
  );
  const schedule = new AnnounceSchedule(tiers, seededRandom(1));
  const asked = new Set<string>();
  let count = 0;
  for (let now = 0; now < 60_000; now += 100) {
    for (const announce of schedule.due(now)) {
      count++;
      asked.add(announce.url);
      if (count % 2 === 0) schedule.failed(announce, now);
      else schedule.succeeded(announce, { intervalSeconds: 0 }, now);
    }
  }
  assert.ok(count <= 62, `${count} in a minute`);
  assert.ok(asked.size <= ANNOUNCING.maxUrlsPerHost, `${asked.size} URLs`);
  assert.ok(schedule.stop().length <= ANNOUNCING.maxUrlsPerHost);
});

Deno.test("AnnounceSchedule asks a tracker by HTTP and by UDP at once, beside those of other hosts", () => {
  const tiers = [["http://10.0.0.5:6969/announce"], ["udp://10.0.0.5:6969"], ["http://10.0.0.6/announce"]];
  assert.equal(new AnnounceSchedule(tiers, orderly).due(0).length, 3);
});

Deno.test("AnnounceSchedule goes on with other URLs, and those that stay know of us", () => {
  const schedule = new AnnounceSchedule([["a"], ["b", "c"]], orderly);
  for (const announce of schedule.due(0)) schedule.succeeded(announce, OUTCOME, 0);
  schedule.replace([["a"], ["c"], ["d"]]);
  assert.deepEqual(told(schedule.due(0)), ["c started", "d started"]);
  assert.deepEqual(told(schedule.due(30_000)), ["a regular"]);
  schedule.replace([["b"], ["a"]]);
  assert.deepEqual(told(schedule.due(60_000)), ["b started"]);
  assert.deepEqual(told(schedule.stop()), ["b stopped", "a stopped"]);
});

Deno.test("AnnounceSchedule asks again when the user wants it, as soon as each tracker allows it", () => {
  const tiers = [["good"], ["slow"], ["dead"], ["later"]];
  const schedule = new AnnounceSchedule(tiers, () => 0);
  const [good, slow, dead, later] = schedule.due(0);
  schedule.succeeded(good, { intervalSeconds: 1_800 }, 0);
  schedule.succeeded(slow, { intervalSeconds: 1_800, minIntervalSeconds: 60 }, 0);
  schedule.failed(later, 0, 120_000);
  let now = 0;
  schedule.failed(dead, now);
  // Its pauses have grown to minutes by now.
  for (; now < 900_000; now += 1_000) {
    for (const announce of schedule.due(now)) {
      if (announce.url === "dead") schedule.failed(announce, now);
      else schedule.succeeded(announce, { intervalSeconds: 1_800, minIntervalSeconds: 60 }, now);
    }
  }
  const asked = new Map<string, number[]>();
  // However often the user asks, nobody is asked more often than it allows.
  for (const end = now + 60_000; now < end; now += 1_000) {
    schedule.again(now);
    for (const announce of schedule.due(now)) {
      asked.set(announce.url, [...asked.get(announce.url) ?? [], now - 900_000]);
      if (announce.url === "dead") schedule.failed(announce, now);
      else schedule.succeeded(announce, { intervalSeconds: 1_800, minIntervalSeconds: 60 }, now);
    }
  }
  assert.deepEqual([...asked], [
    ["good", [0]],
    ["slow", [0]],
    ["dead", [0, 10_000, 20_000, 30_000, 40_000, 50_000]],
    ["later", [0]],
  ]);
});

Deno.test("a tracker that wants reports gets the first one soon, and the next ones when it says", () => {
  const schedule = new AnnounceSchedule([["http://10.0.0.5:6969/announce"]], () => 0);
  const outcome = { intervalSeconds: 1_800, minIntervalSeconds: 900, reportIntervalSeconds: 7 };
  const dueAt: number[] = [];
  for (let now = 0; now < 30_000; now += 500) {
    for (const announce of schedule.due(now)) {
      dueAt.push(now);
      schedule.succeeded(announce, outcome, now);
    }
  }
  assert.deepEqual(dueAt, [0, 1_000, 8_000, 15_000, 22_000, 29_000]);
});

Deno.test("intervals of reports are believed within limits", () => {
  for (const [reportIntervalSeconds, expected] of [[0, 2_000], [-1, 2_000], [1e9, 600_000]]) {
    const schedule = new AnnounceSchedule([["http://10.0.0.5:6969/announce"]], () => 0);
    for (const now of [0, 1_000]) {
      for (const announce of schedule.due(now)) {
        schedule.succeeded(announce, { intervalSeconds: 30, reportIntervalSeconds }, now);
      }
    }
    assert.deepEqual([schedule.due(1_000 + expected - 1).length, schedule.due(1_000 + expected).length], [
      0,
      1,
    ]);
  }
});
