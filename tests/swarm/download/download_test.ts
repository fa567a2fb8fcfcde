import assert from "node:assert/strict";
import { BLOCK_LENGTH, type PieceLayout } from "../../../lib/protocol/piece_layout.ts";
import { finish } from "../../../lib/protocol/steps.ts";
import { CHOKING, HOSTS, TRANSFER } from "../../../lib/settings.ts";
import { NearFirst } from "../../../lib/swarm/download/near_first.ts";
import { Download } from "../../../lib/swarm/download/download.ts";
import { selectFiles } from "../../harness/data/selection.ts";
import { DEFAULT_CHOICES } from "../../../lib/swarm/policy.ts";
import { PeerPieces } from "../../../lib/swarm/download/peer_pieces.ts";
import { MemoryStorage } from "../../harness/virtual/memory_storage.ts";
import { piecesIn } from "../../harness/data/pictures.ts";
import { randomBytes, seededRandom } from "../../harness/data/random.ts";
import { type FakePeer, fakePeer } from "../../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";

/** Four blocks to a piece; the last of four pieces is one block and 100 bytes long. */
const PIECE = 4 * BLOCK_LENGTH;
const data = randomBytes(3 * PIECE + BLOCK_LENGTH + 100, 1);
const BLOCKS = 3 * 4 + 2;

/** A download of `data` by one who has the pieces of `ours`, with remote peers drawn one a line, all unchoking it. */
class Downloading {
  readonly metainfo = metainfoOf(data, PIECE);
  readonly layout: PieceLayout = this.metainfo.layout;
  readonly peers: FakePeer[] = [];
  readonly download: Download;
  readonly storage: MemoryStorage;
  readonly stored: number[] = [];
  readonly corrupt: { contributors: number[]; convicted: number | undefined }[] = [];
  /** What the storage has still to do. */
  readonly #jobs: (() => void)[] = [];
  readonly #selection = selectFiles(this.metainfo);
  readonly #connected = new Map();
  readonly #near: NearFirst;
  readonly #pieces: PeerPieces;

  constructor(ours: string, ...theirs: string[]) {
    this.storage = new MemoryStorage(this.metainfo, undefined, (job) => this.#jobs.push(job));
    const stored = piecesIn(ours);
    this.#near = new NearFirst({
      layout: this.layout,
      peers: this.#connected,
      lacks: (index) => !stored.has(index),
      storedCount: () => stored.count,
    });
    this.download = new Download(stored, {
      near: this.#near,
      layout: this.layout,
      selection: this.#selection,
      storage: this.storage,
      peers: this.#connected,
      policy: DEFAULT_CHOICES,
      surroundings: { random: seededRandom(2) },
      declines() {},
    });
    this.#pieces = new PeerPieces(stored, this.#selection.pieces, this.download.picker, this.#near);
    this.storage.listener = {
      pieceStored: (index) => {
        this.download.pieceStored(index);
        this.stored.push(index);
      },
      pieceCorrupt: (index, buffer) => this.corrupt.push(this.download.pieceCorrupt(index, buffer)),
      storageFailed: () => this.download.abandon(),
      dataFinished: () => {},
    };
    for (const each of theirs) this.connect(each);
  }

  connect(theirs: string, changes: Parameters<typeof fakePeer>[2] = {}): FakePeer {
    const fake = fakePeer(this.peers.length + 1, this.layout.pieceCount, changes);
    this.peers.push(fake);
    this.#connected.set(fake.peer.number, fake.peer);
    this.#pieces.bitfieldReceived(fake.peer, piecesIn(theirs));
    fake.peer.peerChokes = false;
    return fake;
  }

  /** The peer sends what a request asked for, or the contents `forge` makes of it. */
  answer({ peer }: FakePeer, request: string, now: number, forge = (block: Uint8Array) => block) {
    const [index, begin, length] = request.split(" ").slice(1).map(Number);
    const offset = this.layout.offsetOf(index) + begin;
    return this.download.blockReceived(peer, index, begin, forge(data.slice(offset, offset + length)), now);
  }

  /** Lets the storage do its work. */
  settle(): void {
    for (const job of this.#jobs.splice(0)) job();
  }

  leave({ peer }: FakePeer, now: number): void {
    this.#connected.delete(peer.number);
    this.#pieces.peerLeft(peer);
    this.download.peerLeft(peer, now);
  }
}

