import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { encode } from "../../../lib/protocol/bencode.ts";
import { type Endpoint, formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import {
  encodeExtendedHandshake,
  encodePeerList,
  EXTENDED_HANDSHAKE_ID,
  OUR_EXTENSIONS,
  parseExtendedHandshake,
  parsePeerList,
} from "../../../lib/protocol/extension_messages.ts";
import { BROADCAST, CONNECTIONS, TRANSFER } from "../../../lib/settings.ts";
import { DontHaveExtension } from "../../../lib/swarm/extensions/dont_have_extension.ts";
import { Extensions } from "../../../lib/swarm/extensions/extensions.ts";
import type { PeerSource } from "../../../lib/swarm/ports.ts";
import { Roster } from "../../../lib/swarm/peers/roster.ts";
import { DEFAULT_CHOICES } from "../../../lib/swarm/policy.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";

/** Extensions of one at 10.0.0.100:6881, and what they told their swarm. */
function speaking() {
  const isOurselves = (endpoint: Endpoint) =>
    ["10.0.0.100:6881", "127.0.0.1:6881"].includes(formatEndpoint(endpoint));
  const surroundings = testSurroundings({ trackerPort: 6969, isOurselves });
  const roster = new Roster(1, surroundings);
  const heardFrom: PeerSource[] = [];
  const lost: number[] = [];
  const context = {
    surroundings,
    policy: DEFAULT_CHOICES,
    roster,
    isUploadOnly: () => false,
    knownPeersChanged: (source: PeerSource) => heardFrom.push(source),
  };
  const dontHave = new DontHaveExtension((_, index) => lost.push(index));
  const extensions = new Extensions(context, { peerExchange: false, metadata: undefined, dontHave });
  return { extensions, roster, heardFrom, dontHave, lost };
}

/** The extended handshake of a remote of our kind that listens on `port`. */
function handshakeOf(port: number): Uint8Array {
  return encodeExtendedHandshake({
    client: "other",
    extensions: ["lan_peers"],
    listenPort: port,
    metadataLength: undefined,
    maxQueuedRequests: 7,
    trackerPort: undefined,
    isUploadOnly: false,
  });
}

function listOf(...added: [address: string, port: number][]): Uint8Array {
  return encodePeerList({
    added: added.map(([address, port]) => ({ endpoint: { address, port }, isSeed: false })),
    dropped: [],
  });
}

Deno.test("Extensions introduces itself to those who understand, and to nobody else", () => {
  const { extensions } = speaking();
  const { peer, sender } = fakePeer(1, 1);
  extensions.introduce(peer);
  const [{ id, payload }] = sender.extended;
  assert.equal(id, EXTENDED_HANDSHAKE_ID);
  const handshake = parseExtendedHandshake(payload);
  assert.deepEqual(
    [handshake.client, handshake.listenPort, handshake.trackerPort, handshake.maxQueuedRequests],
    ["peer test", 6881, 6969, TRANSFER.maxQueuedRequests],
  );
  const plain = fakePeer(2, 1, { supportsExtensions: false });
  extensions.introduce(plain.peer);
  assert.deepEqual(plain.sender.takeSent(), []);
});

Deno.test("Extensions learns from a handshake where an accepted peer listens, once", () => {
  const { extensions, roster } = speaking();
  const { peer } = fakePeer(1, 1, { isIncoming: true, endpoint: { address: "10.0.0.1", port: 50_000 } });
  extensions.received(peer, EXTENDED_HANDSHAKE_ID, handshakeOf(6999), 0);
  assert.deepEqual(peer.listens, { address: "10.0.0.1", port: 6999 });
  assert.equal(peer.extended?.maxQueuedRequests, 7);
  extensions.received(fakePeer(2, 1).peer, EXTENDED_HANDSHAKE_ID, handshakeOf(6999), 0);
  assert.deepEqual(roster.known.names, ["10.0.0.1:6999"], "we dialled the other, so we know");
});

Deno.test("Extensions pushes the list to peers of our kind, under the number they gave it, until they leave", () => {
  const { extensions } = speaking();
  const { peer, sender } = fakePeer(1, 1);
  extensions.broadcast.update([{ endpoint: { address: "10.0.0.7", port: 1 }, isSeed: true }], -1_000);
  extensions.received(peer, EXTENDED_HANDSHAKE_ID, encode({ m: { lan_peers: 42 } }), 0);
  extensions.received(peer, EXTENDED_HANDSHAKE_ID, encode({ m: { lan_peers: 42 } }), 0);
  assert.equal(extensions.isListener(peer), true);
  assert.equal(sender.extended.length, 1, "a second handshake is no second listener");
  assert.equal(sender.extended[0].id, 42);
  assert.equal(parsePeerList(sender.extended[0].payload, 9).added[0].endpoint.address, "10.0.0.7");
  extensions.peerLeft(peer, 0);
  extensions.broadcast.update([], 0);
  assert.equal(sender.extended.length, 1);
  assert.equal(extensions.isListener(peer), false);
});

Deno.test("Extensions pushes nothing to peers of another kind", () => {
  const { extensions } = speaking();
  const { peer, sender } = fakePeer(1, 1);
  extensions.received(peer, EXTENDED_HANDSHAKE_ID, encode({ m: { ut_pex: 1 }, v: "other" }), 0);
  extensions.broadcast.update([{ endpoint: { address: "10.0.0.7", port: 1 }, isSeed: true }], 0);
  assert.equal(sender.extended.length, 0);
});

Deno.test("Extensions hears a list, without ourselves and without another machine's loopback", () => {
  const { extensions, roster, heardFrom } = speaking();
  const { peer } = fakePeer(1, 1);
  const list = listOf(["10.0.0.5", 6881], ["10.0.0.100", 6881], ["10.0.0.100", 7000], ["127.0.0.1", 6881]);
  extensions.received(peer, OUR_EXTENSIONS.lan_peers, list, 0);
  assert.deepEqual(roster.known.names, ["10.0.0.5:6881", "10.0.0.100:7000"]);
  assert.deepEqual(heardFrom, ["broadcast"]);
});

Deno.test("Extensions hears loopback addresses from the same machine", () => {
  const { extensions, roster } = speaking();
  const { peer } = fakePeer(1, 1, { endpoint: { address: "127.0.0.1", port: 9 }, localAddress: "127.0.0.1" });
  extensions.received(peer, OUR_EXTENSIONS.lan_peers, listOf(["127.0.0.1", 7000], ["127.0.0.1", 6881]), 0);
  assert.deepEqual(roster.known.names, ["127.0.0.1:7000"]);
});

Deno.test("Extensions never passes on what it heard", () => {
  const { extensions } = speaking();
  const [teller, listener] = [fakePeer(1, 1), fakePeer(2, 1)];
  for (const { peer } of [teller, listener]) {
    extensions.received(peer, EXTENDED_HANDSHAKE_ID, handshakeOf(6881), 0);
  }
  extensions.received(teller.peer, OUR_EXTENSIONS.lan_peers, listOf(["10.0.0.5", 6881]), 0);
  assert.equal(teller.sender.extended.length + listener.sender.extended.length, 0);
});

Deno.test("Extensions ignores lists that come too often, and hears the peer again later", () => {
  const { extensions, roster } = speaking();
  const { peer } = fakePeer(1, 1);
  const tell = (port: number, now: number) =>
    extensions.received(peer, OUR_EXTENSIONS.lan_peers, listOf(["10.0.0.5", port]), now);
  for (let port = 1; port <= 1_000; port++) tell(port, 1_000);
  assert.equal(roster.known.size, BROADCAST.accepted.burst);
  tell(2_000, 3_000);
  assert.equal(roster.known.size, BROADCAST.accepted.burst + 1);
});

Deno.test("Extensions takes at most so many endpoints from one list", () => {
  const { extensions, roster } = speaking();
  const many = Array.from({ length: 3_000 }, (_, i): [string, number] => [`10.1.${i >> 8}.${i & 255}`, 6881]);
  extensions.received(fakePeer(1, 1).peer, OUR_EXTENSIONS.lan_peers, listOf(...many), 0);
  assert.equal(roster.known.size, BROADCAST.maxEndpoints);
});

Deno.test("Extensions refuses what is malformed and ignores ids it does not know", () => {
  const { extensions, heardFrom } = speaking();
  const { peer } = fakePeer(1, 1);
  const garbage = Uint8Array.of(1, 2, 3);
  assert.throws(() => extensions.received(peer, EXTENDED_HANDSHAKE_ID, garbage, 0), ProtocolError);
  assert.throws(() => extensions.received(peer, OUR_EXTENSIONS.lan_peers, garbage, 0), ProtocolError);
  extensions.received(peer, 200, garbage, 0);
  assert.deepEqual(heardFrom, []);
});

Deno.test("Extensions follows a peer that gives an extension another number, or takes it back (BEP 10)", () => {
  const { extensions, dontHave } = speaking();
  const { peer, sender } = fakePeer(1, 1);
  const tellLoss = () => {
    const before = sender.extended.length;
    dontHave.tellLoss(peer, 0);
    return sender.extended.slice(before).map(({ id }) => id);
  };
  const say = (m: Record<string, number>) =>
    extensions.received(peer, EXTENDED_HANDSHAKE_ID, encode({ m }), 0);
  say({ lt_donthave: 5 });
  assert.deepEqual(tellLoss(), [5]);
  say({ ut_pex: 1 });
  assert.deepEqual(tellLoss(), [5]);
  say({ lt_donthave: 6 });
  assert.deepEqual(tellLoss(), [6]);
  say({ lt_donthave: 0 });
  assert.deepEqual(tellLoss(), []);
  say({ lt_donthave: 7 });
  assert.deepEqual(tellLoss(), [7]);
});

Deno.test("Extensions tells of lost pieces those who understand, and hears of theirs (BEP 54)", () => {
  const { extensions, dontHave, lost } = speaking();
  const { peer, sender } = fakePeer(1, 9);
  dontHave.tellLoss(peer, 5);
  assert.deepEqual(sender.extended, []);
  extensions.received(peer, EXTENDED_HANDSHAKE_ID, encode({ m: { lt_donthave: 33 } }), 0);
  dontHave.tellLoss(peer, 5);
  const [{ id, payload }] = sender.extended;
  assert.equal(id, 33);
  extensions.received(peer, OUR_EXTENSIONS.lt_donthave, payload, 0);
  assert.deepEqual(lost, [5]);
});

Deno.test("Extensions has a seeder leave those alone whom lan_peers calls seeds", () => {
  const { extensions, roster } = speaking();
  const { peer } = fakePeer(1, 1);
  const endpoints = [5, 6].map((host) => ({ address: `10.0.0.${host}`, port: 6881 }));
  const added = endpoints.map((endpoint, i) => ({ endpoint, isSeed: i === 0 }));
  extensions.received(peer, OUR_EXTENSIONS.lan_peers, encodePeerList({ added, dropped: [] }), 0);
  assert.deepEqual(roster.takeDials(9, true, CONNECTIONS.seederPatienceMs), [endpoints[1]]);
});
