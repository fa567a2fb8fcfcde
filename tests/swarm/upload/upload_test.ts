import assert from "node:assert/strict";
import { BLOCK_LENGTH, PieceLayout } from "../../../lib/protocol/piece_layout.ts";
import { CHOKING, FAST, TRANSFER } from "../../../lib/settings.ts";
import { Upload } from "../../../lib/swarm/upload/upload.ts";
import { piecesIn } from "../../harness/data/pictures.ts";
import { seededRandom } from "../../harness/data/random.ts";
import { fakeInfoHash } from "../../harness/sessions/snapshots.ts";
import { type FakePeer, fakePeer } from "../../harness/sessions/remote_peers.ts";

const layout = new PieceLayout(2 * BLOCK_LENGTH, [6 * BLOCK_LENGTH + 500]);

/** One who has `pieces` of four and `slots` places, with `count` remote peers that want something. */
function giving(pieces: string, slots: number, count: number, changes: Parameters<typeof fakePeer>[2] = {}) {
  const stored = piecesIn(pieces);
  const all = Array.from({ length: count }, (_, i) => fakePeer(i + 1, layout.pieceCount, changes));
  for (const { peer } of all) peer.peerWants = true;
  const upload = new Upload({
    infoHash: fakeInfoHash("a"),
    layout,
    peers: new Map(all.map(({ peer }) => [peer.number, peer])),
    policy: { uploadSlots: slots, superSeeds: false },
    surroundings: { random: seededRandom(4) },
    isSeed: () => stored.isFull,
    isComplete: () => stored.isFull,
    hasPiece: (index) => stored.has(index),
    availabilityOf: () => 0,
  });
  return { upload, all };
}

/** The same with all four pieces and one slot, where one more peer has had everything already and wants nothing. */
function spread(count: number, changes: Parameters<typeof fakePeer>[2] = {}) {
  const { upload, all } = giving("####", 1, count + 1, changes);
  const { peer } = all.pop()!;
  peer.peerWants = false;
  upload.peerHas(peer, [0, 1, 2, 3], 0);
  return { upload, all };
}

/** `#` for each peer that holds a slot. */
function slotsOf(all: readonly FakePeer[]): string {
  return all.map(({ peer }) => peer.weChoke ? "." : "#").join("");
}

Deno.test("Upload fills free slots at once and tells each peer so once", () => {
  const { upload, all } = giving("####", 4, 6, { supportsFast: false });
  upload.fillSlots(0);
  upload.fillSlots(1);
  assert.equal(upload.slotCount, 4);
  for (const { peer, sender } of all) assert.deepEqual(sender.takeSent(), peer.weChoke ? [] : ["unchoke"]);
});

Deno.test("Upload gives a slot to nobody who wants nothing", () => {
  const { upload, all } = giving("####", 4, 3);
  all[1].peer.peerWants = false;
  upload.fillSlots(0);
  assert.equal(slotsOf(all), "#.#");
  all[0].peer.peerWants = false;
  upload.lostInterest(all[0].peer, 0);
  assert.equal(slotsOf(all), "..#");
});

Deno.test("Upload keeps the slots of those that give us most, or of those that take fastest when we have everything", () => {
  for (const [pieces, meter] of [["#...", "download"], ["####", "upload"]] as const) {
    const { upload, all } = giving(pieces, 4, 8);
    [1, 5, 2, 9, 0, 7, 3, 0].forEach((rate, i) => all[i].peer[meter].add(rate * 1_000, 0));
    upload.chooseSlots(0);
    const drawing = slotsOf(all);
    assert.deepEqual([1, 3, 5].map((i) => drawing[i]), ["#", "#", "#"]);
    assert.equal(upload.slotCount, 4);
    assert.equal(all[3].peer.reason, "fastest");
  }
});

