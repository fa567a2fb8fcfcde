import assert from "node:assert/strict";
import { announceToTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { TrackerServer } from "../../../lib/net/tracker/tracker_server.ts";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import {
  decodeAnnounceReply,
  decodeScrapeReply,
  encodeAnnounceQuery,
  encodeScrapeQuery,
} from "../../../lib/protocol/tracker_http_messages.ts";
import type { AnnounceReply, AnnounceRequest } from "../../../lib/protocol/tracker_messages.ts";
import { TRACKER } from "../../../lib/settings.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import {
  announceBy,
  announceOf,
  peersOf,
  registryOf,
  SERVED,
  TestTracker,
  UNKNOWN,
} from "../../harness/sessions/tracker.ts";

const { signal } = new AbortController();
const announce = announceBy("http");

async function get(tracker: TestTracker, pathAndQuery: string, init?: RequestInit) {
  const response = await fetch(`http://127.0.0.1:${tracker.http.port}${pathAndQuery}`, init);
  return { response, body: await response.bytes() };
}

Deno.test("TrackerServer introduces peers to each other, over IPv4 and IPv6", async () => {
  await using tracker = new TestTracker();
  const first = await announce(tracker, announceOf("a", { event: "started" }));
  assert.deepEqual(first.peers, []);
  assert.equal(first.intervalSeconds, TRACKER.intervalSeconds);
  const second = await announce(tracker, announceOf("b", { left: 0 }), "[::1]");
  assert.deepEqual(peersOf(second), ["127.0.0.1:6881"]);
  assert.deepEqual([second.complete, second.incomplete], [1, 1]);
  const third = await announce(tracker, announceOf("a", { compact: false, noPeerId: false }));
  assert.deepEqual(peersOf(third), ["[::1]:6881"]);
  assert.equal(third.peers[0].peerId?.[0], "b");
});

Deno.test("TrackerServer reports membership changes, and only those", async () => {
  await using tracker = new TestTracker();
  for (const event of ["started", undefined, "stopped"] as const) {
    await announce(tracker, announceOf("a", event === undefined ? {} : { event }));
  }
  assert.deepEqual(tracker.changes, ["127.0.0.1 6881", "127.0.0.1 6881"]);
});

Deno.test("TrackerServer refuses info-hashes it does not serve", async () => {
  await using tracker = new TestTracker();
  await assert.rejects(announce(tracker, announceOf("a", { infoHash: UNKNOWN })), {
    name: "TrackerError",
    message: /^Unregistered torrent/,
  });
  assert.deepEqual(tracker.changes, []);
});

Deno.test("TrackerServer answers malformed announces with a failure reason and status 200", async () => {
  await using tracker = new TestTracker();
  const valid = encodeAnnounceQuery(announceOf("a"));
  for (
    const query of ["", "?", "?info_hash=abc", `?${valid.replace("port=6881", "port=99999")}`, "?%", "?a=%zz"]
  ) {
    const { response, body } = await get(tracker, `/announce${query}`);
    assert.equal(response.status, 200);
    assert("failureReason" in decodeAnnounceReply(body, 10), query);
  }
  assert.equal(tracker.table.peerCount, 0);
});

Deno.test("TrackerServer answers GET only", async () => {
  await using tracker = new TestTracker();
  const path = `/announce?${encodeAnnounceQuery(announceOf("a"))}`;
  for (const method of ["POST", "HEAD", "DELETE"]) {
    assert.equal((await get(tracker, path, { method })).response.status, 405);
  }
  assert.equal(tracker.table.peerCount, 0);
});

Deno.test("TrackerServer tells counts of the info-hashes named, never of all", async () => {
  await using tracker = new TestTracker();
  await announce(tracker, announceOf("a"));
  const { body } = await get(tracker, `/scrape?${encodeScrapeQuery([UNKNOWN, SERVED])}`);
  const counts = { complete: 0, incomplete: 1, downloaders: 1, downloaded: 0 };
  assert.deepEqual(decodeScrapeReply(body), new Map([[SERVED, counts]]));
  for (const query of ["", "?", "?x=1", "?info_hash=short"]) {
    const { body } = await get(tracker, `/scrape${query}`);
    assert("failureReason" in decodeScrapeReply(body), query);
  }
});

