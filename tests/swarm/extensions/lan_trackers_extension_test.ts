import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { encode } from "../../../lib/protocol/bencode.ts";
import { type Endpoint, formatEndpoint } from "../../../lib/protocol/endpoint.ts";
import {
  encodeTrackerList,
  EXTENDED_HANDSHAKE_ID,
  OUR_EXTENSIONS,
  parseTrackerList,
} from "../../../lib/protocol/extension_messages.ts";
import { encodePex } from "../../../lib/protocol/pex_messages.ts";
import { parseInfoHash } from "../../../lib/protocol/info_hash.ts";
import { SUCCESSION } from "../../../lib/settings.ts";
import { Extensions } from "../../../lib/swarm/extensions/extensions.ts";
import { DEFAULT_CHOICES } from "../../../lib/swarm/policy.ts";
import { Roster } from "../../../lib/swarm/peers/roster.ts";
import { Successors } from "../../../lib/swarm/tracker/successors.ts";
import { type FakePeer, fakePeer } from "../../harness/sessions/remote_peers.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";

const none = () => false;

/** The extensions of a torrent, whose tracker is at port 6969, and a way to connect peers of our kind. */
function speaking(isPrivate = false) {
  const surroundings = testSurroundings({ trackerPort: 6969 });
  const roster = new Roster(1, surroundings);
  const successors = isPrivate ? undefined : new Successors(parseInfoHash("ab".repeat(20))!);
  const extensions = new Extensions({
    surroundings,
    policy: DEFAULT_CHOICES,
    roster,
    isUploadOnly: () => false,
    knownPeersChanged: () => {},
  }, { peerExchange: false, metadata: undefined, dontHave: undefined, successors });
  const connect = (number: number, trackerPort?: number, address = `10.0.0.${number}`): FakePeer => {
    const fake = fakePeer(number, 1, { endpoint: { address, port: 6881 }, localAddress: "10.0.0.100" });
    roster.connected.set(number, fake.peer);
    const handshake = encode({ m: { lan_trackers: 9 }, lan_tracker: trackerPort });
    extensions.received(fake.peer, EXTENDED_HANDSHAKE_ID, handshake, 0);
    return fake;
  };
  const chosen = () =>
    extensions.standIns!.at(0, none).map(({ endpoint }) => formatEndpoint(endpoint)).sort();
  return { extensions, roster, connect, chosen };
}

const toldTo = ({ sender }: FakePeer) =>
  sender.extended.filter(({ id }) => id === 9).map(({ payload }) =>
    parseTrackerList(payload, SUCCESSION.count).map(formatEndpoint).sort()
  );
const at = (address: string, port = 6969): Endpoint => ({ address, port });

Deno.test("trackers of connected peers and our own are told to all, once, and again when they change", () => {
  const { extensions, roster, connect, chosen } = speaking();
  const a = connect(1, 6969);
  const b = connect(2);
  extensions.tick(0);
  extensions.tick(SUCCESSION.lookMs);
  const told = ["10.0.0.100:6969", "10.0.0.1:6969"];
  assert.deepEqual(chosen(), told);
  assert.deepEqual(toldTo(b).at(-1), told);
  assert.equal(toldTo(b).length, 2, "first nothing, then both");
  roster.connected.delete(1);
  extensions.peerLeft(a.peer, 0);
  extensions.tick(2 * SUCCESSION.lookMs);
  assert.deepEqual(toldTo(b).at(-1), ["10.0.0.100:6969"]);
});

Deno.test("what a peer tells is used while it is connected, and is not told on", () => {
  const { extensions, connect, chosen } = speaking();
  const a = connect(1);
  const b = connect(2);
  extensions.received(a.peer, OUR_EXTENSIONS.lan_trackers, encodeTrackerList([at("10.0.0.7")]), 0);
  extensions.tick(0);
  assert.deepEqual(chosen(), ["10.0.0.100:6969", "10.0.0.7:6969"]);
  assert.deepEqual(toldTo(b).at(-1), ["10.0.0.100:6969"]);
  assert.equal(extensions.standIns!.isConnected("10.0.0.1"), true);
  extensions.peerLeft(a.peer, 0);
  assert.deepEqual(chosen(), ["10.0.0.100:6969"]);
});

Deno.test("hostile lists of trackers change nothing, or close the connection", () => {
  const { extensions, connect, chosen } = speaking();
  const { peer } = connect(1);
  const receive = (payload: Uint8Array, now = 0) =>
    extensions.received(peer, OUR_EXTENSIONS.lan_trackers, payload, now);
  for (const bad of [Uint8Array.of(), encode([]), encode({ added: new Uint8Array(7) })]) {
    assert.throws(() => receive(bad), ProtocolError);
  }
  const useless = [at("127.0.0.1"), at("224.0.0.1"), at("0.0.0.0"), at("10.0.0.100"), at("10.0.0.9", 80)];
  receive(encodeTrackerList(useless), 10_000);
  assert.deepEqual(chosen(), ["10.0.0.100:6969"]);
  const many = Array.from({ length: 500 }, (_, number) => at(`10.1.${number >> 8}.${number & 255}`));
  receive(encodePex({ added: many.map((endpoint) => ({ endpoint, flags: 0 })), dropped: many }), 20_000);
  assert.equal(chosen().filter((each) => each.startsWith("10.1.")).length, 2, "three of a message are read");
  for (let count = 0; count < 10_000; count++) {
    receive(encodeTrackerList([at(`10.2.0.${count & 255}`)]), 20_000);
  }
  const heard = chosen().filter((each) => each.startsWith("10.2."));
  assert.ok(heard.length <= 1 && !heard.includes("10.2.0.15:6969"), `${heard}: a flood is not read`);
});

Deno.test("private torrents tell no trackers and hear of none (BEP 27)", () => {
  const { extensions, connect } = speaking(true);
  const { peer } = connect(1, 6969);
  extensions.received(peer, OUR_EXTENSIONS.lan_trackers, encodeTrackerList([at("10.0.0.7")]), 0);
  extensions.tick(0);
  assert.equal(extensions.standIns, undefined);
  const plain = fakePeer(3, 1);
  extensions.introduce(plain.peer);
  assert.ok(!new TextDecoder().decode(plain.sender.extended[0].payload).includes("lan_trackers"));
});
