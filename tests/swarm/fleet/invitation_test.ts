import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { type FleetCode, readFleetCode } from "../../../lib/protocol/fleet_code.ts";
import type { Credentials } from "../../../lib/protocol/fleet_key.ts";
import { FLEET } from "../../../lib/settings.ts";
import { InvitationExtension } from "../../../lib/swarm/fleet/invitation_extension.ts";
import { JoiningExtension } from "../../../lib/swarm/fleet/joining_extension.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";

const CODE = readFleetCode("1234 abandon zebra zoo");
const WRONG = readFleetCode("1234 abandon zebra zone");
const CREDENTIALS: Credentials = {
  name: "room 7",
  fleetKey: new Uint8Array(32).fill(1),
  lead: { key: new Uint8Array(32).fill(2), name: "desk" },
};
const secretBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** An invitation, and hosts that try it one after the other. */
class Desk {
  readonly invitation: InvitationExtension;
  #hosts = 0;

  constructor(count = 10) {
    this.invitation = new InvitationExtension({
      code: CODE,
      credentials: CREDENTIALS,
      count,
      secretBytes,
      changed() {},
    });
  }

  /** How a host fares with a code; `change` changes what the lead sends on its way. */
  try(code: FleetCode, change = (payload: Uint8Array) => payload): (Credentials | "refused")[] {
    const heard: (Credentials | "refused")[] = [];
    const [{ peer: joiner }, { peer: lead }] = [fakePeer(++this.#hosts, 0), fakePeer(200, 0)];
    const joining = new JoiningExtension(code, secretBytes, (outcome) => heard.push(outcome));
    const toJoiner: Uint8Array[] = [], toLead: Uint8Array[] = [];
    this.invitation.offered(joiner, (payload) => toJoiner.push(payload));
    joining.offered(lead, (payload) => toLead.push(payload));
    while (toLead.length > 0 || toJoiner.length > 0) {
      for (const payload of toLead.splice(0)) this.invitation.received(joiner, payload, 0);
      for (const payload of toJoiner.splice(0)) joining.received(lead, change(payload));
    }
    return heard;
  }
}

Deno.test("An invitation gives the credentials to those that know the words, and to so many only", () => {
  const desk = new Desk(2);
  assert.deepEqual([desk.try(CODE), desk.try(CODE)], [[CREDENTIALS], [CREDENTIALS]]);
  assert.deepEqual([desk.invitation.state, desk.invitation.joined], ["all have joined", 2]);
  assert.deepEqual(desk.try(CODE), ["refused"]);
});

Deno.test("The third wrong guess ends an invitation, whatever lies between the guesses", () => {
  const desk = new Desk();
  for (let guess = 1; guess < FLEET.guesses; guess++) {
    assert.deepEqual([desk.try(WRONG), desk.try(CODE)], [["refused"], [CREDENTIALS]]);
  }
  assert.deepEqual([desk.try(WRONG), desk.invitation.state], [["refused"], "three wrong guesses"]);
  assert.deepEqual([desk.try(CODE), desk.invitation.joined], [["refused"], FLEET.guesses - 1]);
});

Deno.test("A joiner believes no lead that does not know the words, and no credentials that were changed", () => {
  const impostor = new Desk();
  // One bit, as a byte that is set may have had that value before.
  const changed = (at: number) => (payload: Uint8Array) =>
    payload[0] === 1 ? payload.with(at, payload[at] ^ 1) : payload;
  assert.deepEqual(impostor.try(CODE, changed(40)), ["refused"]);
  assert.deepEqual(impostor.try(CODE, changed(5)), ["refused"]);
});

Deno.test("Many exchanges begun at once bring no more guesses, and each connection has one", () => {
  const { invitation } = new Desk();
  const { peer: lead } = fakePeer(200, 0);
  const guesses = Array.from({ length: 8 }, (_, number) => {
    const { peer } = fakePeer(number + 1, 0);
    const sent: Uint8Array[] = [];
    const joining = new JoiningExtension(WRONG, secretBytes, () => {});
    invitation.offered(peer, (payload) => joining.received(lead, payload));
    joining.offered(lead, (payload) => sent.push(payload));
    invitation.received(peer, sent[0], 0);
    return () => invitation.received(peer, sent[1], 0);
  });
  assert.equal(invitation.state, "open");
  for (const send of guesses.slice(0, 2)) send();
  for (const send of guesses.slice(0, 2)) send();
  assert.equal(invitation.state, "open", "what a connection sends again is no guess");
  for (const send of guesses) send();
  assert.equal(invitation.state, "three wrong guesses");
});

Deno.test("An invitation begins only so many exchanges a second: each costs some milliseconds", () => {
  const { invitation } = new Desk();
  let answers = 0;
  const joining = new JoiningExtension(CODE, secretBytes, () => {});
  let share: Uint8Array = new Uint8Array();
  joining.offered(fakePeer(200, 0).peer, (payload) => share = payload);
  for (let number = 1; number <= 2 * FLEET.tries.burst; number++) {
    const { peer } = fakePeer(number, 0);
    invitation.offered(peer, () => answers++);
    invitation.received(peer, share, 0);
    invitation.received(peer, share, 0);
  }
  assert.equal(answers, FLEET.tries.burst);
});

Deno.test("A joiner asks so many hosts at once, and tries its words with fewer", () => {
  const joining = new JoiningExtension(CODE, secretBytes, () => {});
  const { invitation } = new Desk();
  const hosts = Array.from({ length: 2 * FLEET.hostsAsked }, (_, number) => ({
    peer: fakePeer(number + 1, 0).peer,
    sent: [] as Uint8Array[],
  }));
  for (const { peer, sent } of hosts) joining.offered(peer, (payload) => sent.push(payload));
  const asked = () => hosts.filter(({ sent }) => sent.length > 0).length;
  assert.equal(asked(), FLEET.hostsAsked);
  joining.peerLeft(hosts[0].peer);
  assert.equal(asked(), FLEET.hostsAsked + 1);
  for (const { peer, sent } of hosts.slice(1, FLEET.hostsAsked)) {
    invitation.offered(peer, (payload) => joining.received(peer, payload));
    invitation.received(peer, sent[0], 0);
  }
  assert.equal(hosts.filter(({ sent }) => sent.length > 1).length, FLEET.hostsTried);
});

Deno.test("A whole class that joins at once meets one another, and each finds the lead", () => {
  const desk = new Desk(100);
  const { peer: lead } = fakePeer(200, 0);
  const outcomes: unknown[] = [];
  const queue: (() => void)[] = [];
  const joiners = Array.from(
    { length: FLEET.hostsTried + 4 },
    () => new JoiningExtension(CODE, secretBytes, (outcome) => outcomes.push(outcome)),
  );
  const peers = joiners.map((_, number) => fakePeer(number + 1, 0).peer);
  for (const [i, one] of joiners.entries()) {
    for (const [j, other] of joiners.entries()) {
      if (i !== j) one.offered(peers[j], (payload) => queue.push(() => other.received(peers[i], payload)));
    }
  }
  for (const [i, one] of joiners.entries()) {
    desk.invitation.offered(peers[i], (payload) => queue.push(() => one.received(lead, payload)));
    one.offered(lead, (payload) => queue.push(() => desk.invitation.received(peers[i], payload, 0)));
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  assert.deepEqual(outcomes, joiners.map(() => CREDENTIALS));
});

Deno.test("Messages of another length are refused, unknown ones are ignored", () => {
  const { invitation } = new Desk();
  const { peer } = fakePeer(1, 0);
  invitation.offered(peer, () => assert.fail("Expected no answer"));
  for (const payload of [[], [9], [9, 9, 9], [2]]) invitation.received(peer, Uint8Array.from(payload), 0);
  invitation.received(peer, new Uint8Array(66), 0);
  invitation.received(peer, Uint8Array.of(1, ...new Uint8Array(32)), 0);
  for (const payload of [new Uint8Array(65), Uint8Array.of(1, 2), new Uint8Array(2_000).fill(1)]) {
    assert.throws(() => invitation.received(peer, payload, 0), ProtocolError);
  }
});
