/** The embedded tracker as a target: honest announces are answered while others do their worst. */
import assert from "node:assert/strict";
import { announceToTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { TrackerServer } from "../../../lib/net/tracker/tracker_server.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { infoHashOf } from "../../../lib/protocol/info_hash.ts";
import { encodeAnnounceQuery } from "../../../lib/protocol/tracker_http_messages.ts";
import { TRACKER } from "../../../lib/settings.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import { until } from "../../harness/sessions/loopback_node.ts";
import { seededRandom } from "../../harness/data/random.ts";
import { announceOf, registryOf, SERVED, TestTracker } from "../../harness/sessions/tracker.ts";
import { needs } from "../../harness/processes/require_tool.ts";

const { signal } = new AbortController();

/** Milliseconds an honest peer waits for its answer. */
async function announceTime(tracker: TestTracker, name: string): Promise<number> {
  const startedAt = performance.now();
  await announceToTracker(`http://127.0.0.1:${tracker.http.port}/announce`, announceOf(name), signal);
  return performance.now() - startedAt;
}

needs("thousands of connections")(
  "TrackerServer answers although more slow connections are open than it has places for",
  async () => {
    await using tracker = new TestTracker();
    const slow: Deno.TcpConn[] = [];
    const openings = ["", "G", "GET /announce?info_hash=", "GET /announce HTTP/1.1\r\nHost: x\r\nX-A: "];
    try {
      const count = TRACKER.maxConnections + 200;
      for (let number = 0; number < count; number++) {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port: tracker.http.port });
        slow.push(connection);
        await connection.write(toUtf8(openings[number % openings.length]));
      }
      await until(() => tracker.http.connectionCount === TRACKER.maxConnections, "they are there");
      const times: number[] = [];
      for (let number = 0; number < 50; number++) {
        // Each of them says a little more now and then.
        for (const connection of slow.slice(number * 20, number * 20 + 20)) {
          await connection.write(toUtf8("x")).catch(() => {});
        }
        times.push(await announceTime(tracker, `honest ${number}`));
      }
      assert.equal(tracker.table.peerCount, 50);
      assert.ok(Math.max(...times) < 1_000, `slowest answer after ${Math.max(...times)} ms`);
      assert.ok(tracker.http.connectionCount <= TRACKER.maxConnections);
    } finally {
      for (const connection of slow) connection.close();
    }
  },
);

Deno.test("TrackerServer answers honest announces in a flood of others", async () => {
  await using tracker = new TestTracker();
  const flooding = new AbortController();
  let sent = 0;
  const flood = async () => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: tracker.http.port });
    const buffer = new Uint8Array(4096);
    while (!flooding.signal.aborted) {
      const infoHash = sent % 2 === 0 ? SERVED : infoHashOf(toUtf8(`made up ${sent}`));
      const query = encodeAnnounceQuery(announceOf(`flood ${sent++}`, { infoHash, port: 1 + sent % 65_535 }));
      await connection.write(toUtf8(`GET /announce?${query} HTTP/1.1\r\n\r\n`));
      await connection.read(buffer);
    }
  };
  const floods = Array.from({ length: 20 }, flood);
  await until(() => sent > 2_000, "the flood is there", 20_000);
  const times: number[] = [];
  for (let number = 0; number < 20; number++) times.push(await announceTime(tracker, `honest ${number}`));
  flooding.abort();
  await Promise.all(floods);
  assert.ok(Math.max(...times) < 2_000, `slowest answer after ${Math.max(...times)} ms`);
  assert.equal(tracker.table.peerCount, TRACKER.maxPeersPerAddress, "what one address may announce");
  assert.equal(tracker.table.swarmCount, 1, "and only what is shared here");
});

Deno.test("TrackerServer that is open forgets what it must, whatever comes", () => {
  const table = new TrackerTable({ open: true, random: seededRandom(1), ownAddressFor: () => undefined });
  const server = new TrackerServer({ registry: registryOf(table), now: () => 0 });
  table.serve(SERVED);
  server.announce(announceOf("ours"), "10.0.0.5");
  for (let number = 0; number < 30_000; number++) {
    const infoHash = infoHashOf(toUtf8(`made up ${number}`));
    const from = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    const reply = server.announce(announceOf("x", { infoHash, numwant: 2 ** 40, port: 1 }), from);
    assert("peers" in reply && reply.peers.length === 0);
  }
  assert.equal(table.swarmCount, TRACKER.maxInfoHashes);
  assert.equal(table.scrape(SERVED)?.incomplete, 1, "what is shared here stays");
});

Deno.test("TrackerServer names at most so many peers, however many are wanted", () => {
  const table = new TrackerTable({ open: false, random: seededRandom(1), ownAddressFor: () => undefined });
  const server = new TrackerServer({ registry: registryOf(table), now: () => 0 });
  table.serve(SERVED);
  for (let number = 0; number < 2 * TRACKER.maxNumwant; number++) {
    server.announce(
      announceOf(`peer ${number}`, { port: 1 + number }),
      `10.0.${number >> 8}.${number & 255}`,
    );
  }
  for (const numwant of [TRACKER.maxNumwant + 1, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    const reply = server.announce(announceOf("greedy", { numwant }), "10.9.9.9");
    assert("peers" in reply && reply.peers.length === TRACKER.maxNumwant, `${numwant}`);
  }
});

Deno.test("TrackerServer tells nobody what it was not asked for: no index, no list, no counts of all", async () => {
  await using tracker = new TestTracker();
  await announceTime(tracker, "a");
  const { port } = tracker.http;
  for (
    const path of ["index.html", "stats", "stats?mode=everything", "peers", "announced", "favicon.ico"]
  ) {
    const response = await fetch(`http://127.0.0.1:${port}/${path}`);
    assert.deepEqual([response.status, await response.text()], [404, ""], path);
    assert.equal(response.headers.get("server"), null);
  }
  for (
    const path of [
      "",
      "announce",
      "announce.php",
      "scrape",
      "scrape?",
      "scrape?info_hash=%00",
      "announce?info_hash=*",
    ]
  ) {
    const body = await (await fetch(`http://127.0.0.1:${port}/${path}`)).text();
    assert.match(body, /^d14:failure reason\d+:/, path);
    assert.ok(!body.includes(SERVED));
  }
});
