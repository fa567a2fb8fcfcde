import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { fromUtf8, joinBytes, toUtf8 } from "../../lib/protocol/bytes.ts";
import { AgreementKey, deriveKey, open, seal, SigningKey } from "../../lib/protocol/cryptography.ts";
import { FleetChannel, MAX_FLEET_PAYLOAD, type OwnMember } from "../../lib/protocol/fleet_channel.ts";

const keyOf = (byte: number) => new Uint8Array(32).fill(byte);
const memberOf = (number: number, fleet = 1): OwnMember => (
  {
    fleetKey: keyOf(fleet),
    key: new SigningKey(keyOf(100 + number)),
    name: `pc-${number}`,
    macs: [Uint8Array.of(2, 0, 0, 0, 0, number)],
  }
);
let seeds = 0;
const dialler = (own: OwnMember) => new FleetChannel(own, true, keyOf(++seeds));
const acceptor = (own: OwnMember) => new FleetChannel(own, false, keyOf(++seeds));

/** Two members that have proved themselves to each other. */
function opened(): { one: FleetChannel; other: FleetChannel; proof: Uint8Array } {
  const [one, other] = [dialler(memberOf(1)), acceptor(memberOf(2))];
  const proof = one.receive(other.receive(one.hello).reply!).reply!;
  other.receive(proof);
  return { one, other, proof };
}

Deno.test("FleetChannel: two members prove themselves, and hear what the other one says, in its order", () => {
  const [one, other] = [dialler(memberOf(1)), acceptor(memberOf(2))];
  const answered = other.receive(one.hello);
  assert.equal(answered.member, undefined, "a hello alone does not say whose it is");
  const atOne = one.receive(answered.reply!);
  const atOther = other.receive(atOne.reply!);
  assert.deepEqual([atOne.member?.name, atOther.member?.name], ["pc-2", "pc-1"]);
  assert.deepEqual(atOther.member?.key, memberOf(1).key.publicKey);
  assert.deepEqual(atOther.member?.macs, memberOf(1).macs);
  assert.equal(atOther.reply, undefined);
  for (const text of ["a", "b"]) {
    assert.equal(fromUtf8(other.receive(one.seal(toUtf8(text))).message!), text);
    assert.equal(fromUtf8(one.receive(other.seal(toUtf8(text))).message!), text);
  }
});

Deno.test("FleetChannel tells a stranger nothing, whatever he says, and hears nothing from him", () => {
  const stranger = memberOf(3, 2);
  const { proof } = opened();
  const attempts = [
    dialler(stranger).hello,
    proof,
    Uint8Array.of(),
    Uint8Array.of(0),
    new Uint8Array(65),
    new Uint8Array(100).fill(1),
    Uint8Array.of(2, ...new Uint8Array(50)),
  ];
  for (const own of [acceptor(memberOf(1)), dialler(memberOf(1))]) {
    for (const attempt of attempts) assert.deepEqual(own.receive(attempt), {});
  }
  // We dialled him: he reads our hello, and cannot answer it.
  const own = dialler(memberOf(1));
  assert.deepEqual(acceptor(stranger).receive(own.hello), {});
  assert(!fromUtf8(own.hello).includes("pc-1"));
});

Deno.test("FleetChannel takes no hello that was recorded for its sender's", () => {
  const { hello } = dialler(memberOf(1));
  const other = acceptor(memberOf(2));
  const { reply, member } = other.receive(hello);
  assert.equal(member, undefined);
  // The one who has recorded it cannot read the answer, and so cannot go on.
  assert.throws(() => other.receive(Uint8Array.of(2, ...reply!.subarray(33))), ProtocolError);
});

Deno.test("FleetChannel takes nothing that is sent back to its sender, and nothing of another connection", () => {
  const own = dialler(memberOf(1));
  assert.deepEqual(own.receive(own.hello), {});
  const { one, other, proof } = opened();
  const said = one.seal(toUtf8("x"));
  assert.throws(() => one.receive(said), ProtocolError, "reflected");
  other.receive(said);
  assert.throws(() => other.receive(said), ProtocolError, "replayed");
  const again = acceptor(memberOf(2));
  again.receive(dialler(memberOf(1)).hello);
  assert.throws(() => again.receive(proof), ProtocolError, "of another connection");
});

Deno.test("FleetChannel: who passes on the messages of two members cannot read or change anything", () => {
  const [one, other] = [dialler(memberOf(1)), acceptor(memberOf(2))];
  const passed = [one.hello];
  passed.push(other.receive(passed[0]).reply!);
  passed.push(one.receive(passed[1]).reply!);
  other.receive(passed[2]);
  passed.push(one.seal(toUtf8("secret")));
  const all = passed.map((payload) => fromUtf8(payload)).join();
  for (const word of ["pc-1", "pc-2", "secret"]) assert(!all.includes(word));
  passed[3][5] ^= 1;
  assert.throws(() => other.receive(passed[3]), ProtocolError);
});

Deno.test("FleetChannel takes hardware addresses only that are some machine's, and not too many", () => {
  const good = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const macs = [new Uint8Array(6), Uint8Array.of(1, 0, 0x5e, 0, 0, 1), new Uint8Array(5), good];
  const [one, other] = [dialler({ ...memberOf(1), macs }), acceptor(memberOf(2))];
  const { reply } = one.receive(other.receive(one.hello).reply!);
  assert.deepEqual(other.receive(reply!).member?.macs, [good]);
  const [many, another] = [
    dialler({ ...memberOf(1), macs: new Array(100).fill(good) }),
    acceptor(memberOf(2)),
  ];
  const proof = many.receive(another.receive(many.hello).reply!).reply;
  assert.equal(another.receive(proof!).member?.macs.length, 8);
});

Deno.test("FleetChannel: a member cannot pass for another one", () => {
  // It has the key of the fleet, and says another's public key.
  const liar: OwnMember = {
    ...memberOf(3),
    key: Object.assign(Object.create(SigningKey.prototype), {
      publicKey: memberOf(1).key.publicKey,
      sign: (message: Uint8Array) => memberOf(3).key.sign(message),
    }),
  };
  const [one, other] = [dialler(liar), acceptor(memberOf(2))];
  const { reply } = one.receive(other.receive(one.hello).reply!);
  assert.throws(() => other.receive(reply!), /sign with its key/);
});

Deno.test("FleetChannel: a member that sends back what the other one has signed is not taken for it", () => {
  const [key, seed] = [keyOf(1), keyOf(250)];
  const mirror = new AgreementKey(seed);
  const victim = acceptor(memberOf(2));
  const { hello } = new FleetChannel(memberOf(1), true, seed);
  const answer = victim.receive(hello).reply!;
  // With the key of the fleet it reads the identity of the victim, and says that this is its own.
  const nonces = joinBytes([mirror.publicKey, answer.subarray(1, 33)]);
  const secret = mirror.agree(answer.subarray(1, 33))!;
  const keys = deriveKey(secret, key, joinBytes([toUtf8("peer-fleet-1 channel"), nonces]), 64);
  const identity = open(keys.subarray(32), 0, answer.subarray(33))!;
  assert(fromUtf8(identity).includes("pc-2"));
  const reflected = joinBytes([Uint8Array.of(2), seal(keys.subarray(0, 32), 0, identity)]);
  assert.throws(() => victim.receive(reflected), /sign with its key/);
});

Deno.test("FleetChannel refuses payloads beyond its limit", () => {
  const { one } = opened();
  assert.throws(() => one.receive(new Uint8Array(MAX_FLEET_PAYLOAD + 1)), ProtocolError);
});
