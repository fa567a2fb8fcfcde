import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { decode, encode, isDictionary } from "../../lib/protocol/bencode.ts";
import { SigningKey } from "../../lib/protocol/cryptography.ts";
import { fleetHash } from "../../lib/protocol/fleet_channel.ts";
import { infoHashOf } from "../../lib/protocol/info_hash.ts";
import {
  type Answer,
  encodeStatement,
  isGenuine,
  MAX_ADDRESSEES,
  MAX_STATEMENT_BYTES,
  type Offer,
  parseStatement,
  signAnswer,
  type Signed,
  signOffer,
} from "../../lib/protocol/offer_messages.ts";

const keyOf = (fill: number) => new SigningKey(new Uint8Array(32).fill(fill));
const [LEAD, MEMBER] = [keyOf(1), keyOf(2)];
const fleet = fleetHash(new Uint8Array(32));
const OFFER: Offer = {
  fleet,
  lead: LEAD.publicKey,
  seq: 7,
  issued: 1_000,
  expires: 2_000,
  to: [MEMBER.publicKey],
  infoHash: infoHashOf(Uint8Array.of(1)),
  data: { name: "film.mp4", length: 5e9, files: 2, trackers: ["http://10.0.0.5:6969/announce"] },
};
const ANSWER: Answer = {
  fleet,
  lead: LEAD.publicKey,
  seq: 7,
  member: MEMBER.publicKey,
  name: "pc-2",
  at: 1_500_000,
  kind: "full",
  needs: 5e9,
  has: 7,
};

/** What becomes of a statement when its bytes are others, in the same envelope. */
function changed(signed: Signed<unknown>, change: (value: Record<string, unknown>) => void) {
  const value = decode(signed.bytes);
  assert(isDictionary(value));
  change(value);
  return parseStatement(encodeStatement({ ...signed, bytes: encode(value) }));
}

Deno.test("Offers and answers are read as they were signed, and known to be genuine", () => {
  const replacing = { ...OFFER, data: { ...OFFER.data!, replaces: infoHashOf(Uint8Array.of(2)) } };
  for (const offer of [OFFER, replacing, { ...OFFER, to: [], data: undefined }]) {
    const read = parseStatement(encodeStatement(signOffer(offer, LEAD)));
    assert(read?.type === "offer" && isGenuine(read));
    assert.deepEqual(read.statement, offer);
  }
  const { needs: _, has: __, ...accepted } = ANSWER;
  for (
    const answer of [ANSWER, { ...accepted, kind: "accepted", needs: undefined, has: undefined } as const]
  ) {
    const read = parseStatement(encodeStatement(signAnswer(answer, MEMBER)));
    assert(read?.type === "answer" && isGenuine(read));
    assert.deepEqual(read.statement, answer);
  }
});

Deno.test("A statement that was changed, signed with another key, or made into another kind is not genuine", () => {
  const signed = signOffer(OFFER, LEAD);
  for (const [key, value] of Object.entries({ seq: 8, expires: 9_999, to: [], length: 1 })) {
    const read = changed(signed, (offer) => offer[key] = value);
    assert(read?.type === "offer" && !isGenuine(read), key);
  }
  const forged = parseStatement(encodeStatement(signOffer(OFFER, MEMBER)));
  assert(forged?.type === "offer" && !isGenuine(forged));
  // The same bytes with a member in them are no answer that the member has signed.
  const turned = changed(signed, (offer) => {
    Object.assign(offer, { type: "answer", member: MEMBER.publicKey, answer: "accepted", at: 1, name: "x" });
  });
  assert(turned?.type === "answer" && !isGenuine(turned));
});

Deno.test("Statements that make no sense are refused, those of a newer version ignored", () => {
  const signed = signOffer(OFFER, LEAD);
  assert.equal(changed(signed, (offer) => offer.v = 2), undefined);
  assert.equal(changed(signed, (offer) => offer.type = "command"), undefined);
  assert.equal(parseStatement(encode({ x: 1 })), undefined);
  const wrong: Record<string, unknown>[] = [
    { fleet: "x" },
    { lead: new Uint8Array(31) },
    { seq: -1 },
    { expires: "soon" },
    { "info-hash": new Uint8Array(3) },
    { length: -5 },
    { to: ["x"] },
    { to: Array(MAX_ADDRESSEES + 1).fill(MEMBER.publicKey) },
    { name: new Uint8Array(MAX_STATEMENT_BYTES) },
  ];
  for (const change of wrong) {
    assert.throws(
      () => changed(signed, (offer) => Object.assign(offer, change)),
      ProtocolError,
      JSON.stringify(change),
    );
  }
  const answer = signAnswer(ANSWER, MEMBER);
  assert.throws(() => changed(answer, (value) => value.answer = "delete all"), ProtocolError);
  assert.throws(() => parseStatement(new Uint8Array(3)), ProtocolError);
});

Deno.test("The name in an offer is printable, and its trackers are addresses", () => {
  const data = {
    ...OFFER.data!,
    name: "a\u001b[2Jb",
    trackers: ["", `http://h/${"y".repeat(300)}`, "udp://h:1"],
  };
  const read = parseStatement(encodeStatement(signOffer({ ...OFFER, data }, LEAD)));
  assert(read?.type === "offer");
  assert.deepEqual([read.statement.data?.name, read.statement.data?.trackers], ["a�[2Jb", ["udp://h:1"]]);
});
