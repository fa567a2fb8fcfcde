import assert from "node:assert/strict";
import { peerPriority } from "../../../lib/protocol/peer_priority.ts";
import { CONNECTIONS, TRANSFER } from "../../../lib/settings.ts";
import { admit } from "../../../lib/swarm/peers/admission.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { factsOf, fakePeer, ourIdOf } from "../../harness/sessions/remote_peers.ts";

const OWN_ID = ourIdOf(100);

/** Whether a connection of our kind is welcome next to one of the same id that is up, by who dialled each. */
function replaces(number: number, newIsIncoming: boolean, oldIsIncoming: boolean): boolean {
  const peerId = ourIdOf(number);
  const { peer } = fakePeer(number, 1, { peerId, isIncoming: oldIsIncoming });
  const { refusal, twin } = admit(factsOf(number, { peerId, isIncoming: newIsIncoming }), [peer], OWN_ID, 0);
  assert.equal(twin, peer);
  return refusal === undefined;
}

Deno.test("admit welcomes a stranger", () => {
  const { peer } = fakePeer(1, 1);
  assert.deepEqual(admit(factsOf(2), [peer], OWN_ID, 0), { refusal: undefined, twin: undefined });
});

Deno.test("admit refuses a second connection in the same direction", () => {
  assert.equal(replaces(1, true, true), false);
  assert.equal(replaces(200, false, false), false);
});

Deno.test("admit keeps, of two crossing connections, the one that the lower peer id dialled", () => {
  assert.equal(replaces(200, false, true), true, "we are lower and dialled the new one");
  assert.equal(replaces(200, true, false), false, "we are lower and dialled the old one");
  assert.equal(replaces(1, true, false), true, "it is lower and dialled the new one");
  assert.equal(replaces(1, false, true), false, "it is lower and dialled the old one");
});

Deno.test("admit keeps both of two crossing connections with another client, and no third, until one had time to go", () => {
  for (const isIncoming of [false, true]) {
    const { peer: old } = fakePeer(1, 1, { isIncoming });
    const { peer: crossing } = fakePeer(1, 1, { isIncoming: !isIncoming });
    assert.deepEqual(admit(crossing.facts, [old], OWN_ID, 0), { refusal: undefined, twin: undefined });
    for (const { facts } of [old, crossing]) {
      assert.equal(admit(facts, [old, crossing], OWN_ID, 0).refusal, "it is connected already");
    }
    old.heardAt = CONNECTIONS.twinTrialMs;
    assert.equal(
      admit(crossing.facts, [old], OWN_ID, CONNECTIONS.twinTrialMs).refusal,
      "it is connected already",
      "both sides have known for long that it is up",
    );
  }
});

Deno.test("admit lets neither be replaced nor kept out whoever has the id of somebody at another address", () => {
  for (const peerId of [ourIdOf(1), factsOf(1).peerId]) {
    for (const [isIncoming, wasIncoming] of [[true, true], [true, false], [false, true], [false, false]]) {
      const endpoint = { address: "10.0.9.9", port: 6881 };
      const { peer } = fakePeer(1, 1, { peerId, isIncoming: wasIncoming });
      const facts = factsOf(1, { peerId, isIncoming, endpoint });
      for (const now of [0, 10 * CONNECTIONS.silentTwinMs]) {
        assert.deepEqual(admit(facts, [peer], OWN_ID, now), { refusal: undefined, twin: undefined });
      }
    }
  }
});

Deno.test("admit lets a connection that is silent give way to a new one with the same peer, not one that is in use", () => {
  for (const peerId of [ourIdOf(1), factsOf(1).peerId]) {
    for (const [isIncoming, wasIncoming] of [[true, true], [true, false], [false, true], [false, false]]) {
      const { peer } = fakePeer(1, 1, { peerId, isIncoming: wasIncoming });
      const facts = factsOf(1, { peerId, isIncoming });
      const now = 10_000;
      peer.heardAt = now - CONNECTIONS.silentTwinMs;
      assert.deepEqual(admit(facts, [peer], OWN_ID, now), { refusal: undefined, twin: peer });
      if (isIncoming !== wasIncoming) continue;
      peer.heardAt = now - CONNECTIONS.silentTwinMs + 1;
      assert.equal(admit(facts, [peer], OWN_ID, now).refusal, "it is connected already");
      peer.heardAt = 0;
      peer.lastSentAt = now - 1;
      assert.equal(admit(facts, [peer], OWN_ID, now).refusal, "it is connected already", "it takes data");
    }
  }
});

Deno.test("admit takes peers of one address with ids of their own for a class room", () => {
  const endpoint = { address: "10.9.9.9", port: 1 };
  const room = [1, 2, 3].map((number) => fakePeer(number, 1, { endpoint }).peer);
  const answer = admit(factsOf(4, { endpoint, isIncoming: true }), room, OWN_ID, 60_000);
  assert.deepEqual(answer, { refusal: undefined, twin: undefined });
});

