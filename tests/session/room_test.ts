import assert from "node:assert/strict";
import { hostsOf, type HostView, type RoomFacts, roomOf } from "../../lib/session/room.ts";
import type { TorrentSnapshot } from "../../lib/session/torrent_snapshot.ts";
import type { RemotePeerSnapshot } from "../../lib/swarm/ports.ts";
import { toUtf8 } from "../../lib/protocol/bytes.ts";
import type { HostReport } from "../../lib/protocol/host_report.ts";
import type { AnnounceRequest } from "../../lib/protocol/tracker_messages.ts";
import { bottleneckOf, DiskPressure } from "../../lib/swarm/bottleneck.ts";
import { RateMeter } from "../../lib/swarm/peers/rates.ts";
import { AnnounceSchedule } from "../../lib/swarm/tracker/announce_schedule.ts";
import { HostList, type TrackedHost } from "../../lib/swarm/tracker/host_list.ts";
import { peerSnapshot, swarmSnapshot } from "../harness/sessions/snapshots.ts";
import { announceOf } from "../harness/sessions/tracker.ts";

const SECOND = 1_000;
const LENGTH = 1_000_000;
/** The wall clock is this far ahead of the other one. */
const EPOCH = 1_700_000_000_000;
const NOW = 100 * SECOND;

function snapshot(changes: Partial<TorrentSnapshot> = {}): TorrentSnapshot {
  return {
    ...swarmSnapshot({
      length: LENGTH,
      pieces: 100,
      have: 100,
      missing: 0,
      finished: true,
      state: "seeding",
    }),
    left: 0,
    number: 1,
    labels: [],
    addedAt: EPOCH,
    completedAt: EPOCH + 5,
    queuePosition: 0,
    isPaused: false,
    pauseReason: undefined,
    reused: 0,
    etaS: undefined,
    role: "announcer",
    ...changes,
  };
}

function tracked(number: number, changes: Partial<TrackedHost> = {}): TrackedHost {
  return {
    endpoint: { address: `10.0.0.${number}`, port: 6881 },
    peerId: String(number).padStart(40, "0"),
    name: `pc-${number}`,
    client: "peer 0.2.0",
    left: LENGTH / 2,
    have: LENGTH / 2,
    downloadRate: 50_000,
    steadyRate: changes.downloadRate ?? 50_000,
    uploadRate: 0,
    pace: undefined,
    activity: "downloading",
    bottleneck: "link",
    firstSeenAt: 10 * SECOND,
    doneAt: undefined,
    goneSince: undefined,
    ...changes,
  };
}

function room(hosts: readonly TrackedHost[], changes: Partial<TorrentSnapshot> = {}): HostView[] {
  const facts: RoomFacts = {
    snapshot: snapshot(changes),
    tracked: hosts,
    self: { name: "lab-01", client: "peer 0.2.0", endpoint: "10.0.0.1:6881" },
    now: NOW,
    wallClock: EPOCH + NOW,
  };
  return hostsOf(facts);
}

const peer = (changes: Partial<RemotePeerSnapshot>) => peerSnapshot({ source: "tracker", ...changes });

Deno.test("room: this machine comes first, and a host is told with its part, its time left and its times", () => {
  const [self, host] = room([tracked(2)]);
  assert.deepEqual([self.isSelf, self.isAnnouncer, self.state, self.part], [true, true, "done", 1]);
  assert.deepEqual(host, {
    endpoint: "10.0.0.2:6881",
    name: "pc-2",
    client: "peer 0.2.0",
    isSelf: false,
    isAnnouncer: false,
    state: "downloading",
    part: 0.5,
    left: LENGTH / 2,
    downloadRate: 50_000,
    uploadRate: 0,
    etaS: 10,
    firstSeenAt: EPOCH + 10 * SECOND,
  });
});

Deno.test("room: only the host that lags behind the others is slow, with its own reason", () => {
  const slow = (changes: Partial<TrackedHost>) =>
    room([tracked(2), tracked(3), tracked(4, { downloadRate: 20_000, ...changes })])
      .map(({ slow }) => slow);
  assert.deepEqual(slow({ bottleneck: "disk" }), [undefined, undefined, undefined, "its disk"]);
  assert.equal(slow({ bottleneck: "slots" })[3], "nobody gives it a slot");
  assert.equal(slow({ bottleneck: undefined, name: undefined })[3], "its network or its disk");
  assert.equal(slow({ firstSeenAt: NOW - 2 * SECOND })[3], undefined, "a newcomer has not warmed up");
  assert.equal(slow({ downloadRate: 30_000 })[3], undefined, "no more than half the usual rate behind");
  assert.equal(slow({ steadyRate: 40_000 })[3], undefined, "one slow moment");
  const quick = { downloadRate: 50_000, pace: 10_000 };
  assert.equal(slow({ ...quick, bottleneck: "disk" })[3], "its disk", "what it receives waits for its disk");
  assert.equal(slow({ ...quick, bottleneck: "link" })[3], undefined);
});

