import assert from "node:assert/strict";
import { ProtocolError } from "../../lib/errors.ts";
import { encode } from "../../lib/protocol/bencode.ts";
import { infoHashFromBytes } from "../../lib/protocol/info_hash.ts";
import {
  encodeShareAnswer,
  encodeShareQuestion,
  MAX_SHARES,
  parseShareMessage,
  type Share,
} from "../../lib/protocol/share_messages.ts";

const hash = new Uint8Array(20).fill(7);
const share: Share = {
  infoHash: infoHashFromBytes(hash),
  name: "lecture.mp4",
  length: 5_000_000_000,
  files: 3,
  trackers: ["http://10.0.0.5:6969/announce"],
  isListed: true,
};

Deno.test("Messages about shares say what was said", () => {
  assert.deepEqual(parseShareMessage(encodeShareQuestion()), { type: "question" });
  const shares = [share, { ...share, isListed: false }];
  assert.deepEqual(parseShareMessage(encodeShareAnswer("pc-17", shares)), {
    type: "answer",
    host: "pc-17",
    shares,
  });
  assert.equal(parseShareMessage(encode({ t: 99 })), undefined);
});

Deno.test("An answer tells no tracker whose URL may hold a key, and takes none from others", () => {
  const secret = [
    "http://t.example/announce?passkey=1",
    "http://t.example/0123abc/announce",
    "http://u:p@t.example/announce",
  ];
  const told = parseShareMessage(
    encodeShareAnswer("", [{ ...share, trackers: [...secret, ...share.trackers] }]),
  );
  assert(told?.type === "answer");
  assert.deepEqual(told.shares[0].trackers, share.trackers);
  const raw = encode({
    n: "",
    s: [{ f: 1, h: hash, l: 1, n: "x", t: [...secret, "no url", "ftp://x/"] }],
    t: 1,
  });
  const heard = parseShareMessage(raw);
  assert(heard?.type === "answer");
  assert.deepEqual(heard.shares[0].trackers, []);
});

Deno.test("An answer has a bound, whoever writes it", () => {
  const many = Array.from({ length: 10_000 }, () => ({ ...share, name: "x".repeat(2_000) }));
  const payload = encodeShareAnswer("h".repeat(1_000), many);
  assert(payload.length < 70_000);
  const read = parseShareMessage(payload);
  assert(read?.type === "answer" && read.shares.length === MAX_SHARES && read.shares[0].name.length === 255);
  const flood = encode({
    n: "",
    s: Array.from({ length: 2_000 }, () => ({ f: 1, h: hash, l: 1, n: "" })),
    t: 1,
  });
  const heard = parseShareMessage(flood);
  assert(heard?.type === "answer" && heard.shares.length === MAX_SHARES);
  assert.throws(() => parseShareMessage(new Uint8Array(200_000)), ProtocolError);
});

Deno.test("Entries that make no sense are left out, and texts are made printable", () => {
  const entries = [
    { f: 1, h: hash.subarray(1), l: 1, n: "short hash" },
    { f: -1, h: hash, l: 1, n: "negative" },
    { f: 1, h: hash, n: "no length" },
    { f: 1, h: hash, l: 2, n: "\u001b[2Jgood" },
  ];
  const read = parseShareMessage(encode({ n: "\u202epc", s: [...entries, "no dictionary"], t: 1 }));
  assert(read?.type === "answer");
  assert.deepEqual([read.host, read.shares.map(({ name }) => name)], ["\uFFFDpc", ["\uFFFD[2Jgood"]]);
  assert.throws(() => parseShareMessage(encode([])), ProtocolError);
});
