import assert from "node:assert/strict";
import { plot } from "./simulation/plot.ts";
import { asTable, merge } from "./simulation/results.ts";
import { simulate } from "./simulation/run.ts";
import { Simulation } from "./simulation/simulation.ts";
import { SCENARIOS } from "./simulation/scenarios.ts";

/** Times of one copy in which the last of twelve hosts is done; one that is forgotten would take many more. */
const LAST = 2.5;

for (const scenario of SCENARIOS.keys()) {
  Deno.test(`Swarm of twelve serves everybody in the scenario ${scenario}`, () => {
    const outcome = simulate({ scenario, hosts: 12, pieces: 32, seed: 1 });
    assert.equal(outcome.unfinished, 0);
    assert(outcome.last <= LAST, `the last one took ${outcome.last} times one copy`);
    assert(outcome.median <= outcome.p99 && outcome.p99 <= outcome.last);
    assert(outcome.announcesPerSecond >= 1 && outcome.messagesPerHost > 32);
    assert(outcome.seederCopies > 0.3);
  });
}

Deno.test("Seeder has given every piece away when little more than the time of one copy has passed, though many ask", () => {
  const simulation = new Simulation({ hosts: 30, pieces: 64, seed: 1 });
  simulation.add({ hasData: true });
  const others = Array.from({ length: 30 }, () => simulation.add());
  const away = () => new Set(others.flatMap(({ tracked: { host } }) => [...host.swarm.download.stored])).size;
  let copies = 0;
  for (; away() < 64; copies += 0.05) simulation.pass(0.05);
  assert(copies <= 1.35, `it took ${copies} times one copy`);
});

Deno.test("Simulation gives the same for the same seed", () => {
  const options = { scenario: "churn", hosts: 8, pieces: 16, seed: 5 };
  const withoutTime = () => ({ ...simulate(options), seconds: 0, memory: 0 });
  assert.deepEqual(withoutTime(), withoutTime());
  assert.throws(() => simulate({ ...options, scenario: "none" }), /Expected one of equal, .*, got none/);
});

Deno.test("Results hold one row for each run, and the plot a curve for each scenario", () => {
  const outcome = {
    scenario: "equal",
    hosts: 10,
    pieces: 64,
    seed: 1,
    bound: 1.05,
    median: 1.2,
    p99: 1.25,
    last: 1.3,
    unfinished: 0,
    seederCopies: 1.1,
    announcesPerSecond: 11,
    messagesPerHost: 400.4,
    seconds: 2.4,
    memory: 99.9,
  };
  const kept = merge([outcome], [{ ...outcome, hosts: 100 }, { ...outcome, last: 1.4 }]);
  assert.deepEqual(kept.map(({ hosts, last }) => [hosts, last]), [[10, 1.4], [100, 1.3]]);
  const [heading, , head, , ...rows] = asTable(kept).trimEnd().split("\n");
  assert.match(heading, /^\*\*equal\*\*: /);
  assert.equal(rows.length, 2);
  assert.equal(rows[0].split(" | ").length, head.split(" | ").length);
  assert.match(
    rows[0],
    /^\| 10 \| 64 \| 1\.050 \| 1\.20 \| 1\.25 \| 1\.40 \| 1\.33 \| 1\.10 \| 11 \| 400 \| 2 s \| 100 \|$/,
  );
  assert.match(asTable([{ ...outcome, unfinished: 2 }]), / 2 never /);
  assert.equal(plot(kept).match(/<circle/g)?.length, 2);
  assert.equal(plot(kept).match(/<polyline/g)?.length, 2);
});
