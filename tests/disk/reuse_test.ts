/** Pieces that are found in older data of the user's. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { dirname, join } from "node:path";
import { PieceSearch } from "../../lib/disk/reuse/piece_search.ts";
import { PiecesByHash } from "../../lib/disk/reuse/pieces_by_hash.ts";
import { Bitfield } from "../../lib/protocol/bitfield.ts";
import { concatBytes } from "../../lib/protocol/bytes.ts";
import { pieceHash } from "../../lib/protocol/metainfo.ts";
import { finish } from "../../lib/protocol/steps.ts";
import { Held } from "../../lib/swarm/download/held.ts";
import { PieceOrder } from "../../lib/swarm/download/piece_order.ts";
import { needs } from "../harness/processes/require_tool.ts";
import {
  allPieces,
  assertServes,
  type OpenStore,
  PIECE,
  selectionOf,
  TestHome,
  TestTorrent,
} from "./test_home.ts";

const COUNT = 12;
const image = new TestTorrent([["image", COUNT * PIECE - 100]]);

/** A store without data, and the pieces of its torrent that are fetched and held. */
class Search implements AsyncDisposable {
  readonly home = new TestHome();
  readonly torrent: TestTorrent;
  readonly order: PieceOrder;
  readonly held: Held;
  /** Called before each copy. */
  beforeCopy: () => void | Promise<void> = () => {};
  patienceMs = 60_000;
  #open!: OpenStore;

  constructor(torrent: TestTorrent) {
    this.torrent = torrent;
    const { pieceCount } = torrent.metainfo.layout;
    const none = new Bitfield(0);
    const selection = { ...selectionOf(torrent), firstFiles: none, firstPieces: none, isSequential: false };
    this.order = new PieceOrder(selection, new Bitfield(pieceCount));
    this.held = new Held(this.order, pieceCount);
  }

  /** Writes old data and returns its path. */
  write(path: string, content: Uint8Array): string {
    const old = join(this.home.path, "old", path);
    fs.mkdirSync(dirname(old), { recursive: true });
    fs.writeFileSync(old, content);
    return old;
  }