/** Requests among what was sent to a peer since it was last asked. */
function requestsTo({ sender }: FakePeer): string[] {
  return sender.takeSent().filter((text) => text.startsWith("request"));
}

Deno.test("Download asks a source for every block once, and stores the pieces", () => {
  const swarm = new Downloading("....", "####");
  const [peer] = swarm.peers;
  swarm.download.fillSources(0);
  const requests = requestsTo(peer);
  assert.equal(new Set(requests).size, BLOCKS);
  assert.equal(requests.length, BLOCKS);
  assert.equal(peer.peer.outstanding, BLOCKS);
  for (const request of requests) swarm.answer(peer, request, 10);
  swarm.settle();
  assert.equal(swarm.download.isComplete, true);
  assert.equal(swarm.download.bytesLeft, 0);
  assert.equal(peer.peer.outstanding, 0);
  assert.equal(peer.peer.download.total, data.length);
  assert.deepEqual(swarm.storage.data, data);
  assert.equal(swarm.storage.buffersOut, 0);
});

Deno.test("Download does not ask for pieces that are held, until they are let go", () => {
  const swarm = new Downloading("....", "####", "####");
  const { held } = swarm.download;
  finish(held.holdMissing());
  swarm.download.fillSources(0);
  const asked = () => swarm.peers.flatMap(requestsTo);
  assert.deepEqual(asked(), []);
  held.letGo(1);
  swarm.download.refillAll(0);
  const requests = asked();
  assert.deepEqual([...new Set(requests.map((request) => request.split(" ")[1]))], ["1"]);
  assert.equal(requests.length, 4, "what is looked for may come yet, so that this is no endgame");
  assert.equal(held.hold(1), false, "it is being fetched");
  // One is found.
  assert.equal(swarm.download.pieceStored(0).length, 0);
  assert.equal(held.hold(0), false);
  swarm.download.select(selectFiles(swarm.metainfo, { isSequential: true }));
  assert.deepEqual([...held.pieces], [2, 3], "a selection lets nothing go");
  swarm.download.refillAll(0);
  assert.deepEqual(asked(), []);
  finish(held.letGoOf(() => true));
  swarm.download.refillAll(0);
  const pieces = new Set(asked().map((request) => request.split(" ")[1]));
  assert.ok(pieces.has("2") && pieces.has("3"));
});

Deno.test("Download keeps no more requests at a source than the remote lets wait", () => {
  const swarm = new Downloading("....", "####");
  const [peer] = swarm.peers;
  peer.peer.extended = {
    extensions: new Map(),
    client: "",
    listenPort: undefined,
    maxQueuedRequests: 3,
    trackerPort: undefined,
    metadataLength: undefined,
    prefersEncryption: false,
  };
  swarm.download.fillSources(0);
  const requests = requestsTo(peer);
  assert.equal(requests.length, 3);
  swarm.answer(peer, requests[0], 1);
  swarm.download.refill(peer.peer, 1);
  assert.equal(requestsTo(peer).length, 1);
});

Deno.test("Download asks only peers that unchoke us and have something we lack, of as many as there are places", () => {
  const swarm = new Downloading("#...", "####", "####", "#...", "####", "####", "####", "####");
  swarm.peers[0].peer.peerChokes = true;
  swarm.download.fillSources(0);
  const sources = swarm.peers.filter(({ peer }) => peer.isSource);
  assert.equal(sources.length, CHOKING.downloadSources);
  assert(!swarm.peers[0].peer.isSource && !swarm.peers[2].peer.isSource);
});

Deno.test("Download asks a second source in endgame, and the first arrival cancels the other request", () => {
  const swarm = new Downloading("###.", "####", "####");
  const [a, b] = swarm.peers;
  swarm.download.fillSources(0);
  const [ofA, ofB] = [requestsTo(a), requestsTo(b)];
  assert.deepEqual(ofA.toSorted(), ofB.toSorted());
  swarm.answer(b, ofB[0], 5);
  assert.deepEqual(a.sender.takeSent(), [ofB[0].replace("request", "cancel")]);
  assert.deepEqual([a.peer.outstanding, b.peer.outstanding], [1, 1]);
  swarm.answer(a, ofB[0], 6);
  assert.equal(a.peer.unwantedBlocks, 0, "it was on its way already");
  assert.equal(a.peer.released, 0);
});

