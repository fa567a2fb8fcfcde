/** What is seen of a swarm from near, while it works. */
import assert from "node:assert/strict";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { viewFiles, viewPieces } from "../../lib/swarm/swarm_views.ts";
import { PieceLayout } from "../../lib/protocol/piece_layout.ts";
import { randomBytes } from "../harness/data/random.ts";
import { metainfoOf } from "../harness/data/torrents.ts";
import { VirtualLan } from "../harness/virtual/virtual_lan.ts";
import { finish } from "../../lib/protocol/steps.ts";

const PIECE = 64 * 1024;
const data = randomBytes(20 * PIECE - 100, 7);
const files = [
  { path: ["a"], length: 5 * PIECE + 5 },
  { path: ["empty"], length: 0 },
  { path: ["b", "c"], length: 10 },
  { path: ["d"], length: 15 * PIECE - 115 },
];
const metainfo = metainfoOf(data, PIECE, "album", files);

Deno.test("Swarm shows of each file how many of its bytes are stored, and what is wanted of it", () => {
  const lan = new VirtualLan(metainfo);
  lan.add({ data, rate: 1e6 });
  const host = lan.add({ data: null, rate: 1e6, files: { only: ["a"], first: ["d"] } });
  lan.introduceAll();
  assert(lan.run(() => host.finishedAt !== undefined, 60_000));
  assert.deepEqual(finish(host.swarm.files()), [
    {
      position: 0,
      path: "album/a",
      length: 5 * PIECE + 5,
      have: 5 * PIECE + 5,
      isWanted: true,
      isFirst: false,
    },
    { position: 1, path: "album/empty", length: 0, have: 0, isWanted: false, isFirst: false },
    // Its bytes lie in the last piece of the file before.
    { position: 2, path: "album/b/c", length: 10, have: 10, isWanted: false, isFirst: false },
    {
      position: 3,
      path: "album/d",
      length: 15 * PIECE - 115,
      have: PIECE - 15,
      isWanted: false,
      isFirst: true,
    },
  ]);
  host.select({});
  assert(lan.run(() => host.swarm.seeding, 60_000));
  for (const { length, have, isWanted } of finish(host.swarm.files())) {
    assert.equal(have, length);
    assert(isWanted);
  }
});

Deno.test("Swarm shows its pieces, how many copies there are, and which peer is asked for which", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const [first, second] = [1, 2].map(() => lan.add({ data: null, rate: 1e6 }));
  lan.introduceAll();
  assert(lan.run(() => first.swarm.download.stored.count >= 5, 60_000));
  assert.deepEqual(finish(seeder.swarm.pieces()).have, Bitfield.full(20).toBytes());
  const { have, wanted, availability, active } = finish(first.swarm.pieces());
  assert.deepEqual(have, first.swarm.download.stored.toBytes());
  assert.deepEqual(wanted, Bitfield.full(20).toBytes());
  for (let index = 0; index < 20; index++) {
    const told = [...first.connections].filter(({ peer }) => peer.have.has(index)).length;
    assert.equal(availability[index], told);
    assert(availability[index] >= 1, "the seeder counts");
  }
  assert(active.length > 0);
  const others = [seeder, second].map(({ endpoint }) => `${endpoint.address}:6881`);
  for (const { index, blocks, done, from, asked } of active) {
    assert(!first.swarm.download.stored.has(index));
    assert.equal(blocks, index === 19 ? 4 : PIECE / 16_384);
    assert(done <= blocks);
    assert.equal(from.length > 0, done > 0);
    for (const name of [...from, ...asked]) assert(others.includes(name), name);
  }
  assert(active.some(({ asked }) => asked.length > 0));
});

Deno.test("a peer in a snapshot says how it came, who chokes whom, and why it has a slot and is a source", () => {
  const lan = new VirtualLan(metainfo);
  const seeder = lan.add({ data, rate: 1e6 });
  const host = lan.add({ data: null, rate: 1e6 });
  lan.introduceAll();
  assert(lan.run(() => host.swarm.download.stored.count >= 5, 60_000));
  const [seen] = host.swarm.snapshot(lan.now).peers;
  const { address, source, isIncoming, isEncrypted, weChoke, peerChokes, weWant, peerWants } = seen;
  assert.deepEqual(
    { address, source, isIncoming, isEncrypted, weChoke, peerChokes, weWant, peerWants },
    {
      address: seeder.endpoint.address,
      source: "tracker",
      isIncoming: false,
      isEncrypted: false,
      weChoke: true,
      peerChokes: false,
      weWant: true,
      peerWants: false,
    },
  );
  assert(seen.isSeed && !seen.isSnubbed && seen.requests > 0);
  assert.equal(seen.sourceReason, "free place");
  const [asSeen] = seeder.swarm.snapshot(lan.now).peers;
  assert.deepEqual([asSeen.source, asSeen.isIncoming, asSeen.reason], ["incoming", true, "free place"]);
});

Deno.test("views of 100,000 files and 2,000,000 pieces take some hundredths of a second", () => {
  const [fileCount, pieceLength, pieces] = [100_000, 16_384, 2_000_000];
  const length = pieces * pieceLength / fileCount;
  const many = Array.from({ length: fileCount }, (_, file) => (
    { path: ["album", `${file}`], originalPath: undefined, length, isPadding: false }
  ));
  const layout = new PieceLayout(pieceLength, many.map(({ length }) => length));
  const stored = new Bitfield(pieces);
  for (let index = 0; index < pieces; index += 2) stored.add(index);
  const least = (look: () => unknown) =>
    Math.min(...[1, 2, 3, 4, 5].map(() => {
      const before = performance.now();
      look();
      return performance.now() - before;
    }));
  // Ten times what it takes while nothing else runs on the machine.
  assert(least(() => viewFiles({ files: many, layout }, stored, undefined)) < 300);
  const parts = { stored, wanted: stored, peers: new Map(), availabilityOf: () => 1, active: [] };
  assert(least(() => viewPieces(parts)) < 300);
});
