import assert from "node:assert/strict";
import { createLogger } from "../../../lib/log.ts";
import { type AnnouncedSwarm, Announcer } from "../../../lib/net/tracker/announcer.ts";
import { toUtf8 } from "../../../lib/protocol/bytes.ts";
import { TrackerTraffic } from "../../../lib/net/tracker/tracker_traffic.ts";
import { ANNOUNCING, CONNECTIONS, TRACKER } from "../../../lib/settings.ts";
import { LoopbackNode, until } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";
import { announceOf, httpServerWith, TestTracker } from "../../harness/sessions/tracker.ts";

const data = randomBytes(1_000, 1);
const metainfo = metainfoOf(data, 16_384);
const { infoHash } = metainfo;

/** A tracker that serves the torrent, and somebody who announces to it, with `changes` to what its swarm says. */
function announcing(
  has: Uint8Array | null,
  tiersOf: (http: string, udp: string) => string[][],
  changes: Partial<AnnouncedSwarm> = {},
) {
  const tracker = new TestTracker();
  tracker.table.serve(infoHash);
  const node = new LoopbackNode(metainfo, has);
  const log: string[] = [];
  const failures: string[] = [];
  const announcer = new Announcer({
    swarm: {
      infoHash,
      totals: node.swarm.totals,
      isFinished: node.swarm.isFinished,
      addPeers: (endpoints, source) => node.swarm.addPeers(endpoints, source),
      ...changes,
    },
    tiers: tiersOf(`http://127.0.0.1:${tracker.http.port}/announce`, `udp://127.0.0.1:${tracker.udp.port}`),
    traffic: new TrackerTraffic(() => node.now, 1),
    failed: (url, reason) => failures.push(`${url} ${reason}`),
    surroundings: testSurroundings({
      listenPort: 7_000,
      log: createLogger("warn", (line) => log.push(line)),
      now: () => node.now,
    }),
  });
  return {
    tracker,
    node,
    announcer,
    log,
    failures,
    [Symbol.asyncDispose]: async () => {
      await announcer.stop();
      await node[Symbol.asyncDispose]();
      await tracker[Symbol.asyncDispose]();
    },
  };
}

for (const scheme of ["http", "udp"] as const) {
  Deno.test(`Announcer tells a tracker (${scheme}) that we are here, and the swarm who else is`, async () => {
    await using pair = announcing(null, (http, udp) => [[scheme === "http" ? http : udp]]);
    const { tracker, node, announcer, log } = pair;
    tracker.table.announce({ ...announceOf("other"), infoHash, port: 5_000 }, "10.0.0.5", 0);
    announcer.tick();
    announcer.tick();
    await until(() => node.events.some(({ event }) => event === "peers"), "heard of the other");
    assert.deepEqual(tracker.changes, ["127.0.0.1 7000"]);
    assert.deepEqual(node.swarm.takeDials(9), [{ address: "10.0.0.5", port: 5_000 }]);
    await announcer.stop();
    assert.deepEqual(tracker.changes, ["127.0.0.1 7000", "127.0.0.1 7000"], "came and left");
    assert.equal(tracker.table.scrape(infoHash)?.incomplete, 1);
    assert.deepEqual(log, []);
  });
}

for (const scheme of ["http", "udp"] as const) {
  Deno.test(`Announcer tells a tracker (${scheme}) as long as we are a partial seed (BEP 21)`, async () => {
    await using pair = announcing(null, (http, udp) => [[scheme === "http" ? http : udp]], {
      isFinished: true,
    });
    const { tracker, node, announcer } = pair;
    announcer.tick();
    await until(() => tracker.table.scrape(infoHash)?.downloaders === 1, "started");
    await until(() => {
      // Again and again: the next announce is due an interval after the reply to this one was read.
      node.clockOffset += TRACKER.intervalSeconds * 1_000;
      announcer.tick();
      return tracker.table.scrape(infoHash)?.downloaders === 0;
    }, "partial seed");
    assert.equal(tracker.table.scrape(infoHash)?.incomplete, 1);
  });
}

Deno.test("Announcer asks for as many peers as may be dialled, and for none when it leaves", async () => {
  const asked: (string | null)[] = [];
  const tracker = httpServerWith({
    "/announce": ({ query }) => {
      asked.push(new URLSearchParams(query).get("numwant"));
      return { status: 200, body: toUtf8("d8:intervali30e5:peers0:e") };
    },
  });
  await using pair = announcing(null, () => [[`http://127.0.0.1:${tracker.port}/announce`]]);
  pair.announcer.tick();
  await until(() => asked.length === 1, "asked");
  await pair.announcer.stop();
  await tracker.stop();
  assert.deepEqual(asked, [String(CONNECTIONS.dialled), "0"]);
});

Deno.test("Announcer tells a tracker that knows us as leech when we have everything", async () => {
  await using pair = announcing(null, (http) => [[http]]);
  const { tracker, announcer } = pair;
  announcer.tick();
  await until(() => tracker.table.scrape(infoHash)?.incomplete === 1, "started");
  // The announce is over only when its reply is read; what is asked of it meanwhile waits.
  announcer.completed();
  await until(() => {
    announcer.tick();
    return tracker.table.scrape(infoHash)?.downloaded === 1;
  }, "completed");
});

Deno.test("Announcer tries again when a tracker cannot be reached, with a pause, and names it without its path", async () => {
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(gone.addr as Deno.NetAddr).port}/announce?passkey=secret`;
  gone.close();
  await using pair = announcing(null, () => [[url]]);
  const { node, announcer, log, failures } = pair;
  announcer.tick();
  await until(() => log.length === 1, "failed");
  assert(!log[0].includes("secret"));
  assert(failures.length === 1 && failures[0].startsWith(`${url} `), `${failures}`);
  announcer.tick();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(log.length, 1, "not at once");
  node.clockOffset += 2 * ANNOUNCING.retryMs;
  announcer.tick();
  await until(() => failures.length === 2, "tried again");
  assert.equal(log.length, 1, "the same failure is logged once");
});

Deno.test("Announcer stops in time although a tracker never answers", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  await using pair = announcing(null, () => [[`udp://127.0.0.1:${port}`]]);
  pair.announcer.tick();
  const startedAt = performance.now();
  await pair.announcer.stop();
  const elapsed = performance.now() - startedAt;
  silent.close();
  assert(elapsed < ANNOUNCING.stopTimeoutMs + 1_000, `${elapsed} ms`);
});
