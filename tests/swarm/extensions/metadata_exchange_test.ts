import assert from "node:assert/strict";
import { infoHashOf } from "../../../lib/protocol/info_hash.ts";
import { METADATA_PART_LENGTH, parseMetadataMessage } from "../../../lib/protocol/metadata_messages.ts";
import {
  MetadataDownload,
  type MetadataRequest,
  MetadataUpload,
} from "../../../lib/swarm/extensions/metadata_exchange.ts";
import { METADATA } from "../../../lib/settings.ts";

const PARTS = 6;
const rawInfo = new Uint8Array((PARTS - 1) * METADATA_PART_LENGTH + 100).map((_, i) => i * 7 >> 3);
const infoHash = infoHashOf(rawInfo);
const partOf = (whole: Uint8Array, part: number) =>
  whole.subarray(part * METADATA_PART_LENGTH, (part + 1) * METADATA_PART_LENGTH);
const wrongInfo = rawInfo.map((byte) => byte ^ 1);

/** A download with peers that are names; each offers the right length unless told otherwise. */
function downloadFrom(...peers: string[]): MetadataDownload<string> {
  const download = new MetadataDownload<string>(infoHash);
  for (const peer of peers) assert.ok(download.offered(peer, rawInfo.length));
  return download;
}

const told = (requests: MetadataRequest<string>[]) =>
  requests.map(({ peer, part }) => `${peer}${part}`).join(" ");

/** Answers all requests until none is left: peers in capital letters lie. Gives the last outcome. */
function answerAll(download: MetadataDownload<string>, now = 0) {
  let outcome: ReturnType<typeof download.dataReceived> = { kind: "unneeded" };
  for (let requests = download.requests(now); requests.length > 0; requests = download.requests(now)) {
    for (const { peer, part } of requests) {
      const whole = peer === peer.toUpperCase() ? wrongInfo : rawInfo;
      outcome = download.dataReceived(peer, part, whole.length, partOf(whole, part));
      if (outcome.kind === "wrong" || outcome.kind === "complete") return outcome;
    }
  }
  return outcome;
}

Deno.test("MetadataDownload asks several peers for different parts", () => {
  assert.equal(told(downloadFrom("a", "b").requests(0)), "a0 a1 a2 a3 b4 b5");
});

Deno.test("MetadataDownload puts the parts of several peers together", () => {
  const outcome = answerAll(downloadFrom("a", "b"));
  assert.ok(outcome.kind === "complete");
  assert.deepEqual(outcome.rawInfo, rawInfo);
});

Deno.test("MetadataDownload asks for nothing once it is complete", () => {
  const download = downloadFrom("a");
  assert.equal(answerAll(download).kind, "complete");
  download.offered("b", rawInfo.length);
  assert.deepEqual(download.requests(0), []);
});

Deno.test("MetadataDownload names a peer that sent wrong metadata alone, and asks it no more", () => {
  const download = downloadFrom("A");
  assert.deepEqual(answerAll(download), { kind: "wrong", senders: ["A"] });
  assert.deepEqual(download.requests(1_000_000), []);
  download.offered("b", rawInfo.length);
  assert.equal(answerAll(download).kind, "complete");
});

Deno.test("MetadataDownload goes on with one peer at a time after a mixture was wrong", () => {
  const download = downloadFrom("A", "b");
  assert.deepEqual(answerAll(download), { kind: "wrong", senders: ["A", "b"] });
  assert.ok(download.requests(0).every(({ peer }) => peer === "A"));
  assert.deepEqual(answerAll(downloadFrom("A")), { kind: "wrong", senders: ["A"] });
});

Deno.test("MetadataDownload finds the liar among suspects, and ends with the honest one", () => {
  const download = downloadFrom("A", "b");
  answerAll(download);
  assert.deepEqual(answerAll(download), { kind: "wrong", senders: ["A"] });
  assert.equal(answerAll(download).kind, "complete");
});

Deno.test("MetadataDownload asks those not suspected first", () => {
  const download = downloadFrom("A", "b");
  answerAll(download);
  download.offered("c", rawInfo.length);
  assert.ok(download.requests(0).every(({ peer }) => peer === "c"));
});

Deno.test("MetadataDownload believes the length that most peers offer", () => {
  const download = new MetadataDownload<string>(infoHash);
  download.offered("X", METADATA.maxBytes);
  download.offered("a", rawInfo.length);
  download.offered("b", rawInfo.length);
  assert.equal(told(download.requests(0)), "a0 a1 a2 a3 b4 b5");
});

Deno.test("MetadataDownload refuses lengths that cannot be", () => {
  const download = new MetadataDownload<string>(infoHash);
  for (const length of [0, -1, METADATA.maxBytes + 1]) assert.ok(!download.offered("a", length));
  assert.deepEqual(download.requests(0), []);
});

Deno.test("MetadataDownload asks another peer for what did not come in time, and takes it when it comes late", () => {
  const download = downloadFrom("a");
  assert.equal(told(download.requests(0)), "a0 a1 a2 a3");
  assert.deepEqual(download.requests(METADATA.requestTimeoutMs - 1), []);
  download.offered("b", rawInfo.length);
  assert.equal(told(download.requests(METADATA.requestTimeoutMs)), "b0 b1 b2 b3");
  assert.equal(download.dataReceived("a", 0, rawInfo.length, partOf(rawInfo, 0)).kind, "kept");
  assert.equal(download.dataReceived("b", 0, rawInfo.length, partOf(rawInfo, 0)).kind, "unneeded");
});