  /** Searches and returns the stored pieces, and what the search says. */
  async run(paths: readonly string[], signal = new AbortController().signal) {
    const { store, workers, stored } = this.#open = await this.home.open(this.torrent);
    const search = new PieceSearch({
      metainfo: this.torrent.metainfo,
      workers,
      held: this.held,
      patienceMs: this.patienceMs,
      copy: async (from, at, index) => {
        await this.beforeCopy();
        const isCopied = await store.copyFrom(from, at, index);
        // As the swarm does when it hears of a stored piece.
        if (isCopied) this.held.found(index);
        return isCopied;
      },
    });
    const isWhole = await search.run(paths, signal);
    assert.equal(this.held.pieces.count, 0, "nothing stays held");
    assertServes(this.torrent, this.#open, stored);
    const missing = allPieces(this.torrent).filter((index) => this.order.isMissing(index));
    const { layout } = this.torrent.metainfo;
    const { pieces, bytes, problems } = search.result;
    assert.equal(pieces, stored.length);
    assert.equal(bytes, stored.reduce((sum, index) => sum + layout.lengthOf(index), 0));
    return { isWhole, stored: stored.toSorted((a, b) => a - b), missing, problems };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open?.crash();
    this.home[Symbol.dispose]();
  }
}

/** The content with these pieces changed. */
function changed({ content }: TestTorrent, ...pieces: readonly number[]): Uint8Array {
  const copy = content.slice();
  for (const index of pieces) copy[index * PIECE] ^= 1;
  return copy;
}

Deno.test("PieceSearch takes all pieces that did not change, and leaves the old file as it is", async () => {
  await using search = new Search(image);
  const content = changed(image, 3, 11);
  const old = search.write("image of May", content);
  const { mtimeMs, ino } = fs.statSync(old);
  const { stored, missing, isWhole, problems } = await search.run([old]);
  assert.deepEqual(missing, [3, 11]);
  assert.deepEqual(stored, allPieces(image).filter((index) => !missing.includes(index)));
  assert.ok(isWhole);
  assert.deepEqual(problems, []);
  const now = fs.statSync(old);
  assert.deepEqual([now.mtimeMs, now.ino], [mtimeMs, ino]);
  assert.deepEqual(new Uint8Array(fs.readFileSync(old)), content);
});

Deno.test("PieceSearch lets what the old data cannot have be fetched before it reads", async () => {
  await using search = new Search(image);
  const old = search.write("image", image.content.subarray(0, 5 * PIECE + 7));
  const missing: number[][] = [];
  search.beforeCopy = () =>
    void missing.push(allPieces(image).filter((index) => search.order.isMissing(index)));
  const { stored } = await search.run([old]);
  assert.deepEqual(stored, [0, 1, 2, 3, 4]);
  assert.ok(missing[0].includes(6) && missing[0].includes(11), "while it reads, the rest is fetched");
});

Deno.test("PieceSearch finds pieces in other places, each wherever it belongs", async () => {
  await using search = new Search(image);
  const first = image.piece(0);
  const moved = concatBytes(
    image.piece(7),
    first,
    new Uint8Array(2 * PIECE),
    image.content.subarray(3 * PIECE, 5 * PIECE),
  );
  assert.deepEqual((await search.run([search.write("old", moved)])).stored, [0, 3, 4, 7]);
});

Deno.test("PieceSearch has no piece fetched that it has found, also where many are alike", async () => {
  const [once, other] = [image.piece(0), image.piece(1)];
  const content = concatBytes(...Array.from({ length: 40 }, (_, index) => index === 20 ? other : once));
  await using search = new Search(new TestTorrent([["image", content.length]], PIECE, content));
  const missing = new Set<number>();
  search.beforeCopy = () => {
    for (const index of allPieces(search.torrent)) if (search.order.isMissing(index)) missing.add(index);
  };
  const { stored } = await search.run([search.write("image", content)]);
  assert.equal(stored.length, 40);
  assert.deepEqual([...missing], []);
});

Deno.test("PiecesByHash finds all pieces of one hash, each once", () => {
  const repeated = image.metainfo.pieceHashes.slice();
  repeated.set(pieceHash(image.metainfo, 2), 5 * 20);
  const metainfo = { ...image.metainfo, pieceHashes: repeated };
  const lacking = finish(PiecesByHash.of(metainfo, allPieces(image)));
  assert.deepEqual(lacking.take(pieceHash(metainfo, 2)).toSorted(), [2, 5]);
  assert.deepEqual(lacking.take(pieceHash(metainfo, 2)), [], "each is found once");
  assert.deepEqual(lacking.take(pieceHash(metainfo, 3)), [3]);
});

const album = new TestTorrent([["album/a", 3 * PIECE], ["album/b", 2 * PIECE + 50], [
  "album/c/d",
  3 * PIECE,
]]);

Deno.test("PieceSearch holds each file of an old folder against the one of its path, from its beginning", async () => {
  await using search = new Search(album);
  const [[, a], [, b], [, d]] = album.files();
  search.write("last year/a", concatBytes(a, new Uint8Array(999)));
  search.write("last year/b", b);
  search.write("last year/c/d", d.subarray(0, 2 * PIECE));
  const { stored } = await search.run([join(search.home.path, "old/last year")]);
  // The last piece, and the one before that reaches into it, lie in the part of d that is gone.
  assert.deepEqual(stored, [0, 1, 2, 3, 4, 5, 6]);
});

Deno.test("PieceSearch finds a file that was renamed in an old folder, from its beginning", async () => {
  await using search = new Search(album);
  const [[, a]] = album.files();
  search.write("old/first song", a);
  search.write("old/empty", new Uint8Array());
  const { stored } = await search.run([join(search.home.path, "old/old")]);
  assert.deepEqual(stored, [0, 1, 2]);
});

needs("symbolic links")("PieceSearch follows no link in old data", async () => {
  await using search = new Search(album);
  const [[, a], [, b], [, d]] = album.files();
  const elsewhere = search.write("elsewhere/a", a);
  search.write("elsewhere/c/d", d);
  const folder = dirname(search.write("album/b", b));
  fs.symlinkSync(elsewhere, join(folder, "a"));
  fs.symlinkSync(join(dirname(elsewhere), "c"), join(folder, "c"));
  const { stored } = await search.run([folder]);
  assert.deepEqual(stored, [3, 4], "the pieces that lie in b alone");
});

Deno.test("PieceSearch takes nothing wrong of old data that changes meanwhile, and says so", async () => {
  await using search = new Search(image);
  const old = search.write("image", image.content);
  let copies = 0;
  search.beforeCopy = () => {
    if (++copies === 1) fs.writeFileSync(old, changed(image, ...allPieces(image)));
  };
  const { stored, missing, problems } = await search.run([old]);
  assert.deepEqual(stored, []);
  assert.deepEqual(missing, allPieces(image));
  assert.match(problems.join(), /image was changed while it was read$/);
});

Deno.test("PieceSearch goes on without what cannot be read, and with what else is named", async () => {
  await using search = new Search(image);
  const old = search.write("image", changed(image, 0));
  const { stored, missing, isWhole, problems } = await search.run([join(search.home.path, "nowhere"), old]);
  assert.equal(stored.length, COUNT - 1);
  assert.deepEqual(missing, [0]);
  assert.ok(isWhole);
  assert.match(problems.join(), /^Cannot read .*nowhere/);
});

Deno.test("PieceSearch ends when it is told to, and everything is fetched then", async () => {
  await using search = new Search(image);
  const ending = new AbortController();
  search.beforeCopy = () => ending.abort();
  const { isWhole, stored, missing } = await search.run(
    [search.write("image", image.content)],
    ending.signal,
  );
  assert.ok(!isWhole);
  assert.equal(stored.length + missing.length, COUNT);
});

Deno.test("PieceSearch lets the swarm fetch what old data that does not answer may have", async () => {
  await using search = new Search(image);
  search.patienceMs = 20;
  const isMissing = (index: number) => search.order.isMissing(index);
  let fetched = -1;
  search.beforeCopy = async () => {
    // The disk stands still until everything else is fetched; the swarm has begun with one of these pieces.
    while (fetched < 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (fetched >= 0) return;
      fetched = allPieces(image).findIndex(isMissing);
      if (fetched >= 0) search.order.remove(fetched);
    }
  };
  const { stored, missing } = await search.run([search.write("image", image.content)]);
  assert.ok(fetched >= 0 && !stored.includes(fetched), "it is not copied while it is fetched");
  assert.equal(stored.length, COUNT - 1);
  assert.deepEqual(missing, []);
});
