import assert from "node:assert/strict";
import { createLogger, LOG_LEVELS } from "../../../lib/log.ts";
import { acceptConnections } from "../../../lib/net/peers/accept_loop.ts";
import { announceToTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { LoopbackNode, RawPeer } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { needs } from "../../harness/processes/require_tool.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";
import { announceOf, TestTracker } from "../../harness/sessions/tracker.ts";

/** Resets of a burst, and how long one honest client may wait beside them. */
const RESETS = 3_000;
const LONGEST_WAIT_MS = 50;

/** An error as the system's calls throw it. */
const systemError = (code: string) => Object.assign(new Error(code), { code });

/** Accepts from a listener that rejects with each of these, and then takes one connection. Returns ms and log lines. */
async function acceptAfter(errors: readonly Error[]): Promise<{ ms: number; lines: string[] }> {
  const stopping = new AbortController();
  const lines: string[] = [];
  const rejections = errors.values();
  const connection = { close: () => {} } as Deno.TcpConn;
  const accept = () => {
    const { value } = rejections.next();
    return value === undefined ? Promise.resolve(connection) : Promise.reject(value);
  };
  const startedAt = performance.now();
  await acceptConnections([{ accept }], {
    take: () => stopping.abort(),
    signal: stopping.signal,
    log: createLogger(LOG_LEVELS[1], (line) => lines.push(line)),
    name: "test",
  });
  return { ms: performance.now() - startedAt, lines };
}

Deno.test("acceptConnections goes on at once after connections that were gone before it took them", async () => {
  const codes = ["ENOTCONN", "ECONNRESET", "ECONNABORTED", "EPROTO", "EINVAL", "EPERM"];
  const { ms, lines } = await acceptAfter(codes.map(systemError));
  assert.ok(ms < 200, `${ms} ms`);
  assert.deepEqual(lines, []);
});

Deno.test("acceptConnections pauses while the system lacks something, and where the listener is broken", async () => {
  for (
    const error of [systemError("EMFILE"), systemError("ENOBUFS"), new Deno.errors.BadResource("closed")]
  ) {
    const { ms, lines } = await acceptAfter([error]);
    assert.ok(ms > 400, `${error.message}: ${ms} ms`);
    assert.match(lines.join(), /test cannot accept/);
  }
});

Deno.test("acceptConnections closes what `take` throws for, and ends only with the signal", async () => {
  const stopping = new AbortController();
  let closed = 0;
  const connection = { close: () => closed++ } as unknown as Deno.TcpConn;
  await acceptConnections([{ accept: () => Promise.resolve(connection) }], {
    take: () => {
      if (closed === 3) return stopping.abort();
      throw systemError("ENOTCONN");
    },
    signal: stopping.signal,
    log: createLogger(LOG_LEVELS[0], () => {}),
    name: "test",
  });
  assert.equal(closed, 3);
});

/** Connects and resets, as a port scanner does, from another process. */
function resetConnections(port: number): Deno.ChildProcess {
  const script = `
import socket, struct
for _ in range(${RESETS}):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.connect(("127.0.0.1", ${port}))
    s.close()
`;
  return new Deno.Command("python3", { args: ["-c", script] }).spawn();
}

/** The median of the times, in ms, that `ask` takes again and again while a flood of resets is under way. */
async function medianWait(port: number, ask: (round: number) => Promise<unknown>): Promise<number> {
  const flood = resetConnections(port);
  let isOver = false;
  const over = flood.status.then(({ success }) => {
    isOver = true;
    assert.ok(success);
  });
  const times: number[] = [];
  for (let round = 0; !isOver; round++) {
    const startedAt = performance.now();
    await ask(round);
    times.push(performance.now() - startedAt);
  }
  await over;
  assert.ok(times.length > 3, `${times.length} rounds`);
  return times.sort((a, b) => a - b)[times.length >> 1];
}

needs("python3", "linux")("Listener shakes hands beside thousands of reset connections", async () => {
  const data = randomBytes(100_000, 1);
  const metainfo = metainfoOf(data, 32_768);
  await using node = new LoopbackNode(metainfo, data);
  const { port } = node.listener;
  const wait = await medianWait(port, async (round) => {
    using peer = await RawPeer.connect(port);
    assert.equal(await peer.shakeHands(metainfo.infoHash, 1 + round % 50), true);
  });
  assert.ok(wait < LONGEST_WAIT_MS, `${wait} ms`);
});

needs("python3", "linux")("HttpServer answers announces beside thousands of reset connections", async () => {
  await using tracker = new TestTracker();
  const { port } = tracker.http;
  const { signal } = new AbortController();
  const url = `http://127.0.0.1:${port}/announce`;
  const wait = await medianWait(port, () => announceToTracker(url, announceOf("honest"), signal));
  assert.ok(wait < LONGEST_WAIT_MS, `${wait} ms`);
});
