import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import {
  encodeAboutBlock,
  encodeAboutPiece,
  encodeBitfield,
  encodeExtended,
  encodePlain,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../lib/protocol/piece_layout.ts";
import { CHOKING, TRANSFER } from "../../lib/settings.ts";
import { selectFiles } from "../harness/data/selection.ts";
import { CLOSED_BY_PEER, type SwarmEvent } from "../../lib/swarm/ports.ts";
import type { RemotePeer } from "../../lib/swarm/peers/remote_peer.ts";
import { Swarm } from "../../lib/swarm/swarm.ts";
import { MemoryStorage } from "../harness/virtual/memory_storage.ts";
import { piecesIn } from "../harness/data/pictures.ts";
import { randomBytes } from "../harness/data/random.ts";
import { factsOf, FakeSender } from "../harness/sessions/remote_peers.ts";
import { ownOptions } from "../harness/sessions/surroundings.ts";
import { metainfoOf } from "../harness/data/torrents.ts";

/** Four pieces of one block each. */
const data = randomBytes(4 * BLOCK_LENGTH, 1);
const metainfo = metainfoOf(data, BLOCK_LENGTH);

/** When all messages arrive, in ms. */
const RECEIVED_AT = 1_000;

/** One swarm of somebody who has the pieces of `ours`. */
class Joined {
  readonly events: SwarmEvent[] = [];
  readonly storage: MemoryStorage;
  readonly swarm: Swarm;
  readonly #jobs: (() => void)[] = [];

  constructor(ours: string, isAnnouncer = false) {
    const stored = piecesIn(ours);
    this.storage = new MemoryStorage(metainfo, data.slice(), (job) => this.#jobs.push(job));
    this.swarm = new Swarm({
      metainfo,
      selection: selectFiles(metainfo),
      storage: this.storage,
      stored,
      isFinished: stored.isFull,
      isAnnouncer,
      ...ownOptions(),
      totals: { uploaded: 10, downloaded: 20 },
      report: (event) => this.events.push(event),
      startedAt: 0,
    });
    this.storage.listener = this.swarm;
  }

  connect(
    number: number,
    changes: Parameters<typeof factsOf>[1] = {},
  ): { peer: RemotePeer; sender: FakeSender } {
    const sender = new FakeSender();
    return { peer: this.swarm.peerConnected(factsOf(number, changes), sender, 0), sender };
  }

  /** Messages arrive from a peer, as one read. */
  receive(peer: RemotePeer, ...messages: Uint8Array[]): void {
    const bytes = concatBytes(...messages);
    const reader = new MessageReader(TRANSFER.maxMessageBytes);
    reader.begins(bytes, bytes.length);
    while (reader.next()) this.swarm.messageReceived(peer, reader, RECEIVED_AT);
    this.swarm.batchReceived(peer, RECEIVED_AT);
  }

  settle(): void {
    while (this.#jobs.length > 0) this.#jobs.shift()!();
  }

  namesOf(event: string): SwarmEvent[] {
    return this.events.filter((each) => each.event === event);
  }
}

const plain = encodePlain;
const piece = (index: number, forge = false) => {
  const message = new Uint8Array(PIECE_HEADER_LENGTH + BLOCK_LENGTH);
  writePieceHeader(message, 0, index, 0, BLOCK_LENGTH);
  if (!forge) {
    message.set(data.subarray(index * BLOCK_LENGTH, (index + 1) * BLOCK_LENGTH), PIECE_HEADER_LENGTH);
  }
  return message;
};
const introduction = encodeExtended(0, encode({ v: "other 1" }));

Deno.test("Swarm tells a new peer which pieces it has, in the shortest way the peer understands", () => {
  const told = (ours: string, supportsFast: boolean) =>
    new Joined(ours).connect(1, { supportsFast, supportsExtensions: false }).sender.takeSent();
  assert.deepEqual(told("####", true), ["haveAll"]);
  assert.deepEqual(told("....", true), ["haveNone"]);
  assert.deepEqual(told("##..", true), ["bitfield"]);
  assert.deepEqual(told("####", false), ["bitfield"]);
  assert.deepEqual(told("....", false), []);
});

Deno.test("Swarm tells its interest once, and that it lost it", () => {
  const joined = new Joined("#...");
  const { peer, sender } = joined.connect(1);
  sender.takeSent();
  joined.receive(peer, encodeBitfield(piecesIn("#...").toBytes()));
  assert.deepEqual(sender.takeSent(), []);
  joined.receive(peer, encodeAboutPiece(MessageId.have, 2), encodeAboutPiece(MessageId.have, 2));
  assert.deepEqual(sender.takeSent(), ["interested"]);
  joined.receive(peer, plain(MessageId.unchoke));
  assert.deepEqual(sender.takeSent(), [`request 2 0 ${BLOCK_LENGTH}`]);
  joined.receive(peer, piece(2));
  joined.settle();
  assert.deepEqual(sender.takeSent(), ["have 2", "notInterested"]);
});

/** We get the middle pieces of four from one peer; another, which has `theirs` and gives us no slot, has no more then. */
function ranOut(theirs: string) {
  const joined = new Joined("#...");
  const [slow, quick] = [joined.connect(1), joined.connect(2)];
  joined.receive(slow.peer, encodeBitfield(piecesIn(theirs).toBytes()));
  joined.receive(quick.peer, encodeBitfield(piecesIn(".##.").toBytes()), plain(MessageId.unchoke));
  slow.sender.takeSent();
  joined.receive(quick.peer, piece(1), piece(2));
  joined.settle();
  return { joined, ...slow };
}

Deno.test("Swarm tells a peer whose slot it does not hold only after a while that it has nothing more", () => {
  const { joined, peer, sender } = ranOut(".##.");
  const tick = (ms: number) => {
    joined.swarm.tick(RECEIVED_AT + ms);
    return sender.takeSent().filter((text) => text.endsWith("nterested"));
  };
  const { ranOutMs } = CHOKING;
  assert.deepEqual(tick(0), []);
  assert.deepEqual(tick(ranOutMs - 1), []);
  joined.receive(peer, encodeAboutPiece(MessageId.have, 3));
  assert.deepEqual(tick(2 * ranOutMs), [], "it had a new piece in time");
});

Deno.test("Swarm tells a peer at once that it has nothing more when it gets a slot, or when that lasts", () => {
  for (const unchokes of [false, true]) {
    const { joined, peer, sender } = ranOut(".#..");
    if (unchokes) joined.receive(peer, plain(MessageId.unchoke));
    else joined.swarm.tick(RECEIVED_AT + CHOKING.ranOutMs);
    assert.ok(sender.takeSent().includes("notInterested"));
  }
});

Deno.test("Swarm becomes a seeder with the last piece, and says so", () => {
  const joined = new Joined("###.");
  const { peer } = joined.connect(1);
  assert.equal(joined.swarm.role, "peer");
  joined.receive(peer, plain(MessageId.haveAll), plain(MessageId.unchoke), piece(3));
  assert.equal(joined.swarm.download.isComplete, false, "verified is not stored");
  joined.settle();
  assert.equal(joined.swarm.role, "seeder");
  const [complete] = joined.namesOf("complete");
  assert.deepEqual(complete, {
    infoHash: metainfo.infoHash,
    event: "complete",
    name: "data.bin",
    path: "/shareable/data.bin",
    seconds: 1,
    sources: { "10.0.0.1:6881": BLOCK_LENGTH },
  });
  assert.equal(joined.namesOf("status").length, 1);
  assert.deepEqual(joined.swarm.totals, { uploaded: 0, downloaded: BLOCK_LENGTH, left: 0 });
  assert.equal(joined.swarm.snapshot(2_000).downloaded, 20 + BLOCK_LENGTH);
});

Deno.test("Swarm is announcer whatever it has", () => {
  assert.deepEqual([new Joined("....", true).swarm.role, new Joined("....", true).swarm.seeding], [
    "announcer",
    false,
  ]);
  assert.deepEqual([new Joined("####", true).swarm.role, new Joined("####", true).swarm.seeding], [
    "announcer",
    true,
  ]);
});

Deno.test("Swarm serves an interested peer at once", () => {
  const joined = new Joined("####");
  const { peer, sender } = joined.connect(1, { supportsFast: false });
  sender.takeSent();
  joined.receive(peer, plain(MessageId.interested), plain(MessageId.interested));
  assert.deepEqual(sender.takeSent(), ["unchoke"]);
  joined.receive(peer, encodeAboutBlock(MessageId.request, 1, 0, BLOCK_LENGTH));
  assert.deepEqual(sender.queued, [`1 0 ${BLOCK_LENGTH}`]);
  joined.receive(
    peer,
    encodeAboutBlock(MessageId.cancel, 1, 0, BLOCK_LENGTH),
    plain(MessageId.notInterested),
  );
  assert.deepEqual([sender.queued, sender.takeSent()], [[], ["choke"]]);
});

Deno.test("Swarm refuses messages that break the protocol", () => {
  const wrong: [string, Uint8Array][] = [
    ["have of no piece", encodeAboutPiece(MessageId.have, 4)],
    ["have of a huge piece", encodeAboutPiece(MessageId.have, 0xffffffff)],
    ["short bitfield", encodeBitfield(new Uint8Array(0))],
    ["long bitfield", encodeBitfield(new Uint8Array(2))],
    ["bitfield with spare bits", encodeBitfield(Uint8Array.of(0xff))],
    ["request beyond the end", encodeAboutBlock(MessageId.request, 4, 0, 1)],
    [
      "block that does not exist",
      (() => {
        const message = piece(0);
        writePieceHeader(message, 0, 9, 0, BLOCK_LENGTH);
        return message;
      })(),
    ],
    ["extended garbage", encodeExtended(0, Uint8Array.of(7))],
  ];
  for (const [name, message] of wrong) {
    const joined = new Joined("#...");
    const { peer } = joined.connect(1);
    assert.throws(() => joined.receive(peer, message), ProtocolError, name);
  }
});

Deno.test("Swarm ignores what it does not know, and odd orders of what it knows", () => {
  const joined = new Joined("##..");
  const { peer, sender } = joined.connect(1);
  const reject = (index: number) => encodeAboutBlock(MessageId.reject, index, 5, 7);
  joined.receive(
    peer,
    plain(200),
    new Uint8Array(4),
    plain(MessageId.choke),
    plain(MessageId.notInterested),
    reject(0),
    reject(0xffffffff),
    encodeAboutPiece(MessageId.suggest, 0xffffffff),
    encodeAboutPiece(MessageId.allowedFast, 3),
    encodeAboutBlock(MessageId.cancel, 99, 0, 1),
    plain(MessageId.unchoke),
    plain(MessageId.haveAll),
    encodeExtended(99, Uint8Array.of(1)),
  );
  assert.equal(peer.wantedPieces, 2);
  assert(sender.takeSent().some((text) => text.startsWith("request")));
});

Deno.test("Swarm bans a peer that alone delivered a corrupt piece, and names it", () => {
  const joined = new Joined("###.");
  const { peer, sender } = joined.connect(1);
  joined.receive(peer, plain(MessageId.haveAll), plain(MessageId.unchoke), piece(3, true));
  joined.settle();
  assert.equal(sender.closedFor, "it sent wrong data");
  assert.deepEqual(joined.namesOf("corrupt").map((event) => "peers" in event && event.peers), [[
    "10.0.0.1:6881",
  ]]);
  joined.swarm.peerClosed(peer, "test", 2_000);
  assert.equal(joined.swarm.refusal(factsOf(1)), "it is banned");
});

Deno.test("Swarm closes a connection of two that have everything, also with a peer that knows no extensions", () => {
  const joined = new Joined("####");
  const known = joined.connect(1);
  joined.receive(known.peer, plain(MessageId.haveAll));
  assert.equal(known.sender.closedFor, undefined, "it may want the list");
  joined.receive(known.peer, introduction);
  assert.equal(known.sender.closedFor, "both have everything");
  const old = joined.connect(2, { supportsExtensions: false });
  joined.receive(old.peer, encodeBitfield(Bitfield.full(4).toBytes()));
  assert.equal(old.sender.closedFor, "both have everything");
});

Deno.test("Swarm ends a remote peer once, and gives its place to another", () => {
  const joined = new Joined("####");
  const peers = [1, 2, 3, 4, 5].map((number) => joined.connect(number));
  for (const { peer } of peers) joined.receive(peer, plain(MessageId.interested));
  const waiting = peers.find(({ peer }) => peer.weChoke)!;
  joined.swarm.peerClosed(peers[0].peer, "gone", 1_000);
  joined.swarm.peerClosed(peers[0].peer, "gone again", 1_000);
  assert.equal(waiting.peer.weChoke, false);
  assert.deepEqual(joined.namesOf("disconnected").map((event) => "reason" in event && event.reason), [
    "gone",
  ]);
  assert.equal(joined.swarm.connectionCount, 4);
});

Deno.test("Swarm says that a connection was made twice, whichever side ends the spare one", () => {
  const joined = new Joined("####");
  const { peer: kept } = joined.connect(1);
  const { peer: spare } = joined.connect(1, { isIncoming: true });
  joined.swarm.peerClosed(spare, CLOSED_BY_PEER, 1_000);
  joined.swarm.peerClosed(kept, CLOSED_BY_PEER, 2_000);
  assert.deepEqual(joined.namesOf("disconnected").map((event) => "reason" in event && event.reason), [
    "the connection was made twice",
    CLOSED_BY_PEER,
  ]);
});

Deno.test("Swarm dials while it lacks something, and stops dialling and admitting when it stops", () => {
  const endpoint = { address: "10.0.0.9", port: 6881 };
  const seeder = new Joined("####");
  seeder.swarm.addPeers([endpoint], "tracker");
  assert.deepEqual(seeder.swarm.takeDials(9), []);
  const joined = new Joined("....");
  joined.swarm.addPeers([endpoint, endpoint], "user");
  joined.swarm.addPeers([endpoint], "pex");
  assert.deepEqual(joined.namesOf("peers").map((event) => "source" in event && event.source), ["user"]);
  const { sender } = joined.connect(1);
  joined.swarm.stop();
  assert.deepEqual(joined.swarm.takeDials(9), []);
  assert.equal(sender.closedFor, "we are stopping");
  assert.equal(joined.swarm.refusal(factsOf(2)), "we are stopping");
});

Deno.test("Swarm pauses when the disk is full: it wants nothing any more and says why once", () => {
  const joined = new Joined("##..");
  const { peer, sender } = joined.connect(1);
  joined.receive(peer, plain(MessageId.haveAll), plain(MessageId.unchoke));
  joined.storage.isFull = true;
  sender.takeSent();
  joined.receive(peer, piece(2), piece(3));
  joined.settle();
  assert.deepEqual(sender.takeSent(), ["notInterested"]);
  assert.equal(joined.namesOf("error").length, 1);
  assert.match(joined.swarm.snapshot(0).failure!, /No space left/);
  assert.deepEqual(joined.swarm.takeDials(9), []);
  joined.swarm.tick(60_000);
  assert.deepEqual(sender.takeSent(), []);
});

Deno.test("Swarm snapshots are plain data about now", () => {
  const joined = new Joined("####");
  const { peer } = joined.connect(1);
  joined.receive(peer, plain(MessageId.interested), introduction);
  joined.swarm.blockSent(peer, 20_000, 1_000);
  const snapshot = joined.swarm.snapshot(1_000);
  assert.deepEqual(structuredClone(snapshot), snapshot);
  assert.deepEqual([snapshot.uploaded, snapshot.uploadRate, snapshot.uploadSlotsUsed], [20_010, 20_000, 1]);
  assert.deepEqual([snapshot.peers[0].client, snapshot.peers[0].isUploadSlot], ["other 1", true]);
});

Deno.test("Swarm tells its new role when this machine becomes the announcer, or is so no more", () => {
  const joined = new Joined("####");
  for (const isAnnouncer of [true, true, false]) joined.swarm.isAnnouncer = isAnnouncer;
  const told = joined.namesOf("status").map((event) => "role" in event && [event.role, event.seeding]);
  assert.deepEqual(told, [["announcer", true], ["seeder", true]]);
});
