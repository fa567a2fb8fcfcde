import assert from "node:assert/strict";
import { ProtocolError } from "../../../lib/errors.ts";
import { encode } from "../../../lib/protocol/bencode.ts";
import { SigningKey } from "../../../lib/protocol/cryptography.ts";
import { fleetHash } from "../../../lib/protocol/fleet_channel.ts";
import { infoHashOf } from "../../../lib/protocol/info_hash.ts";
import {
  type Answer,
  type AnswerKind,
  encodeStatement,
  type Offer,
  signAnswer,
  signOffer,
} from "../../../lib/protocol/offer_messages.ts";
import { FLEET } from "../../../lib/settings.ts";
import type { MemberLink } from "../../../lib/swarm/fleet/fleet_extension.ts";
import { isFor, OfferBook } from "../../../lib/swarm/fleet/offer_book.ts";
import { OfferExchange } from "../../../lib/swarm/fleet/offer_exchange.ts";
import { seededRandom } from "../../harness/data/random.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";

const keyOf = (number: number) => {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, number);
  return new SigningKey(seed);
};
const HASH = fleetHash(new Uint8Array(32));
const LEAD = keyOf(0);
/** The moment of the tests, in seconds. */
const NOW = 1_000_000;
const hashOf = (number: number) => infoHashOf(Uint8Array.of(number >> 8, number));

/** An offer of the lead, but for `changes`. */
function offerOf(number: number, changes: Partial<Offer> = {}, key = LEAD) {
  return signOffer({
    fleet: HASH,
    lead: LEAD.publicKey,
    seq: number,
    issued: NOW,
    expires: NOW + 1_000,
    to: [],
    infoHash: hashOf(number),
    data: { name: `file ${number}`, length: 5, files: 1, trackers: [] },
    ...changes,
  }, key);
}

function answerOf(
  member: SigningKey,
  seq: number,
  kind: AnswerKind,
  changes: Partial<Answer> = {},
  key = member,
) {
  const answer = {
    fleet: HASH,
    lead: LEAD.publicKey,
    seq,
    member: member.publicKey,
    name: "pc",
    at: 1,
    kind,
  };
  return signAnswer({ ...answer, needs: undefined, has: undefined, ...changes }, key);
}

/** What is on its way between members. */
const wire: (() => void)[] = [];

/** Lets everything arrive that is on its way, and what follows from it. */
function settle(): void {
  for (let next = wire.shift(); next !== undefined; next = wire.shift()) next();
}

/** A member with links to others. */
class Member {
  readonly key: SigningKey;
  readonly book: OfferBook;
  readonly exchange: OfferExchange;
  readonly offers: string[] = [];
  readonly answers: string[] = [];
  /** Messages that came. */
  received = 0;
  readonly #links = new Map<Member, MemberLink>();
  trusts = true;

  constructor(number: number) {
    this.key = keyOf(number);
    this.book = new OfferBook({
      fleet: HASH,
      isTrusted: (lead) => this.trusts && lead === LEAD.publicKey.toHex(),
    });
    this.exchange = new OfferExchange(this.key.publicKey.toHex(), this.book, {
      offerCame: ({ offer: { statement } }) => this.offers.push(statement.data?.name ?? "cancelled"),
      answerCame: ({ statement: { name, kind } }) => this.answers.push(`${name} ${kind}`),
    });
  }

  meet(other: Member): void {
    const links = [this.#linkTo(other), other.#linkTo(this)] as const;
    this.#links.set(other, links[0]);
    other.#links.set(this, links[1]);
    this.exchange.opened(links[0], NOW);
    other.exchange.opened(links[1], NOW);
    settle();
  }

  offer(...offer: Parameters<typeof offerOf>): void {
    this.exchange.offer(offerOf(...offer), NOW);
    settle();
  }

  answer(kind: AnswerKind, changes: Partial<Answer> = {}): void {
    this.exchange.answer(answerOf(this.key, 1, kind, changes));
    settle();
  }

  #linkTo(other: Member): MemberLink {
    return {
      member: { key: other.key.publicKey, name: "", macs: [] },
      peer: fakePeer(1, 0).peer,
      send: (message) => {
        other.received++;
        const back = other.#links.get(this)!;
        wire.push(() => other.exchange.received(back, message, NOW, 0));
      },
    };
  }

