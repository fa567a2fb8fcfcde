import assert from "node:assert/strict";
import { silentLogger } from "../../../lib/log.ts";
import { ownAddresses } from "../../../lib/net/addresses/own_addresses.ts";
import type { HttpService } from "../../../lib/net/http/http_server.ts";
import { EmbeddedTracker } from "../../../lib/net/tracker/embedded_tracker.ts";
import { announceToTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { TrackerServer } from "../../../lib/net/tracker/tracker_server.ts";
import { UdpTrackerServer } from "../../../lib/net/tracker/udp_tracker_server.ts";
import {
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
  parseUdpAnnounceReply,
  parseUdpConnectReply,
  parseUdpScrapeReply,
} from "../../../lib/protocol/tracker_udp_messages.ts";
import { PORTS } from "../../../lib/settings.ts";
import { TrackerTable } from "../../../lib/swarm/tracker/tracker_table.ts";
import { needs } from "../../harness/processes/require_tool.ts";
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
const announce = announceBy("udp");

/** A bare socket that asks a tracker and hears what comes back first. */
class Asker {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #to: Deno.NetAddr;

  constructor(tracker: TestTracker) {
    this.#to = { transport: "udp", hostname: "127.0.0.1", port: tracker.udp.port };
  }

  async send(datagram: Uint8Array): Promise<void> {
    await this.#socket.send(datagram, this.#to);
  }

  async ask(datagram: Uint8Array): Promise<Uint8Array> {
    await this.send(datagram);
    return (await this.#socket.receive())[0];
  }

  async connectionId(): Promise<Uint8Array> {
    const connected = parseUdpConnectReply(await this.ask(encodeUdpConnect(1)));
    assert(connected instanceof Uint8Array);
    return connected;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

Deno.test("UdpTrackerServer introduces peers to each other, each family to its own", async () => {
  await using tracker = new TestTracker();
  for (const host of ["127.0.0.1", "[::1]"]) {
    assert.deepEqual((await announce(tracker, announceOf("a", { port: 1 }), host)).peers, []);
    const second = await announce(tracker, announceOf("b", { port: 2 }), host);
    assert.deepEqual(peersOf(second), [`${host}:1`]);
  }
  assert.equal(tracker.table.peerCount, 4);
  await announce(tracker, announceOf("a", { port: 1, event: "stopped" }));
  assert.equal(tracker.table.peerCount, 3);
  assert.equal(tracker.changes.length, 5);
});

Deno.test("UdpTrackerServer refuses info-hashes it does not serve", async () => {
  await using tracker = new TestTracker();
  await assert.rejects(announce(tracker, announceOf("a", { infoHash: UNKNOWN })), {
    name: "TrackerError",
    message: /^Unregistered torrent/,
  });
});

Deno.test("UdpTrackerServer takes announces only with a fresh connection id", async () => {
  await using tracker = new TestTracker();
  using asker = new Asker(tracker);
  const connectionId = await asker.connectionId();
  const attempt = async (id: Uint8Array) => {
    const request = encodeUdpAnnounce(id, 2, announceOf("a"), "");
    const datagram = await asker.ask(request);
    const reply = parseUdpAnnounceReply(datagram, 4, 9);
    if ("failureReason" in reply) assert(datagram.length < request.length);
    return "failureReason" in reply ? reply.failureReason : "taken";
  };
  assert.equal(await attempt(new Uint8Array(8)), "Stale connection id");
  assert.equal(tracker.table.peerCount, 0);
  assert.equal(await attempt(connectionId), "taken");
  tracker.now = 119_999;
  assert.equal(await attempt(connectionId), "taken");
  tracker.now = 120_000;
  assert.equal(await attempt(connectionId), "Stale connection id");
});

Deno.test("UdpTrackerServer never sends more than it got before the address is proven", async () => {
  await using tracker = new TestTracker();
  using asker = new Asker(tracker);
  const forged = new Uint8Array(8).fill(9);
  const requests = [
    encodeUdpConnect(1),
    encodeUdpAnnounce(forged, 1, announceOf("a"), ""),
    encodeUdpScrape(forged, 1, [SERVED]),
  ];
  for (const request of requests) assert((await asker.ask(request)).length <= request.length);
});

Deno.test("UdpTrackerServer is silent to what it does not understand, and goes on", async () => {
  await using tracker = new TestTracker();
  using asker = new Asker(tracker);
  const unknown = encodeUdpConnect(1);
  unknown[11] = 77;
  for (const garbage of [new Uint8Array(0), new Uint8Array(15), new Uint8Array(3000), unknown]) {
    await asker.send(garbage);
  }
  assert.equal((await asker.connectionId()).length, 8);
});

Deno.test("UdpTrackerServer tells counts in the order asked, zero for what it does not track", async () => {
  await using tracker = new TestTracker();
  using asker = new Asker(tracker);
  await announce(tracker, announceOf("a"));
  const reply = await asker.ask(encodeUdpScrape(await asker.connectionId(), 3, [UNKNOWN, SERVED]));
  const none = { complete: 0, incomplete: 0, downloaded: 0 };
  assert.deepEqual(parseUdpScrapeReply(reply), [none, { ...none, incomplete: 1 }]);
});

/** The address that the answer to a request comes from, asked at `address`; undefined when none comes in time. */
async function answeredFrom(address: string, port: number, timeoutMs = 1_000): Promise<string | undefined> {
  const hostname = address.includes(":") ? "::" : "0.0.0.0";
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  const timer = setTimeout(() => socket.close(), timeoutMs);
  try {
    await socket.send(encodeUdpConnect(1), { transport: "udp", hostname: address, port });
    return ((await socket.receive())[1] as Deno.NetAddr).hostname;
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    try {
      socket.close();
    } catch { /* It was closed when nothing came in time. */ }
  }
}

/** A UDP server with these addresses, until `use` is done. */
async function withAddresses(
  ownAddresses: () => string[],
  use: (server: UdpTrackerServer) => Promise<void>,
): Promise<void> {
  await using tracker = new TestTracker();
  const registry = registryOf(tracker.table);
  const now = () => 0;
  const server = new UdpTrackerServer({
    host: undefined,
    ownAddresses,
    port: 0,
    server: new TrackerServer({ registry, now }),
    now,
    log: silentLogger,
  });
  const stopping = new AbortController();
  const running = server.run(stopping.signal);
  try {
    await use(server);
  } finally {
    stopping.abort();
    await running;
  }
}

needs("linux")("UdpTrackerServer answers from the address it was asked at, whichever it is", async () => {
  await withAddresses(() => ["127.0.0.1", "127.0.0.2", "::1"], async ({ port }) => {
    for (const address of ["127.0.0.2", "127.0.0.1", "::1"]) {
      assert.equal(await answeredFrom(address, port), address);
    }
  });
});

Deno.test("UdpTrackerServer answers at every address of this machine", async () => {
  await using tracker = new TestTracker();
  for (const address of ownAddresses().filter((address) => !address.startsWith("fe80:"))) {
    assert.equal(await answeredFrom(address, tracker.udp.port), address);
  }
});

needs("linux")("UdpTrackerServer follows addresses that come and go", async () => {
  let addresses = ["127.0.0.1", "127.0.0.2"];
  await withAddresses(() => addresses, async ({ port }) => {
    assert.equal(await answeredFrom("127.0.0.3", port, 100), undefined);
    addresses = ["127.0.0.1", "127.0.0.3", "192.0.2.77"];
    const deadline = performance.now() + 5_000;
    while (await answeredFrom("127.0.0.3", port, 100) === undefined) assert.ok(performance.now() < deadline);
    assert.equal(await answeredFrom("127.0.0.2", port, 100), undefined);
    assert.equal(await answeredFrom("127.0.0.1", port), "127.0.0.1");
  });
});

Deno.test("EmbeddedTracker takes another port when UDP or TCP is busy, and refuses a named one", async () => {
  const { first, last } = PORTS.tracker;
  const table = new TrackerTable({ open: false, random: () => 0, ownAddressFor: () => undefined });
  const options = {
    host: "127.0.0.1",
    registry: registryOf(table),
    now: () => 0,
    log: silentLogger,
    serving: (tracker: HttpService) => tracker,
  };
  // Others may hold ports of the range too, so the one that is taken tells which is to be busy.
  const probe = new EmbeddedTracker({ ...options, port: undefined });
  const { port } = probe;
  await probe.stop();
  const busy = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port });
  assert.throws(() => new EmbeddedTracker({ ...options, port }), { message: `port ${port} is in use` });
  const tracker = new EmbeddedTracker({ ...options, port: undefined });
  assert.ok(tracker.port > port && tracker.port >= first && tracker.port <= last, `${tracker.port}`);
  const reply = await announceToTracker(`udp://127.0.0.1:${tracker.port}`, announceOf("a"), signal)
    .catch((error) => error.message);
  assert.match(reply, /^Unregistered torrent/, "it answers by UDP there");
  busy.close();
  const named = new EmbeddedTracker({ ...options, port });
  await Promise.all([tracker.stop(), named.stop()]);
});
