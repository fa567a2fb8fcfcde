import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { TrackerError } from "../../../lib/errors.ts";
import { announceToTracker, scrapeTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { encode } from "../../../lib/protocol/bencode.ts";
import { familyOf } from "../../../lib/protocol/endpoint.ts";
import { infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import { encodeFailure } from "../../../lib/protocol/tracker_http_messages.ts";
import {
  encodeUdpAnnounceReply,
  encodeUdpConnectReply,
  parseUdpRequest,
  UdpAction,
} from "../../../lib/protocol/tracker_udp_messages.ts";
import { ANNOUNCING } from "../../../lib/settings.ts";
import { announceOf, SERVED, TestTracker } from "../../harness/sessions/tracker.ts";
import { Tripwire } from "../../harness/sessions/tripwire.ts";

const { signal } = new AbortController();
const EMPTY_REPLY = encode({ interval: 60, peers: "" });

type Handler = (request: Request) => Response | Promise<Response>;

/** An HTTP tracker on loopback that `handler` answers for. */
const trackerWith = (handler: Handler) =>
  Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);

/** What an announce to an HTTP tracker with this handler comes to: the interval, or the error's text. */
async function outcomeWith(
  handler: Handler,
  { path = "/announce", timeoutMs = 5000 } = {},
): Promise<string | number> {
  const server = trackerWith(handler);
  try {
    return await outcomeOf(`http://127.0.0.1:${server.addr.port}${path}`, timeoutMs);
  } finally {
    await server.shutdown();
  }
}

async function outcomeOf(url: string, timeoutMs = 5000): Promise<string | number> {
  try {
    return (await announceToTracker(url, announceOf("a"), signal, { timeoutMs })).intervalSeconds;
  } catch (error) {
    assert(error instanceof TrackerError, String(error));
    return error.message;
  }
}

Deno.test("announceToTracker sends its query behind that of the URL", async () => {
  let url = "";
  const handler: Handler = (request) => {
    url = request.url;
    return new Response(EMPTY_REPLY);
  };
  assert.equal(await outcomeWith(handler, { path: "/announce?key=a%20b" }), 60);
  assert.match(url, /\/announce\?key=a%20b&info_hash=(%f0){20}&peer_id=a(%ff){19}&port=6881&/);
});

Deno.test("announceToTracker reads a compressed reply", async () => {
  const handler: Handler = () => {
    const body = new Response(EMPTY_REPLY).body!.pipeThrough(new CompressionStream("gzip"));
    return new Response(body, { headers: { "content-encoding": "gzip" } });
  };
  assert.equal(await outcomeWith(handler), 60);
});

Deno.test("announceToTracker stops reading a body that is too long, also after decompression", async () => {
  const zeros = new Uint8Array(2 * ANNOUNCING.maxReplyBytes);
  const tooLong = `Expected a reply of at most ${ANNOUNCING.maxReplyBytes} bytes`;
  assert.equal(await outcomeWith(() => new Response(zeros)), tooLong);
  const gzipped = await new Response(new Blob([zeros]).stream().pipeThrough(new CompressionStream("gzip")))
    .bytes();
  assert.ok(gzipped.length < ANNOUNCING.maxReplyBytes / 100);
  const bomb = () => new Response(gzipped, { headers: { "content-encoding": "gzip" } });
  assert.equal(await outcomeWith(bomb), tooLong);
});

Deno.test("announceToTracker turns every bad answer into a TrackerError", async () => {
  assert.equal(
    await outcomeWith(() => new Response("no", { status: 503 })),
    "Expected an HTTP reply of status 200, got 503",
  );
  assert.match(String(await outcomeWith(() => new Response("<html>"))), /^Malformed bencoding/);
  assert.match(String(await outcomeWith(() => new Response(null))), /^Malformed bencoding/);
  const failure = encode({ "failure reason": "go\naway", "retry in": 2 });
  assert.equal(await outcomeWith(() => new Response(failure)), "go\uFFFDaway");
});

Deno.test("announceToTracker passes on how long the tracker wants us to stay away", async () => {
  const server = trackerWith(() => new Response(encode({ "failure reason": "busy", "retry in": 2 })));
  try {
    await assert.rejects(
      announceToTracker(`http://127.0.0.1:${server.addr.port}/announce`, announceOf("a"), signal),
      { name: "TrackerError", message: "busy", retryInMs: 120_000 },
    );
  } finally {
    await server.shutdown();
  }
});

Deno.test("announceToTracker follows a few redirects", async () => {
  const followed = (limit: number): Handler => (request) => {
    const step = Number(new URL(request.url).searchParams.get("step"));
    if (step === limit) return new Response(EMPTY_REPLY);
    return new Response("moved", { status: 302, headers: { location: `?step=${step + 1}` } });
  };
  assert.equal(await outcomeWith(followed(3)), 60);
  assert.equal(await outcomeWith(followed(4)), "Expected at most 3 redirects");
});

Deno.test("announceToTracker follows no redirect to other schemes or to nowhere", async () => {
  for (const location of ["file:///etc/passwd", "ftp://127.0.0.1/", "data:,x", "http://", undefined]) {
    const headers: HeadersInit = location === undefined ? {} : { location };
    const outcome = await outcomeWith(() => new Response(null, { status: 301, headers }));
    assert.equal(outcome, "Expected a redirect to an HTTP address", location);
  }
});

Deno.test("announceToTracker calls nothing on this machine but /announce, whatever it is called by", async () => {
  using tripwire = new Tripwire();
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"]) {
    for (
      const path of ["/shutdown", "/", "/announced", "/a/announce", "/announce/../admin", "/announce/a/b"]
    ) {
      const outcome = await outcomeOf(`http://${host}:${tripwire.port}${path}`);
      assert.equal(outcome, "Expected the path /announce for a tracker on this machine, got another");
    }
    const outcome = await outcomeOf(`udp://${host}:${tripwire.port}/shutdown`);
    assert.equal(outcome, "Expected the path /announce for a tracker on this machine, got another");
  }
  for (const host of ["0.0.0.0", "[::]", "224.0.0.1", "169.254.169.254"]) {
    const outcome = await outcomeOf(`http://${host}:${tripwire.port}/announce`);
    assert.match(String(outcome), /^Expected an address that may be asked/);
  }
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("announceToTracker follows no redirect to another service of this machine", async () => {
  using tripwire = new Tripwire();
  for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]"]) {
    for (const path of ["/shutdown", "/announce"]) {
      const location = `http://${host}:${tripwire.port}${path}`;
      const outcome = await outcomeWith(() => new Response(null, { status: 307, headers: { location } }));
      assert.equal(outcome, "Refused a redirect to this machine or a link-local address", location);
    }
  }
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("announceToTracker takes peers on loopback from trackers on this machine only", async () => {
  const reply = encode({ interval: 60, peers: Uint8Array.of(127, 0, 0, 1, 0, 80, 10, 0, 0, 5, 0, 81) });
  const original = globalThis.fetch;
  globalThis.fetch = () => Promise.resolve(new Response(reply));
  try {
    for (
      const [tracker, ports] of [["127.0.0.1", [80, 81]], ["10.0.0.9", [81]], ["203.0.113.5", [81]]] as const
    ) {
      const { peers } = await announceToTracker(`http://${tracker}/announce`, announceOf("a"), signal);
      assert.deepEqual(peers.map(({ endpoint }) => endpoint.port), ports, tracker);
    }
  } finally {
    globalThis.fetch = original;
  }
});

Deno.test("announceToTracker asks nobody at a blocked address", async () => {
  using tripwire = new Tripwire();
  const limits = { isBlocked: (address: string) => address === "127.0.0.1" };
  for (const scheme of ["http", "udp"]) {
    await assert.rejects(
      announceToTracker(`${scheme}://127.0.0.1:${tripwire.port}/announce`, announceOf("a"), signal, limits),
      { name: "TrackerError", message: "Expected an address that is not blocked" },
    );
  }
  assert.equal(await tripwire.calls(), 0);
});

Deno.test("announceToTracker tells of a broken reply without the URL, which may hold a secret", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(1_000));
      connection.close();
    }
  })();
  const path = "announce/secretkey?passkey=secret";
  const outcome = await outcomeOf(`http://127.0.0.1:${listener.addr.port}/${path}`);
  assert.match(String(outcome), /^error sending request .*http:\/\/127.0.0.1:\d+\/…/);
  assert.doesNotMatch(String(outcome), /secret/);
  listener.close();
  await serving;
});

