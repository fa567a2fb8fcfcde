import assert from "node:assert/strict";
import type { ExtendedHandshake } from "../../../lib/protocol/extension_messages.ts";
import { CHOKING, CONNECTIONS } from "../../../lib/settings.ts";
import type { PeerFacts } from "../../../lib/swarm/peers/remote_peer.ts";
import { Roster } from "../../../lib/swarm/peers/roster.ts";
import { factsOf, FakeSender, ourIdOf, peerIdOf } from "../../harness/sessions/remote_peers.ts";
import { testSurroundings } from "../../harness/sessions/surroundings.ts";

function newRoster(): Roster {
  return new Roster(4, testSurroundings());
}

/** The roster of one whose peer id is of our kind, as that of others is in tests about two that dial each other. */
function rosterOfOurKind(): Roster {
  return new Roster(4, testSurroundings({ peerId: ourIdOf(100) }));
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
  const roster = rosterOfOurKind();
  const sender = new FakeSender();
  const peerId = ourIdOf(200);
  const old = roster.add(factsOf(200, { peerId, isIncoming: true }), sender, 0);
  assert.equal(roster.refusal(factsOf(200, { peerId }), 0), undefined);
  assert.equal(sender.closedFor, "the connection was made twice");
  roster.add(factsOf(200, { peerId }), new FakeSender(), 0);
  roster.remove(old, 0);
  assert.equal(roster.connected.size, 1);
  assert.deepEqual(
    roster.takeDials(1, false, CONNECTIONS.redialMaxMs),
    [],
    "its endpoint is still connected",
  );
});