Deno.test("Download asks others for what a choking peer owes: at once without the Fast extension, else when it rejects", () => {
  for (const supportsFast of [false, true]) {
    const swarm = new Downloading("###.");
    const first = swarm.connect("####", { supportsFast });
    swarm.download.fillSources(0);
    const requests = requestsTo(first);
    first.peer.peerChokes = true;
    swarm.download.choked(first.peer, 1);
    const other = swarm.connect("####");
    swarm.download.fillSources(1);
    if (supportsFast) {
      requestsTo(other);
      for (const request of requests) {
        const [index, begin] = request.split(" ").slice(1).map(Number);
        swarm.download.rejected(first.peer, index, begin, 2);
      }
      assert.equal(other.peer.outstanding, 2, "asked in endgame before");
    } else assert.deepEqual(requestsTo(other), requests);
    assert.equal(first.peer.outstanding, 0);
  }
});

Deno.test("Download takes the place and the blocks of a silent source away, and takes them still when they come", () => {
  const swarm = new Downloading("....", "####");
  const [silent] = swarm.peers;
  swarm.download.fillSources(0);
  const requests = requestsTo(silent);
  swarm.download.tick(CHOKING.snubbedAfterMs - 1);
  assert.equal(silent.peer.isSource, true);
  swarm.download.tick(CHOKING.snubbedAfterMs);
  assert.equal(silent.peer.isSource, false);
  assert.deepEqual([silent.peer.outstanding, silent.peer.released], [0, BLOCKS]);
  for (const request of requests) swarm.answer(silent, request, CHOKING.snubbedAfterMs + 1);
  swarm.settle();
  assert.equal(swarm.download.isComplete, true);
  assert.equal(silent.peer.released, 0);
});

Deno.test("Download soon takes the place of who never sent anything, if others wait, and not before", () => {
  /** Whether those who were asked first still have their places after so many ms, out of so many seeds. */
  const stay = (seeds: number, afterMs: number) => {
    const swarm = new Downloading("....", ...new Array<string>(seeds).fill("####"));
    swarm.download.fillSources(0);
    const owing = swarm.peers.filter(({ peer }) => peer.outstanding > 0);
    assert(owing.length > 0);
    swarm.download.tick(afterMs);
    return owing.every(({ peer }) => peer.isSource);
  };
  assert.equal(stay(CHOKING.downloadSources + 1, CHOKING.unprovenAfterMs), false);
  assert.equal(stay(CHOKING.downloadSources + 1, CHOKING.unprovenAfterMs - 1), true);
  assert.equal(stay(1, CHOKING.unprovenAfterMs), true, "nobody waits");
});

Deno.test("Download does not call a peer silent while its own disk holds it up", () => {
  const swarm = new Downloading("....", "####");
  swarm.storage.hasRoom = () => false;
  swarm.download.fillSources(0);
  for (let now = 0; now < 3 * CHOKING.snubbedAfterMs; now += 200) swarm.download.tick(now);
  assert.equal(swarm.peers[0].peer.isSource, true);
});

Deno.test("Download feels the pressure of a disk that keeps a piece for long, also while there is room for more", () => {
  const swarm = new Downloading("....", "####");
  const [peer] = swarm.peers;
  swarm.storage.commit = () => {};
  swarm.download.tick(0);
  swarm.download.fillSources(0);
  for (const request of requestsTo(peer)) swarm.answer(peer, request, 0);
  const pressureAt = (from: number, to: number) => {
    for (let now = from; now <= to; now += 200) swarm.download.tick(now);
    return swarm.download.diskPressure.value;
  };
  assert.equal(pressureAt(200, HOSTS.diskBehindMs - 200), 0);
  assert.ok(pressureAt(HOSTS.diskBehindMs, HOSTS.diskBehindMs + HOSTS.pressureMs) > HOSTS.muchPressure);
});

