import assert from "node:assert/strict";
import type { Reach } from "../../../lib/protocol/reach_messages.ts";
import {
  type Answer,
  examine,
  type Facts,
  type TorrentFact,
  type TrackerFact,
} from "../../../lib/session/doctor/checks.ts";

const HOUR = 3_600_000;
const GIB = 2 ** 30;

const answer = (end: number, reach: Reach = "open", changes: Partial<Answer> = {}): Answer => ({
  address: `10.0.0.${end}`,
  ports: new Map([[6881, reach], [6969, reach]]),
  isAnnounced: false,
  aheadMs: 20,
  ...changes,
});

const tracker: TrackerFact = {
  host: "10.0.0.5:6969",
  port: 6969,
  isOwn: false,
  isHere: false,
  state: "ok",
  seeders: 1,
  leechers: 29,
  failure: undefined,
};

const torrent: TorrentFact = {
  name: "image.vhdx",
  isFinished: false,
  failure: undefined,
  isAnnouncer: false,
  trackers: [tracker],
  standIns: [],
  connections: 3,
  known: 3,
  lacking: 100,
  nowhere: 0,
  doubles: [],
};

const WELL: Facts = {
  machine: "pc-17",
  addresses: [{ address: "10.0.0.17", name: "eth0" }],
  port: 6881,
  trackerPort: 6969,
  asked: 2,
  answers: [answer(5), answer(6)],
  multicast: { isOn: true, heardNow: ["10.0.0.5"], heardBefore: [] },
  disk: { folder: "/home/peer", free: 50 * GIB, needed: 4 * GIB, rate: 200 * 2 ** 20, failure: undefined },
  hasDescriptors: true,
  torrents: [torrent],
};

/** What is not good, and the sentence about all, with `changes` to a machine that is well. */
function found(changes: Partial<Facts>): string[] {
  const { checks, summary } = examine({ ...WELL, ...changes });
  const told = checks.filter(({ verdict }) => verdict !== "good");
  return [...told.map(({ subject, verdict, finding }) => `${verdict} ${subject}: ${finding}`), summary];
}
const withTorrent = (changes: Partial<TorrentFact>) => found({ torrents: [{ ...torrent, ...changes }] });
const withTracker = (changes: Partial<TrackerFact>, rest: Partial<TorrentFact> = {}) =>
  withTorrent({ trackers: [{ ...tracker, ...changes }], ...rest });

Deno.test("a machine that is well has nothing to tell", () => {
  assert.deepEqual(found({}), ["pc-17 is well"]);
  assert.ok(examine(WELL).checks.length >= 8);
});

Deno.test("ports: one machine that gets through is enough, and where nobody can try, nothing is claimed", () => {
  assert.deepEqual(found({ answers: [answer(5, "silent"), answer(6)] }), ["pc-17 is well"]);
  assert.deepEqual(found({ answers: [answer(5, "silent"), answer(6, "refused")] }), [
    "bad peer port: 6881 does not answer 10.0.0.5, 10.0.0.6: allow TCP 6881 in the firewall of this machine",
    "bad tracker port: 6969 does not answer 10.0.0.5, 10.0.0.6: allow TCP 6969 in the firewall of this machine",
    "pc-17 cannot be reached from outside: allow TCP 6881 and 6969",
  ]);
  assert.match(
    found({ answers: [answer(5, "refused")] })[0],
    /^bad peer port: 6881 refuses 10\.0\.0\.5: allow/,
  );
  const nobody = found({ answers: [], asked: 0 });
  assert.equal(nobody.at(-1), "pc-17 is well, as far as it could be looked at");
  assert.match(
    nobody[0],
    /^unknown peer port: 6881: no other peer of this kind is connected that could try it$/,
  );
  assert.match(found({ answers: [], asked: 2 })[0], /: 2 other machines that could try it did not answer$/);
});