Deno.test("announceToTracker refuses other schemes and malformed URLs", async () => {
  for (const url of ["file:///announce", "ws://127.0.0.1/announce", "nonsense", "http://", ""]) {
    assert.match(String(await outcomeOf(url)), /^Expected /, url);
  }
});

Deno.test("announceToTracker reports an unreachable tracker without its URL, which may hold a secret", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const outcome = await outcomeOf(`http://127.0.0.1:${port}/announce?passkey=secret`);
  assert.doesNotMatch(String(outcome), /secret|\n/);
  assert.match(String(outcome), /refused|connect|fetch failed/i);
});

Deno.test("announceToTracker gives up after its time, over HTTP and UDP", async () => {
  const hanging: Handler = (request) =>
    new Promise((resolve) => request.signal.addEventListener("abort", () => resolve(new Response())));
  assert.equal(await outcomeWith(hanging, { timeoutMs: 50 }), "No answer within 0.05 s");
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  assert.equal(await outcomeOf(`udp://127.0.0.1:${port}`, 50), "No answer within 0.05 s");
  silent.close();
});

Deno.test("announceToTracker stops when told to", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const stopping = new AbortController();
  const announced = announceToTracker(`udp://127.0.0.1:${port}`, announceOf("a"), stopping.signal);
  await silent.receive();
  stopping.abort();
  const stopped = { name: "TrackerError", message: "Stopped before it answered" };
  await assert.rejects(announced, stopped);
  for (const scheme of ["udp", "http"]) {
    const late = announceToTracker(`${scheme}://127.0.0.1:${port}`, announceOf("a"), stopping.signal);
    await assert.rejects(late, stopped);
  }
  silent.close();
});

