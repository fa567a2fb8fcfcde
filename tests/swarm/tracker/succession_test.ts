import assert from "node:assert/strict";
import { type Endpoint, formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { ANNOUNCING } from "../../../lib/settings.ts";
import { type StandIns, Succession } from "../../../lib/swarm/tracker/succession.ts";

const at = (number: number): Endpoint => ({ address: `10.0.0.${number}`, port: 6969 });
const url = (number: number) => `http://10.0.0.${number}:6969/announce`;
const ANSWER = { intervalSeconds: 30 };

/** A succession whose successors are 10.0.0.2 to 10.0.0.4, and what it told them. */
function following(tiers: string[][] = [[url(1)]], own?: number) {
  const connected = new Set<string>();
  const outcomes: string[] = [];
  const standIns: StandIns = {
    at: (_now, isLeftOut) =>
      [2, 3, 4].map((number) => ({ endpoint: at(number), isOwn: number === own }))
        .filter(({ endpoint }) => !isLeftOut(endpoint)),
    answered: (endpoint) => outcomes.push(`${formatEndpoint(endpoint)} answered`),
    failed: (endpoint) => outcomes.push(`${formatEndpoint(endpoint)} failed`),
    isConnected: (address) => connected.has(address),
  };
  const succession = new Succession(tiers, standIns, () => 0);
  /** Makes the announces that are due; those to the hosts in `dead` fail. Returns the last parts of the addresses. */
  const announce = (now: number, dead: readonly number[] = []) =>
    succession.due(now).map((each) => {
      const number = Number(/\.(\d+):/.exec(each.url)![1]);
      if (dead.includes(number)) succession.failed(each, now);
      else succession.succeeded(each, ANSWER, now);
      return `${number}${each.event === "started" ? " started" : ""}${
        succession.wantsPeers(each) ? "" : " warm"
      }`;
    });
  return { succession, connected, outcomes, announce };
}

Deno.test("while the tracker answers, the first successor keeps a copy warm", () => {
  const { succession, announce, outcomes } = following();
  assert.deepEqual(announce(0), ["1 started", "2 started warm"]);
  assert.deepEqual(announce(30_000), ["1", "2 warm"]);
  assert.deepEqual([succession.isHandedOver, succession.successorUrls], [false, [url(2)]]);
  assert.deepEqual(outcomes, ["10.0.0.2:6969 answered", "10.0.0.2:6969 answered"]);
});

Deno.test("a tracker that fails with its machine gone is followed at once by all three", () => {
  const { succession, announce } = following();
  announce(0);
  assert.deepEqual(announce(30_000, [1]), ["1", "2 warm"]);
  assert.deepEqual(announce(31_000, [1]), ["3 started", "4 started"]);
  assert.equal(succession.isHandedOver, true);
  assert.ok(announce(31_000 + ANNOUNCING.againMs, [1]).includes("2"), "and the first one is asked for peers");
});

Deno.test("a tracker whose machine is connected gets a second chance", () => {
  const { succession, connected, announce } = following();
  connected.add("10.0.0.1");
  announce(0);
  announce(30_000, [1]);
  announce(31_000, [1]);
  assert.equal(succession.isHandedOver, false);
  announce(34_000, [1]);
  announce(35_000, [1]);
  assert.equal(succession.isHandedOver, true);
});

Deno.test("a tracker that is back ends it, and one whose machine is back is asked at once", () => {
  const { succession, connected, announce } = following();
  announce(0);
  for (let now = 30_000; now < 200_000; now += 1_000) announce(now, [1]);
  assert.equal(succession.isHandedOver, true);
  connected.add("10.0.0.1");
  const asked = [200_000, 200_000 + ANNOUNCING.againMs].flatMap((now) => announce(now));
  assert.ok(asked.includes("1"), `${asked}`);
  announce(220_000);
  assert.deepEqual([succession.isHandedOver, succession.successorUrls], [false, [url(2)]]);
});

Deno.test("a near tracker is tried again at least each 25 seconds, however long it is gone", () => {
  const { announce } = following();
  const tries: number[] = [];
  for (let now = 0; now < 600_000; now += 1_000) {
    if (announce(now, [1]).some((each) => each.startsWith("1"))) tries.push(now);
  }
  const pauses = tries.slice(1).map((time, at) => time - tries[at]);
  assert.ok(Math.max(...pauses) <= 1.25 * ANNOUNCING.retryNearMaxMs + 1_000, `${pauses}`);
});

Deno.test("who is a successor itself tells the others, and nobody where it is the first", () => {
  const first = following([[url(1)]], 2);
  assert.deepEqual(first.announce(0), ["1 started"]);
  first.announce(30_000, [1]);
  assert.deepEqual(first.announce(31_000, [1]), ["3 started", "4 started"]);
});

Deno.test("several trackers must all fail; torrents without trackers, and private ones, have no successors", () => {
  const two = following([[url(1)], [url(9)]]);
  two.announce(0);
  for (let now = 30_000; now < 60_000; now += 1_000) two.announce(now, [1]);
  assert.equal(two.succession.isHandedOver, false);
  const lonely = following([]);
  assert.deepEqual(lonely.announce(0), []);
  const secret = new Succession([[url(1)]], undefined, () => 0);
  const [due] = secret.due(0);
  secret.failed(due, 0);
  assert.deepEqual([secret.due(1_000), secret.isHandedOver, secret.successorUrls], [[], false, []]);
});

Deno.test("all who heard that we started hear that we stop", () => {
  const { succession, announce } = following();
  announce(0);
  const last = succession.stop();
  assert.deepEqual(last.map(({ url, event }) => `${url} ${event}`), [
    `${url(1)} stopped`,
    `${url(2)} stopped`,
  ]);
  assert.ok(last.every((each) => !succession.wantsPeers(each)));
});