Deno.test("multicast is blamed only where something was sent just now", () => {
  const silent = { isOn: true, heardNow: [], heardBefore: [] };
  assert.deepEqual(found({ multicast: silent, answers: [answer(5, "open", { isAnnounced: true })] }), [
    "bad multicast: nothing came of what 10.0.0.5 sent just now: allow UDP 6771 in the firewall of this machine",
    "pc-17 cannot be reached from outside: allow UDP 6771",
  ]);
  assert.match(found({ multicast: silent })[0], /^unknown multicast: nothing was heard/);
  assert.deepEqual(found({ multicast: { ...silent, heardBefore: ["10.0.0.6"] } }), ["pc-17 is well"]);
  assert.deepEqual(
    found({ multicast: { ...silent, isOn: false } })[0],
    "unknown multicast: it is off (--no-lsd)",
  );
});

Deno.test("a clock is called wrong where several others agree, and two that differ are both named", () => {
  const clocks = (...ahead: number[]) =>
    found({ answers: ahead.map((aheadMs, at) => answer(at + 1, "open", { aheadMs })) });
  assert.deepEqual(clocks(HOUR, HOUR + 5, HOUR - 5), [
    "bad clock: this machine is 1h00m behind 3 others: set its clock",
    "pc-17: this machine is 1h00m behind 3 others: set its clock",
  ]);
  assert.match(clocks(-HOUR, -HOUR)[0], /is 1h00m ahead of 2 others: set its clock$/);
  assert.match(clocks(HOUR)[0], /10\.0\.0\.1 and this machine differ by 1h00m: set the clock that is wrong$/);
  assert.deepEqual(clocks(0, HOUR, 30), ["pc-17 is well"], "it is another one's clock");
  assert.deepEqual(clocks(59_000), ["pc-17 is well"]);
});

Deno.test("disk: too little room, nothing to be written, and too slow", () => {
  const disk = (changes: object) => found({ disk: { ...WELL.disk, ...changes } })[0];
  assert.equal(
    disk({ free: 1.2 * GIB }),
    "bad disk: the disk of /home/peer has 1.2 GiB free, and 4.0 GiB are still to come: make room there",
  );
  assert.equal(
    disk({ free: 0, needed: 0 }),
    "bad disk: the disk of /home/peer has 0 MiB free: make room there",
  );
  assert.equal(
    disk({ failure: "read-only", rate: undefined }),
    "bad disk: nothing can be written to /home/peer: read-only",
  );
  assert.match(disk({ rate: 2 ** 20 }), /writes 1 MiB\/s, which holds a download up/);
  assert.match(
    found({ hasDescriptors: false })[0],
    /^bad open files: no more files can be opened: raise the limit/,
  );
});

Deno.test("trackers: a port that is taken, an address that is wrong, and one for which others stand in", () => {
  assert.match(
    withTracker({ host: "10.0.0.17:6969", isHere: true, state: "failed", failure: "refuses" })[0],
    /^bad image\.vhdx: tracker: .*, which is this machine, but it is on port 6969: end the program that has port 6969/,
  );
  const failed = { state: "failed", failure: "refuses connections" } as const;
  assert.equal(
    withTracker(failed, { isFinished: true })[0],
    "bad image.vhdx: tracker: 10.0.0.5:6969 refuses connections: if that is no machine of yours any more: " +
      "peer edit with --announce 10.0.0.17",
  );
  assert.match(
    withTracker({ state: "failed", failure: "fails (Unregistered torrent: this tracker …)" })[0],
    /10\.0\.0\.5:6969 answers, but does not know this torrent: start it on that machine, too$/,
  );
  assert.match(
    withTracker(failed, { standIns: ["10.0.0.7:6969"] })[0],
    /refuses connections; 10\.0\.0\.7:6969 stands in for it: is that machine on/,
  );
});

