import assert from "node:assert/strict";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import type { HostReport } from "../../../lib/protocol/host_report.ts";
import type { AnnounceRequest } from "../../../lib/protocol/tracker_messages.ts";
import { HOSTS, TRACKER } from "../../../lib/settings.ts";
import { HostList } from "../../../lib/swarm/tracker/host_list.ts";
import { announceOf } from "../../harness/sessions/tracker.ts";

const SECOND = 1_000;
const report: HostReport = {
  name: "pc-17",
  have: 700,
  downloadRate: 8,
  uploadRate: 3,
  activity: "downloading",
  bottleneck: "disk",
};

/** An announce of machine `number`; of our kind, with a key, unless the changes say otherwise. */
function announce(number: number, changes: Partial<AnnounceRequest> = {}): AnnounceRequest {
  const peerId = toUtf8(`-PD0100-${String(number).padStart(12, "0")}`);
  return announceOf("", { peerId, key: number, left: 300, ...changes });
}

const at = (address: string, port = 6881) => ({ address, port });

Deno.test("hosts: a machine of our kind tells its name, its rates and what holds it up", () => {
  const hosts = new HostList();
  hosts.note(announce(1, { report }), at("10.0.0.17"), "10.0.0.17", 5 * SECOND);
  const [host] = hosts.hosts(5 * SECOND);
  assert.deepEqual(
    { ...host, client: undefined, peerId: undefined },
    {
      endpoint: at("10.0.0.17"),
      peerId: undefined,
      name: "pc-17",
      client: undefined,
      left: 300,
      have: 700,
      downloadRate: 8,
      steadyRate: 8,
      uploadRate: 3,
      pace: undefined,
      activity: "downloading",
      bottleneck: "disk",
      firstSeenAt: 5 * SECOND,
      doneAt: undefined,
      goneSince: undefined,
    },
  );
});

Deno.test("hosts: a machine's pace is how fast it comes nearer to its end, over its last reports", () => {
  const hosts = new HostList();
  const paceAfter = (left: number, seconds: number) => {
    hosts.note(announce(1, { report, left }), at("10.0.0.17"), "10.0.0.17", seconds * SECOND);
    return hosts.hosts(seconds * SECOND)[0].pace;
  };
  assert.equal(paceAfter(1_000, 10), undefined);
  assert.equal(paceAfter(900, 15), 20);
  // An announce in between tells nothing of the pace.
  assert.equal(paceAfter(900, 15.5), 20);
  const halved = paceAfter(900, 15.5 + HOSTS.paceMs / SECOND * Math.LN2)!;
  assert.ok(Math.abs(halved - 10) < 1e-9, `${halved}`);
  // However often it reports, the same time weighs the same.
  let pace = halved;
  for (let i = 1; i <= 100; i++) pace = paceAfter(900 - 5 * i, 15.5 + HOSTS.paceMs / SECOND * Math.LN2 + i)!;
  assert.ok(Math.abs(pace - 5) < 1e-4, `${pace}`);
});

Deno.test("hosts: another program counts with what BEP 3 says, and its rates come from two announces", () => {
  const hosts = new HostList();
  const peerId = toUtf8("-A20100-000000000001");
  const aria2 = (downloaded: number, left: number) =>
    announceOf("", { peerId, left, downloaded, uploaded: downloaded / 2 });
  hosts.note(aria2(0, 1_000), at("10.0.0.8"), "10.0.0.8", 0);
  hosts.note(aria2(600, 400), at("10.0.0.8"), "10.0.0.8", 30 * SECOND);
  const [{ name, client, left, downloadRate, uploadRate, activity }] = hosts.hosts(31 * SECOND);
  assert.deepEqual({ name, client, left, downloadRate, uploadRate, activity }, {
    name: undefined,
    client: "aria2 0.1.0",
    left: 400,
    downloadRate: 20,
    uploadRate: 10,
    activity: "downloading",
  });
});