Deno.test("room: the last ones are measured against those that are done", () => {
  const done = { left: 0, downloadRate: 0, activity: "seeding", bottleneck: undefined } as const;
  const hosts = room([
    tracked(2, { ...done, doneAt: 20 * SECOND }),
    tracked(3, { ...done, doneAt: 21 * SECOND }),
    tracked(4, { downloadRate: 9_000, bottleneck: "disk" }),
  ]);
  assert.deepEqual(hosts.map(({ state, slow }) => [state, slow]), [
    ["done", undefined],
    ["done", undefined],
    ["done", undefined],
    ["downloading", "its disk"],
  ]);
});

Deno.test("room: newcomers and programs whose rate is not known yet do not make the others look quick", () => {
  const newcomers = [5, 6, 7, 8].map((number) =>
    tracked(number, { firstSeenAt: NOW - SECOND, downloadRate: 0 })
  );
  const other = tracked(9, { name: undefined, bottleneck: undefined, downloadRate: 0 });
  const hosts = room([
    tracked(2),
    tracked(3),
    tracked(4, { downloadRate: 0, bottleneck: "disk" }),
    other,
    ...newcomers,
  ]);
  assert.deepEqual(hosts.filter(({ slow }) => slow === "its disk").map(({ name }) => name), ["pc-4"]);
});

Deno.test("room: all are equally slow where one sender serves all, so nobody is called slow", () => {
  const hosts = room([2, 3, 4, 5].map((number) => tracked(number, { downloadRate: 1_000 + number })));
  assert.ok(hosts.every(({ slow }) => slow === undefined));
});

Deno.test("room: those that went away, are paused or out of space stay, with what is known", () => {
  const hosts = room([
    tracked(2, { goneSince: 90 * SECOND }),
    tracked(3, { activity: "paused", downloadRate: 0 }),
    tracked(4, { activity: "failed", bottleneck: "full", downloadRate: 0 }),
  ]);
  assert.deepEqual(hosts.slice(1).map(({ state, goneSince, slow }) => [state, goneSince, slow]), [
    ["gone", EPOCH + 90 * SECOND, undefined],
    ["paused", undefined, undefined],
    ["failed", undefined, "its disk is full"],
  ]);
});

Deno.test("room: a connected peer tells of each piece at once, whichever port and address it comes from", () => {
  const peers = [
    peer({ endpoint: "10.0.0.2:6881", address: "10.0.0.2", port: 6881, have: 80 }),
    peer({ endpoint: "10.0.0.3:50123", address: "10.0.0.3", port: 50123, have: 100, isSeed: true }),
    peer({ endpoint: "10.0.0.9:6881", address: "10.0.0.9", port: 6881, have: 25, client: "aria2 1.36.0" }),
    peer({ endpoint: "[fd00::4]:6881", address: "fd00::4", peerId: String(4).padStart(40, "0"), have: 60 }),
  ];
  const hosts = room([tracked(2), tracked(3), tracked(4)], { peers });
  assert.deepEqual(hosts.slice(1).map(({ endpoint, part, state }) => [endpoint, part, state]), [
    ["10.0.0.2:6881", 0.8, "downloading"],
    ["10.0.0.3:6881", 1, "done"],
    ["10.0.0.4:6881", 0.6, "downloading"],
    ["10.0.0.9:6881", 0.25, "downloading"],
  ]);
});

Deno.test("room: how fast another program is, and when it is done, is seen from the pieces that it tells of", () => {
  const aria2 = { name: undefined, downloadRate: 0, bottleneck: undefined, client: "aria2 1.36.0" } as const;
  const facts = { have: 60, progressRate: 20_000, isSeed: false };
  const peers = [
    peer({ endpoint: "10.0.0.3:6881", address: "10.0.0.3", port: 6881, ...facts }),
    peer({ endpoint: "10.0.0.9:6881", address: "10.0.0.9", port: 6881, ...facts }),
  ];
  const hosts = room([tracked(2), tracked(3, aria2)], { peers });
  assert.deepEqual(hosts.slice(2).map(({ downloadRate, etaS }) => [downloadRate, etaS]), [[20_000, 20], [
    20_000,
    20,
  ]]);
  assert.equal(roomOf(hosts, snapshot())?.lastInS, 20);
});