Deno.test("the swarm: nobody known, nobody reached, pieces that nobody has, and one address claimed twice", () => {
  assert.match(
    withTorrent({ connections: 0, known: 0 })[0],
    /nobody else is known who has it: start a machine that has/,
  );
  assert.match(
    withTorrent({ connections: 0, known: 2 })[0],
    /2 peers are known, but cannot be reached; is there a firewall/,
  );
  assert.match(
    withTorrent({ nowhere: 100 })[0],
    /3 peers are connected, and none has all 100 lacking pieces: start/,
  );
  assert.match(withTorrent({ nowhere: 7 })[0], /and none has 7 of 100 lacking pieces: start a machine/);
  assert.match(
    withTorrent({ doubles: ["10.0.0.7:6881"] })[0],
    /two machines announce themselves as 10\.0\.0\.7:6881: give each an address of its own/,
  );
  const two = withTorrent({ failure: "no space left", nowhere: 7 });
  assert.equal(two.at(-1), "pc-17: no space left; 1 more thing is wrong");
});

/** What can be wrong with a machine, by itself. */
const FAULTS: Readonly<Record<string, (facts: Facts) => Facts>> = {
  "wrong announce address": (facts) => ({
    ...facts,
    torrents: facts.torrents.map((each) => ({
      ...each,
      trackers: [{ ...tracker, state: "failed", failure: "no answer" }],
    })),
  }),
  "tracker's port taken": (facts) => ({
    ...facts,
    trackerPort: 6970,
    answers: facts.answers.map((each) => ({ ...each, ports: new Map([...each.ports, [6970, "open"]]) })),
    torrents: facts.torrents.map((each) => ({
      ...each,
      trackers: [...each.trackers, { ...tracker, host: "10.0.0.17:6969", isHere: true, state: "failed" }],
    })),
  }),
  "firewall on 6881": (facts) => closed(facts, 6881),
  "firewall on 6969": (facts) => closed(facts, 6969),
  "firewall on multicast": (facts) => ({
    ...facts,
    multicast: { isOn: true, heardNow: [], heardBefore: [] },
    answers: facts.answers.map((each) => ({ ...each, isAnnounced: true })),
  }),
  "clock": (facts) => ({ ...facts, answers: facts.answers.map((each) => ({ ...each, aheadMs: HOUR })) }),
  "disk full": (facts) => ({ ...facts, disk: { ...facts.disk, free: GIB } }),
  "no data": (facts) => ({
    ...facts,
    torrents: facts.torrents.map((each) => ({ ...each, connections: 2, known: 2, nowhere: 100 })),
  }),
  "doubled address": (facts) => ({
    ...facts,
    torrents: facts.torrents.map((each) => ({ ...each, doubles: ["10.0.0.7:6881"] })),
  }),
};

function closed(facts: Facts, port: number): Facts {
  const answers = facts.answers.map((each) => ({
    ...each,
    ports: new Map([...each.ports, [port, "silent"]]),
  }));
  return { ...facts, answers } as Facts;
}

const badIn = (facts: Facts) =>
  examine(facts).checks.filter(({ verdict }) => verdict === "bad").map(({ subject, finding }) =>
    `${subject}: ${finding}`
  );

Deno.test("each fault is found by itself, and any two of them beside each other", () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    assert.equal(badIn(fault(WELL)).length, 1, `${name}: ${badIn(fault(WELL)).join("; ")}`);
  }
  const names = Object.keys(FAULTS);
  for (const [position, one] of names.entries()) {
    for (const other of names.slice(position + 1)) {
      const isOneTracker = one === "tracker's port taken" && other === "firewall on 6969";
      if (isOneTracker) continue;
      const expected = [one, other].flatMap((name) => badIn(FAULTS[name](WELL))).sort();
      const found = badIn(FAULTS[other](FAULTS[one](WELL))).sort();
      assert.deepEqual(found, expected, `${one}, ${other}`);
      const { summary } = examine(FAULTS[other](FAULTS[one](WELL)));
      assert.notEqual(summary, "pc-17 is well");
    }
  }
});