Deno.test("Upload rejects what a peer had requested when it takes the slot away", () => {
  const { upload, all: [{ peer, sender }] } = giving("####", 1, 1);
  upload.fillSlots(0);
  upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0);
  upload.requestReceived(peer, 3, 0, 500, 0);
  assert.deepEqual(sender.queued, [`0 0 ${BLOCK_LENGTH}`, "3 0 500"]);
  sender.takeSent();
  upload.choke(peer, "others wait");
  assert.deepEqual(sender.takeSent(), ["choke", `reject 0 0 ${BLOCK_LENGTH}`, "reject 3 0 500"]);
  assert.deepEqual(sender.queued, []);
});

Deno.test("Upload sends no rejects to a peer without the Fast extension", () => {
  const { upload, all: [{ peer, sender }] } = giving("#...", 1, 1, { supportsFast: false });
  upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0);
  upload.fillSlots(0);
  upload.requestReceived(peer, 1, 0, BLOCK_LENGTH, 0);
  upload.choke(peer, "others wait");
  assert.deepEqual(sender.takeSent(), ["unchoke", "choke"]);
});

Deno.test("Upload serves only a peer with a slot, a piece it has, and so many requests", () => {
  const { upload, all: [{ peer, sender }] } = giving("#...", 1, 1);
  const request = `reject 0 0 ${BLOCK_LENGTH}`;
  assert.doesNotThrow(() => upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0));
  assert.deepEqual(sender.takeSent(), [request]);
  upload.fillSlots(0);
  sender.takeSent();
  upload.requestReceived(peer, 1, 0, BLOCK_LENGTH, 0);
  assert.deepEqual(sender.takeSent(), [`reject 1 0 ${BLOCK_LENGTH}`]);
  for (let i = 0; i < TRANSFER.maxQueuedRequests; i++) upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0);
  assert.deepEqual(sender.takeSent(), []);
  upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0);
  assert.deepEqual(sender.takeSent(), [request]);
});

Deno.test("Upload throws on a request for what cannot exist", () => {
  const { upload, all: [{ peer }] } = giving("####", 1, 1);
  upload.fillSlots(0);
  for (
    const [index, begin, length] of [
      [4, 0, 1],
      [0xffffffff, 0, 1],
      [0, 2 * BLOCK_LENGTH, 1],
      [0, BLOCK_LENGTH, BLOCK_LENGTH + 1],
      [3, 0, 501],
      [0, 0, 0],
      [0, 0, 0xffffffff],
      [0, 0xffffffff, 0xffffffff],
    ]
  ) {
    assert.throws(
      () => upload.requestReceived(peer, index, begin, length, 0),
      /does not exist/,
      `${index} ${begin} ${length}`,
    );
  }
});

Deno.test("Upload refuses a request longer than anybody needs, though the piece is long enough", () => {
  const large = new PieceLayout(1024 * 1024, [1024 * 1024]);
  const { peer } = fakePeer(1, 1);
  const upload = new Upload({
    infoHash: fakeInfoHash("a"),
    layout: large,
    peers: new Map([[1, peer]]),
    policy: { uploadSlots: 1, superSeeds: false },
    surroundings: { random: () => 0 },
    isSeed: () => true,
    isComplete: () => true,
    hasPiece: () => true,
    availabilityOf: () => 0,
  });
  peer.weChoke = false;
  assert.doesNotThrow(() => upload.requestReceived(peer, 0, 0, TRANSFER.maxRequestBytes, 0));
  assert.throws(() => upload.requestReceived(peer, 0, 0, TRANSFER.maxRequestBytes + 1, 0), /does not exist/);
});

Deno.test("Upload answers a cancel with a reject unless the block is on its way", () => {
  const { upload, all: [{ peer, sender }] } = giving("#...", 1, 1);
  upload.fillSlots(0);
  upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0);
  sender.takeSent();
  upload.cancelReceived(peer, 0, 0, BLOCK_LENGTH);
  upload.cancelReceived(peer, 0, 0, BLOCK_LENGTH);
  assert.deepEqual(sender.takeSent(), [`reject 0 0 ${BLOCK_LENGTH}`]);
});

