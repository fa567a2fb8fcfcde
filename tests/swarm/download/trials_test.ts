import assert from "node:assert/strict";
import { TRIALS } from "../../../lib/settings.ts";
import { Trials } from "../../../lib/swarm/download/trials.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";

const peerOf = (number: number, address = `10.0.0.${number}`) =>
  fakePeer(number, 4, { endpoint: { address, port: 6881 } }).peer;

Deno.test("Trials takes those first that were tried least, then those whose address was", () => {
  const trials = new Trials();
  const [tried, neighbour, other] = [peerOf(1, "10.0.0.1"), peerOf(2, "10.0.0.1"), peerOf(3)];
  trials.begin(tried, 0);
  trials.end(tried, 100);
  const peers = [tried, neighbour, other];
  const order = trials.inOrder(peers, peers, () => 0).map(({ number }) => number);
  assert.deepEqual(order, [3, 2, 1]);
});

Deno.test("Trials judges by what came since the place was given, and after a while by what came lately", () => {
  const trials = new Trials();
  const peer = peerOf(1);
  peer.download.add(5_000_000, 0);
  trials.begin(peer, 10_000);
  assert.equal(trials.worth(peer, 10_100), 0);
  peer.download.add(100_000, 10_100);
  assert.equal(trials.worth(peer, 10_100), 1_000_000);
  assert.equal(
    trials.worth(peer, 10_000 + TRIALS.lateMs + 1_000),
    0,
    "a burst at the start is soon forgotten",
  );
});

Deno.test("Trials tries nobody again soon, later each time", () => {
  const trials = new Trials();
  const peer = peerOf(1);
  let now = 0;
  for (const pauseMs of [TRIALS.pauseMs, TRIALS.pauseMs * TRIALS.pauseGrowth]) {
    assert(trials.isDue(peer, 0, now));
    trials.begin(peer, now);
    trials.end(peer, now);
    now += pauseMs;
    assert(!trials.isDue(peer, 0, now - 1));
    assert(!trials.isDue(peer, TRIALS.poorWorth + 1, now), "not where something comes");
  }
});

Deno.test("Trials costs no more than a part of what comes in, and nothing where the others bring as much", () => {
  const trials = new Trials();
  const worth = TRIALS.firstCredit * 1_000 / TRIALS.firstMs;
  const [first, second, third] = [peerOf(1), peerOf(2), peerOf(3)];
  assert(trials.pay(first, worth) && !trials.pay(second, worth));
  assert(trials.pay(second, 0), "a place that brings nothing costs nothing");
  trials.begin(first, 0);
  first.download.add(TRIALS.firstCredit, 50);
  trials.end(first, 100);
  assert(trials.pay(third, worth), "the first one brought what it cost");
  assert(!trials.pay(third, worth));
  trials.received(TRIALS.firstCredit / TRIALS.costShare);
  assert(trials.pay(third, worth));
});