/** A UDP tracker that answers each request with what `answers` returns for it. */
async function udpTracker(
  socket: Deno.DatagramConn,
  answers: (request: ReturnType<typeof parseUdpRequest>) => Uint8Array[],
): Promise<void> {
  for await (const [datagram, from] of socket) {
    for (const answer of answers(parseUdpRequest(datagram))) await socket.send(answer, from);
  }
}

Deno.test("announceToTracker sends a lost datagram again and ignores answers to others", async () => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const asked: number[] = [];
  let urlData = "";
  const connectionId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  const running = udpTracker(socket, (request) => {
    asked.push(request.action);
    const { transactionId } = request;
    if (request.action === UdpAction.connect) {
      const wrong = encodeUdpConnectReply((transactionId + 1) >>> 0, new Uint8Array(8));
      return asked.length === 1
        ? []
        : [wrong, Uint8Array.of(1), encodeUdpConnectReply(transactionId, connectionId)];
    }
    assert(request.action === UdpAction.announce);
    assert.deepEqual(request.connectionId, connectionId);
    urlData = request.urlData;
    return [encodeUdpAnnounceReply(transactionId, { intervalSeconds: 77, peers: [] }, 4)];
  });
  const { port } = socket.addr as Deno.NetAddr;
  assert.equal(await outcomeOf(`udp://127.0.0.1:${port}/announce?key=1`), 77);
  assert.deepEqual(asked, [UdpAction.connect, UdpAction.connect, UdpAction.announce]);
  assert.equal(urlData, "/announce?key=1");
  socket.close();
  await running;
});

Deno.test("announceToTracker reads long UDP replies whole", async () => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const peers = Array.from({ length: 190 }, (_, at) => ({ endpoint: { address: "10.0.0.5", port: at + 1 } }));
  const running = udpTracker(socket, ({ action, transactionId }) => [
    action === UdpAction.connect
      ? encodeUdpConnectReply(transactionId, new Uint8Array(8))
      : encodeUdpAnnounceReply(transactionId, { intervalSeconds: 60, peers }, 4),
  ]);
  const { port } = socket.addr as Deno.NetAddr;
  const reply = await announceToTracker(`udp://127.0.0.1:${port}`, announceOf("a"), signal);
  assert.equal(reply.peers.length, 190);
  socket.close();
  await running;
});

Deno.test("scrapeTracker counts the peers of a torrent, over HTTP and UDP", async () => {
  await using tracker = new TestTracker();
  tracker.table.announce(announceOf("seed", { left: 0 }), "10.0.0.1", 0);
  tracker.table.announce(announceOf("leech"), "10.0.0.2", 0);
  const http = await scrapeTracker(`http://127.0.0.1:${tracker.http.port}/announce`, SERVED, signal);
  assert.deepEqual(http, { complete: 1, incomplete: 1, downloaders: 1, downloaded: 0 });
  const udp = await scrapeTracker(`udp://localhost:${tracker.udp.port}`, SERVED, signal);
  assert.deepEqual(udp, { complete: 1, incomplete: 1, downloaded: 0 });
});

