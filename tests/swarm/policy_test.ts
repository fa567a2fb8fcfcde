import assert from "node:assert/strict";
import { type Choices, DEFAULT_CHOICES, Policy } from "../../lib/swarm/policy.ts";

Deno.test("Policy of a torrent holds over that of the process, and ends where it is taken back", () => {
  const process = new Policy(DEFAULT_CHOICES, { uploadSlots: 7, maxUpload: 1_000 });
  const torrent = new Policy(process, { downloadSources: 2 });
  assert.deepEqual([torrent.uploadSlots, torrent.downloadSources, torrent.rechokeMs], [7, 2, 30_000]);
  process.change({ uploadSlots: 8, downloadSources: 9, peerExchange: false, superSeeds: true });
  assert.deepEqual([torrent.uploadSlots, torrent.downloadSources], [8, 2]);
  assert.deepEqual([torrent.peerExchange, torrent.superSeeds], [false, true]);
  torrent.change({ downloadSources: undefined, rechokeMs: 5 });
  assert.deepEqual([torrent.downloadSources, torrent.rechokeMs, process.rechokeMs], [9, 5, 30_000]);
  assert.deepEqual(torrent.own, { rechokeMs: 5 });
});

Deno.test("Policy keeps the limits of a torrent apart from those of the process", () => {
  const process = new Policy(DEFAULT_CHOICES, { maxUpload: 1_000 });
  const torrent = new Policy(process, { maxDownload: 10 });
  assert.deepEqual([torrent.maxUpload, torrent.maxDownload], [Infinity, 10]);
  assert.deepEqual([process.maxUpload, process.maxDownload], [1_000, Infinity]);
});

Deno.test("Policy refuses what makes no sense, and stays as it was", () => {
  const policy = new Policy(DEFAULT_CHOICES, { uploadSlots: 3 });
  const bad: Partial<Choices>[] = [
    { uploadSlots: 0 },
    { uploadSlots: 1.5 },
    { downloadSources: 1_001 },
    { downloadSources: NaN },
    { maxUpload: 0 },
    { maxDownload: -1 },
    { maxDownload: NaN },
    { rechokeMs: 0 },
  ];
  for (const choices of bad) {
    assert.throws(() => policy.change({ superSeeds: true, ...choices }), RangeError, JSON.stringify(choices));
  }
  assert.deepEqual(policy.own, { uploadSlots: 3 });
});
