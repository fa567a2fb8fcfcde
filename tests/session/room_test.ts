import assert from "node:assert/strict";
import { hostsOf, type HostView, type RoomFacts, roomOf } from "../../lib/session/room.ts";
import type { TorrentSnapshot } from "../../lib/session/torrent_snapshot.ts";
import type { RemotePeerSnapshot } from "../../lib/swarm/ports.ts";
import type { TrackedHost } from "../../lib/swarm/tracker/host_list.ts";
import { peerSnapshot, swarmSnapshot } from "../harness/sessions/snapshots.ts";

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
    uploadRate: 0,
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

Deno.test("room: the numbers say whether all are done, and when the last one is", () => {
  const hosts = room([tracked(2), tracked(3, { left: LENGTH / 4 }), tracked(4, { goneSince: 1 })]);
  assert.deepEqual(roomOf(hosts, snapshot({ uploaded: LENGTH })), {
    hosts: 4,
    done: 1,
    gone: 1,
    slow: 0,
    together: 0.687,
    lastInS: 10,
    sentCopies: 1,
    othersCopies: 0.8,
  });
  const stalled = room([tracked(2), tracked(3, { downloadRate: 0 })]);
  assert.equal(roomOf(stalled, snapshot())?.lastInS, undefined, "nobody can tell when it is done");
  assert.equal(roomOf(room([]), snapshot()), undefined, "one machine is no room");
});