Deno.test("Download asks again for a request that a peer seems to have lost", () => {
  const swarm = new Downloading("###.", "####");
  const [peer] = swarm.peers;
  swarm.download.fillSources(0);
  const [answered, lost] = requestsTo(peer);
  swarm.answer(peer, answered, TRANSFER.requestTimeoutMs);
  swarm.download.tick(TRANSFER.requestTimeoutMs);
  assert.deepEqual(requestsTo(peer), []);
  swarm.download.tick(TRANSFER.requestTimeoutMs + 100);
  assert.deepEqual(requestsTo(peer), [lost]);
  assert.deepEqual([peer.peer.outstanding, peer.peer.released], [1, 1]);
});

Deno.test("Download leaves a peer that rejects alone for a while, and never asks in a tight loop", () => {
  const swarm = new Downloading("###.", "####");
  const [peer] = swarm.peers;
  let asked = 0;
  swarm.download.fillSources(0);
  for (let now = 0; now < 10_000; now += 200) {
    swarm.download.tick(now);
    for (const request of requestsTo(peer)) {
      asked++;
      const [index, begin] = request.split(" ").slice(1).map(Number);
      swarm.download.rejected(peer.peer, index, begin, now);
    }
  }
  assert(asked >= 10 && asked <= 2 * 11, `asked ${asked} times in 10 s`);
});

Deno.test("Download ignores rejects of what was not asked", () => {
  const swarm = new Downloading("###.", "####");
  const [peer] = swarm.peers;
  swarm.download.fillSources(0);
  for (const [index, begin] of [[0, 0], [3, 5], [3, 1 << 30], [99, 0], [0xffffffff, 0]]) {
    swarm.download.rejected(peer.peer, index, begin, 0);
  }
  assert.deepEqual([peer.peer.outstanding, peer.peer.isSource], [2, true]);
});

Deno.test("Download fetches a piece that was corrupt from one peer alone, and so finds the liar", () => {
  const swarm = new Downloading("###.", "####", "####");
  const [honest, liar] = swarm.peers;
  swarm.download.fillSources(0);
  const [first, second] = requestsTo(honest);
  requestsTo(liar);
  swarm.answer(honest, first, 1);
  swarm.answer(liar, second, 1, (block) => block.fill(0));
  swarm.settle();
  assert.deepEqual(swarm.corrupt, [{ contributors: [1, 2], convicted: undefined }]);
  swarm.download.refillAll(2);
  const again = [requestsTo(honest), requestsTo(liar)].filter((requests) => requests.length > 0);
  assert.equal(again.length, 1, "one of them is asked for all of it");
  assert.equal(again[0].length, 2);
});

Deno.test("Download begins an exclusive piece anew when its peer chokes or leaves", () => {
  const swarm = new Downloading("###.", "####", "####");
  const [a, b] = swarm.peers;
  swarm.download.fillSources(0);
  const [first, second] = requestsTo(a);
  requestsTo(b);
  swarm.answer(a, first, 1, (block) => block.fill(0));
  swarm.answer(b, second, 1);
  swarm.settle();
  swarm.download.refillAll(2);
  const owner = a.peer.outstanding > 0 ? a : b;
  const other = owner === a ? b : a;
  for (const each of [a, b]) each.sender.takeSent();
  owner.peer.peerChokes = true;
  swarm.download.choked(owner.peer, 3);
  assert.equal(owner.peer.outstanding, 0);
  swarm.download.refillAll(3);
  assert.equal(requestsTo(other).length, 2);
  swarm.leave(other, 4);
  assert.equal(swarm.storage.buffersOut, 0);
});

Deno.test("Download throws on a block that cannot exist, or too many nobody asked for", () => {
  const swarm = new Downloading("....", "####", "####");
  const stranger = swarm.peers[1].peer;
  const block = new Uint8Array(BLOCK_LENGTH);
  assert.throws(() => swarm.download.blockReceived(stranger, 0, 5, block, 0), /does not exist/);
  assert.throws(() => swarm.download.blockReceived(stranger, 0xffffffff, 0, block, 0), /does not exist/);
  for (let i = 0; i < TRANSFER.maxUnwantedBlocks; i++) {
    assert.equal(swarm.download.blockReceived(stranger, 0, 0, block, 0), false);
  }
  assert.throws(() => swarm.download.blockReceived(stranger, 0, 0, block, 0), /nobody asked for/);
  assert.equal(stranger.download.total, 0);
});

