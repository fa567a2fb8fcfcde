import assert from "node:assert/strict";
import { announceToTracker } from "../../../lib/net/tracker/tracker_client.ts";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { infoHashFromBytes } from "../../../lib/protocol/info_hash.ts";
import type { AnnounceReply, AnnounceRequest } from "../../../lib/protocol/tracker_messages.ts";
import {
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
  parseUdpAnnounceReply,
  parseUdpConnectReply,
  parseUdpScrapeReply,
} from "../../../lib/protocol/tracker_udp_messages.ts";
import { announceOf, SERVED, TestTracker } from "../../helpers/tracker.ts";

const { signal } = new AbortController();
const UNKNOWN = infoHashFromBytes(new Uint8Array(20));
const peersOf = (reply: AnnounceReply) => reply.peers.map(({ endpoint }) => formatEndpoint(endpoint)).sort();

function announce(
  tracker: TestTracker,
  request: AnnounceRequest,
  host = "127.0.0.1",
): Promise<AnnounceReply> {
  return announceToTracker(`udp://${host}:${tracker.udp.port}/announce`, request, signal);
}

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