Deno.test("Upload hands an unused slot to somebody who waits, and passes the idler over for a while", () => {
  const { upload, all } = giving("####", 1, 2);
  all[1].peer.peerWants = false;
  upload.fillSlots(0);
  assert.equal(slotsOf(all), "#.");
  upload.tick(CHOKING.unusedSlotMs);
  assert.equal(slotsOf(all), "#.", "nobody waits");
  all[1].peer.peerWants = true;
  upload.tick(CHOKING.unusedSlotMs);
  assert.equal(slotsOf(all), ".#");
  upload.requestReceived(all[1].peer, 0, 0, BLOCK_LENGTH, CHOKING.unusedSlotMs + 1);
  const servedAt = 3 * CHOKING.idleSlotMs;
  for (let now = CHOKING.unusedSlotMs; now <= servedAt; now += 200) upload.tick(now);
  assert.equal(slotsOf(all), ".#", "its request is waiting");
  all[1].sender.queued.length = 0;
  upload.blockSent(all[1].peer, BLOCK_LENGTH, servedAt);
  upload.tick(servedAt + CHOKING.idleSlotMs - 1);
  assert.equal(slotsOf(all), ".#", "what it was sent may be on the way");
  upload.tick(servedAt + CHOKING.idleSlotMs);
  assert.equal(slotsOf(all), "#.");
});

Deno.test("Upload leaves a peer that asked too late more time with its next slot, and no more than an idle one has", () => {
  for (const delay of [300, CHOKING.idleSlotMs, CHOKING.idleSlotMs + 1]) {
    const { upload, all } = giving("####", 1, 2);
    const [{ peer: slow }, { peer: other }] = all;
    other.peerWants = false;
    upload.fillSlots(0);
    other.peerWants = true;
    upload.tick(CHOKING.unusedSlotMs);
    assert.equal(slotsOf(all), ".#");
    upload.requestReceived(slow, 0, 0, BLOCK_LENGTH, delay);
    const isKnown = delay <= CHOKING.idleSlotMs;
    assert.equal(slow.idleUntil <= delay, isKnown, "it waits for the next slot as others do");
    other.peerWants = false;
    upload.lostInterest(other, delay);
    assert.equal(slotsOf(all), "#.");
    other.peerWants = true;
    upload.tick(delay + (isKnown ? delay : CHOKING.unusedSlotMs) - 1);
    assert.equal(slotsOf(all), "#.");
    upload.tick(delay + (isKnown ? CHOKING.idleSlotMs : CHOKING.unusedSlotMs));
    assert.equal(slotsOf(all), ".#", "it does not ask at all");
  }
});

Deno.test("Upload gives a slot back to who left it unused when nobody else wants it", () => {
  const { upload, all } = giving("####", 1, 2);
  upload.fillSlots(0);
  const idler = all.findIndex(({ peer }) => !peer.weChoke);
  upload.tick(CHOKING.unusedSlotMs);
  assert.equal(all[idler].peer.weChoke, true);
  const other = all[1 - idler].peer;
  other.peerWants = false;
  upload.lostInterest(other, CHOKING.unusedSlotMs + 1);
  assert.equal(all[idler].peer.weChoke, false, "better an idler than nobody");
});

Deno.test("Upload suggests every piece once before any is suggested twice, while it has everything", () => {
  const { upload, all } = giving("####", 4, 2);
  upload.fillSlots(0);
  const suggested = all.flatMap(({ sender }) => sender.takeSent()).filter((text) =>
    text.startsWith("suggest")
  );
  assert.equal(new Set(suggested).size, suggested.length);
  const leecher = giving("###.", 4, 2);
  leecher.upload.fillSlots(0);
  for (const { sender } of leecher.all) assert.deepEqual(sender.takeSent(), ["unchoke"]);
});

