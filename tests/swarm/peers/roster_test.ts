import assert from "node:assert/strict";
import { CHOKING, CONNECTIONS } from "../../../lib/settings.ts";
import { Roster } from "../../../lib/swarm/peers/roster.ts";
import { factsOf, FakeSender, peerIdOf } from "../../helpers/remote_peers.ts";
import { testSurroundings } from "../../helpers/surroundings.ts";

function newRoster(): Roster {
  return new Roster(4, testSurroundings());
}

Deno.test("Roster numbers connections from 1 on and never uses a number twice", () => {
  const roster = newRoster();
  const first = roster.add(factsOf(1), new FakeSender(), 0);
  assert.equal(roster.remove(first, 0), true);
  assert.equal(roster.remove(first, 0), false);
  assert.equal(roster.add(factsOf(2), new FakeSender(), 0).number, 2);
});

Deno.test("Roster refuses ourselves and never dials there again", () => {
  const roster = newRoster();
  const { endpoint } = factsOf(1);
  roster.known.add([endpoint], "tracker", 0);
  assert.equal(roster.takeDials(1, false, 0).length, 1);
  assert.equal(roster.refusal(factsOf(1, { peerId: peerIdOf(100) }), 0), "it is ourselves");
  roster.dialFailed(endpoint, 0);
  assert.deepEqual(roster.takeDials(1, false, CONNECTIONS.redialMaxMs), []);
});

Deno.test("Roster does not let an accepted connection with our own id hide an endpoint", () => {
  const roster = newRoster();
  const facts = factsOf(1, { peerId: peerIdOf(100), isIncoming: true });
  roster.known.add([facts.endpoint], "tracker", 0);
  assert.equal(roster.refusal(facts, 0), "it is ourselves");
  assert.deepEqual(roster.takeDials(1, false, 0), [facts.endpoint]);
});

Deno.test("Roster closes the twin that a welcome connection replaces, and keeps one", () => {
  const roster = newRoster();
  const sender = new FakeSender();
  const old = roster.add(factsOf(200, { isIncoming: true }), sender, 0);
  assert.equal(roster.refusal(factsOf(200), 0), undefined);
  assert.equal(sender.closedFor, "the connection was made twice");
  roster.add(factsOf(200), new FakeSender(), 0);
  roster.remove(old, 0);
  assert.equal(roster.connected.size, 1);
  assert.deepEqual(
    roster.takeDials(1, false, CONNECTIONS.redialMaxMs),
    [],
    "its endpoint is still connected",
  );
});

Deno.test("Roster learns where an accepted peer listens by dialling it, and does not dial it again", () => {
  const roster = newRoster();
  const accepted = roster.add(
    factsOf(1, { isIncoming: true, endpoint: { address: "10.0.0.1", port: 50_000 } }),
    new FakeSender(),
    0,
  );
  const { endpoint } = factsOf(1);
  roster.known.add([endpoint], "tracker", 0);
  assert.deepEqual(roster.takeDials(1, false, 0), [endpoint]);
  assert.equal(roster.refusal(factsOf(1), 0), "it is connected already");
  roster.dialFailed(endpoint, 0);
  assert.deepEqual(accepted.listens, endpoint);
  assert.deepEqual(roster.takeDials(1, false, CONNECTIONS.redialMaxMs), []);
  roster.remove(accepted, 0);
  assert.deepEqual(roster.takeDials(1, false, CONNECTIONS.redialMs), [endpoint], "it had said nothing");
});

Deno.test("Roster leaves a peer alone for longer when its connection had come to something", () => {
  const roster = newRoster();
  const peer = roster.add(factsOf(1), new FakeSender(), 0);
  peer.hasToldPieces = true;
  roster.remove(peer, 0);
  assert.deepEqual(roster.takeDials(1, false, CONNECTIONS.redialMs), []);
  assert.deepEqual(roster.takeDials(1, false, CONNECTIONS.reconnectMs), [peer.facts.endpoint]);
});

Deno.test("Roster drops a banned peer and refuses it from then on, from whatever port it comes", () => {
  const roster = newRoster();
  const sender = new FakeSender();
  const peer = roster.add(factsOf(1), sender, 0);
  roster.ban(peer.number);
  roster.ban(77);
  assert.equal(sender.closedFor, "it sent wrong data");
  roster.remove(peer, 0);
  assert.equal(roster.refusal(factsOf(1, { endpoint: { address: "10.0.0.1", port: 5 } }), 0), "it is banned");
  assert.equal(roster.refusal(factsOf(1, { peerId: peerIdOf(7) }), 0), "it is banned");
  assert.equal(
    roster.refusal(factsOf(2, { peerId: peerIdOf(1) }), 0),
    undefined,
    "whose peer id the liar bore",
  );
  assert.deepEqual(roster.takeDials(1, false, CONNECTIONS.redialMaxMs), []);
});

Deno.test("Roster bans a peer that is found to have lied after it left, as long as it remembers it", () => {
  const roster = newRoster();
  const gone = roster.add(factsOf(1), new FakeSender(), 0);
  gone.download.add(1, 0);
  roster.remove(gone, 0);
  roster.ban(gone.number);
  assert.equal(roster.refusal(factsOf(1), 0), "it is banned");
  const early = roster.add(factsOf(2), new FakeSender(), 0);
  early.download.add(1, 0);
  roster.remove(early, 0);
  for (let i = 0; i < CHOKING.maxDeparted; i++) {
    const peer = roster.add(factsOf(3), new FakeSender(), 0);
    peer.download.add(1, 0);
    roster.remove(peer, 0);
  }
  roster.ban(early.number);
  assert.equal(roster.refusal(factsOf(2), 0), undefined);
});

Deno.test("Roster leaves some connections of a torrent to those who come to us", () => {
  const roster = newRoster();
  roster.known.add(
    Array.from({ length: 200 }, (_, i) => ({ address: "10.0.7.1", port: 1_000 + i })),
    "tracker",
    0,
  );
  for (let i = 1; i <= CONNECTIONS.dialled - 1; i++) roster.add(factsOf(i), new FakeSender(), 0);
  assert.equal(roster.takeDials(100, false, 0).length, 1);
});

Deno.test("Roster hears of others, and never of ourselves", () => {
  const roster = newRoster();
  const endpoints = [{ address: "10.0.0.100", port: 6881 }, { address: "10.0.0.5", port: 6881 }];
  assert.equal(roster.hear(endpoints, "pex", 0), 1);
  assert.deepEqual(roster.known.names, ["10.0.0.5:6881"]);
});