Deno.test("room: the numbers say whether all are done, and when the last one is", () => {
  const gone = [tracked(4, { goneSince: 1 }), tracked(5, { goneSince: 1, left: 0, activity: "seeding" })];
  const hosts = room([tracked(2), tracked(3, { left: LENGTH / 4 }), ...gone]);
  assert.deepEqual(roomOf(hosts, snapshot({ uploaded: LENGTH })), {
    hosts: 5,
    done: 2,
    gone: 1,
    slow: 0,
    together: 0.75,
    lastInS: 10,
    sentCopies: 1,
    othersCopies: 1.8,
  });
  const stalled = room([tracked(2), tracked(3, { downloadRate: 0 })]);
  assert.equal(roomOf(stalled, snapshot())?.lastInS, undefined, "nobody can tell when it is done");
  assert.equal(roomOf(room([]), snapshot()), undefined, "one machine is no room");
});

/** A machine in virtual time that loads, and whose disk falls behind at a moment. Times in ms. */
class Loading {
  readonly #pressure = new DiskPressure();
  readonly #schedule = new AnnounceSchedule([["http://10.0.0.1:6969/announce"]], () => 0);
  readonly #received = new RateMeter();
  left = 1e9;

  constructor(readonly number: number, readonly behindFrom: number) {}

  /** Lets 100 ms pass until `now`, and announces where that is due. */
  tick(now: number, hosts: HostList): void {
    const isBehind = now >= this.behindFrom;
    const rate = isBehind ? 300_000 : 1e6;
    this.left -= rate / 10;
    this.#pressure.look(!isBehind, undefined, now);
    this.#received.add(rate / 10, now);
    for (const announce of this.#schedule.due(now)) {
      hosts.note(this.#announce(now), this.endpoint, this.endpoint.address, now);
      const reportIntervalSeconds = hosts.reportIntervalSeconds(this.left);
      this.#schedule.succeeded(announce, { intervalSeconds: 30, reportIntervalSeconds }, now);
    }
  }

  get endpoint() {
    return { address: `10.0.0.${this.number}`, port: 6881 };
  }

  /** The rate is measured as `Swarm.hostReport` does. */
  #announce(now: number): AnnounceRequest {
    const downloadRate = this.#received.bytesLately(now);
    const facts = { state: "downloading", failure: undefined, peers: [], limit: Infinity } as const;
    const bottleneck = bottleneckOf({ ...facts, diskPressure: this.#pressure.value, downloadRate });
    const report: HostReport = {
      name: `pc-${this.number}`,
      have: 0,
      downloadRate,
      uploadRate: 0,
      activity: "downloading",
      bottleneck,
    };
    const peerId = toUtf8(`-PD0100-${String(this.number).padStart(12, "0")}`);
    const event = now === 0 ? "started" as const : undefined;
    return announceOf("", { peerId, key: this.number, left: this.left, report, ...event && { event } });
  }
}

Deno.test("room: a disk that falls behind is named within seven seconds, whenever that happens", () => {
  let worst = 0;
  for (let behindFrom = 0; behindFrom < 30 * SECOND; behindFrom += 300) {
    const hosts = new HostList();
    const machines = [2, 3, 4].map((number) => new Loading(number, number === 4 ? behindFrom : Infinity));
    let toldAt: number | undefined;
    for (let now = 0; now < behindFrom + 20 * SECOND; now += 100) {
      for (const machine of machines) machine.tick(now, hosts);
      const facts = {
        snapshot: snapshot(),
        tracked: hosts.hosts(now),
        self: { name: "lab-01", client: "", endpoint: "10.0.0.1:6881" },
        now,
        wallClock: EPOCH + now,
      };
      const [, ...others] = hostsOf(facts).sort((a, b) => a.endpoint < b.endpoint ? -1 : 1);
      assert.deepEqual(others.slice(0, 2).map(({ slow }) => slow), [undefined, undefined]);
      const { slow } = others[2];
      if (toldAt === undefined && slow !== undefined) {
        assert.equal(slow, "its disk");
        toldAt = now;
      }
    }
    worst = Math.max(worst, (toldAt ?? Infinity) - behindFrom);
  }
  assert.ok(worst <= 7 * SECOND, `${worst} ms`);
});
