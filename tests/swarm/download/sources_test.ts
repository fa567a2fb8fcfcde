import assert from "node:assert/strict";
import { CHOKING, TRIALS } from "../../../lib/settings.ts";
import type { RemotePeer } from "../../../lib/swarm/peers/remote_peer.ts";
import { Sources } from "../../../lib/swarm/download/sources.ts";
import { seededRandom } from "../../harness/data/random.ts";
import { fakePeer } from "../../harness/sessions/remote_peers.ts";

const PLACES = 2;

/** Peers that unchoke us and have a piece we lack, and the places for two of them. */
class Places {
  readonly peers: RemotePeer[] = [];
  readonly sources: Sources;
  /** Those that alone can finish a piece. */
  readonly needed = new Set<RemotePeer>();
  /** Those that still send what they were asked for when they are sources no longer. */
  readonly late = new Set<RemotePeer>();
  readonly #connected = new Map<number, RemotePeer>();
  #changes: string[] = [];

  constructor(count: number) {
    this.sources = new Sources({
      near: { look: () => [] },
      peers: this.#connected,
      policy: { downloadSources: PLACES },
      surroundings: { random: seededRandom(3) },
      declines: ({ number, isDeclined }) => this.#changes.push(`${isDeclined ? "-" : "+"}${number}`),
    }, {
      gained: (peer) => peer.outstanding = 1,
      lost: (peer) => this.late.has(peer) || (peer.outstanding = 0),
      isNeeded: (peer) => this.needed.has(peer),
    });
    for (let i = 0; i < count; i++) this.connect();
  }

  connect(): RemotePeer {
    const { peer } = fakePeer(this.peers.length + 1, 4);
    peer.peerChokes = false;
    peer.wantedPieces = 1;
    this.peers.push(peer);
    this.#connected.set(peer.number, peer);
    return peer;
  }

  /** Who has a place, in order. */
  get taken(): number[] {
    return this.peers.filter(({ isSource }) => isSource).map(({ number }) => number);
  }

  /** Who was declined (-), or was so no more (+), since the last call. */
  takeChanges(): string[] {
    return this.#changes.splice(0);
  }
}

Deno.test("Sources fills its places and declines everybody else, once", () => {
  const places = new Places(PLACES);
  places.sources.fill(0);
  assert.deepEqual([places.taken, places.takeChanges()], [[1, 2], []]);
  places.connect();
  const choking = places.connect();
  choking.peerChokes = true;
  places.sources.fill(1);
  places.sources.fill(2);
  assert.deepEqual([places.taken, places.takeChanges()], [[1, 2], ["-3", "-4"]], "unchoked by them or not");
});

Deno.test("Sources declines a former source once all has come that it was asked for", () => {
  const places = new Places(PLACES);
  places.sources.fill(0);
  const [lost] = places.peers;
  places.late.add(lost);
  places.sources.lose(lost);
  lost.spareUntil = 10;
  places.connect();
  places.sources.fill(1);
  assert.deepEqual([places.taken, places.takeChanges()], [[2, 3], []]);
  lost.outstanding = 0;
  places.sources.fill(2);
  assert.deepEqual([places.taken, places.takeChanges()], [[2, 3], ["-1"]]);
});

Deno.test("Sources declines nobody while a place is free, and then takes who unchokes us first", () => {
  const places = new Places(PLACES);
  places.sources.fill(0);
  const [first, , third] = [...places.peers, places.connect()];
  places.sources.fill(0);
  third.peerChokes = true;
  assert.deepEqual(places.takeChanges(), ["-3"]);
  first.peerChokes = true;
  places.sources.lose(first);
  places.sources.fill(1);
  assert.deepEqual([places.taken, places.takeChanges()], [[2], ["+3"]]);
  third.peerChokes = false;
  places.sources.fill(2);
  assert.deepEqual([places.taken, places.takeChanges()], [[2, 3], ["-1"]]);
});

