import assert from "node:assert/strict";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { LOCAL_DISCOVERY } from "../../../lib/settings.ts";
import { LocalAnnounces } from "../../../lib/swarm/tracker/local_announces.ts";

const A = parseInfoHash("a".repeat(40))!;
const B = parseInfoHash("b".repeat(40))!;
const peer = (host: number) => ({ address: `10.0.0.${host}`, port: 6881 });

Deno.test("LocalAnnounces announces at once and then every five minutes", () => {
  const announces = new LocalAnnounces(() => 0);
  announces.share([A, B], 0);
  assert.deepEqual(announces.take(0), [A, B]);
  assert.deepEqual(announces.take(LOCAL_DISCOVERY.intervalMs - 1), []);
  assert.equal(announces.nextDue, LOCAL_DISCOVERY.intervalMs);
  assert.deepEqual(announces.take(LOCAL_DISCOVERY.intervalMs), [A, B]);
});

Deno.test("LocalAnnounces announces a torrent that is added later, and forgets one that is gone", () => {
  const announces = new LocalAnnounces(() => 0);
  announces.share([A], 0);
  announces.take(0);
  announces.share([A, B], 10);
  assert.deepEqual(announces.take(10), [B]);
  announces.share([], 20);
  assert.equal(announces.nextDue, Infinity);
});

Deno.test("LocalAnnounces answers a newcomer soon, and somebody known not at all", () => {
  const announces = new LocalAnnounces(() => 0.5);
  announces.share([A], 0);
  announces.take(0);
  assert.ok(announces.heard(A, peer(1), 1000));
  assert.equal(announces.nextDue, 1000 + LOCAL_DISCOVERY.answerDelayMs / 2);
  assert.deepEqual(announces.take(2000), [A]);
  assert.ok(announces.heard(A, peer(1), 3000));
  assert.deepEqual(announces.take(4000), []);
});

Deno.test("LocalAnnounces has no use for torrents that are not ours", () => {
  const announces = new LocalAnnounces(() => 0);
  assert.ok(!announces.heard(A, peer(1), 0));
});

Deno.test("LocalAnnounces keeps to one announce a minute however many newcomers there are", () => {
  const announces = new LocalAnnounces(() => 0);
  announces.share([A], 0);
  let count = 0;
  for (let second = 0; second < 600; second++) {
    announces.heard(A, peer(second % 250), second * 1000 + second);
    announces.heard(A, { address: "10.0.1.1", port: 1000 + second }, second * 1000);
    count += announces.take(second * 1000).length;
  }
  assert.ok(count <= 10 + LOCAL_DISCOVERY.burst, `${count}`);
  assert.ok(count >= 10, `${count}`);
});

Deno.test("LocalAnnounces answers again somebody who was silent for two intervals", () => {
  const announces = new LocalAnnounces(() => 0);
  announces.share([A], 0);
  announces.heard(A, peer(1), 0);
  announces.take(0);
  const later = LOCAL_DISCOVERY.forgetMs + 1;
  announces.take(later);
  announces.heard(A, peer(1), later + 1);
  assert.deepEqual(announces.take(later + 1), [A]);
});

Deno.test("LocalAnnounces remembers a limited number of peers", () => {
  const announces = new LocalAnnounces(() => 0);
  announces.share([A], 0);
  for (let port = 1; port <= LOCAL_DISCOVERY.maxRemembered; port++) {
    announces.heard(A, { ...peer(1), port }, 0);
  }
  announces.take(0);
  announces.heard(A, peer(2), 1);
  assert.equal(announces.nextDue, LOCAL_DISCOVERY.intervalMs);
});

Deno.test("LocalAnnounces brings everything forward for a new interface", () => {
  const announces = new LocalAnnounces(() => 0);
  announces.share([A, B], 0);
  announces.take(0);
  announces.announceAll(100);
  assert.deepEqual(announces.take(100), [A, B]);
});
