import assert from "node:assert/strict";
import { BLOCK_LENGTH, PieceLayout } from "../../lib/protocol/piece_layout.ts";

/** The files a span walk touches, byte by byte: the plain answer `spans` must agree with. */
function plainSpans(fileLengths: number[], offset: number, length: number): string[] {
  const owners = fileLengths.flatMap((size, file) => Array.from({ length: size }, (_, at) => ({ file, at })));
  return owners.slice(offset, offset + length).map(({ file, at }) => `${file}:${at}`);
}

Deno.test("PieceLayout.spans agrees with counting bytes, empty files anywhere", () => {
  const layouts = [[5], [0, 5], [5, 0], [0, 0, 5, 0, 0, 3, 0], [1, 1, 1, 0, 4], [0, 0, 0], [3, 0, 0, 0, 3]];
  for (const fileLengths of layouts) {
    const layout = new PieceLayout(4, fileLengths);
    for (let offset = 0; offset <= layout.totalLength; offset++) {
      for (let length = 0; offset + length <= layout.totalLength; length++) {
        const bytes = layout.spans(offset, length).flatMap((span) =>
          Array.from({ length: span.length }, (_, i) => `${span.file}:${span.position + i}`)
        );
        assert.deepEqual(
          bytes,
          plainSpans(fileLengths, offset, length),
          `${fileLengths} ${offset} ${length}`,
        );
      }
    }
  }
});

Deno.test("PieceLayout.spans has no empty run and nothing past the end", () => {
  const layout = new PieceLayout(4, [2, 0, 2, 0]);
  assert.deepEqual(layout.spans(0, 4), [
    { file: 0, position: 0, length: 2 },
    { file: 2, position: 0, length: 2 },
  ]);
  assert.deepEqual(layout.spans(4, 4), []);
  assert.deepEqual(layout.spans(2, 0), []);
});

Deno.test("PieceLayout.spans finds its place among very many empty files", () => {
  const layout = new PieceLayout(4, [3, ...new Array(100_000).fill(0), 3]);
  assert.deepEqual(layout.spans(2, 2), [
    { file: 0, position: 2, length: 1 },
    { file: 100_001, position: 0, length: 1 },
  ]);
});

Deno.test("PieceLayout counts pieces and gives the last one its rest", () => {
  for (const [total, count, last] of [[1, 1, 1], [15, 1, 15], [16, 1, 16], [17, 2, 1], [32, 2, 16]]) {
    const layout = new PieceLayout(16, [total]);
    assert.equal(layout.pieceCount, count);
    assert.equal(layout.lengthOf(count - 1), last);
  }
  assert.equal(new PieceLayout(16, [0]).pieceCount, 0);
});

Deno.test("PieceLayout cuts pieces into blocks of 16 KiB and a rest", () => {
  const layout = new PieceLayout(4 * BLOCK_LENGTH, [4 * BLOCK_LENGTH + BLOCK_LENGTH + 1]);
  assert.equal(layout.blocksIn(0), 4);
  assert.equal(layout.blocksIn(1), 2);
  assert.equal(layout.blockLength(0, 3 * BLOCK_LENGTH), BLOCK_LENGTH);
  assert.equal(layout.blockLength(1, BLOCK_LENGTH), 1);
  assert.equal(layout.offsetOf(1), 4 * BLOCK_LENGTH);
});

Deno.test("PieceLayout.contains is true exactly for runs inside a piece", () => {
  const layout = new PieceLayout(16, [20]);
  for (const [index, begin, length] of [[0, 0, 16], [0, 15, 1], [1, 0, 4], [1, 3, 1]]) {
    assert.ok(layout.contains(index, begin, length));
  }
  const outside = [[0, 0, 17], [0, 16, 1], [0, 0, 0], [1, 0, 5], [1, 4, 1], [2, 0, 1], [0xffffffff, 0, 1]];
  for (const [index, begin, length] of [...outside, [0, 0xffffffff, 0xffffffff]]) {
    assert.ok(!layout.contains(index, begin, length), `${index} ${begin} ${length}`);
  }
});

Deno.test("PieceLayout.piecesOf names first and last piece of a file, none for an empty one", () => {
  const layout = new PieceLayout(4, [4, 0, 1, 7]);
  assert.deepEqual([0, 1, 2, 3].map((file) => layout.piecesOf(file)), [
    { first: 0, last: 0 },
    undefined,
    { first: 1, last: 1 },
    { first: 1, last: 2 },
  ]);
});

Deno.test("PieceLayout stays exact for sizes near 2^53", () => {
  const huge = Number.MAX_SAFE_INTEGER;
  const layout = new PieceLayout(2 ** 27, [huge]);
  const last = layout.pieceCount - 1;
  assert.equal(layout.offsetOf(last) + layout.lengthOf(last), huge);
});