Deno.test("scrapeTracker tells why there are no counts", async () => {
  await using tracker = new TestTracker();
  const unknown = infoHashFromBytes(new Uint8Array(20));
  const outcomeOf = (url: string) =>
    scrapeTracker(url, unknown, signal, { timeoutMs: 5_000 }).then(() => "counts", ({ message }) => message);
  const { port } = tracker.http;
  assert.equal(
    await outcomeOf(`http://127.0.0.1:${port}/announce`),
    "Expected counts of the torrent, got none",
  );
  assert.equal(
    await outcomeOf(`http://127.0.0.1:${port}/announce/key`),
    "Expected a URL that ends in announce, got another",
  );
  assert.equal(
    await outcomeOf(`http://127.0.0.1:${port}/other`),
    "Expected the path /announce for a tracker on this machine, got another",
  );
  const refusing = trackerWith(() => new Response(encodeFailure({ failureReason: "not today" })));
  assert.equal(await outcomeOf(`http://127.0.0.1:${refusing.addr.port}/announce`), "not today");
  await refusing.shutdown();
});

Deno.test("announceToTracker announces by each family that the tracker's name stands for (BEP 7)", async () => {
  const addresses = (await lookup("localhost", { all: true })).map(({ address }) => address);
  const ofEach = [4, 6].flatMap((family) => addresses.find((each) => familyOf(each) === family) ?? []);
  for (const scheme of ["http", "udp"] as const) {
    await using tracker = new TestTracker();
    const url = `${scheme}://localhost:${tracker[scheme].port}/announce`;
    await announceToTracker(url, announceOf("a"), signal);
    assert.deepEqual(tracker.changes.sort(), ofEach.map((address) => `${address} 6881`), scheme);
  }
});

/** Listens on loopback and answers each connection with these bytes. */
function answeringWith(text: string): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4_096));
      await connection.write(new TextEncoder().encode(text)).catch(() => {});
      connection.close();
    }
  })();
  return listener;
}

/** Whether a failed announce to a URL counts as an outage of the whole tracker. */
async function isOutage(url: string): Promise<boolean> {
  try {
    await announceToTracker(url, announceOf("a"), signal, { timeoutMs: 500 });
  } catch (error) {
    assert(error instanceof TrackerError, String(error));
    return error.isOutage;
  }
  assert.fail("Expected a failure");
}

const head = (fields: string) => `HTTP/1.1 200 OK\r\n${fields}\r\nConnection: close\r\n\r\n`;
const NONSENSE = [
  `${head("Content-Length: 6")}<html>`,
  `${head("Content-Length: 0")}`,
  `${head("Content-Length: 500")}d8:interval`,
  `${head("Content-Length: 5\r\nContent-Encoding: gzip")}short`,
  `${head("Transfer-Encoding: chunked")}zz\r\n`,
  "SSH-2.0-OpenSSH_9.6\r\n",
  "HTTP/1.1 abc\r\n\r\n",
  "",
  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/announce\r\nContent-Length: 0\r\n\r\n",
];

Deno.test("announceToTracker takes nonsense for no outage of the tracker", async () => {
  for (const text of NONSENSE) {
    const listener = answeringWith(text);
    assert.equal(await isOutage(`http://127.0.0.1:${listener.addr.port}/announce`), false, text);
    listener.close();
  }
});

Deno.test("announceToTracker takes it for an outage that nobody is there, or that nobody answers", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert.equal(await isOutage(`http://127.0.0.1:${silent.addr.port}/announce`), true);
  const { port } = silent.addr;
  silent.close();
  assert.equal(await isOutage(`http://127.0.0.1:${port}/announce`), true);
  assert.equal(await isOutage(`udp://127.0.0.1:${port}/announce`), true);
});

Deno.test("announceToTracker takes the answer of a UDP tracker that comes from another of its addresses", async () => {
  const asked = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const other = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.2", port: 0 });
  const serving = (async () => {
    for (let answered = 0; answered < 2; answered++) {
      const [datagram, from] = await asked.receive();
      const { transactionId, action } = parseUdpRequest(datagram);
      const reply = { intervalSeconds: 77, peers: [] };
      await other.send(
        action === UdpAction.connect
          ? encodeUdpConnectReply(transactionId, new Uint8Array(8))
          : encodeUdpAnnounceReply(transactionId, reply, 4),
        from,
      );
    }
  })();
  assert.equal(await outcomeOf(`udp://127.0.0.1:${(asked.addr as Deno.NetAddr).port}`, 3000), 77);
  await serving;
  asked.close();
  other.close();
});