Deno.test("Roster learns where an accepted peer listens by dialling it, and does not dial it again", () => {
  const roster = rosterOfOurKind();
  const peerId = ourIdOf(1);
  const accepted = roster.add(
    factsOf(1, { peerId, isIncoming: true, endpoint: { address: "10.0.0.1", port: 50_000 } }),
    new FakeSender(),
    0,
  );
  const { endpoint } = factsOf(1);
  roster.known.add([endpoint], "tracker", 0);
  assert.deepEqual(roster.takeDials(1, false, 0), [endpoint]);
  assert.equal(roster.refusal(factsOf(1, { peerId }), 0), "it is connected already");
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

/** What a remote says in its extended handshake, as far as it matters here. */
function saying(changes: Partial<ExtendedHandshake>): ExtendedHandshake {
  const nothing = { client: "", listenPort: undefined, maxQueuedRequests: undefined, trackerPort: undefined };
  return {
    extensions: new Map(),
    ...nothing,
    metadataLength: undefined,
    prefersEncryption: false,
    ...changes,
  };
}

/** A connection that is up, and its sender. */
function connect(roster: Roster, facts: PeerFacts, now = 0) {
  assert.equal(roster.refusal(facts, now), undefined);
  const sender = new FakeSender();
  return { peer: roster.add(facts, sender, now), sender };
}

/** A peer that connected to us from the address of `factsOf(1)`. */
const incoming = (id: number, port: number) =>
  factsOf(1, { peerId: peerIdOf(id), isIncoming: true, endpoint: { address: "10.0.0.1", port } });

Deno.test("Roster bans no endpoint that a liar only claims, and the liar too when it is found there", () => {
  for (const isFound of [false, true]) {
    const roster = newRoster();
    const claimed = { address: "10.0.0.1", port: 6881 };
    roster.hear([claimed], "tracker", 0);
    const liar = connect(roster, incoming(1, 50_000));
    liar.peer.extended = saying({ listenPort: claimed.port });
    roster.introduced(liar.peer, 0);
    assert.deepEqual(
      roster.takeDials(1, false, 0),
      [],
      "it need not be dialled while that seems to be the liar",
    );
    liar.peer.download.add(1, 0);
    roster.ban(liar.peer.number);
    roster.remove(liar.peer, 0);
    assert.equal(roster.refusal(incoming(1, 50_001), 0), "it is banned");
    assert.deepEqual(roster.takeDials(1, false, 0), [claimed]);
    const found = factsOf(1, { peerId: peerIdOf(isFound ? 1 : 2) });
    assert.equal(roster.refusal(found, 0), isFound ? "it is banned" : undefined);
    assert.equal(roster.known.isBanned(claimed), isFound);
  }
});

Deno.test("Roster bans no claimed endpoint of a liar that was found out after it left", () => {
  const roster = newRoster();
  const liar = connect(roster, incoming(1, 50_000)).peer;
  liar.extended = saying({ listenPort: 6881 });
  roster.introduced(liar, 0);
  liar.download.add(1, 0);
  roster.remove(liar, 0);
  roster.ban(liar.number);
  assert.equal(roster.refusal(incoming(1, 50_001), 0), "it is banned");
  assert.equal(roster.known.isBanned({ address: "10.0.0.1", port: 6881 }), false);
});

Deno.test("Roster bans an endpoint that it dialled and found to be a liar that had connected before", () => {
  const roster = rosterOfOurKind();
  const peerId = ourIdOf(1);
  const liar = connect(roster, { ...incoming(1, 50_000), peerId }).peer;
  assert.equal(roster.refusal(factsOf(1, { peerId }), 0), "it is connected already");
  roster.ban(liar.number);
  assert.equal(roster.known.isBanned(factsOf(1).endpoint), true);
});

Deno.test("Roster keeps one of two crossing connections with another client, whichever that closes", () => {
  for (const closesOlder of [false, true]) {
    for (const olderIsIncoming of [false, true]) {
      const roster = newRoster();
      const older = connect(roster, factsOf(1, { isIncoming: olderIsIncoming }));
      const newer = connect(roster, factsOf(1, { isIncoming: !olderIsIncoming }));
      const [closed, kept] = closesOlder ? [older, newer] : [newer, older];
      roster.tick(CONNECTIONS.twinTrialMs / 2);
      roster.remove(closed.peer, CONNECTIONS.twinTrialMs / 2);
      roster.tick(CONNECTIONS.twinTrialMs);
      assert.equal(kept.sender.closedFor, undefined);
      assert.deepEqual(roster.takeDials(9, false, CONNECTIONS.redialMaxMs), [], "it is connected");
    }
  }
});

Deno.test("Roster closes what the higher id dialled, or what is dead, when another client keeps two crossing connections", () => {
  for (const id of [1, 200]) {
    for (const dead of [undefined, 0, 1]) {
      const roster = newRoster();
      const older = connect(roster, factsOf(1, { peerId: peerIdOf(id), isIncoming: true }));
      const newer = connect(roster, factsOf(1, { peerId: peerIdOf(id) }), 10);
      const both = [older, newer];
      both.forEach(({ peer }, i) => peer.heardAt = i === dead ? peer.heardAt : 20);
      roster.tick(CONNECTIONS.twinTrialMs);
      assert(both.every(({ sender }) => sender.closedFor === undefined));
      roster.tick(CONNECTIONS.twinTrialMs + 10);
      const closed = dead ?? (id > 100 ? 0 : 1);
      assert.deepEqual(
        both.map(({ sender }) => sender.closedFor),
        [0, 1].map((i) => i === closed ? "the connection was made twice" : undefined),
      );
    }
  }
});

/** Two connections that bear one peer id, at an IPv4 and an IPv6 address, and what each says of the other address. */
function atTwoAddresses(own: number, says: readonly [first: string[], second: string[]]) {
  const roster = new Roster(4, testSurroundings({ peerId: ourIdOf(own) }));
  const peerId = ourIdOf(50);
  const first = connect(roster, factsOf(1, { peerId }));
  const endpoint = { address: "fe80::1%eth0", port: 6881 };
  const second = connect(roster, factsOf(1, { peerId, endpoint, localAddress: "fe80::100%eth0" }));
  [first, second].forEach(({ peer }, i) => {
    peer.extended = saying({ addresses: says[i] });
    roster.introduced(peer, 0);
  });
  return { roster, first, second, endpoint };
}

Deno.test("Roster keeps one of two connections that lead to one host at two addresses, as one side decides", () => {
  const both = ["10.0.0.1", "fe80::1"];
  const { roster, first, second, endpoint } = atTwoAddresses(49, [both, both]);
  assert.deepEqual(roster.ownAddressesTo(first.peer), ["10.0.0.100", "fe80::100"]);
  assert.deepEqual([first.sender.closedFor, second.sender.closedFor], [
    undefined,
    "the connection was made twice",
  ]);
  roster.remove(second.peer, 0);
  assert.equal(roster.ownAddressesTo(first.peer), undefined);
  assert.deepEqual(roster.takeDials(9, false, CONNECTIONS.redialMaxMs), [], "both endpoints are connected");
  roster.remove(first.peer, 0);
  const later = roster.takeDials(9, false, CONNECTIONS.redialMaxMs);
  assert.deepEqual(later.map(({ address }) => address).toSorted(), ["10.0.0.1", endpoint.address]);
  assert.equal(atTwoAddresses(51, [both, both]).second.sender.closedFor, undefined, "the other side decides");
});

Deno.test("Roster keeps both connections with one peer id when a thief alone says that they lead to one host", () => {
  const both = ["10.0.0.1", "fe80::1"];
  for (const says of [[both, []], [[], both], [["10.0.0.1"], ["fe80::1"]]] as [string[], string[]][]) {
    const { first, second } = atTwoAddresses(49, says);
    assert.deepEqual([first.sender.closedFor, second.sender.closedFor], [undefined, undefined]);
  }
});

Deno.test("Roster lets a connection go that owes blocks and is silent, once its peer speaks at another address", () => {
  for (const owes of [true, false]) {
    const roster = newRoster();
    const old = connect(roster, factsOf(1));
    const moved = connect(roster, factsOf(1, { endpoint: { address: "10.0.7.7", port: 6881 } }), 1_000);
    old.peer.outstanding = owes ? 3 : 0;
    moved.peer.heardAt = 2_000;
    roster.tick(CONNECTIONS.deadTwinMs - 1);
    assert.equal(old.sender.closedFor, undefined);
    roster.tick(CONNECTIONS.deadTwinMs);
    assert.equal(old.sender.closedFor, owes ? "it went on at another address" : undefined);
    assert.equal(moved.sender.closedFor, undefined);
  }
});

Deno.test("Roster dials an address less and less often at which a connected peer hangs up", () => {
  const roster = newRoster();
  connect(roster, factsOf(1));
  const other = { address: "10.0.7.7", port: 6881 };
  roster.hear([other], "tracker", 0);
  let dials = 0;
  for (let now = 0; now < 60_000; now += 100) {
    for (const endpoint of roster.takeDials(9, false, now)) {
      dials++;
      const { peer } = connect(roster, factsOf(1, { endpoint }), now);
      peer.hasToldPieces = true;
      roster.remove(peer, now);
    }
  }
  assert.equal(dials, 7);
});

Deno.test("Roster goes on dialling a few, however many have connected to it", () => {
  const roster = newRoster();
  for (let i = 1; i <= CONNECTIONS.perTorrent; i++) {
    roster.add(factsOf(i, { isIncoming: true }), new FakeSender(), 0);
  }
  const others = Array.from({ length: 20 }, (_, i) => ({ address: "10.0.7.1", port: 1_000 + i }));
  roster.hear(others, "tracker", 0);
  assert.equal(roster.takeDials(100, false, 0).length, CONNECTIONS.leastDialled);
});