Deno.test("TrackerServer lists processes of this machine under a private address they claim, never under another", async () => {
  await using tracker = new TestTracker();
  const claim = (name: string, claimedAddresses: string[]) =>
    announce(tracker, announceOf(name, { claimedAddresses, port: 2_000 + name.charCodeAt(0) }));
  await claim("a", ["10.0.0.5"]);
  await claim("b", ["8.8.8.8", "169.254.1.1", "224.0.0.1"]);
  await claim("c", ["fd00::5"]);
  assert.deepEqual(
    tracker.table.list(SERVED).map(({ endpoint }) => formatEndpoint(endpoint)),
    ["10.0.0.5:2097", "127.0.0.1:2098", "127.0.0.1:2099", "[fd00::5]:2099"],
  );
  assert.deepEqual(tracker.changes, ["10.0.0.5 2097", "127.0.0.1 2098", "127.0.0.1 2099", "fd00::5 2099"]);
});

Deno.test("TrackerServer takes claims only of this machine and of proxies that were named", () => {
  const claims = { claimedAddresses: ["10.0.0.5", "fd00::5"] };
  const listed = (from: string, changes: Partial<AnnounceRequest> = claims) => {
    const table = new TrackerTable({ open: true, random: () => 0, ownAddressFor: () => undefined });
    const options = {
      registry: registryOf(table),
      now: () => 0,
      trustedProxies: ["::ffff:10.0.0.9", "fd00:0::9"],
    };
    new TrackerServer(options).announce(announceOf("a", changes), from);
    return table.list(SERVED).map(({ endpoint }) => endpoint.address);
  };
  for (const from of ["8.8.8.8", "10.0.0.8", "fd00::8", "169.254.1.1"]) {
    assert.deepEqual(listed(from), [from]);
  }
  for (const from of ["127.0.0.1", "10.0.0.9"]) assert.deepEqual(listed(from), ["10.0.0.5", "fd00::5"]);
  assert.deepEqual(listed("fd00::9"), ["fd00::5", "10.0.0.5"]);
  assert.deepEqual(listed("10.0.0.9", { claimedAddresses: ["fd00::5"] }), ["fd00::5"]);
  assert.deepEqual(listed("127.0.0.1", { claimedAddresses: ["fd00::5"] }), ["127.0.0.1", "fd00::5"]);
  assert.deepEqual(listed("10.0.0.9", { ...claims, port: 25 }), []);
});

Deno.test("TrackerServer lets no client fill the list with what it makes up, or delist others, by HTTP or by UDP", async () => {
  await using tracker = new TestTracker();
  const server = new TrackerServer({ registry: registryOf(tracker.table), now: () => 0 });
  const victim = announceOf("victim", { key: 99 });
  server.announce(victim, "10.0.0.2");
  for (let number = 0; number < 2 * TRACKER.maxPeersPerAddress; number++) {
    const claimedAddresses = [`10.3.${number >> 8}.${number & 255}`];
    await announce(tracker, announceOf(`made up ${number}`, { claimedAddresses }));
  }
  assert.equal(tracker.table.peerCount, 1 + TRACKER.maxPeersPerAddress);
  for (const scheme of ["http", "udp"]) {
    const { port } = scheme === "http" ? tracker.http : tracker.udp;
    const forged = announceOf("victim", { event: "stopped", claimedAddresses: ["10.0.0.2"] });
    await announceToTracker(`${scheme}://127.0.0.1:${port}/announce`, forged, signal);
  }
  assert.ok(tracker.table.list(SERVED).some(({ endpoint }) => endpoint.address === "10.0.0.2"));
});

Deno.test("TrackerServer answers announces at every path that counts as its own", async () => {
  await using tracker = new TestTracker();
  const query = encodeAnnounceQuery(announceOf("a"));
  for (
    const path of [
      "/",
      "/announce/",
      "//announce",
      "/announce/KEY",
      "/KEY/announce",
      "/announce.php",
      "/ANNOUNCE",
    ]
  ) {
    const { response, body } = await get(tracker, `${path}?${query}`);
    assert.equal(response.status, 200, path);
    assert.equal((decodeAnnounceReply(body, 10) as AnnounceReply).complete, 0, path);
  }
  for (const path of ["/other", "/a/b/announce"]) {
    assert.equal((await get(tracker, `${path}?${query}`)).response.status, 404, path);
  }
});
