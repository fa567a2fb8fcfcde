import assert from "node:assert/strict";
import type { PexPeer } from "../../../lib/protocol/pex_messages.ts";
import { PeerExchange } from "../../../lib/swarm/extensions/peer_exchange.ts";
import { PEX } from "../../../lib/settings.ts";

const peer = (host: number): PexPeer => ({ endpoint: { address: `10.0.0.${host}`, port: 6881 }, flags: 0 });
const remote = peer(99).endpoint;

Deno.test("PeerExchange tells all connections first, without the remote itself", () => {
  const exchange = new PeerExchange();
  const message = exchange.next([peer(1), peer(99), peer(2)], remote, 0);
  assert.deepEqual(message, { added: [peer(1), peer(2)], dropped: [] });
});

Deno.test("PeerExchange tells the difference a minute later, not before", () => {
  const exchange = new PeerExchange();
  exchange.next([peer(1), peer(2)], remote, 0);
  assert.equal(exchange.isDue(PEX.intervalMs - 1), false);
  assert.equal(exchange.next([peer(2), peer(3)], remote, PEX.intervalMs - 1), undefined);
  assert.equal(exchange.isDue(PEX.intervalMs), true);
  assert.deepEqual(exchange.next([peer(2), peer(3)], remote, PEX.intervalMs), {
    added: [peer(3)],
    dropped: [peer(1).endpoint],
  });
});

Deno.test("PeerExchange is silent while nothing changes, and prompt afterwards", () => {
  const exchange = new PeerExchange();
  assert.equal(exchange.next([], remote, 0), undefined);
  assert.deepEqual(exchange.next([peer(1)], remote, 1)?.added, [peer(1)]);
  assert.equal(exchange.next([peer(1)], remote, 2 * PEX.intervalMs), undefined);
});

Deno.test("PeerExchange spreads more than fits over several messages", () => {
  const exchange = new PeerExchange();
  const many = Array.from({ length: PEX.maxEndpoints + 10 }, (_, host) => peer(host + 100));
  assert.equal(exchange.next(many, remote, 0)?.added.length, PEX.maxEndpoints);
  assert.equal(exchange.next(many, remote, PEX.intervalMs)?.added.length, 10);
  assert.equal(exchange.next([], remote, 2 * PEX.intervalMs)?.dropped.length, PEX.maxEndpoints);
  assert.equal(exchange.next([], remote, 3 * PEX.intervalMs)?.dropped.length, 10);
});

Deno.test("PeerExchange reads a message a minute, also one that was held up until just before the next", () => {
  const exchange = new PeerExchange();
  for (const at of [60, 120, 180 + 58, 240, 300]) assert.ok(exchange.received(at * 1000), `at ${at} s`);
});

Deno.test("PeerExchange reads no more than a few messages at once", () => {
  const exchange = new PeerExchange();
  const read = Array.from({ length: 10 }, (_, message) => exchange.received(message * 1000));
  assert.equal(read.filter(Boolean).length, PEX.receiveBurst);
  assert.ok(exchange.received(PEX.receiveRefillMs));
});