Deno.test("admit refuses more connections than one address may have, not those of others", () => {
  const endpoint = { address: "10.9.9.9", port: 1 };
  const crowd = Array.from(
    { length: CONNECTIONS.perAddress },
    (_, i) => fakePeer(i + 1, 1, { endpoint }).peer,
  );
  assert.equal(
    admit(factsOf(250, { endpoint }), crowd, OWN_ID, 0).refusal,
    "too many connections from its address",
  );
  assert.equal(admit(factsOf(250), crowd, OWN_ID, 0).refusal, undefined);
});

Deno.test("admit lets a peer of a higher priority displace the one of the lowest, when there are too many (BEP 40)", () => {
  const addressOf = (number: number) => `10.${number >> 8}.${number & 255}.7`;
  const at = (number: number) => ({ endpoint: { address: addressOf(number), port: 6881 } });
  const priority = (number: number) =>
    peerPriority({ address: "10.0.0.100", port: 0 }, { address: addressOf(number), port: 6881 });
  const numbers = Array.from({ length: CONNECTIONS.perTorrent + 20 }, (_, i) => i + 1);
  const up = numbers.slice(0, CONNECTIONS.perTorrent).map((number) => {
    const { peer } = fakePeer(number, 1, at(number));
    peer.hasToldPieces = true;
    return peer;
  });
  const least = up.reduce((least, peer) => priority(peer.number) < priority(least.number) ? peer : least);
  let displacing = 0;
  for (const number of numbers.slice(CONNECTIONS.perTorrent)) {
    const { refusal, displaced } = admit(factsOf(number, at(number)), up, OWN_ID, 0);
    if (priority(number) > priority(least.number)) {
      assert.deepEqual([refusal, displaced], [undefined, least]);
      displacing++;
    } else assert.deepEqual([refusal, displaced], ["too many connections", undefined]);
  }
  assert.ok(displacing > 0);
});

/** As many peers as there may be, `crowd` of them at one address, who have all said something. */
function full(crowd: number): RemotePeer[] {
  return Array.from({ length: CONNECTIONS.perTorrent }, (_, i) => {
    const address = i < crowd ? "10.9.9.9" : `10.${i}.0.7`;
    const { peer } = fakePeer(i + 1, 1, { endpoint: { address, port: 1_000 + i } });
    peer.hasToldPieces = true;
    return peer;
  });
}

Deno.test("admit gives a newcomer the place of somebody who says nothing, when there are too many", () => {
  const peers = full(0);
  const [, silent] = peers;
  silent.hasToldPieces = false;
  const { refusal, displaced } = admit(factsOf(250), peers, OWN_ID, CONNECTIONS.speechlessMs);
  assert.deepEqual([refusal, displaced], [undefined, silent]);
  const { displaced: early } = admit(factsOf(250), peers, OWN_ID, CONNECTIONS.speechlessMs - 1);
  assert.notEqual(early, silent, "it may still be about to");
});

Deno.test("admit never takes the place of a peer that exchanges data, however many are better by priority", () => {
  const now = 60_000;
  const inUse: ((peer: RemotePeer) => void)[] = [
    (peer) => peer.weChoke = false,
    (peer) => peer.isSource = true,
    (peer) => peer.upload.add(1, now - TRANSFER.rateWindowMs / 2),
    (peer) => peer.download.add(1, now - TRANSFER.rateWindowMs / 2),
  ];
  for (const crowd of [0, 40]) {
    const peers = full(crowd);
    peers.forEach((peer, i) => inUse[i % inUse.length](peer));
    for (let i = 0; i < 200; i++) {
      const endpoint = { address: `10.200.${i}.1`, port: 6881 };
      const { refusal, displaced } = admit(factsOf(250, { endpoint }), peers, OWN_ID, now);
      assert.deepEqual([refusal, displaced], ["too many connections", undefined]);
    }
    const idle = peers[20];
    [idle.weChoke, idle.isSource] = [true, false];
    const endpoints = Array.from({ length: 200 }, (_, i) => ({ address: `10.200.${i}.1`, port: 6881 }));
    const displaced = endpoints.map((endpoint) =>
      admit(factsOf(250, { endpoint }), peers, OWN_ID, now).displaced
    );
    assert(displaced.includes(idle));
    assert(displaced.every((peer) => peer === undefined || peer === idle));
  }
});

Deno.test("admit gives a newcomer the place of one of a crowd from one address, and stops when shares are even", () => {
  const peers = full(5);
  const { refusal, displaced } = admit(factsOf(250), peers, OWN_ID, 0);
  assert.deepEqual([refusal, displaced], [undefined, peers[4]]);
  const fifth = { endpoint: { address: "10.9.9.9", port: 5 } };
  assert.notEqual(
    admit(factsOf(250, fifth), peers, OWN_ID, 0).displaced,
    peers[4],
    "its own crowd is no excuse",
  );
});