Deno.test("Sources gives no place to a declined peer before that has heard that we want something", () => {
  const places = new Places(PLACES + 1);
  places.sources.fill(0);
  const declined = places.peers.find(({ isDeclined }) => isDeclined)!;
  const [lost] = places.peers.filter(({ isSource }) => isSource);
  lost.peerChokes = true;
  places.sources.lose(lost);
  places.sources.fill(1);
  assert.deepEqual([declined.isDeclined, declined.isSource], [false, false]);
  places.sources.fill(2);
  assert.equal(declined.isSource, true);
});

Deno.test("Sources declines nobody while it has nothing to ask a source, and gives its place to who unchokes us then", () => {
  const places = new Places(PLACES + 1);
  places.sources.fill(0);
  const declined = places.peers.find(({ isDeclined }) => isDeclined)!;
  declined.peerChokes = true;
  const [idle] = places.peers.filter(({ isSource }) => isSource);
  idle.outstanding = 0;
  idle.lastBlockAt = 10;
  places.sources.replaceIdle(9 + CHOKING.idlePauseMs);
  assert.deepEqual([idle.isSource, declined.isDeclined], [true, true], "it may have something soon");
  places.sources.replaceIdle(10 + CHOKING.idlePauseMs);
  assert.deepEqual([idle.isSource, declined.isDeclined], [true, false]);
  declined.peerChokes = false;
  places.sources.replaceIdle(11 + CHOKING.idlePauseMs);
  assert.deepEqual([idle.isSource, declined.isSource, places.sources.count], [false, true, PLACES]);
});

Deno.test("Sources frees a place by chance for a declined peer when all are given anew", () => {
  const places = new Places(PLACES + 1);
  places.sources.fill(0);
  const [fast, slow] = places.peers.filter(({ isSource }) => isSource);
  const declined = places.peers.find(({ isDeclined }) => isDeclined)!;
  declined.peerChokes = true;
  fast.download.add(1_000_000, 0);
  const now = CHOKING.newcomerMs;
  for (let rounds = 0; slow.isSource && rounds < 100; rounds++) places.sources.chooseAll(now);
  assert.deepEqual([fast.isSource, slow.isSource, declined.isDeclined], [true, false, false]);
  places.sources.fill(now + 1);
  assert.deepEqual(places.taken, [fast.number]);
  declined.peerChokes = false;
  places.sources.fill(now + 2);
  assert.equal(declined.isSource, true);
});

Deno.test("Sources takes the slower one back when no declined peer wants its place", () => {
  const places = new Places(PLACES + 1);
  places.sources.fill(0);
  const [fast, slow] = places.peers.filter(({ isSource }) => isSource);
  places.peers.find(({ isDeclined }) => isDeclined)!.peerChokes = true;
  fast.download.add(1_000_000, 0);
  const now = CHOKING.newcomerMs;
  for (let rounds = 0; slow.isSource && rounds < 100; rounds++) places.sources.chooseAll(now);
  places.sources.fill(now + CHOKING.idlePauseMs);
  assert.equal(slow.isSource, true);
});

Deno.test("Sources tries nobody in the place of a peer that alone can finish a piece, unless that brings next to nothing", () => {
  for (const [bytes, taken] of [[100_000, [1, 3]], [1_000, [2, 3]]] as const) {
    const places = new Places(PLACES);
    places.sources.fill(0);
    for (const peer of places.peers) peer.download.add(bytes, 0);
    places.connect();
    places.needed.add(places.peers[0]);
    places.sources.fill(TRIALS.firstMs);
    assert.deepEqual(places.taken, taken, `${bytes} bytes`);
  }
});

Deno.test("Sources lets near ones have half of the places that those behind a router hold, and leaves these the rest", () => {
  const places = new Places(PLACES);
  for (const peer of places.peers) Object.assign(peer, { isFar: true });
  places.sources.fill(0);
  assert.deepEqual(places.taken, [1, 2]);
  places.connect();
  places.sources.fill(1);
  const [far, near] = places.taken;
  assert.ok(far < 3);
  assert.equal(near, 3);
  places.connect();
  places.sources.fill(2);
  assert.deepEqual(places.taken, [far, near], "far ones have no more than their half");
});
