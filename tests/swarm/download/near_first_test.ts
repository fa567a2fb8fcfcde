import assert from "node:assert/strict";
import { Bitfield } from "../../../lib/protocol/bitfield.ts";
import { NEAR } from "../../../lib/settings.ts";
import { NearFirst } from "../../../lib/swarm/download/near_first.ts";
import { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { factsOf, FakeSender, ourIdOf } from "../../harness/sessions/remote_peers.ts";

const PIECES = 60;
const PIECE_LENGTH = 64 * 1024;
const ALL = Array.from({ length: PIECES }, (_, index) => index);

/** Someone at `own` among peers of our kind at these addresses; those of another 10.x are far. */
function among(own: string, others: readonly string[]) {
  const peers = new Map<number, RemotePeer>();
  const stored = new Bitfield(PIECES);
  const near = new NearFirst({
    layout: { pieceCount: PIECES, pieceLength: PIECE_LENGTH },
    peers,
    lacks: (index) => !stored.has(index),
    storedCount: () => stored.count,
  });
  const all = others.map((address) => {
    const end = Number(address.split(".")[3]);
    const facts = factsOf(end, {
      endpoint: { address, port: 6881 },
      localAddress: own,
      peerId: ourIdOf(end),
    });
    const isFar = address.split(".")[1] !== own.split(".")[1];
    const peer = new RemotePeer(peers.size + 1, PIECES, facts, new FakeSender(), 0, "user", isFar);
    peer.peerChokes = false;
    peers.set(peer.number, peer);
    near.joined(peer);
    return peer;
  });
  const at = (address: string) => all.find(({ facts }) => facts.endpoint.address === address)!;
  return { near, peers, stored, at };
}

/** The pieces that may be asked of a peer, of those that it has. */
const openAt = (peer: RemotePeer) => peer.isHeldBack ? [] : ALL.filter((index) => peer.offers(index));

/** Three subnets of three, the first of which has somebody who has something; one for each who is in the other two. */
function threeSubnets(fill = (have: Bitfield) => have.addAll(Bitfield.full(PIECES))) {
  const addresses = [0, 1, 2].flatMap((subnet) => [1, 2, 3].map((end) => `10.${subnet}.0.${end}`));
  return addresses.filter((own) => !own.startsWith("10.0.")).map((own) => {
    const host = among(own, addresses.filter((address) => address !== own));
    fill(host.at("10.0.0.1").have);
    host.near.look(0);
    return { own, ...host };
  });
}

Deno.test("of those who have everything, each subnet fetches its share, and of that each machine its own", () => {
  const hosts = threeSubnets();
  const shares = hosts.map(({ at }) => openAt(at("10.0.0.1")));
  assert.deepEqual(shares.flat().sort((a, b) => a - b), ALL, "each piece leaves once");
  for (const { length } of shares) assert.ok(length > 0 && length < PIECES / 2, `${length} pieces`);
  assert.deepEqual(hosts.map(({ at }) => openAt(at("10.0.0.1"))), shares, "at any time");
});

Deno.test("a machine that knows of fewer subnets differs in their pieces alone, and so does a larger network", () => {
  const addresses = ["10.0.0.1", "10.1.0.1", "10.1.0.2", "10.2.0.1", "10.3.0.1"];
  const sharesOf = (known: readonly string[]) =>
    ["10.1.0.1", "10.1.0.2"].map((own) => {
      const { near, at } = among(own, known.filter((address) => address !== own));
      at("10.0.0.1").have.addAll(Bitfield.full(PIECES));
      near.look(0);
      return openAt(at("10.0.0.1"));
    });
  const all = sharesOf(addresses);
  const fewer = sharesOf(addresses.filter((address) => address !== "10.3.0.1"));
  all.forEach((share, at) => assert.deepEqual(share.filter((index) => !fewer[at].includes(index)), []));
  assert.equal(new Set(fewer.flat()).size, fewer.flat().length, "nobody near fetches the same");
  const larger = sharesOf([...addresses, "10.1.7.1"]);
  assert.ok(larger.flat().length > 0 && new Set(larger.flat()).size === larger.flat().length);
});

Deno.test("of the others, each machine of a subnet fetches its share of all", () => {
  const hosts = threeSubnets().filter(({ own }) => own.startsWith("10.1."));
  const shares = hosts.map(({ near, at }) => {
    const other = at("10.2.0.1");
    assert.ok(other.isHeldBack, "it has nothing");
    for (const index of ALL) {
      other.have.add(index);
      near.farHas(other, index);
    }
    near.look(50);
    return openAt(other);
  });
  for (const { length } of shares) assert.ok(length > 0 && length < PIECES * 2 / 3, `${length} pieces`);
  assert.deepEqual(shares.flat().sort((a, b) => a - b), ALL);
});

Deno.test("a piece that a near peer has is not asked of a far one, and one that has nothing else is not wanted", () => {
  const { near, at } = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const far = at("10.1.0.1");
  far.have.addAll(Bitfield.full(PIECES));
  near.look(0);
  const ours = openAt(far);
  assert.ok(ours.length > 0 && ours.length < PIECES);
  near.count(ours[0], 1);
  assert.deepEqual(openAt(far), ours.slice(1));
  near.count(ours[0], -1);
  assert.deepEqual(openAt(far), ours);
  for (const index of ours) near.count(index, 1);
  assert.deepEqual(near.look(50), [far]);
  assert.ok(far.isHeldBack);
});

/** Someone who has got its share, and a far peer that has everything. */
function gotItsShare() {
  const room = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const far = room.at("10.1.0.1");
  far.have.addAll(Bitfield.full(PIECES));
  room.near.look(0);
  const ours = openAt(far);
  for (const index of ours) {
    room.stored.add(index);
    room.near.stored(index);
  }
  room.near.look(0);
  assert.ok(far.isHeldBack);
  return { ...room, far, theirs: ALL.filter((index) => !ours.includes(index)) };
}

/** The moment at which a far peer is held back no more, in ms. */
function heldUntil({ near, far }: ReturnType<typeof gotItsShare>, from: number): number {
  for (let now = from; now < from + 60_000; now += 10) {
    near.look(now);
    if (!far.isHeldBack) return now;
  }
  assert.fail("it is held back for more than a minute");
}

Deno.test("who has got its share waits while others bring theirs, and then fetches what is left", () => {
  const room = gotItsShare();
  const { near, far, theirs } = room;
  let now = 0;
  for (const index of theirs.slice(0, 10)) {
    near.look(now += NEAR.shareMs - 50);
    assert.ok(far.isHeldBack, `${index}`);
    near.count(index, 1);
  }
  near.look(now);
  const end = heldUntil(room, now);
  assert.ok(end >= now + NEAR.shareMs && end <= now + NEAR.intervals * NEAR.shareMs, `${end - now} ms`);
  const left = openAt(far).filter((index) => !room.stored.has(index));
  assert.deepEqual(left, theirs.slice(10), "nothing is withheld from who helps");
});

Deno.test("who has got its share does not wait for long for others that bring nothing, or claim the same again", () => {
  assert.ok(heldUntil(gotItsShare(), 0) <= NEAR.shareMs + 100);
  const room = gotItsShare();
  const { near, far, theirs: [index] } = room;
  near.look(NEAR.shareMs);
  near.count(index, 1);
  for (let now = NEAR.shareMs; far.isHeldBack; now += 50) {
    assert.ok(now < 3_000);
    near.look(now);
    near.count(index, -1);
    near.count(index, 1);
  }
});

Deno.test("an hour in which nobody had anything makes nobody wait longer, or less", () => {
  const room = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const { near, stored, at } = room;
  const far = at("10.1.0.1");
  near.look(0);
  let now = 3_600_000;
  far.have.addAll(Bitfield.full(PIECES));
  for (const index of ALL) near.farHas(far, index);
  near.look(now);
  const ours = openAt(far);
  for (const index of ours) {
    stored.add(index);
    near.stored(index);
    near.look(now += 50);
  }
  for (const index of ALL.filter((index) => !ours.includes(index)).slice(0, 5)) {
    near.look(now += 200);
    assert.ok(far.isHeldBack);
    near.count(index, 1);
  }
  assert.ok(heldUntil({ ...room, far, theirs: [] }, now) <= now + 1_500);
});

Deno.test("a subnet that is ahead of everybody near counts as one in which somebody has everything", () => {
  const shares = threeSubnets((have) => ALL.slice(1).forEach((index) => have.add(index)))
    .map(({ at }) => openAt(at("10.0.0.1")));
  assert.deepEqual(shares.flat().sort((a, b) => a - b), ALL.slice(1), "each piece leaves once");
});

/** Near ones claim everything and send so much a second; a far one sends at once what may be asked of it. What was open when. */
function trickle(bytesPerSecond: number) {
  const { near, at } = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const [liar, far] = [at("10.0.0.2"), at("10.1.0.1")];
  for (const { have } of [liar, far]) have.addAll(Bitfield.full(PIECES));
  near.look(50);
  assert.deepEqual([far.isHeldBack, openAt(far)], [true, []]);
  const opened: { seconds: number; pieces: number }[] = [];
  for (let now = 100; now < 600_000; now += 50) {
    if (now % 1_000 === 0) liar.download.add(bytesPerSecond, now);
    near.look(now);
    const pieces = openAt(far).length;
    const more = pieces - (opened.at(-1)?.pieces ?? 0);
    if (more === 0) continue;
    opened.push({ seconds: Math.round(now / 1_000), pieces });
    far.download.add(more * PIECE_LENGTH, now);
  }
  return { near, liar, far, opened };
}

Deno.test("nobody waits for near ones that do not send what they have", () => {
  const { near, liar, far, opened } = trickle(1_000);
  assert.deepEqual(opened.map(({ pieces }) => pieces), [1, 3, 7, 15, 31, PIECES], "more and more");
  assert.ok(opened.at(-1)!.seconds <= 31);
  liar.download.add(NEAR.leastBytes, 600_000);
  assert.deepEqual(near.look(600_000), [far], "it delivers");
  assert.ok(far.isHeldBack);
});

Deno.test("near ones that send just enough to be believed are found out by a try now and then", () => {
  const { opened } = trickle(20_000);
  assert.deepEqual(opened[0], { seconds: 30, pieces: 4 });
  assert.equal(opened.at(-1)!.pieces, PIECES);
  assert.ok(opened.at(-1)!.seconds <= 60);
});

Deno.test("behind a slow router, near ones are waited for as long as they bring more than far ones", () => {
  const { near, at } = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const [slow, far] = [at("10.0.0.2"), at("10.1.0.1")];
  for (const { have } of [slow, far]) have.addAll(Bitfield.full(PIECES));
  for (let now = 0; now < 13 * NEAR.patienceMs; now += 50) {
    if (now % 1_000 === 0) slow.download.add(32_768, now);
    if (now % 2_000 === 0) far.download.add(32_768, now);
    near.look(now);
  }
  assert.equal(openAt(far).length, 2 * NEAR.leastBytes / PIECE_LENGTH);
});

Deno.test("near ones that are only busy cost a piece, and another one the next time", () => {
  const { near, at } = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const [busy, far] = [at("10.0.0.2"), at("10.1.0.1")];
  for (const { have } of [busy, far]) have.addAll(Bitfield.full(PIECES));
  const opened: number[] = [];
  for (let now = 0; now < 6 * NEAR.patienceMs; now += 50) {
    near.look(now);
    if (openAt(far).length > 0) {
      opened.push(...openAt(far));
      busy.download.add(NEAR.leastBytes, now);
    }
  }
  assert.equal(opened.length, 3);
  assert.equal(new Set(opened).size, 3);
});

Deno.test("near ones that have little need not send more than that", () => {
  const { near, at } = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  const far = at("10.1.0.1");
  far.have.addAll(Bitfield.full(PIECES));
  near.look(0);
  for (let now = 0; now < 10 * NEAR.patienceMs; now += 50) near.look(now);
  assert.ok(openAt(far).length < PIECES, "they have nothing");
});

Deno.test("nothing changes where all are near, or all are far", () => {
  const alone = among("10.0.0.1", ["10.1.0.1", "10.2.0.1"]);
  alone.at("10.1.0.1").have.addAll(Bitfield.full(PIECES));
  assert.deepEqual(alone.near.look(0), []);
  assert.equal(openAt(alone.at("10.1.0.1")).length, PIECES);
  const together = among("10.0.0.1", ["10.0.0.2", "10.0.0.3"]);
  assert.deepEqual(together.near.look(0), []);
  together.at("10.0.0.2").have.addAll(Bitfield.full(PIECES));
  assert.equal(openAt(together.at("10.0.0.2")).length, PIECES);
});

Deno.test("where a near one has everything, nobody fetches from far", () => {
  const { near, at } = among("10.0.0.1", ["10.0.0.2", "10.1.0.1"]);
  at("10.1.0.1").have.addAll(Bitfield.full(PIECES));
  near.look(0);
  assert.ok(!at("10.1.0.1").isHeldBack);
  at("10.0.0.2").have.addAll(Bitfield.full(PIECES));
  near.look(50);
  assert.ok(at("10.1.0.1").isHeldBack);
});