  part(other: Member): void {
    for (const [one, another] of [[this, other], [other, this]]) {
      one.exchange.closed(one.#links.get(another)!);
      one.#links.delete(another);
    }
  }
}

Deno.test("OfferBook takes what a trusted lead has signed, once, and nothing that is older, foreign or too long", () => {
  const book = new OfferBook({ fleet: HASH, isTrusted: (lead) => lead === LEAD.publicKey.toHex() });
  const take = (offer: ReturnType<typeof offerOf>, mayCheck = () => true) =>
    book.offerCame(offer, NOW, mayCheck);
  let checks = 0;
  const counting = () => ++checks > 0;
  assert.equal(take(offerOf(5), counting), "news");
  assert.equal(take(offerOf(5), counting), "nothing new", "replayed");
  assert.equal(take(offerOf(4, { infoHash: hashOf(5) }), counting), "nothing new", "of a lower number");
  assert.equal(
    take(offerOf(9, { lead: keyOf(9).publicKey }, keyOf(9)), counting),
    "nothing new",
    "not trusted",
  );
  assert.equal(checks, 1, "none of these costs a look at a signature");
  const broken = (offer: ReturnType<typeof offerOf>) => {
    const verdict = take(offer);
    assert(typeof verdict === "object");
    return verdict.broken;
  };
  assert.match(broken(offerOf(6, {}, keyOf(6))), /not signed/);
  assert.match(broken(offerOf(6, { fleet: fleetHash(new Uint8Array(32).fill(1)) })), /another fleet/);
  assert.match(broken(offerOf(6, { expires: NOW + FLEET.offerLongestS + 1 })), /longer/);
  assert.match(broken(offerOf(6, { expires: NOW - 10 })), /longer/, "it ends before it begins");
  assert.equal(
    take(offerOf(6, { issued: 0, expires: NOW - FLEET.expiredKeptS })),
    "nothing new",
    "long over",
  );
  assert.equal(take(offerOf(6, { issued: 0, expires: NOW - 1 })), "news", "shown, as the clock may be wrong");
  // A cancel is an offer with a higher number, and after it the first one is old.
  assert.equal(take(offerOf(7, { infoHash: hashOf(5), data: undefined })), "news");
  assert.equal(take(offerOf(5)), "nothing new");
  assert.equal(book.expire(NOW + 1_000 + FLEET.expiredKeptS), true);
  assert.deepEqual(book.entries, []);
});

Deno.test("OfferBook holds so many offers of a lead, and answers to offers that are there only", () => {
  const book = new OfferBook({ fleet: HASH, isTrusted: () => true });
  for (let number = 1; number <= 2 * FLEET.offersOfLead; number++) {
    book.offerCame(offerOf(number), NOW, () => true);
  }
  assert.equal(book.entries.length, FLEET.offersOfLead);
  const member = keyOf(3);
  const take = (answer: ReturnType<typeof answerOf>) => book.answerCame(answer, () => true);
  assert.equal(take(answerOf(member, 1, "accepted")), "news");
  assert.equal(take(answerOf(member, 1, "declined")), "nothing new", "of the same moment");
  assert.equal(take(answerOf(member, 1, "declined", { at: 2 })), "news");
  assert.equal(take(answerOf(member, 2 * FLEET.offersOfLead, "accepted")), "nothing new");
  assert(typeof take(answerOf(member, 1, "accepted", { at: 3 }, keyOf(4))) === "object", "forged");
});

Deno.test("isFor: an offer is for all, or for those that it names", () => {
  const [one, other] = [keyOf(1).publicKey, keyOf(2).publicKey];
  assert(isFor(offerOf(1).statement, one));
  const named = offerOf(1, { to: [one] }).statement;
  assert.deepEqual([isFor(named, one), isFor(named, other)], [true, false]);
});

Deno.test("An offer reaches hosts that its lead cannot, and the answers come back the same way", () => {
  const [lead, a, b, c] = [0, 1, 2, 3].map((number) => new Member(number));
  lead.meet(a);
  a.meet(b);
  b.meet(c);
  lead.offer(1);
  assert.deepEqual([a, b, c].map(({ offers }) => offers), [["file 1"], ["file 1"], ["file 1"]]);
  c.answer("accepted", { name: "c" });
  assert.deepEqual(lead.answers, ["c accepted"]);
});

Deno.test("A host that was away gets what holds from any member, and a lead that was away gets the answers", () => {
  const [lead, a, late] = [0, 1, 2].map((number) => new Member(number));
  lead.meet(a);
  lead.offer(1);
  lead.offer(2, { expires: NOW + 1 });
  lead.part(a);
  late.meet(a);
  assert.deepEqual(late.offers, ["file 1", "file 2"]);
  late.answer("declined", { name: "late" });
  assert.deepEqual(lead.answers, []);
  a.meet(lead);
  assert.deepEqual(lead.answers, ["late declined"]);
});

Deno.test("In a full mesh of 40, an offer is sent to each over each connection at most, and an answer to the lead alone", () => {
  const members = Array.from({ length: 40 }, (_, number) => new Member(number));
  members.forEach((one, at) => members.slice(0, at).forEach((other) => one.meet(other)));
  members[0].offer(1);
  for (const { offers, received } of members.slice(1)) {
    assert.deepEqual(offers, ["file 1"]);
    assert(received <= 39);
  }
  for (const member of members) member.received = 0;
  for (const member of members.slice(1)) member.answer("accepted");
  assert.deepEqual(members.map(({ received }) => received), [39, ...Array(39).fill(0)]);
});

Deno.test("Members that come, part and meet in any order all end with the last word of the lead", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seededRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const members = Array.from({ length: 6 }, (_, number) => new Member(number));
    const met = new Set<string>();
    let seq = 0;
    for (let step = 0; step < 60; step++) {
      const [one, other] = [pick(6), pick(6)].sort();
      const pair = `${one} ${other}`;
      if (random() < 0.2) members[0].offer(++seq, { infoHash: hashOf(pick(3)) });
      else if (one === other) continue;
      else if (met.delete(pair)) members[one].part(members[other]);
      else met.add(pair), members[one].meet(members[other]);
    }
    for (let other = 1; other < 6; other++) if (!met.has(`0 ${other}`)) members[0].meet(members[other]);
    const stateOf = ({ book }: Member) => book.entries.map(({ offer }) => offer.statement.seq).sort();
    for (const member of members) assert.deepEqual(stateOf(member), stateOf(members[0]), `seed ${seed}`);
  }
});