Deno.test("MetadataDownload leaves a peer alone that rejects, longer each time", () => {
  const download = downloadFrom("a");
  let now = 0;
  for (const pause of [METADATA.retryMs, 2 * METADATA.retryMs, 4 * METADATA.retryMs]) {
    for (const { peer, part } of download.requests(now)) download.rejected(peer, part, now);
    assert.deepEqual(download.requests(now + pause - 1), []);
    now += pause;
  }
  assert.equal(download.requests(now).length, METADATA.requestsPerPeer);
});

Deno.test("MetadataDownload asks others when a peer leaves", () => {
  const download = downloadFrom("a", "b");
  download.requests(0);
  download.peerClosed("a");
  assert.equal(told(download.requests(1)), "b0 b1");
});

Deno.test("MetadataDownload takes up another length when nobody of the first one is left", () => {
  const download = new MetadataDownload<string>(infoHash);
  download.offered("X", rawInfo.length + 1);
  assert.equal(download.requests(0).length, METADATA.requestsPerPeer);
  download.offered("a", rawInfo.length);
  assert.deepEqual(download.requests(0), []);
  download.peerClosed("X");
  assert.equal(answerAll(download).kind, "complete");
});

/** Virtual ms until the metadata is whole, when only those with small letters answer, and at once; at most a minute. */
function timeUntilWhole(download: MetadataDownload<string>, start = 0): number {
  for (let now = start; now < 60_000; now += 100) {
    for (let requests = download.requests(now); requests.length > 0; requests = download.requests(now)) {
      for (const { peer, part } of requests) {
        if (peer.startsWith("silent")) continue;
        const whole = peer === peer.toUpperCase() ? wrongInfo : rawInfo;
        const { kind } = download.dataReceived(peer, part, whole.length, partOf(whole, part));
        if (kind === "complete") return now - start;
      }
    }
  }
  return Infinity;
}

const SILENT = Array.from({ length: 119 }, (_, i) => `silent ${i}`);

Deno.test("MetadataDownload finds the one that answers among a hundred that only offer, in seconds", () => {
  const ms = timeUntilWhole(downloadFrom(...SILENT, "a"));
  assert.ok(ms < 2_500, `${ms} ms`);
});

Deno.test("MetadataDownload is held up by no length that silent peers offer, be it one for all or one for each", () => {
  for (const lengthOf of [() => METADATA.maxBytes, (i: number) => METADATA.maxBytes - i]) {
    const download = new MetadataDownload<string>(infoHash);
    SILENT.forEach((peer, i) => download.offered(peer, lengthOf(i)));
    download.offered("a", rawInfo.length);
    const ms = timeUntilWhole(download);
    assert.ok(ms < 2_500, `${ms} ms`);
  }
});

Deno.test("MetadataDownload is held up by no silent peers when it goes on one by one", () => {
  const ms = timeUntilWhole(downloadFrom("A", "b", ...SILENT));
  assert.ok(ms < 2_500, `${ms} ms`);
});

Deno.test("MetadataDownload holds little of what many peers send in part, and is not held up by that", () => {
  const download = new MetadataDownload<string>(infoHash);
  const liars = SILENT.slice(0, 16);
  liars.forEach((name, i) => download.offered(name, METADATA.maxBytes - i));
  const bytes = new Uint8Array(METADATA_PART_LENGTH);
  let most = 0;
  for (let round = 0; round < 2_000; round++) {
    for (const { peer, part } of download.requests(round)) {
      const length = METADATA.maxBytes - liars.indexOf(peer);
      if ((part + 1) * METADATA_PART_LENGTH < length) download.dataReceived(peer, part, length, bytes);
    }
    most = Math.max(most, download.heldBytes);
  }
  assert.ok(most > METADATA.maxBytes && most <= METADATA.maxHeldBytes, `${most} bytes`);
  download.offered("a", rawInfo.length);
  const ms = timeUntilWhole(download, 2_000);
  assert.ok(ms < 2_500, `${ms} ms`);
});

Deno.test("MetadataDownload has no use for parts from strangers, of another length or out of range", () => {
  const download = downloadFrom("a");
  download.requests(0);
  const bytes = partOf(rawInfo, 0);
  assert.equal(download.dataReceived("z", 0, rawInfo.length, bytes).kind, "unneeded");
  assert.equal(download.dataReceived("a", 0, rawInfo.length + 1, bytes).kind, "unneeded");
  assert.equal(download.dataReceived("a", PARTS, rawInfo.length, bytes).kind, "unneeded");
});

Deno.test("MetadataUpload serves every part, and rejects those it lacks", () => {
  const upload = new MetadataUpload(rawInfo);
  const peer = {};
  for (let part = 0; part < PARTS; part++) {
    const bytes = partOf(rawInfo, part);
    assert.deepEqual(parseMetadataMessage(upload.reply(peer, part)), {
      type: "data",
      part,
      totalLength: rawInfo.length,
      bytes,
    });
  }
  assert.deepEqual(parseMetadataMessage(upload.reply(peer, PARTS)), { type: "reject", part: PARTS });
});

Deno.test("MetadataUpload rejects a peer that asks without end", () => {
  const upload = new MetadataUpload(rawInfo);
  const [greedy, modest] = [{}, {}];
  for (let i = 0; i < PARTS * METADATA.servesPerPeer; i++) upload.reply(greedy, 0);
  assert.equal(parseMetadataMessage(upload.reply(greedy, 0))?.type, "reject");
  assert.equal(parseMetadataMessage(upload.reply(modest, 0))?.type, "data");
});