Deno.test("Upload suggests before it unchokes, and to the next what a choked peer did not ask for", () => {
  const { upload, all } = giving("####", 1, 2);
  upload.fillSlots(0);
  const holder = all.find(({ peer }) => !peer.weChoke)!;
  const other = all.find(({ peer }) => peer.weChoke)!;
  const sent = holder.sender.takeSent();
  const suggested = sent.slice(0, -1);
  assert.equal(sent.at(-1), "unchoke");
  assert(suggested.length > 1 && suggested.every((text) => text.startsWith("suggest")));
  const [asked, ...left] = suggested.map((text) => Number(text.split(" ")[1]));
  upload.requestReceived(holder.peer, asked, 0, BLOCK_LENGTH, 1);
  holder.peer.peerWants = false;
  upload.lostInterest(holder.peer, 1);
  const next = other.sender.takeSent().filter((text) => text.startsWith("suggest"));
  assert.deepEqual(next.toSorted(), left.map((index) => `suggest ${index}`).toSorted());
});

Deno.test("Upload measures what was sent", () => {
  const { upload, all: [{ peer }] } = giving("####", 1, 1);
  upload.blockSent(peer, 5_000, 100);
  assert.equal(peer.upload.total, 5_000);
  assert.equal(peer.lastServedAt, 100);
});

Deno.test("Upload lets a choked newcomer have a few pieces, each block twice at most, until it has enough", () => {
  const { upload, all } = spread(2);
  upload.fillSlots(0);
  const { peer, sender } = all.find(({ peer }) => peer.weChoke)!;
  upload.gainedInterest(peer, 0);
  upload.gainedInterest(peer, 1);
  const offered = sender.takeSent().sort();
  assert.deepEqual(offered, [0, 1, 2, 3].map((index) => `allowedFast ${index}`));
  assert.ok(peer.weChoke);
  for (let time = 0; time < 5; time++) upload.requestReceived(peer, 3, 0, 500, time);
  assert.equal(sender.queued.length, 2, "piece 3 is one block");
  assert.deepEqual(sender.takeSent().filter((text) => text === "reject 3 0 500").length, 3);
  upload.choke(peer, "others wait");
  assert.equal(sender.queued.length, 2, "what was granted is still served");
});

Deno.test("Upload grants pieces to a few newcomers at once, and to another when one has left", () => {
  const { upload, all } = spread(FAST.holders + 3);
  upload.fillSlots(0);
  const choked = all.filter(({ peer }) => peer.weChoke);
  for (const { peer } of choked) upload.gainedInterest(peer, 0);
  const hasGrant = ({ peer }: FakePeer) => peer.granted !== undefined;
  assert.deepEqual(choked.map(hasGrant), choked.map((_, i) => i < FAST.holders));
  upload.peerLeft(choked[0].peer, 1);
  const waiting = choked.slice(FAST.holders);
  for (const { peer } of waiting) upload.gainedInterest(peer, 2);
  assert.deepEqual(waiting.map(hasGrant), [true, false]);
});

Deno.test("Upload grants nothing without the Fast extension, while its data is scarce, or before it has all", () => {
  for (
    const { upload, all } of [spread(2, { supportsFast: false }), giving("####", 1, 2), giving("##.#", 1, 2)]
  ) {
    upload.fillSlots(0);
    const { peer, sender } = all.find(({ peer }) => peer.weChoke)!;
    upload.gainedInterest(peer, 0);
    assert.deepEqual(sender.takeSent(), []);
  }
});

Deno.test("Upload gives the slot of a peer that takes nothing of what it asked for to somebody who waits", () => {
  const { upload, all } = giving("####", 1, 2);
  all[1].peer.peerWants = false;
  upload.fillSlots(0);
  const [{ peer }] = all;
  all[1].peer.peerWants = true;
  for (let now = 0; now < CHOKING.stalledSlotMs; now += 200) {
    // It keeps asking, of which nothing can come.
    upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, now);
    upload.tick(now);
    assert.equal(slotsOf(all), "#.");
  }
  upload.tick(CHOKING.stalledSlotMs);
  assert.equal(slotsOf(all), ".#");
  assert.equal(peer.reason, "takes nothing");
});

Deno.test("Upload serves the whole torrent to one connection a few times, and not for ever", () => {
  const { upload, all: [{ peer }] } = giving("####", 1, 1);
  upload.fillSlots(0);
  const { totalLength } = layout;
  upload.blockSent(peer, TRANSFER.maxCopies * totalLength - 1, 0);
  assert.doesNotThrow(() => upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0));
  upload.blockSent(peer, 1, 0);
  assert.throws(() => upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, 0), /times over/);
});