Deno.test("A host that does not obey a lead neither takes nor passes on what it offers", () => {
  const [lead, a, b] = [0, 1, 2].map((number) => new Member(number));
  a.trusts = false;
  lead.meet(a);
  a.meet(b);
  lead.offer(1);
  assert.deepEqual([a.offers, b.offers, b.received], [[], [], 0]);
});

/** A member to which a hostile one is connected. */
function attacked() {
  const [victim, friend] = [1, 2].map((number) => new Member(number));
  victim.meet(friend);
  let link: MemberLink;
  /** Connects, each time with another key. */
  const comeAgain = () => {
    const member = { key: keyOf(++keys).publicKey, name: "", macs: [] };
    link = { member, peer: fakePeer(3, 0).peer, send() {} };
    victim.exchange.opened(link, NOW);
  };
  let keys = 50;
  comeAgain();
  const say = (message: Uint8Array, clock = 0) => {
    victim.exchange.received(link, message, NOW, clock);
    settle();
  };
  return { victim, friend, say, comeAgain };
}

Deno.test("10,000 replayed, misaddressed and foreign offers change nothing, are passed on to nobody, and most are not read", () => {
  const { victim, friend, say, comeAgain } = attacked();
  const toAnother = offerOf(1, { to: [keyOf(77).publicKey] });
  const untrusted = offerOf(2, { lead: keyOf(9).publicKey }, keyOf(9));
  const over = offerOf(3, { issued: 0, expires: NOW - FLEET.expiredKeptS });
  say(encodeStatement(toAnother));
  const messages = [toAnother, untrusted, over].map(encodeStatement);
  friend.received = 0;
  let read = 1;
  const flood = () => {
    for (; read < 10_000; read++) say(messages[read % 3]);
  };
  assert.throws(flood, /a flood of offers/);
  assert.equal(read, FLEET.messages.burst);
  comeAgain();
  assert.throws(() => say(messages[0]), /a flood of offers/, "another connection from there brings no more");
  say(messages[0], 1_000);
  assert.deepEqual([victim.offers, friend.received], [["file 1"], 0]);
  assert.equal(victim.book.entries.length, 1);
});

Deno.test("A forged offer, one in a fleet of its own, and one for ever end the connection at once", () => {
  for (
    const bad of [
      offerOf(1, {}, keyOf(8)),
      offerOf(1, { fleet: fleetHash(new Uint8Array(32).fill(8)) }),
      offerOf(1, { expires: NOW + 10 * FLEET.offerLongestS }),
    ]
  ) {
    const { victim, friend, say } = attacked();
    assert.throws(() => say(encodeStatement(bad)), ProtocolError);
    assert.deepEqual([victim.offers, friend.offers], [[], []]);
  }
  const { say } = attacked();
  assert.throws(() => say(encode({ b: new Uint8Array(9_000), s: "" })), ProtocolError, "oversized");
});

Deno.test("An address may have so many signatures looked at, and no more", () => {
  const { victim, say } = attacked();
  say(encodeStatement(offerOf(1)));
  let member = 100;
  const flood = () => {
    for (let number = 0; number < 2 * FLEET.checks.burst; number++) {
      say(encodeStatement(answerOf(keyOf(++member), 1, "accepted")));
    }
  };
  assert.throws(flood, /more signatures than may be looked at/);
  assert.equal(victim.answers.length, FLEET.checks.burst - 1);
});
