import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { servePaths } from "../../../lib/net/http/http_server.ts";
import { askReach } from "../../../lib/net/tracker/reach_client.ts";
import { servingReach } from "../../../lib/net/tracker/reach_server.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { encode } from "../../../lib/protocol/bencode.ts";
import { REACH } from "../../../lib/settings.ts";
import { httpServerWith } from "../../harness/sessions/tracker.ts";

const TORRENT = parseInfoHash("ab".repeat(20))!;
const { signal } = new AbortController();

/** A tracker's machine whose clock is at `time` (ms since 1970); what it announced. */
function neighbour(time = Date.now()) {
  const announced: string[] = [];
  const stopping = new AbortController();
  const clock = { now: 0 };
  const server = httpServerWith({}, {
    service: servingReach({
      now: () => clock.now,
      wallClock: () => time,
      announceAgain: (infoHash) => announced.push(infoHash) === 1,
      signal: stopping.signal,
    }, servePaths([])),
  });
  return {
    announced,
    clock,
    tracker: { address: "127.0.0.1", port: server.port },
    url: `http://127.0.0.1:${server.port}/reach`,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await server.stop();
    },
  };
}

Deno.test("a neighbour dials the ports of who asks, announces a torrent, and tells its clock", async () => {
  await using other = neighbour(3_600_000);
  using open = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = open.addr as Deno.NetAddr;
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const shut = (closed.addr as Deno.NetAddr).port;
  closed.close();
  const question = { ports: [port, shut], torrent: TORRENT };
  const answer = await askReach(other.tracker, question, () => 1_000, signal);
  assert.deepEqual([...answer.ports], [[port, "open"], [shut, "refused"]]);
  assert.deepEqual([answer.isAnnounced, answer.aheadMs, answer.address], [true, 3_599_000, "127.0.0.1"]);
  assert.deepEqual(other.announced, [TORRENT]);
  (await open.accept()).close();
});

Deno.test("a neighbour dials nobody but who asks, few ports, and not often", async () => {
  await using other = neighbour();
  const statusOf = async (query: string, init?: RequestInit) => {
    const response = await fetch(`${other.url}?${query}`, init);
    await response.body?.cancel();
    return response.status;
  };
  assert.equal(await statusOf("ports=1,2,3,4,5"), 400);
  for (const bad of ["ports=0", "ports=65536", "ports=10.0.0.1:80", "ports=-1"]) {
    assert.equal(await statusOf(bad), 400, bad);
    other.clock.now += 60_000;
  }
  assert.equal(await statusOf("ports=", { method: "POST", body: "" }), 405);
  const statuses = await Promise.all(
    Array.from({ length: REACH.perAsker.burst + 3 }, () => statusOf("ports=")),
  );
  assert.deepEqual(statuses.filter((status) => status === 429).length, 3);
  other.clock.now += 1_000 / REACH.perAsker.perSecond;
  assert.equal(await statusOf("ports="), 200);
});

Deno.test("answers of hostile neighbours are refused", async () => {
  const answers: [status: number, body: Uint8Array][] = [
    [200, new Uint8Array(REACH.maxAnswerBytes + 1)],
    [200, encode({ ports: {} })],
    [200, encode([])],
    [200, encode({ time: -5 })],
    [302, new Uint8Array()],
    [404, new Uint8Array()],
  ];
  for (const [status, body] of answers) {
    const server = httpServerWith({
      "/reach": () => ({ status, body, headers: [["Location", "http://10.0.0.1/"]] }),
    });
    const tracker = { address: "127.0.0.1", port: server.port };
    const asked = askReach(tracker, { ports: [1], torrent: undefined }, Date.now, signal);
    await assert.rejects(asked, ProtocolError);
    await server.stop();
  }
  const odd = encode({ time: 5, ports: { "1": 9, "2": 0, "x": 0 }, announced: 7 });
  const server = httpServerWith({ "/reach": () => ({ status: 200, body: odd }) });
  const tracker = { address: "127.0.0.1", port: server.port };
  const answer = await askReach(tracker, { ports: [1], torrent: undefined }, () => 0, signal);
  assert.deepEqual([[...answer.ports], answer.isAnnounced], [[], false]);
  await server.stop();
});