Deno.test("Download hands its unfinished pieces over and goes on with them, fetching nothing twice", () => {
  const before = new Downloading("....", "####");
  before.download.fillSources(0);
  const requests = requestsTo(before.peers[0]);
  const arrived = requests.filter((_, i) => i % 2 === 0);
  for (const request of arrived) before.answer(before.peers[0], request, 1);
  before.leave(before.peers[0], 2);
  const after = new Downloading("....", "####");
  for (const { index, buffer, blocks } of before.download.takeUnfinished()) {
    after.storage.takeBuffer();
    after.download.resume(index, buffer, blocks);
  }
  after.download.fillSources(0);
  const rest = requestsTo(after.peers[0]);
  assert.deepEqual([...rest, ...arrived].sort(), requests.toSorted());
  for (const request of rest) after.answer(after.peers[0], request, 1);
  after.settle();
  assert.deepEqual(after.storage.data, data);
  assert.equal(after.storage.buffersOut, 0);
});

Deno.test("Download holds no buffer for what it asked for and did not get, and hands nothing of it over", () => {
  const swarm = new Downloading("....", "####");
  const [peer] = swarm.peers;
  swarm.download.fillSources(0);
  const requests = requestsTo(peer);
  assert.equal(requests.length, BLOCKS);
  assert.equal(swarm.storage.buffersOut, 0);
  swarm.answer(peer, requests[0], 1);
  assert.equal(swarm.storage.buffersOut, 1);
  const unfinished = swarm.download.takeUnfinished();
  assert.deepEqual(unfinished.map(({ index, blocks }) => [index, blocks.count]), [
    [Number(requests[0].split(" ")[1]), 1],
  ]);
});

Deno.test("Download gives everything back when it is abandoned, and does not hold late blocks against their sender", () => {
  const swarm = new Downloading("....", "####");
  const [peer] = swarm.peers;
  swarm.download.fillSources(0);
  const requests = requestsTo(peer);
  swarm.answer(peer, requests[0], 1);
  swarm.download.abandon();
  assert.equal(swarm.storage.buffersOut, 0);
  for (const request of requests.slice(1)) assert.equal(swarm.answer(peer, request, 2), false);
  assert.equal(peer.peer.unwantedBlocks, 0);
  swarm.download.fillSources(3);
  swarm.download.tick(3);
  assert.deepEqual(peer.sender.takeSent(), []);
});

Deno.test("Download tells how many bytes are left, with a short last piece stored or not", () => {
  assert.equal(new Downloading("....").download.bytesLeft, data.length);
  assert.equal(new Downloading("#...").download.bytesLeft, data.length - PIECE);
  assert.equal(new Downloading("...#").download.bytesLeft, 3 * PIECE);
  assert.equal(new Downloading("####").download.bytesLeft, 0);
});

Deno.test("Download takes suggested pieces first, when they are of use and rare", () => {
  const swarm = new Downloading("#...", "####");
  const [{ peer }] = swarm.peers;
  for (const index of [0, 99, 2]) swarm.download.suggested(peer, index);
  swarm.download.fillSources(0);
  assert.match(requestsTo(swarm.peers[0])[0], /^request 2 0 /);
  for (let i = 0; i < 2 * TRANSFER.maxSuggestions; i++) swarm.download.suggested(peer, 1);
  assert(peer.suggestions.length <= TRANSFER.maxSuggestions);
});

Deno.test("Download forgets what a peer suggested when that chokes it", () => {
  const swarm = new Downloading("....", "####");
  const [{ peer }] = swarm.peers;
  swarm.download.suggested(peer, 2);
  peer.peerChokes = true;
  swarm.download.choked(peer, 0);
  assert.deepEqual(peer.suggestions, []);
});

Deno.test("Download asks a peer that chokes it for the pieces it allows, and for nothing else", () => {
  const swarm = new Downloading("....");
  const { peer, sender } = swarm.connect("####");
  peer.peerChokes = true;
  swarm.download.allowedFast(peer, 2);
  swarm.download.allowedFast(peer, 99);
  swarm.download.refill(peer, 0);
  assert.deepEqual(
    sender.takeSent().map((text) => text.split(" ").slice(0, 2).join(" ")),
    Array(4).fill("request 2"),
  );
  assert.equal(peer.isSource, false);
  swarm.download.rejected(peer, 2, 0, 0);
  swarm.download.refill(peer, 0);
  assert.deepEqual(sender.takeSent(), [], "it is not asked again for what it refused");
});
