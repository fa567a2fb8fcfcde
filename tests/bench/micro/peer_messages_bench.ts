import {
  encodeAboutBlock,
  encodeAboutPiece,
  MessageId,
  MessageReader,
  PIECE_HEADER_LENGTH,
  writePieceHeader,
} from "../../../lib/protocol/peer_messages.ts";
import { concatBytes } from "../../../lib/protocol/bytes.ts";
import { BLOCK_LENGTH, PieceLayout } from "../../../lib/protocol/piece_layout.ts";
import { KIB, MIB } from "../test_file.ts";

const BLOCKS = 31;
const blocks = new Uint8Array(BLOCKS * (PIECE_HEADER_LENGTH + BLOCK_LENGTH));
for (let i = 0; i < BLOCKS; i++) {
  writePieceHeader(blocks, i * (PIECE_HEADER_LENGTH + BLOCK_LENGTH), 7, i * BLOCK_LENGTH, BLOCK_LENGTH);
}
const requests = concatBytes(
  ...Array.from({ length: 1000 }, (_, i) => encodeAboutBlock(MessageId.request, i, 0, BLOCK_LENGTH)),
);
const haves = concatBytes(...Array.from({ length: 1000 }, (_, i) => encodeAboutPiece(MessageId.have, i)));
const reader = new MessageReader(512 * KIB);

function readAll(bytes: Uint8Array): void {
  reader.begins(bytes, bytes.length);
  while (reader.next());
}

Deno.bench("MessageReader reads 31 blocks (a socket read of 496 KiB)", () => readAll(blocks));
Deno.bench("MessageReader reads 1,000 requests", () => readAll(requests));
Deno.bench("MessageReader reads 1,000 haves", () => readAll(haves));

const oneFile = new PieceLayout(256 * KIB, [2048 * MIB]);
const manyFiles = new PieceLayout(256 * KIB, Array.from({ length: 100_000 }, (_, i) => 1 + i % 40_000));

Deno.bench("PieceLayout.spans of a piece in one file", () => {
  oneFile.spans(oneFile.offsetOf(4_000), 256 * KIB);
});
Deno.bench("PieceLayout.spans of a piece across 100,000 files", () => {
  manyFiles.spans(manyFiles.offsetOf(4_000), 256 * KIB);
});
