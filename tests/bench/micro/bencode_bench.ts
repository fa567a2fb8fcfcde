import { checkBencode, decode, encode } from "../../../lib/protocol/bencode.ts";
import { KIB, MIB } from "../test_file.ts";

const limits = { depth: 100, values: 3_000_000 };
const announceReply = encode({ interval: 30, complete: 25, incomplete: 25, peers: new Uint8Array(300) });
const torrent = encode({
  announce: "http://10.0.0.1:6969/announce",
  info: {
    length: 2048 * MIB,
    name: "data.bin",
    "piece length": 256 * KIB,
    pieces: new Uint8Array(8192 * 20),
  },
});
const files = Array.from({ length: 10_000 }, (_, i) => ({ length: i, path: ["folder", `file ${i}`] }));
const manyFiles = encode({ info: { files, name: "folder" } });

Deno.bench("checkBencode of a tracker's reply", { group: "bencode" }, () => {
  checkBencode(announceReply, limits);
});
Deno.bench("checkBencode of a torrent with 8,192 pieces", { group: "bencode" }, () => {
  checkBencode(torrent, limits);
});
Deno.bench("checkBencode of a torrent with 10,000 files", { group: "bencode of many files" }, () => {
  checkBencode(manyFiles, limits);
});
Deno.bench("decode of a torrent with 10,000 files", { group: "bencode of many files" }, () => {
  decode(manyFiles, limits);
});
