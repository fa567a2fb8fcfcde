import assert from "node:assert/strict";
import { formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import { type ListedPeer, parsePeerList } from "../../../lib/protocol/extension_messages.ts";
import { BROADCAST } from "../../../lib/settings.ts";
import { type Listener, PeerBroadcast } from "../../../lib/swarm/extensions/peer_broadcast.ts";

/** Peers at 10.0.0.N; a seed is told by a capital S behind its number. */
function listOf(...names: string[]): ListedPeer[] {
  return names.map((name) => ({
    endpoint: { address: name.includes(".") ? name : `10.0.0.${parseInt(name)}`, port: 6881 },
    isSeed: name.endsWith("S"),
  }));
}

/** `count` different leeches. */
function crowd(count: number, from = 0): ListedPeer[] {
  return Array.from({ length: count }, (_, i) => ({
    endpoint: { address: `10.1.${(from + i) >> 8}.${(from + i) & 255}`, port: 6881 },
    isSeed: false,
  }));
}

/** A remote peer of our kind that understands what it is told. */
class Hearer implements Listener {
  readonly payloads: Uint8Array[] = [];
  /** The list as it knows it: `s` for seeds, `l` for leeches, by endpoint. */
  readonly list = new Map<string, string>();
  constructor(readonly address = "10.0.0.50", readonly localAddress = "10.0.0.100") {}

  send(payload: Uint8Array): void {
    this.payloads.push(payload);
    const { added, dropped } = parsePeerList(payload, BROADCAST.maxEndpoints);
    for (const { endpoint, isSeed } of added) this.list.set(formatEndpoint(endpoint), isSeed ? "s" : "l");
    for (const endpoint of dropped) this.list.delete(formatEndpoint(endpoint));
  }

  /** What it was told since the last call, as "+10.0.0.1 -10.0.0.2". */
  takeNews(): string {
    return this.payloads.splice(0).map((payload) => {
      const { added, dropped } = parsePeerList(payload, BROADCAST.maxEndpoints);
      return [
        ...added.map(({ endpoint, isSeed }) => `+${endpoint.address}${isSeed ? "S" : ""}`),
        ...dropped.map(({ address }) => `-${address}`),
      ].join(" ");
    }).join(" | ");
  }
}

Deno.test("PeerBroadcast tells a newcomer the whole list, then only what changed", () => {
  const broadcast = new PeerBroadcast();
  broadcast.update(listOf("1", "2S"), -1_000);
  const hearer = new Hearer();
  broadcast.join(hearer);
  assert.equal(hearer.takeNews(), "+10.0.0.1 +10.0.0.2S");
  broadcast.update(listOf("1", "3"), 0);
  assert.equal(hearer.takeNews(), "+10.0.0.3 -10.0.0.2");
  broadcast.update(listOf("1S", "3"), 1_000);
  assert.equal(hearer.takeNews(), "+10.0.0.1S");
  broadcast.update(listOf("1S", "3"), 2_000);
  assert.equal(hearer.takeNews(), "");
});

Deno.test("PeerBroadcast says nothing to a newcomer while nobody is listed", () => {
  const broadcast = new PeerBroadcast();
  const hearer = new Hearer();
  broadcast.join(hearer);
  assert.equal(hearer.payloads.length, 0);
});

Deno.test("PeerBroadcast is due at once, then only after the time for collecting", () => {
  const broadcast = new PeerBroadcast();
  assert(broadcast.isDue(5_000));
  broadcast.update(listOf("1"), 5_000);
  assert(!broadcast.isDue(5_000 + BROADCAST.batchMs - 1));
  assert(broadcast.isDue(5_000 + BROADCAST.batchMs));
});

Deno.test("PeerBroadcast tells nobody of who came and left between two rounds", () => {
  const broadcast = new PeerBroadcast();
  const hearer = new Hearer();
  broadcast.join(hearer);
  broadcast.update(listOf("1"), 0);
  broadcast.update(listOf("2"), 1_000);
  assert.equal(hearer.takeNews(), "+10.0.0.1 | +10.0.0.2 -10.0.0.1");
});

Deno.test("PeerBroadcast shows peers of this machine to others by its own address, to themselves as they are", () => {
  const broadcast = new PeerBroadcast();
  const away = new Hearer("10.0.0.50", "10.0.0.100");
  const otherNetwork = new Hearer("192.168.1.5", "192.168.1.100");
  const here = new Hearer("127.0.0.1", "127.0.0.1");
  for (const hearer of [away, otherNetwork, here]) broadcast.join(hearer);
  broadcast.update(listOf("127.0.0.1", "2"), 0);
  assert.deepEqual([...away.list.keys()], ["10.0.0.100:6881", "10.0.0.2:6881"]);
  assert.deepEqual([...otherNetwork.list.keys()], ["192.168.1.100:6881", "10.0.0.2:6881"]);
  assert.deepEqual([...here.list.keys()], ["127.0.0.1:6881", "10.0.0.2:6881"]);
  broadcast.update([], 1_000);
  for (const hearer of [away, otherNetwork, here]) assert.equal(hearer.list.size, 0);
});

Deno.test("PeerBroadcast encodes once for all who need the same bytes", () => {
  const broadcast = new PeerBroadcast();
  const hearers = Array.from({ length: 5 }, (_, i) => new Hearer(`10.0.0.${i + 1}`));
  for (const hearer of hearers) broadcast.join(hearer);
  broadcast.update(listOf("9"), 0);
  for (const hearer of hearers) assert.equal(hearer.payloads[0], hearers[0].payloads[0]);
});

Deno.test("PeerBroadcast tells those who left nothing", () => {
  const broadcast = new PeerBroadcast();
  const [stays, leaves] = [new Hearer("10.0.0.1"), new Hearer("10.0.0.2")];
  broadcast.join(stays);
  broadcast.join(leaves);
  broadcast.leave(leaves);
  broadcast.update(listOf("7"), 0);
  assert.equal(stays.takeNews(), "+10.0.0.7");
  assert.equal(leaves.takeNews(), "");
});

Deno.test("PeerBroadcast brings peers that joined at different times to the same list", () => {
  const broadcast = new PeerBroadcast();
  const hearers: Hearer[] = [];
  for (let round = 0; round < 30; round++) {
    const hearer = new Hearer(`10.0.0.${round + 1}`);
    broadcast.join(hearer);
    hearers.push(hearer);
    broadcast.update(crowd(20 + round * 7 % 40, round * 13 % 50), round * BROADCAST.batchMs);
  }
  const expected = [...hearers[29].list.keys()].sort();
  for (const hearer of hearers) assert.deepEqual([...hearer.list.keys()].sort(), expected);
});

Deno.test("PeerBroadcast splits ten thousand members into messages a peer accepts, and stays quick", () => {
  const broadcast = new PeerBroadcast();
  const hearer = new Hearer();
  broadcast.join(hearer);
  broadcast.update(crowd(10_000), 0);
  assert.equal(hearer.payloads.length, 10_000 / BROADCAST.maxEndpoints);
  assert.equal(hearer.list.size, 10_000);
  const startedAt = performance.now();
  for (let round = 1; round <= 10; round++) {
    broadcast.update(crowd(10_000, round), round * BROADCAST.batchMs);
  }
  const roundMs = (performance.now() - startedAt) / 10;
  assert.equal(hearer.payloads.length, 10_000 / BROADCAST.maxEndpoints + 10);
  assert(roundMs < 500, `a round took ${roundMs} ms`);
});
