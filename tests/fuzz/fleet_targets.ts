/** Decoders of what members of a fleet, and strangers under its hash, send. */
import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { fromUtf8, toUtf8 } from "../../lib/protocol/bytes.ts";
import { SigningKey } from "../../lib/protocol/cryptography.ts";
import { FleetChannel } from "../../lib/protocol/fleet_channel.ts";
import { readFleetCode } from "../../lib/protocol/fleet_code.ts";
import {
  credentialsText,
  encodeCredentials,
  parseCredentials,
  readCredentialsText,
  readKeyText,
} from "../../lib/protocol/fleet_key.ts";
import { encodeInvitation, parseInvitation } from "../../lib/protocol/invitation_messages.ts";
import {
  type Answer,
  ANSWERS,
  encodeStatement,
  isGenuine,
  MAX_ADDRESSEES,
  type Offer,
  parseStatement,
  signAnswer,
  signOffer,
} from "../../lib/protocol/offer_messages.ts";
import { printable } from "../../lib/protocol/printable.ts";
import { mutateBencode, mutateBytes } from "./mutators.ts";
import { bytes, INFO_HASH, type Target } from "./target.ts";

const FLEET_KEY = bytes(32, 1);
const CREDENTIALS = { name: "room 7", fleetKey: FLEET_KEY, lead: { key: bytes(32, 2), name: "desk" } };
const [ONE, OTHER] = [3, 4].map((fill) => (
  {
    fleetKey: FLEET_KEY,
    key: new SigningKey(bytes(32, fill)),
    name: `pc-${fill}`,
    macs: [new Uint8Array(6).fill(2)],
  }
));
const [DIALLER_SEED, ACCEPTOR_SEED] = [bytes(32, 5), bytes(32, 6)];
const dialler = () => new FleetChannel(ONE, true, DIALLER_SEED);
const acceptor = () => new FleetChannel(OTHER, false, ACCEPTOR_SEED);
/** What both sides send, from the hello on: both use the same seeds each time, so that it is right each time. */
const SAID = ((one, other) => {
  const hello = one.hello;
  const answer = other.receive(hello).reply!;
  const proof = one.receive(answer).reply!;
  return { hello, answer, proof, message: one.seal(toUtf8("a message")) };
})(dialler(), acceptor());

const OFFER: Offer = {
  fleet: INFO_HASH,
  lead: ONE.key.publicKey,
  seq: 7,
  issued: 1_000,
  expires: 2_000,
  to: [OTHER.key.publicKey],
  infoHash: INFO_HASH,
  data: { name: "film.mp4", length: 5e9, files: 2, trackers: ["http://10.0.0.5:6969/announce"] },
};
const ANSWER: Answer = {
  fleet: INFO_HASH,
  lead: ONE.key.publicKey,
  seq: 7,
  member: OTHER.key.publicKey,
  name: "pc-4",
  at: 1,
  kind: "full",
  needs: 5,
  has: 4,
};
/** Statements in their envelopes. */
const STATEMENTS = [
  signOffer(OFFER, ONE.key),
  signOffer({ ...OFFER, to: [], data: undefined }, ONE.key),
  signAnswer(ANSWER, OTHER.key),
];

export const FLEET_TARGETS: readonly Target[] = [
  {
    name: "offers and answers of a fleet",
    seeds: STATEMENTS.map(encodeStatement),
    mutate: mutateBencode,
    error: ProtocolError,
    run: (input) => readStatement(input),
  },
  {
    name: "offers and answers within their envelopes",
    seeds: STATEMENTS.map(({ bytes }) => bytes),
    mutate: mutateBencode,
    error: ProtocolError,
    run: (input) => readStatement(encodeStatement({ ...STATEMENTS[0], bytes: new Uint8Array(input) })),
  },
  {
    name: "fleet channel",
    seeds: Object.values(SAID),
    mutate: mutateBytes,
    isCostly: true,
    error: ProtocolError,
    run(input) {
      const isSaid = (said: Uint8Array) => said.toHex() === input.toHex();
      const fresh = acceptor();
      if (!isSaid(SAID.hello)) assert.deepEqual(fresh.receive(input), {}, "a stranger hears nothing");
      if (!isSaid(SAID.answer)) assert.deepEqual(dialler().receive(input), {});
      const met = acceptor();
      met.receive(SAID.hello);
      if (isSaid(SAID.proof)) return assert.equal(met.receive(input).member?.name, "pc-3");
      assert.equal(met.receive(input).member, undefined);
    },
  },
  {
    name: "messages about invitations",
    seeds: [
      encodeInvitation({ type: "share", share: bytes(65, 4) }),
      encodeInvitation({ type: "answer", share: bytes(65, 5) }),
      encodeInvitation({ type: "confirmation", confirmation: bytes(32, 1), sealed: bytes(100, 2) }),
      encodeInvitation({ type: "refusal" }),
    ],
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const message = parseInvitation(input);
      if (message !== undefined) assert.deepEqual(parseInvitation(encodeInvitation(message)), message);
    },
  },
  {
    name: "credentials of a fleet",
    seeds: [encodeCredentials(CREDENTIALS)],
    mutate: mutateBencode,
    error: ProtocolError,
    run(input) {
      const credentials = parseCredentials(input);
      assert.equal(credentials.fleetKey.length, 32);
      assert.equal(printable(credentials.name), credentials.name);
    },
  },
  {
    name: "keys of a fleet as texts",
    seeds: [
      credentialsText(CREDENTIALS),
      "A1oQRr4-GFrHcAIs3rrAGSQoX9g1coNvf9yzVWFy2ig",
      "1234 aban abil able",
    ]
      .map(toUtf8),
    mutate: mutateBytes,
    error: ProtocolError,
    run(input) {
      const text = fromUtf8(input);
      assert(readKeyText(text) === undefined || readCredentialsText(text) === undefined);
      try {
        const code = readFleetCode(text);
        assert.deepEqual(readFleetCode(code.text), code);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    },
  },
];

function readStatement(message: Uint8Array): void {
  const read = parseStatement(message);
  if (read === undefined) return;
  const isAsSigned = STATEMENTS.some(({ bytes, signature }) =>
    bytes.toHex() === read.bytes.toHex() && signature.toHex() === read.signature.toHex()
  );
  assert.equal(isGenuine(read), isAsSigned, "nothing that was changed is genuine");
  const { statement } = read;
  if ("member" in statement) {
    assert(ANSWERS.includes(statement.kind) && printable(statement.name) === statement.name);
  } else {
    assert(statement.to.length <= MAX_ADDRESSEES);
    if (statement.data !== undefined) assert.equal(printable(statement.data.name), statement.data.name);
  }
}