/** Peers of which the first `crowd` have one address. */
function crowded(crowd: number, others: number, slots = 4) {
  const { upload, all } = giving("####", slots, crowd + others);
  for (const { peer } of all.slice(0, crowd)) {
    Object.assign(peer.facts, { endpoint: { address: "10.9.9.9", port: peer.number } });
  }
  return { upload, all };
}

Deno.test("Upload lets one address have all slots while nobody else wants one, and half of them afterwards", () => {
  const { upload, all } = crowded(6, 2);
  const [first, second] = all.slice(6);
  first.peer.peerWants = second.peer.peerWants = false;
  upload.fillSlots(0);
  assert.equal(upload.slotCount, 4);
  first.peer.peerWants = true;
  upload.gainedInterest(first.peer, 1);
  assert.deepEqual([upload.slotCount, first.peer.weChoke], [4, false]);
  second.peer.peerWants = true;
  upload.gainedInterest(second.peer, 2);
  assert.deepEqual([upload.slotCount, second.peer.weChoke], [4, false]);
  upload.fillSlots(3);
  assert.equal(slotsOf(all).slice(6), "##");
});

Deno.test("Upload gives one address no more than half of the slots anew, beside others", () => {
  const { upload, all } = crowded(6, 3);
  for (const { peer } of all.slice(0, 6)) peer.upload.add(1_000_000, 0);
  upload.chooseSlots(0);
  assert.equal([...slotsOf(all).slice(0, 6)].filter((mark) => mark === "#").length, 2);
  assert.equal(upload.slotCount, 4);
});

Deno.test("Upload gives the slots of greedy peers to others at once, and leaves those a quarter of them", () => {
  const { upload, all } = giving("####", 4, 6);
  const modest = all.slice(4);
  for (const { peer } of modest) peer.peerWants = false;
  upload.fillSlots(0);
  const takeAll = (now: number) => {
    for (const { peer, sender } of all.slice(0, 4).filter(({ peer }) => !peer.weChoke)) {
      for (let i = 0; i < 30; i++) upload.requestReceived(peer, 0, 0, BLOCK_LENGTH, now);
      upload.blockSent(peer, 1, now);
      sender.queued.length = 0;
    }
  };
  takeAll(0);
  upload.tick(100);
  takeAll(100);
  assert.equal(upload.slotCount, 4, "nobody else is there");
  modest[0].peer.peerWants = true;
  upload.gainedInterest(modest[0].peer, 150);
  assert(!modest[0].peer.weChoke);
  upload.tick(200);
  assert.equal(upload.slotCount, 2);
  modest[1].peer.peerWants = true;
  upload.gainedInterest(modest[1].peer, 250);
  assert.equal(slotsOf(all).slice(4), "##");
  upload.chooseSlots(300);
  upload.tick(300);
  assert.deepEqual([slotsOf(all).slice(4), upload.slotCount], ["##", 3]);
});

Deno.test("Upload shares its slots between near peers and those behind a router, while both want something", () => {
  const { upload, all } = giving("####", 4, 8);
  for (const { peer } of all.slice(0, 5)) Object.assign(peer, { isFar: true });
  for (const { peer } of all.slice(5)) peer.peerWants = false;
  upload.fillSlots(0);
  assert.equal(upload.slotCount, 4, "nobody else wants one");
  for (const { peer } of all.slice(5)) peer.peerWants = true;
  const held = () =>
    [slotsOf(all.slice(0, 5)), slotsOf(all.slice(5))].map((text) => text.replaceAll(".", ""));
  upload.fillSlots(1);
  assert.deepEqual(held(), ["##", "##"]);
  upload.chooseSlots(2);
  assert.deepEqual(held(), ["##", "##"]);
  for (const { peer } of all.slice(0, 5)) {
    peer.peerWants = false;
    upload.lostInterest(peer, 3);
  }
  assert.deepEqual(held(), ["", "###"]);
});