Deno.test("hosts: one that leaves or falls silent stays, with the time since when; one that is back goes on", () => {
  const hosts = new HostList();
  hosts.note(announce(1, { report }), at("10.0.0.1"), "10.0.0.1", 0);
  hosts.note(announce(2, { report }), at("10.0.0.2"), "10.0.0.2", 0);
  hosts.note(announce(2, { event: "stopped" }), at("10.0.0.2"), "10.0.0.2", 4 * SECOND);
  const goneAt = (now: number) => hosts.hosts(now).map(({ goneSince }) => goneSince);
  assert.deepEqual(goneAt(5 * SECOND), [undefined, 4 * SECOND]);
  const silenceMs = HOSTS.minSilenceMs;
  assert.ok(silenceMs < 9 * SECOND, "a killed machine is told within 9 s");
  assert.deepEqual(goneAt(silenceMs), [undefined, 4 * SECOND]);
  assert.deepEqual(goneAt(silenceMs + 1), [0, 4 * SECOND]);
  // It has begun anew, with another peer id and key, and is still the same host.
  hosts.note(announce(7, { report }), at("10.0.0.1"), "10.0.0.1", 60 * SECOND);
  const [, back] = hosts.hosts(60 * SECOND);
  assert.deepEqual([hosts.size, back.goneSince, back.firstSeenAt], [2, undefined, 0]);
});

Deno.test("hosts: one whose user has paused it is paused, not gone", () => {
  const hosts = new HostList();
  hosts.note(announce(1, { report }), at("10.0.0.1"), "10.0.0.1", 0);
  const paused: HostReport = { ...report, activity: "paused", bottleneck: undefined };
  hosts.note(announce(1, { event: "stopped", report: paused }), at("10.0.0.1"), "10.0.0.1", 1);
  const [host] = hosts.hosts(3_600 * SECOND);
  assert.deepEqual([host.activity, host.goneSince], ["paused", undefined]);
});

Deno.test("hosts: a machine with addresses of both families is one host", () => {
  const hosts = new HostList();
  hosts.note(announce(1), at("10.0.0.1"), "10.0.0.1", 0);
  hosts.note(announce(1), at("fd00::1"), "fd00::1", 1);
  assert.deepEqual(hosts.hosts(2).map(({ endpoint }) => endpoint), [at("10.0.0.1")]);
});

Deno.test("hosts: when it was complete is remembered", () => {
  const hosts = new HostList();
  const note = (left: number, now: number) =>
    hosts.note(announce(1, { left }), at("10.0.0.1"), "10.0.0.1", now);
  note(10, 0);
  note(0, 9_000);
  note(0, 20_000);
  assert.equal(hosts.hosts(20_000)[0].doneAt, 9_000);
});

Deno.test("hosts: nobody speaks for another machine, and one address fills no more than its share", () => {
  const hosts = new HostList();
  hosts.note(announce(1, { report }), at("10.0.0.1"), "10.0.0.1", 0);
  const forged = announce(66, { report: { ...report, name: "pwned" } });
  hosts.note(forged, at("10.0.0.1"), "10.6.6.6", 1);
  assert.deepEqual(hosts.hosts(1).map(({ name }) => name), ["pc-17"]);
  for (let i = 0; i < 2_000; i++) hosts.note(announce(100 + i), at("10.6.6.6", 1_024 + i), "10.6.6.6", 2);
  assert.equal(hosts.size, 1 + TRACKER.maxPeersPerAddress);
});

Deno.test("hosts: there is a most of them; those that left longest ago make room", () => {
  const hosts = new HostList();
  const note = (i: number, changes: Partial<AnnounceRequest> = {}) => {
    const address = `10.${i >> 16}.${i >> 8 & 255}.${i & 255}`;
    hosts.note(announce(i, changes), at(address), address, i);
  };
  for (let i = 0; i < HOSTS.maxPerTorrent; i++) note(i);
  note(HOSTS.maxPerTorrent);
  assert.equal(hosts.size, HOSTS.maxPerTorrent);
  assert.ok(!hosts.hosts(0).some(({ endpoint }) => endpoint.address === "10.0.7.208"), "nobody has left yet");
  note(5, { event: "stopped" });
  note(HOSTS.maxPerTorrent);
  assert.equal(hosts.size, HOSTS.maxPerTorrent);
  assert.ok(hosts.hosts(0).some(({ endpoint }) => endpoint.address === "10.0.7.208"));
  assert.equal(
    hosts.reportIntervalSeconds(1),
    Math.ceil(HOSTS.secondsPerRoot * Math.sqrt(HOSTS.maxPerTorrent)),
  );
});
