import assert from "node:assert/strict";
import { StorageError } from "../../../lib/errors.ts";
import type { ByteStream } from "../../../lib/net/peers/byte_stream.ts";
import { PeerConnection } from "../../../lib/net/peers/peer_connection.ts";
import { RateLimiter } from "../../../lib/net/peers/rate_limiter.ts";
import { concatBytes } from "../../../lib/protocol/bytes.ts";
import {
  encodeAboutBlock,
  encodeAboutPiece,
  encodeExtended,
  encodeKeepAlive,
  encodePlain,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../../lib/protocol/peer_messages.ts";
import { BLOCK_LENGTH } from "../../../lib/protocol/piece_layout.ts";
import { CONNECTIONS, TRANSFER } from "../../../lib/settings.ts";
import { LoopbackNode, type NodeChanges, RawPeer, until } from "../../harness/sessions/loopback_node.ts";
import { randomBytes } from "../../harness/data/random.ts";
import { factsOf } from "../../harness/sessions/remote_peers.ts";
import { metainfoOf } from "../../harness/data/torrents.ts";

const data = randomBytes(40 * BLOCK_LENGTH, 1);
const metainfo = metainfoOf(data, 2 * BLOCK_LENGTH);
const PIECES = metainfo.layout.pieceCount;

/** A node and a raw peer connected to it. */
async function connected(has: Uint8Array | null, changes: NodeChanges = {}) {
  const node = new LoopbackNode(metainfo, has, changes);
  const peer = await RawPeer.introduced(node.listener.port, metainfo.infoHash, 1);
  await until(() => node.swarm.connectionCount === 1, "connected");
  return {
    node,
    peer,
    [Symbol.asyncDispose]: async () => {
      peer.stream.close();
      await node[Symbol.asyncDispose]();
    },
  };
}

/** Reads messages until `isLast`, handing each to `see`. */
async function readMessages(
  peer: RawPeer,
  isLast: (reader: MessageReader) => boolean,
  see: (reader: MessageReader) => void = () => {},
): Promise<void> {
  const buffer = new Uint8Array(1_000_000);
  const reader = new MessageReader(2 * TRANSFER.maxMessageBytes);
  for (let filled = 0;;) {
    const count = await peer.stream.read(buffer.subarray(filled));
    assert(count !== null, "the connection ended");
    filled += count;
    reader.begins(buffer, filled);
    while (reader.next()) {
      see(reader);
      if (isLast(reader)) return;
    }
    buffer.copyWithin(0, reader.consumed, filled);
    filled -= reader.consumed;
  }
}

const request = (index: number, begin = 0) => encodeAboutBlock(MessageId.request, index, begin, BLOCK_LENGTH);

for (
  const [limit, uploadLimit] of [["none", undefined], [
    "a limit",
    new RateLimiter(4e6, () => performance.now()),
  ]] as const
) {
  Deno.test(`PeerConnection serves every block that is requested, with ${limit} on uploads`, async () => {
    await using pair = await connected(data, { uploadLimit });
    const { node, peer } = pair;
    await peer.send(encodePlain(MessageId.interested));
    await readMessages(peer, ({ id }) => id === MessageId.unchoke);
    const requests = Array.from(
      { length: PIECES },
      (_, index) => [request(index), request(index, BLOCK_LENGTH)],
    );
    await peer.send(concatBytes(...requests.flat()));
    const received = new Uint8Array(data.length);
    let left = data.length;
    await readMessages(peer, () => left === 0, ({ id, index, begin, payload }) => {
      if (id !== MessageId.piece) return;
      received.set(payload, index * 2 * BLOCK_LENGTH + begin);
      left -= payload.length;
    });
    assert(received.every((byte, at) => byte === data[at]));
    await until(() => node.swarm.totals.uploaded === data.length, "counted");
  });
}

for (const length of [131_059, 131_060, 131_072]) {
  Deno.test(`PeerConnection serves a block of ${length} bytes`, async () => {
    const pieceLength = 144 * 1024;
    const bytes = randomBytes(2 * pieceLength, 3);
    const torrent = metainfoOf(bytes, pieceLength);
    await using node = new LoopbackNode(torrent, bytes);
    using peer = await RawPeer.introduced(node.listener.port, torrent.infoHash, 1);
    await peer.send(encodePlain(MessageId.interested));
    await readMessages(peer, ({ id }) => id === MessageId.unchoke);
    const requests = [0, 1].map((index) => encodeAboutBlock(MessageId.request, index, 100, length));
    await peer.send(concatBytes(...requests));
    let left = 2;
    await readMessages(peer, () => left === 0, ({ id, index, begin, payload }) => {
      if (id !== MessageId.piece) return;
      assert.deepEqual(
        payload,
        bytes.subarray(index * pieceLength + begin, index * pieceLength + begin + length),
      );
      left--;
    });
  });
}

Deno.test("PeerConnection holds to a limit on uploads", async () => {
  const uploadLimit = new RateLimiter(1e6, () => performance.now());
  await using pair = await connected(data, { uploadLimit });
  const { peer } = pair;
  await peer.send(encodePlain(MessageId.interested));
  await readMessages(peer, ({ id }) => id === MessageId.unchoke);
  const startedAt = performance.now();
  await peer.send(concatBytes(...Array.from({ length: PIECES }, (_, index) => request(index))));
  let left = PIECES;
  await readMessages(peer, () => left === 0, ({ id }) => {
    if (id === MessageId.piece) left--;
  });
  const elapsed = performance.now() - startedAt;
  // What is sent last, a quarter of a second's bytes, is paid for afterwards.
  const expected = (PIECES * BLOCK_LENGTH - 250_000) / 1_000;
  assert(elapsed > 0.8 * expected && elapsed < 3_000, `${elapsed} ms`);
});

Deno.test("PeerConnection asks for nothing twice that waits behind our own limit", async () => {
  const downloadLimit = new RateLimiter(400_000, () => performance.now());
  await using seeder = new LoopbackNode(metainfo, data, { id: 50 });
  await using node = new LoopbackNode(metainfo, null, { id: 51, downloadLimit });
  node.dial(seeder.listener.port);
  await until(() => node.swarm.totals.downloaded > 0, "begun");
  // Minutes pass while what was asked for waits in the socket, more than any patience.
  while (!node.swarm.seeding) {
    for (const each of [node, seeder]) {
      each.clockOffset += 9_000;
      each.swarm.tick(each.now);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(node.storage.data, data);
  assert.equal(seeder.swarm.totals.uploaded, data.length);
});

/** A node that fetches from a raw seed; resolves when it has everything. */
async function feed(
  node: LoopbackNode,
  peer: RawPeer,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  await peer.send(concatBytes(encodePlain(MessageId.haveAll), encodePlain(MessageId.unchoke)));
  const blocks: Uint8Array[] = [];
  let sent = 0;
  while (sent < data.length) {
    await readMessages(peer, ({ id }) => id === MessageId.request, ({ id, index, begin, length }) => {
      if (id !== MessageId.request) return;
      const message = new Uint8Array(PIECE_HEADER_LENGTH + length);
      writePieceHeader(message, 0, index, begin, length);
      const at = index * 2 * BLOCK_LENGTH + begin;
      message.set(data.subarray(at, at + length), PIECE_HEADER_LENGTH);
      blocks.push(message);
      sent += length;
    });
    for (const block of blocks.splice(0)) await write(block);
  }
  await until(() => node.swarm.seeding, "complete");
}

Deno.test("PeerConnection takes blocks in, however they are cut up on the way", async () => {
  // A remote that lets one request wait is asked for one block at a time.
  const oneAtATime = encodeExtended(0, new TextEncoder().encode("d4:reqqi1ee"));
  for (const cut of [1_000, 16_397, 40_000]) {
    await using pair = await connected(null);
    const { node, peer } = pair;
    await peer.send(oneAtATime);
    await feed(node, peer, async (bytes) => {
      for (let at = 0; at < bytes.length; at += cut) await peer.stream.write(bytes.slice(at, at + cut));
    });
    assert.deepEqual(node.storage.data, data);
  }
});

Deno.test("PeerConnection takes messages in that come byte by byte", async () => {
  await using pair = await connected(null);
  const { node, peer } = pair;
  const messages = concatBytes(
    encodeKeepAlive(),
    encodeAboutPiece(MessageId.have, 3),
    encodePlain(MessageId.choke),
    encodePlain(MessageId.interested),
  );
  for (const byte of messages) await peer.send(Uint8Array.of(byte));
  await until(() => node.swarm.snapshot(0).uploadSlotsUsed === 1, "unchoked");
  assert.equal(node.swarm.snapshot(0).peers[0].have, 1);
});

Deno.test("PeerConnection takes the longest message there may be, in pieces", async () => {
  await using pair = await connected(null);
  const { node, peer } = pair;
  const longest = new Uint8Array(4 + TRANSFER.maxMessageBytes);
  new DataView(longest.buffer).setUint32(0, TRANSFER.maxMessageBytes);
  longest[4] = 99;
  for (let at = 0; at < longest.length; at += 50_000) await peer.send(longest.slice(at, at + 50_000));
  await peer.send(encodePlain(MessageId.interested));
  await until(() => node.swarm.snapshot(0).uploadSlotsUsed === 1, "unchoked");
});

for (
  const [what, bytes, reason] of [
    ["a length of 4 GiB", new Uint8Array(4).fill(0xff), /broke the protocol: Expected a message of at most/],
    ["garbage", randomBytes(10_000, 5), /broke the protocol/],
    [
      "a request of what does not exist",
      request(PIECES),
      /broke the protocol: requested a block that does not exist/,
    ],
    ["a message of the wrong length", Uint8Array.of(0, 0, 0, 2, MessageId.choke, 0), /broke the protocol/],
  ] as const
) {
  Deno.test(`PeerConnection closes on ${what}`, async () => {
    await using pair = await connected(data);
    await pair.peer.send(bytes);
    await pair.peer.drain();
    await until(() => pair.node.reasons.length === 1, "closed");
    assert.match(pair.node.reasons[0], reason);
  });
}

/** A stream whose remote sends nothing and reads nothing. */
function deafStream(): ByteStream {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  return {
    remote: { address: "127.0.0.1", port: 1 },
    local: { address: "127.0.0.1", port: 2 },
    isEncrypted: false,
    read: () => promise,
    write: () => promise,
    close: () => reject(new Error("closed")),
  };
}

/** How many messages of this length a connection takes for a remote that reads nothing, before it is closed. */
async function messagesFor(connection: PeerConnection, message: Uint8Array): Promise<number> {
  const ending = connection.run();
  let isOpen = true;
  const ended = ending.then(() => isOpen = false);
  let count = 0;
  for (; isOpen && count < 10_000; count++) {
    if (count % 2 === 0) connection.send(message);
    else connection.sendSoon(message);
    if (count % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  connection.close("it was borne to the end");
  await ended;
  assert.equal(await ending, "it reads nothing");
  return count;
}

Deno.test("PeerConnection drops a peer that makes us talk and never reads", async () => {
  await using node = new LoopbackNode(metainfo, data);
  const { resources } = node.connections;
  const connection = new PeerConnection(deafStream(), node.swarm, factsOf(1), resources);
  const bytes = await messagesFor(connection, new Uint8Array(1_000)) * 1_000;
  assert(bytes > TRANSFER.maxQueuedMessageBytes && bytes < 1.1 * TRANSFER.maxQueuedMessageBytes, `${bytes}`);
  assert.equal(resources.backlog.bytes, 0);
});

Deno.test("PeerConnection lets who never reads have only a share when many do that at once", async () => {
  await using node = new LoopbackNode(metainfo, data);
  const { resources } = node.connections;
  resources.backlog.bytes = TRANSFER.maxBacklogBytes;
  const connection = new PeerConnection(deafStream(), node.swarm, factsOf(1), resources);
  const bytes = await messagesFor(connection, new Uint8Array(1_000)) * 1_000;
  const share = TRANSFER.maxBacklogBytes / CONNECTIONS.perProcess;
  assert(bytes > share && bytes < share + 150_000, `${bytes}`);
  assert.equal(resources.backlog.bytes, TRANSFER.maxBacklogBytes);
});

Deno.test("PeerConnection holds no large buffer for who is choked and reads nothing", async () => {
  await using node = new LoopbackNode(metainfo, data);
  const { resources } = node.connections;
  const connection = new PeerConnection(deafStream(), node.swarm, factsOf(1), resources);
  const running = connection.run();
  connection.send(new Uint8Array(100_000));
  connection.queueBlock(0, 0, BLOCK_LENGTH);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(resources.sendBuffers.taken, 0);
  connection.close("test");
  await running;
});

Deno.test("PeerConnection drops a peer that requests blocks and never reads them", async () => {
  await using pair = await connected(data);
  const { node, peer } = pair;
  await peer.send(encodePlain(MessageId.interested));
  await readMessages(peer, ({ id }) => id === MessageId.unchoke);
  await peer.send(concatBytes(...new Array<Uint8Array>(1_500).fill(request(0))));
  let sent = -1;
  await until(() => {
    const isStuck = node.swarm.totals.uploaded === sent && sent > 0;
    sent = node.swarm.totals.uploaded;
    return isStuck;
  }, "stuck");
  node.clockOffset += CONNECTIONS.writeTimeoutMs + 1;
  node.connections.tick(node.now);
  await until(() => node.connections.count === 0, "dropped and forgotten");
  assert.deepEqual(node.reasons, ["it reads nothing"]);
  await peer.drain();
});

Deno.test("PeerConnection closes when a block cannot be read", async () => {
  await using pair = await connected(data);
  const { node, peer } = pair;
  node.storage.readInto = () => {
    throw new StorageError("Input/output error");
  };
  await peer.send(encodePlain(MessageId.interested), request(0));
  await peer.drain();
  await until(() => node.reasons.length === 1, "closed");
  assert.deepEqual(node.reasons, ["a block could not be read: Input/output error"]);
});

Deno.test("PeerConnection reads nothing while the disk has no room, and goes on when it has", async () => {
  await using pair = await connected(null);
  const { node, peer } = pair;
  const room = Promise.withResolvers<void>();
  let hasRoom = false;
  node.storage.hasRoom = () => hasRoom;
  node.storage.whenRoom = () => room.promise;
  await peer.send(encodeAboutPiece(MessageId.have, 0));
  await until(() => node.swarm.snapshot(0).peers[0].have === 1, "the read that was waiting");
  await peer.send(encodeAboutPiece(MessageId.have, 1));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(node.swarm.snapshot(0).peers[0].have, 1);
  hasRoom = true;
  room.resolve();
  await until(() => node.swarm.snapshot(0).peers[0].have === 2, "read on");
});

Deno.test("PeerConnection tells why it ended when the other side is gone", async () => {
  await using pair = await connected(data);
  pair.peer.stream.close();
  await until(() => pair.node.reasons.length === 1, "closed");
  assert.deepEqual(pair.node.reasons, ["it closed the connection"]);
});

Deno.test("PeerConnection takes nothing in that arrives in the moment it is closed", async () => {
  await using node = new LoopbackNode(metainfo, null);
  const arriving = Promise.withResolvers<number | null>();
  const message = encodeAboutPiece(MessageId.have, 0);
  const stream: ByteStream = {
    remote: { address: "127.0.0.1", port: 1 },
    local: { address: "127.0.0.1", port: 2 },
    isEncrypted: false,
    read: (into) => {
      into.set(message);
      return arriving.promise;
    },
    write: () => Promise.resolve(),
    // What the system had read already is handed over a little later.
    close: () => void setTimeout(() => arriving.resolve(message.length)),
  };
  const connection = new PeerConnection(stream, node.swarm, factsOf(1), node.connections.resources);
  const running = connection.run();
  await Promise.resolve();
  connection.close("test");
  assert.equal(await running, "test");
  assert.equal(node.swarm.download.picker.availabilityOf(0), 0);
});
